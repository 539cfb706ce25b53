use super::world::World;
use gsm_ranking::Past;
use proptest::{collection::vec, prelude::*, sample::select};

#[derive(Debug, Clone)]
enum Op {
    /// Clocks go on by `on` and this one is behind by `behind`.
    Step {
        player: u64,
        on: i64,
        behind: i64,
        score: Option<i64>,
    },
    /// Steps in bulk, each `on` after the other.
    Bulk {
        players: Vec<u64>,
        on: i64,
        score: i64,
    },
    Void {
        player: u64,
        from: usize,
        by: i64,
    },
    Check,
}

fn ops(players: u64, score: BoxedStrategy<i64>, late: u32) -> impl Strategy<Value = Vec<Op>> {
    let behind = prop_oneof![20 => 0..3i64, late => 0..400i64];
    let step = (0..players, 0..3i64, behind, prop::option::weighted(0.9, score.clone()))
        .prop_map(|(player, on, behind, score)| Op::Step { player, on, behind, score });
    let bulk = (vec(0..players, 0..70), 0..2i64, score).prop_map(|(players, on, score)| Op::Bulk {
        players,
        on,
        score,
    });
    let void =
        (0..players, 0..40usize, -3..4i64).prop_map(|(player, from, by)| Op::Void { player, from, by });
    let op = prop_oneof![
        400 => step,
        4 => bulk,
        1 + 2 * late => void,
        1 => Just(Op::Check),
    ];
    vec(op, 0..900)
}

fn check(ops: Vec<Op>) {
    let mut world = World::default();
    let mut now = 0;
    for op in ops {
        match op {
            Op::Step { player, on, behind, score } => {
                now += on;
                let step = world.step(player, now - behind, score);
                world.past.append(step);
            }
            Op::Bulk { players, on, score } => {
                let mut steps = Vec::new();
                for (turn, player) in (0i64..).zip(players) {
                    now += on;
                    steps.push(world.step(player, now, Some(score.saturating_add(turn % 5))));
                }
                world.past.extend(steps);
            }
            Op::Void { player, from, by } => world.void(player, from, by),
            Op::Check => world.check(7),
        }
    }
    world.check(3);
}

fn ends() -> BoxedStrategy<i64> {
    select(vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_recount_with_many_ties(ops in ops(30, (-3..4i64).boxed(), 1)) { check(ops); }

    #[test]
    fn equals_a_recount_with_wide_scores(ops in ops(200, any::<i64>().boxed(), 1)) { check(ops); }

    #[test]
    fn equals_a_recount_at_the_ends_of_i64(ops in ops(20, ends(), 2)) { check(ops); }

    #[test]
    fn equals_a_recount_where_much_is_late_or_voided(ops in ops(12, (-9..10i64).boxed(), 20)) { check(ops); }

    #[test]
    fn equals_a_recount_with_few_players(ops in ops(2, (-2..3i64).boxed(), 3)) { check(ops); }

    /// In bulk or one by one, the answers are those of the steps.
    #[test]
    fn a_bulk_build_equals_steps_one_by_one(list in vec((0..40u64, 0..2i64, -50..50i64), 0..600)) {
        let mut world = World::default();
        let mut now = 0;
        let steps: Vec<_> = list
            .into_iter()
            .map(|(player, on, score)| {
                now += on;
                world.step(player, now, (score % 9 != 0).then_some(score))
            })
            .collect();
        world.past = steps.iter().copied().collect();
        world.check(5);
        world.past = Past::new();
        steps.into_iter().for_each(|step| world.past.append(step));
        world.check(5);
    }
}
