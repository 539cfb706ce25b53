use super::twin::{Twin, id};
use gsm_core::Timestamp;
use gsm_ranking::{Board, Moved};
use proptest::{collection::vec, prelude::*, sample::select};

#[derive(Debug, Clone)]
enum Op {
    /// `lag` makes a version that may be known already.
    Set {
        player: u64,
        score: i64,
        at: i64,
        lag: u64,
    },
    Remove {
        player: u64,
        lag: u64,
    },
    Check {
        seed: u64,
    },
}

/// Mostly growing or mostly shrinking; `removes` in 100.
fn ops(players: u64, score: BoxedStrategy<i64>, removes: u32, len: usize) -> impl Strategy<Value = Vec<Op>> {
    let lag = prop_oneof![9 => Just(0), 1 => 0..2_000u64];
    let set = (0..players, score, 0..3i64, lag.clone()).prop_map(|(player, score, at, lag)| Op::Set {
        player,
        score,
        at,
        lag,
    });
    let remove = (0..players, lag).prop_map(|(player, lag)| Op::Remove { player, lag });
    let check = any::<u64>().prop_map(|seed| Op::Check { seed });
    let op = prop_oneof![995 - 9 * removes => set, 9 * removes => remove, 5 => check];
    vec(op, 0..len)
}

fn check(phases: [Vec<Op>; 3]) {
    let (mut board, mut twin) = (Board::new(), Twin::default());
    for (round, op) in (1u64..).zip(phases.into_iter().flatten()) {
        match op {
            Op::Set { player, score, at, lag } => {
                let version = round.saturating_sub(lag);
                let moved = board.set(id(player), score, Timestamp::from_millis(at), version);
                assert_eq!(moved, twin.set(id(player), score, at, version));
            }
            Op::Remove { player, lag } => {
                let version = round.saturating_sub(lag);
                assert_eq!(board.remove(id(player), version), twin.remove(id(player), version));
            }
            Op::Check { seed } => twin.check(&board, seed),
        }
    }
    twin.check(&board, 5);
    let rebuilt = Board::with_entries(twin.entries());
    twin.forget_removed();
    twin.check(&rebuilt, 6);
}

/// The first and last scores there are, and a few between.
fn ends() -> BoxedStrategy<i64> {
    select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]).boxed()
}

fn phases(players: u64, score: BoxedStrategy<i64>, len: usize) -> impl Strategy<Value = [Vec<Op>; 3]> {
    let phase = move |removes| ops(players, score.clone(), removes, len);
    (phase(10), phase(90), phase(40)).prop_map(|(grow, thin, mix)| [grow, thin, mix])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_recount_with_many_ties(phases in phases(900, (-3..4i64).boxed(), 2_500)) { check(phases); }

    #[test]
    fn equals_a_recount_with_wide_scores(phases in phases(900, any::<i64>().boxed(), 2_500)) { check(phases); }

    #[test]
    fn equals_a_recount_at_the_ends_of_i64(phases in phases(300, ends(), 800)) { check(phases); }

    #[test]
    fn equals_a_recount_with_few_players(phases in phases(5, (-3..4i64).boxed(), 200)) { check(phases); }

    /// Tiny nodes split and merge all the time here, and every read is compared after every change.
    #[test]
    fn equals_a_recount_after_every_change(phases in phases(40, prop_oneof![ends(), (-3..4i64).boxed()].boxed(), 60)) {
        let checked = |op: Op| [op, Op::Check { seed: 3 }];
        check(phases.map(|ops| ops.into_iter().flat_map(checked).collect()));
    }

    /// Unsorted, with players more than once, with equal versions.
    #[test]
    fn a_build_is_a_set_for_each(
        rows in vec((0..60u64, prop_oneof![ends(), (-3..4i64).boxed()], ends(), 0..4u64), 0..200),
    ) {
        let mut one_by_one = Board::new();
        let mut twin = Twin::default();
        for &(player, score, at, version) in &rows {
            let _ = one_by_one.set(id(player), score, Timestamp::from_millis(at), version);
            twin.set(id(player), score, at, version);
        }
        let built = Board::with_entries(
            rows.iter().map(|&(player, score, at, version)| (id(player), score, Timestamp::from_millis(at), version)),
        );
        twin.check(&one_by_one, 4);
        twin.check(&built, 4);
        // It also knows the versions: what a set ignores after the build is what it ignores after the sets.
        let mut built = built;
        for &(player, score, at, version) in &rows {
            prop_assert_eq!(built.set(id(player), score, Timestamp::from_millis(at), version), Moved::Ignored);
        }
    }

    /// The order of changes and their repetition do not matter, only versions do.
    #[test]
    fn order_of_arrival_does_not_matter(
        changes in vec((0..9u64, 0..4i64, any::<bool>()), 0..60),
        order in vec(any::<prop::sample::Index>(), 0..120),
    ) {
        let apply = |board: &mut Board, at: usize| {
            let (player, score, stays) = changes[at];
            let version = at as u64;
            let _ = if stays {
                board.set(id(player), score, Timestamp::from_millis(at as i64), version)
            } else {
                board.remove(id(player), version)
            };
        };
        let (mut straight, mut shuffled) = (Board::new(), Board::new());
        for at in 0..changes.len() {
            apply(&mut straight, at);
        }
        if !changes.is_empty() {
            order.iter().for_each(|index| apply(&mut shuffled, index.index(changes.len())));
        }
        (0..changes.len()).rev().for_each(|at| apply(&mut shuffled, at));
        prop_assert!(straight.iter().eq(shuffled.iter()));
        prop_assert_eq!(straight.removed(), shuffled.removed());
    }
}

/// Enough players for three levels of the nodes as shipped; ascending, so that the far end grows and the near end
/// is emptied.
#[test]
fn a_large_board_grows_and_shrinks() {
    let (mut board, mut twin) = (Board::new(), Twin::default());
    let players = if cfg!(debug_assertions) { 9_000 } else { 20_000 };
    let score = |n: u64| (n / 3) as i64;
    let entries = (0..players).map(|n| (id(n), score(n), Timestamp::EPOCH, 1));
    assert!(Board::with_entries(entries.clone()).iter().eq(Board::with_entries(entries.rev()).iter()));
    for n in 0..players {
        board.set(id(n), score(n), Timestamp::EPOCH, 1);
    }
    let all = board.top(0, players as usize);
    assert!(all.windows(2).all(|pair| pair[0].rank <= pair[1].rank));
    assert_eq!(all.last().map(|row| row.rank.get()), Some(players - 2));
    for n in (0..players).filter(|n| n % 97 != 0) {
        board.remove(id(n), 2);
        twin.remove(id(n), 2);
    }
    for n in (0..players).filter(|n| n % 97 == 0) {
        twin.set(id(n), score(n), 0, 1);
    }
    twin.check(&board, 3);
}
