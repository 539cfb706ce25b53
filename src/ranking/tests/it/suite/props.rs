use super::twin::{Naming, Twin};
use gsm_core::Timestamp;
use gsm_ranking::{
    Board, Change, DenseIds, Direction, Keys, Mark, Order, PlayerIds, Ranked, Ties, Visibility,
};
use proptest::{collection::vec, prelude::*, sample::select};

#[derive(Debug, Clone)]
enum Op {
    /// `lag` makes a version that may be known already.
    Set {
        player: u64,
        keys: [i64; 5],
        at: i64,
        lag: u64,
        eligible: bool,
    },
    Remove {
        player: u64,
        lag: u64,
    },
    See {
        player: u64,
        visibility: Visibility,
    },
    Check {
        seed: u64,
    },
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    /// A few, so that most are tied.
    Few,
    /// All over `i64`: a board of one column goes over to wide keys at the second player.
    Any,
    /// The ends of `i64` and of what is narrow, and some between.
    Ends,
}

impl Numbers {
    fn keys(self) -> BoxedStrategy<i64> {
        let narrow = i64::from(i32::MAX);
        let ends = [
            i64::MIN,
            i64::MIN + 1,
            -narrow - 2,
            -narrow,
            -1,
            0,
            1,
            narrow - 1,
            narrow,
            i64::MAX - 1,
            i64::MAX,
        ];
        match self {
            Self::Few => (-3..4i64).boxed(),
            Self::Any => any::<i64>().boxed(),
            Self::Ends => select(ends.to_vec()).boxed(),
        }
    }

    fn times(self) -> BoxedStrategy<i64> {
        let narrow = 1i64 << 43;
        let ends =
            [i64::MIN, -narrow, 1 - narrow, -1, 0, 1, narrow - 2, narrow - 1, narrow, i64::MAX - 1, i64::MAX];
        match self {
            Self::Few => (-1..3i64).boxed(),
            Self::Any | Self::Ends => select(ends.to_vec()).boxed(),
        }
    }
}

/// Mostly growing or mostly shrinking; `removes` in 100.
fn ops(players: u64, numbers: Numbers, removes: u32, len: usize) -> impl Strategy<Value = Vec<Op>> {
    let lag = prop_oneof![9 => Just(0), 1 => 0..2_000u64];
    let keys = [0; 5].map(|_| numbers.keys());
    let set = (0..players, keys, numbers.times(), lag.clone(), prop::bool::weighted(0.9));
    let set = set.prop_map(|(player, keys, at, lag, eligible)| Op::Set { player, keys, at, lag, eligible });
    let remove = (0..players, lag).prop_map(|(player, lag)| Op::Remove { player, lag });
    let visibility = select(vec![Visibility::Shown, Visibility::Hidden, Visibility::Shadow]);
    let see = (0..players, visibility).prop_map(|(player, visibility)| Op::See { player, visibility });
    let check = any::<u64>().prop_map(|seed| Op::Check { seed });
    let op = prop_oneof![900 - 8 * removes => set, 8 * removes => remove, 95 => see, 5 => check];
    vec(op, 0..len)
}

fn orders() -> impl Strategy<Value = Order> {
    let directions = vec(select(vec![Direction::Ascending, Direction::Descending]), 1..6);
    let ties = select(vec![Ties::Competition, Ties::Dense, Ties::Ordinal]);
    (prop_oneof![2 => Just(vec![Direction::Descending]), 3 => directions], ties)
        .prop_map(|(directions, ties)| Order::new(&directions, ties).unwrap())
}

fn apply<I: Naming>(board: &mut Ranked<I>, twin: &mut Twin<I>, round: u64, op: Op) {
    match op {
        Op::Set { player, keys, at, lag, eligible } => {
            // Now and then a version that is not narrow.
            let version = round.saturating_sub(lag) + if round % 512 == 511 { 1 << 33 } else { 0 };
            let mark = Mark { eligible, ..Mark::new(keys, Timestamp::from_millis(at), version) };
            board.look_at(I::named(player), &mark);
            assert_eq!(board.set(I::named(player), mark), twin.set(I::named(player), mark));
        }
        Op::Remove { player, lag } => {
            let version = round.saturating_sub(lag);
            assert_eq!(board.remove(I::named(player), version), twin.remove(I::named(player), version));
        }
        Op::See { player, visibility } => {
            board.set_visibility(I::named(player), visibility);
            twin.set_visibility(I::named(player), visibility);
        }
        Op::Check { seed } => twin.check(board, seed),
    }
}

fn check<I: Naming>(order: Order, phases: [Vec<Op>; 3]) {
    let (mut board, mut twin) = (Ranked::<I>::new(order), Twin::new(order));
    for (round, op) in (1u64..).zip(phases.into_iter().flatten()) {
        apply(&mut board, &mut twin, round, op);
    }
    twin.check(&board, 5);
    let rebuilt = Ranked::with_marks(order, twin.marks());
    twin.forget_all_but_marks();
    twin.check(&rebuilt, 6);
}

fn phases(players: u64, numbers: [Numbers; 3], len: usize) -> impl Strategy<Value = [Vec<Op>; 3]> {
    let [grow, thin, mix] = numbers;
    (ops(players, grow, 10, len), ops(players, thin, 90, len), ops(players, mix, 40, len))
        .prop_map(|(grow, thin, mix)| [grow, thin, mix])
}

