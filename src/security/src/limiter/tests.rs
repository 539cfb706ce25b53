use super::*;
use gsm_core::Millis;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn limiter(limit: u32, window: u64, keys_max: usize) -> Limiter<u8> {
    Limiter::new(Rate::new(limit, Millis::new(window)).unwrap(), keys_max, 9)
}
fn passes(decision: Decision) -> bool {
    matches!(decision, Decision::Allow { .. })
}
/// How many of `n` requests of key 1 pass at `now`.
fn burst(limiter: &mut Limiter<u8>, n: usize, now: u64) -> usize {
    (0..n).filter(|_| passes(limiter.check(&1, now))).count()
}

/// The slow twin: every admitted time of a key, for ever.
#[derive(Default)]
struct Twin(BTreeMap<u8, Vec<u64>>);

impl Twin {
    fn used(&self, key: u8, now: u64, window: u64) -> usize {
        self.0.get(&key).map_or(0, |times| times.iter().filter(|&&t| now - t <= window).count())
    }
    fn admit(&mut self, key: u8, now: u64) {
        self.0.entry(key).or_default().push(now);
    }
}

#[test]
fn a_place_is_free_one_millisecond_after_the_window() {
    let mut l = limiter(2, 1_000, 10);
    assert_eq!(l.check(&1, 0), Decision::Allow { remaining: 1, reset_ms: 1_001 });
    assert_eq!(l.check(&1, 400), Decision::Allow { remaining: 0, reset_ms: 601 });
    assert_eq!(l.check(&1, 1_000), Decision::Deny { retry_after_ms: 1 });
    assert_eq!(l.check(&1, 1_001), Decision::Allow { remaining: 0, reset_ms: 400 });
    assert_eq!(l.check(&1, 1_001), Decision::Deny { retry_after_ms: 400 });
    assert_eq!(l.check(&1, 1_401), Decision::Allow { remaining: 0, reset_ms: 601 });
}

#[test]
fn keys_do_not_share_a_limit() {
    let mut l = limiter(1, 1_000, 10);
    assert!(passes(l.check(&1, 0)) && passes(l.check(&2, 0)) && !passes(l.check(&1, 0)));
}

#[test]
fn refused_requests_do_not_count() {
    let mut l = limiter(3, 1_000, 10);
    assert_eq!(burst(&mut l, 100, 0), 3);
    assert_eq!(burst(&mut l, 100, 1_000), 0);
    assert_eq!(burst(&mut l, 100, 1_001), 3);
}

#[test]
fn a_clock_stepping_back_stands_still() {
    let mut l = limiter(1, 1_000, 10);
    assert!(passes(l.check(&1, 5_000)));
    assert_eq!(l.check(&1, 0), Decision::Deny { retry_after_ms: 1_001 });
    assert!(passes(l.check(&2, 0)));
    assert_eq!(l.check(&2, 5_001), Decision::Deny { retry_after_ms: 1_000 });
}

#[test]
fn a_full_table_refuses_newcomers_until_a_window_has_passed() {
    let mut l = limiter(1, 1_000, 2);
    assert!(passes(l.check(&1, 0)) && passes(l.check(&2, 300)));
    assert_eq!(l.check(&3, 400), Decision::Deny { retry_after_ms: 601 });
    assert_eq!(l.check(&1, 1_000), Decision::Deny { retry_after_ms: 1 }); // not forgotten
    assert!(passes(l.check(&3, 1_001)));
    assert_eq!(l.check(&2, 1_001), Decision::Deny { retry_after_ms: 300 });
    assert_eq!(l.check(&1, 1_001), Decision::Deny { retry_after_ms: 300 });
    assert_eq!(l.keys(), 2);
}

#[test]
fn a_key_that_is_used_is_not_the_one_to_go() {
    let mut l = limiter(5, 1_000, 2);
    assert!(passes(l.check(&1, 0)) && passes(l.check(&2, 100)) && passes(l.check(&1, 900)));
    assert!(passes(l.check(&3, 1_200))); // 2 went, 1 is still counted
    assert_eq!(l.check(&1, 1_200), Decision::Allow { remaining: 3, reset_ms: 701 });
}

#[test]
fn no_room_for_keys_is_room_for_one() {
    let mut l = limiter(1, 1_000, 0);
    assert!(passes(l.check(&1, 0)) && !passes(l.check(&2, 0)));
}

#[test]
fn idle_keys_go_as_new_ones_come() {
    let mut l = limiter(5, 1_000, 1_000);
    (0..100).for_each(|key| assert!(passes(l.check(&key, 0))));
    (100..150).for_each(|key| assert!(passes(l.check(&key, 2_000))));
    assert_eq!((l.keys(), l.slots.len()), (50, 100));
}

