//! What a limiter holds, by counting. The counter is per thread: tests run beside each other.
#![expect(unsafe_code, reason = "a counting allocator cannot be written without; tests only")]
use gsm_core::Millis;
use gsm_security::{Decision, Key, Limiter, Rate};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    let _ = BYTES.try_with(|held| held.set(held.get() + bytes));
}

struct Counting;

// SAFETY: passes everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn limiter(limit: u32, keys_max: usize) -> Limiter<Key> {
    Limiter::new(Rate::new(limit, Millis::from_secs(60)).unwrap(), keys_max, 7)
}

/// Bytes a key of a limiter that lets `keys` keys make `requests` requests each in one window.
fn bytes(limit: u32, keys: usize, requests: u64) -> f64 {
    let before = BYTES.get();
    let mut limiter = limiter(limit, keys);
    for now in 0..requests {
        for key in 0..keys {
            let decision = limiter.check(&Key::from_u128(key as u128), now);
            assert!(matches!(decision, Decision::Allow { .. }));
        }
    }
    (BYTES.get() - before) as f64 / keys as f64
}

fn check(limit: u32, requests: u64, most: f64) {
    // Just before the index doubles and just after.
    for keys in [3_500, 3_700] {
        let measured = bytes(limit, keys, requests);
        assert!((48.0..=most).contains(&measured), "{keys} keys, {requests} of {limit}: {measured}");
    }
}

#[test]
fn a_key_takes_what_the_docs_say() {
    check(60, 1, 48.0 * 1.25 + 15.0);
    check(60, 60, 48.0 * 1.25 + 15.0 + 60.0 * 4.0);
    // Groups above the limit of exactness: 1 % of the limit or less leaves together.
    check(10_000, 150, 48.0 * 1.25 + 15.0 + 16.0 * 4.0);
}

/// A flood of keys, each seen once: the table is full, and stays as it is.
#[test]
fn a_flood_of_keys_takes_no_more_memory_than_a_full_table() {
    let before = BYTES.get();
    let mut limiter = limiter(5, 1_000);
    let mut held = 0;
    for key in 0..200_000u128 {
        // A window passes for every 1,000 keys.
        let _ = limiter.check(&Key::from_u128(key), key as u64 * 61);
        held = held.max(BYTES.get() - before);
    }
    assert!(limiter.keys() <= 1_000);
    assert!(held <= 1_000 * 85, "{held}");
    drop(limiter);
    assert_eq!(BYTES.get(), before, "a limiter gives all back");
}

#[test]
fn times_of_forgotten_keys_are_given_back() {
    let before = BYTES.get();
    let mut limiter = limiter(60, 1_000);
    for turn in 0..60_000u128 {
        let _ = limiter.check(&Key::from_u128(turn % 1_000), 0);
    }
    let full = BYTES.get() - before;
    // Each newcomer after the window takes the places of two.
    for key in 0..500u128 {
        let _ = limiter.check(&Key::from_u128(10_000 + key), 120_000);
    }
    let held = BYTES.get() - before;
    assert!(full > 1_000 * 60 * 4 && held <= 1_000 * 80, "{full} then {held}");
}