use Numbers::{Any, Ends, Few};

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_recount_with_many_ties(order in orders(), phases in phases(600, [Few; 3], 1_500)) {
        check::<PlayerIds>(order, phases);
    }

    #[test]
    fn equals_a_recount_with_wide_scores(order in orders(), phases in phases(600, [Any; 3], 1_500)) {
        check::<PlayerIds>(order, phases);
    }

    #[test]
    fn equals_a_recount_at_the_ends_of_i64(order in orders(), phases in phases(300, [Ends; 3], 800)) {
        check::<PlayerIds>(order, phases);
    }

    /// The board goes over to wide keys when it is full of narrow ones.
    #[test]
    fn equals_a_recount_across_widening(order in orders(), phases in phases(300, [Few, Few, Ends], 500)) {
        check::<PlayerIds>(order, phases);
    }

    #[test]
    fn equals_a_recount_with_dense_ids(order in orders(), phases in phases(300, [Few, Few, Any], 800)) {
        check::<DenseIds>(order, phases);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_recount_with_few_players(order in orders(), phases in phases(5, [Few, Few, Ends], 60)) {
        check::<PlayerIds>(order, phases);
    }

    /// Tiny nodes split and merge all the time here, and every read is compared after every change.
    #[test]
    fn equals_a_recount_after_every_change(order in orders(), phases in phases(40, [Few, Ends, Few], 60)) {
        let checked = |op: Op| [op, Op::Check { seed: 3 }];
        check::<PlayerIds>(order, phases.map(|ops| ops.into_iter().flat_map(checked).collect()));
    }

    /// Unsorted, with players more than once, with equal versions.
    #[test]
    fn a_build_is_a_set_for_each(
        order in orders(),
        rows in vec((0..60u64, [Ends.keys(), Few.keys(), Few.keys(), Few.keys(), Few.keys()], Few.times(), 0..4u64), 0..200),
    ) {
        let marks = rows.iter().map(|&(player, keys, at, version)| {
            (PlayerIds::named(player), Mark::new(keys, Timestamp::from_millis(at), version))
        });
        let (mut one_by_one, mut twin) = (Board::new(order), Twin::new(order));
        for (player, mark) in marks.clone() {
            prop_assert_eq!(one_by_one.set(player, mark), twin.set(player, mark));
        }
        let mut built = Board::with_marks(order, marks.clone());
        twin.check(&one_by_one, 4);
        twin.check(&built, 4);
        let mut slots: Vec<u32> = marks.clone().filter_map(|(player, _)| built.slot(player)).collect();
        slots.sort_unstable();
        slots.dedup();
        prop_assert!(slots.len() as u64 == built.kept_len(), "one each");
        prop_assert!(slots.last().is_none_or(|last| (*last as usize) < rows.len()), "below what was added");
        // It also knows the versions: what a set ignores after the build is what it ignores after the sets.
        for (player, mark) in marks {
            prop_assert_eq!(built.set(player, mark), Change::Ignored);
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
            let (player, version) = (PlayerIds::named(player), at as u64);
            let _ = if stays {
                board.set(player, Mark::new(score, Timestamp::from_millis(at as i64), version))
            } else {
                board.remove(player, version)
            };
        };
        let (mut straight, mut shuffled) = (Board::default(), Board::default());
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

    /// Who does not move between two pages is shown exactly once, whatever the others do.
    #[test]
    fn pages_show_once_who_does_not_move(
        scores in vec(-3..4i64, 1..80),
        moves in vec((0..80u64, -3..4i64, any::<bool>()), 0..60),
        limit in 1..9usize,
    ) {
        let mut board = Board::default();
        for (n, &score) in (0..).zip(&scores) {
            board.set(PlayerIds::named(n), Mark::new(score, Timestamp::EPOCH, 1));
        }
        let (mut shown, mut after, mut version) = (Vec::new(), None, 1);
        let mut left = moves.iter();
        loop {
            let page = board.page(after.as_ref(), limit);
            shown.extend(page.rows.iter().map(|row| row.entry.player));
            after = page.next;
            if after.is_none() {
                break;
            }
            for &(n, score, stays) in left.by_ref().take(2) {
                version += 1;
                let keys = Keys::from(score);
                let _ = if stays {
                    board.set(PlayerIds::named(n), Mark::new(keys, Timestamp::from_millis(version), version as u64))
                } else {
                    board.remove(PlayerIds::named(n), version as u64)
                };
            }
        }
        for n in (0..scores.len() as u64).filter(|n| moves.iter().all(|(moved, ..)| moved != n)) {
            prop_assert_eq!(shown.iter().filter(|player| **player == PlayerIds::named(n)).count(), 1);
        }
    }
}

/// Enough players for three levels of the nodes as shipped; ascending, so that the far end grows and the near end
/// is emptied.
#[test]
fn a_large_board_grows_and_shrinks() {
    let (mut board, mut twin) = (Board::default(), Twin::new(Order::SCORE));
    let players = if cfg!(debug_assertions) { 9_000 } else { 20_000 };
    let mark = |n: u64, version| Mark::new((n / 3) as i64, Timestamp::EPOCH, version);
    let id = PlayerIds::named;
    let marks = (0..players).map(|n| (id(n), mark(n, 1)));
    let built = Board::with_marks(Order::SCORE, marks.clone());
    assert!(built.iter().eq(Board::with_marks(Order::SCORE, marks.rev()).iter()));
    for n in 0..players {
        board.set(id(n), mark(n, 1));
    }
    let all = board.top(0, players as usize);
    assert!(all.windows(2).all(|pair| pair[0].rank <= pair[1].rank));
    assert_eq!(all.last().map(|row| row.rank.get()), Some(players - 2));
    for n in (0..players).filter(|n| n % 97 != 0) {
        board.remove(id(n), 2);
        twin.remove(id(n), 2);
    }
    for n in (0..players).filter(|n| n % 97 == 0) {
        twin.set(id(n), mark(n, 1));
    }
    twin.check(&board, 3);
}