#[test]
fn times_survive_months() {
    let month = 30 * 24 * 3_600_000;
    let mut l = limiter(3, 1_000, 10);
    for start in (0..6).map(|i| i * month).chain([u64::MAX / 2]) {
        assert_eq!((burst(&mut l, 2, start), burst(&mut l, 9, start + 500)), (2, 1));
        assert_eq!((burst(&mut l, 9, start + 1_000), burst(&mut l, 9, start + 1_001)), (0, 2));
    }
    // The very request at which times are moved sees the window before.
    let mut l = limiter(3, 1_000, 10);
    let turn = u64::from(u32::MAX / 2);
    assert_eq!((burst(&mut l, 2, turn - 900), burst(&mut l, 9, turn)), (2, 1));
    assert_eq!((burst(&mut l, 9, turn + 1), l.epoch_ms), (0, turn - 1_000));
    assert_eq!((burst(&mut l, 9, turn + 101), burst(&mut l, 9, turn + 1_001)), (2, 1));
}

#[test]
fn a_steady_overload_gets_at_least_99_percent() {
    let window = 10_000;
    for (limit, per_ms) in [(513, 1), (600, 3), (2_000, 1), (2_000, 2), (20_000, 5)] {
        let mut l = limiter(limit, window, 10);
        let windows = 20;
        let passed: usize = (0..windows * window).map(|now| burst(&mut l, per_ms, now)).sum();
        let share = passed as f64 / (f64::from(limit) * windows as f64);
        assert!((0.99..=1.0).contains(&share), "limit {limit}, {per_ms} a ms: {share}");
    }
}

fn rate(limit: u32, window: u64) -> Rate {
    Rate::new(limit, Millis::new(window)).unwrap()
}

#[test]
fn another_limit_finds_what_was_counted() {
    let mut l = limiter(3, 1_000, 10);
    assert_eq!((burst(&mut l, 2, 0), burst(&mut l, 9, 100)), (2, 1));
    l.set_rate(rate(4, 1_000));
    assert_eq!(burst(&mut l, 9, 200), 1);
    l.set_rate(rate(2, 1_000));
    // Three of the four must be gone.
    assert_eq!(l.check(&1, 300), Decision::Deny { retry_after_ms: 801 });
    assert_eq!((burst(&mut l, 9, 1_100), burst(&mut l, 9, 1_101)), (0, 1));
    l.set_rate(rate(3, 1_000));
    assert_eq!((burst(&mut l, 9, 1_101), burst(&mut l, 9, 1_201)), (1, 1));
}

#[test]
fn another_window_finds_what_is_remembered() {
    let mut l = limiter(2, 1_000, 10);
    assert_eq!(burst(&mut l, 9, 0), 2);
    l.set_rate(rate(2, 2_000));
    assert_eq!((burst(&mut l, 9, 2_000), burst(&mut l, 9, 2_001)), (0, 2));
    l.set_rate(rate(2, 100));
    assert_eq!((burst(&mut l, 9, 2_101), burst(&mut l, 9, 2_102)), (0, 2));
}

#[test]
fn groups_and_single_times_become_each_other() {
    for (from, to) in [(500, 600), (600, 500), (2_000, 600), (600, 2_000), (100_000, 10), (10, 100_000)] {
        let mut l = limiter(from, 1_000, 10);
        let passed = burst(&mut l, from as usize - 5, 0);
        l.set_rate(rate(to, 1_000));
        let more = burst(&mut l, 100_010, 900);
        assert_eq!(passed + more, passed.max(to as usize), "{from} to {to}");
        l.set_rate(rate(from, 1_000));
        assert!(passed + more + burst(&mut l, 100_010, 950) <= from.max(to) as usize);
        // All is gone, and the rate is what it would be from the start.
        l.set_rate(rate(to, 1_000));
        assert_eq!(burst(&mut l, 100_010, 9_000), to as usize);
        assert!(passes(l.check(&2, 20_000)), "{from} to {to}");
        assert_eq!(l.group, rate(to, 1_000).group());
    }
    // More than a key may keep the times of: it counts by larger groups until nothing is left of it.
    let mut l = limiter(1_000_000, 1_000, 10);
    assert_eq!(burst(&mut l, 900_000, 0), 900_000);
    l.set_rate(rate(10, 1_000));
    assert_eq!((l.group, burst(&mut l, 9, 1_000)), (28, 0));
    assert_eq!((burst(&mut l, 20, 1_001), burst(&mut l, 20, 9_000)), (10, 10));
    assert!(passes(l.check(&2, 20_000)) && l.group == 1);
}

#[test]
fn a_slot_takes_48_bytes() {
    assert_eq!(size_of::<Slot<crate::Key>>(), 48);
}

/// Steps forward (mostly small, at times beyond the window) and keys.
fn requests(keys: u8, step_max: u64) -> impl Strategy<Value = Vec<(u64, u8)>> {
    let step = prop_oneof![8 => 0..=step_max, 1 => 0..300u64];
    prop::collection::vec((step, 0..keys), 1..400)
}

