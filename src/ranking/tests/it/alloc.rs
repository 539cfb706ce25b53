//! What a board allocates, by counting. Counters are per thread: tests run beside each other.
#![expect(unsafe_code, reason = "a counting allocator cannot be written without; tests only")]
use gsm_core::{PlayerId, Rank, Timestamp};
use gsm_ranking::{Board, DenseIds, Ids, Mark, Order, PlayerIds, Ranked};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + u64::from(bytes > 0)));
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

fn id(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 17)
}

/// A sum of twelve dice: bell-shaped like ratings, in thousandths.
fn score(n: u64) -> i64 {
    let dice = (0..12).map(|k| (n * 12 + k + 1).wrapping_mul(0xd134_2543_de82_ef95) >> 44);
    dice.sum::<u64>() as i64 / 4
}

fn mark(n: u64, version: u64) -> Mark {
    Mark::new(score(n), Timestamp::from_millis(n as i64), version)
}

fn board(players: u64) -> Board {
    Board::with_marks(Order::SCORE, (0..players).map(|n| (id(n), mark(n, 1))))
}

fn calls<T>(read: impl FnOnce() -> T) -> u64 {
    let before = CALLS.get();
    drop(std::hint::black_box(read()));
    CALLS.get() - before
}

#[test]
fn reads_allocate_only_what_they_return() {
    let board = board(20_000);
    assert_eq!(calls(|| vec![0u8; 9]), 1, "the counter counts");
    assert_eq!(calls(|| board.standing(id(77))), 0);
    assert_eq!(calls(|| board.standings(&[id(77), id(78)])), 1);
    assert_eq!(calls(|| (board.score_for_top(1.0), board.score_at_rank(Rank::after(9)))), 0);
    assert_eq!(calls(|| board.iter().count()), 1);
    assert_eq!(calls(|| board.top(100, 100)), 1);
    assert_eq!(calls(|| board.page(None, 100)), 1);
    assert_eq!(calls(|| board.around(id(77), 10)), 1);
    assert_eq!(calls(|| board.among(&[id(5), id(6), id(6)])), 2, "what was found, and the rows");
    assert_eq!(calls(|| board.histogram(50)), 1);
}

/// Bytes per player: built, and after `3 players` moves of 20 points. Reserved memory counts, used or not.
fn bytes<I: Ids>(players: u64, id: impl Fn(u64) -> I::Id) -> [f64; 2] {
    let before = BYTES.get();
    let held = || (BYTES.get() - before) as f64 / players as f64;
    let mut moved = Ranked::<I>::with_marks(Order::SCORE, (0..players).map(|n| (id(n), mark(n, 1))));
    let built = held();
    for turn in 0..3 * players {
        let n = turn.wrapping_mul(0x2545_f491_4f6c_dd1d) % players;
        let by = if turn % 2 == 0 { 20_000 } else { -20_000 };
        let now = moved.standing(id(n)).map_or(0, |standing| standing.keys.first());
        let _ = moved.set(id(n), Mark::new(now + by, Timestamp::from_millis(turn as i64), turn + 2));
    }
    let churned = held();
    drop(moved);
    assert_eq!(BYTES.get(), before, "a board gives all back");
    [built, churned]
}

#[test]
fn players_who_come_and_go_take_the_same_memory_again() {
    let mut board = board(2_000);
    let mut version = 1;
    let mut come_and_go = |board: &mut Board| {
        for n in 0..2_000 {
            version += 2;
            let _ = board.remove(id(n), version);
            let _ = board.set(id(n), mark(n, version + 1));
        }
        BYTES.get()
    };
    let once = come_and_go(&mut board);
    let often = (0..4).map(|_| come_and_go(&mut board)).max();
    // The list of leaves may double once as the tree settles, by 36,000 bytes. Slots that are not used again would take
    // 60,000 bytes a round.
    assert!(often.is_some_and(|often| often <= once + 60_000), "{often:?} after {once}");
    assert_eq!((board.len(), board.removed()), (2_000, 0));
}

/// Few enough that the chunks which grow with a board are not yet reserved whole: what is left is what each player takes.
#[test]
fn a_player_takes_as_much_as_is_promised() {
    let players = 26_000;
    let [built, churned] = bytes::<PlayerIds>(players, id);
    assert!(built < 54.5 && churned < 58.5, "{built} {churned}");
    let [built, churned] = bytes::<DenseIds>(players, |n| n as u32);
    assert!(built < 32.0 && churned < 36.0, "{built} {churned}");
}