proptest! {
    #[test]
    fn the_exact_limiter_is_the_brute_force_one(requests in requests(4, 5), limit in 1u32..20, window in 1u64..100) {
        let (mut l, mut twin, mut now) = (limiter(limit, window, 100), Twin::default(), 0);
        for (step, key) in requests {
            now += step;
            let used = twin.used(key, now, window);
            let peeked = l.peek(&key, now);
            let decision = l.check(&key, now);
            prop_assert_eq!(peeked, decision);
            match decision {
                Decision::Allow { remaining, .. } => {
                    prop_assert_eq!(remaining as usize + used + 1, limit as usize);
                    twin.admit(key, now);
                }
                Decision::Deny { retry_after_ms } => {
                    prop_assert_eq!(used, limit as usize);
                    let free = (now..).find(|&t| twin.used(key, t, window) < limit as usize).unwrap();
                    prop_assert_eq!(now + retry_after_ms, free);
                }
            }
        }
    }

    #[test]
    fn the_grouped_limiter_is_never_above_and_one_percent_below(
        steps in prop::collection::vec((0u64..60, 1usize..200), 1..25), limit in 513u32..1_500, window in 1u64..400,
    ) {
        let (mut l, mut twin, mut now) = (limiter(limit, window, 10), Twin::default(), 0);
        for (step, n) in steps {
            now += step;
            for _ in 0..n {
                let used = twin.used(1, now, window) as u32;
                match l.check(&1, now) {
                    Decision::Allow { remaining, .. } => {
                        prop_assert!(used < limit && remaining < limit - used);
                        twin.admit(1, now);
                    }
                    Decision::Deny { retry_after_ms } => {
                        prop_assert!(used >= limit - limit / 100, "{} of {}", used, limit);
                        prop_assert!(passes(l.peek(&1, now)) == (retry_after_ms == 0));
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn limits_that_change_are_the_brute_force_ones(
        requests in requests(4, 5), limits in prop::collection::vec((1usize..40, 1u32..20), 1..12), window in 1u64..100,
    ) {
        let (mut l, mut twin, mut now) = (limiter(limits[0].1, window, 100), Twin::default(), 0);
        let mut limits = limits.iter().flat_map(|&(n, limit)| std::iter::repeat_n(limit, n)).cycle();
        for (step, key) in requests {
            now += step;
            let limit = limits.next().unwrap();
            l.set_rate(Rate::new(limit, Millis::new(window)).unwrap());
            let used = twin.used(key, now, window);
            match l.check(&key, now) {
                Decision::Allow { remaining, .. } => {
                    prop_assert_eq!(remaining as usize + used + 1, limit as usize);
                    twin.admit(key, now);
                }
                Decision::Deny { retry_after_ms } => {
                    prop_assert!(used >= limit as usize);
                    let free = (now..).find(|&t| twin.used(key, t, window) < limit as usize).unwrap();
                    prop_assert_eq!(now + retry_after_ms, free);
                }
            }
        }
    }

    #[test]
    fn no_change_of_rates_lets_one_too_many_pass(
        steps in prop::collection::vec((0u64..60, 1usize..300, prop_oneof![1u32..600, 500u32..3_000]), 1..25), window in 1u64..400,
    ) {
        let (mut l, mut twin, mut now) = (limiter(steps[0].2, window, 10), Twin::default(), 0);
        for (step, n, limit) in steps {
            now += step;
            l.set_rate(Rate::new(limit, Millis::new(window)).unwrap());
            for _ in 0..n {
                let used = twin.used(1, now, window);
                if let Decision::Allow { remaining, .. } = l.check(&1, now) {
                    prop_assert!(used + (remaining as usize) < limit as usize);
                    twin.admit(1, now);
                }
            }
        }
    }

    #[test]
    fn a_full_table_never_lets_anyone_above_the_limit(
        requests in requests(8, 12), limit in 1u32..4, window in 1u64..100, keys_max in 1usize..6,
    ) {
        let (mut l, mut twin, mut now) = (limiter(limit, window, keys_max), Twin::default(), 0);
        for (step, key) in requests {
            now += step;
            let live: BTreeSet<u8> = (0..8).filter(|&k| twin.used(k, now, window) > 0).collect();
            let room = live.contains(&key) || live.len() < keys_max;
            let expected = room && twin.used(key, now, window) < limit as usize;
            prop_assert_eq!(passes(l.peek(&key, now)), expected);
            prop_assert_eq!(passes(l.check(&key, now)), expected);
            prop_assert!(l.keys() <= keys_max);
            if expected { twin.admit(key, now); }
        }
    }

    #[test]
    fn the_seed_changes_no_decision(requests in requests(8, 12), seed in any::<u64>()) {
        let (mut a, mut b, mut now) = (limiter(3, 50, 4), limiter(3, 50, 4), 0);
        b.seed = seed;
        for (step, key) in requests {
            now += step;
            prop_assert_eq!(a.check(&key, now), b.check(&key, now));
        }
    }
}
