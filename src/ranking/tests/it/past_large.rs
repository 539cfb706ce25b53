//! Segments as shipped: more steps than two of them have.
use crate::past::world::{better_at, players_at};
use gsm_core::Timestamp;
use gsm_ranking::{Past, Step};

const STEPS: i64 = 600_000;
const PLAYERS: usize = 30_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn steps() -> Vec<Step> {
    let mut scores = vec![None; PLAYERS];
    let mut seed = 7u64;
    let mut next = || {
        seed = seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        seed >> 33
    };
    (0..STEPS)
        .map(|turn| {
            let score = &mut scores[next() as usize % PLAYERS];
            let before = *score;
            let moved = before.unwrap_or(1_500_000) + next() as i64 % 40_001 - 20_000;
            *score = (next() % 50 != 0).then_some(moved);
            Step { at: at(turn / 3), before, after: *score }
        })
        .filter(|step| step.before != step.after)
        .collect()
}

/// Sorted scores after the steps up to `time`, by adding and taking away.
fn scores(steps: &[Step], time: Timestamp) -> Vec<i64> {
    let taken = &steps[..steps.partition_point(|step| step.at <= time)];
    let sorted = |score: fn(&Step) -> Option<i64>| {
        let mut list: Vec<i64> = taken.iter().filter_map(score).collect();
        list.sort_unstable();
        list
    };
    let (mut come, gone) = (sorted(|step| step.after), sorted(|step| step.before));
    let mut gone = gone.iter().peekable();
    come.retain(|score| gone.next_if_eq(&score).is_none());
    assert_eq!(gone.count(), 0);
    come
}

fn check(past: &Past, steps: &[Step]) {
    for time in (0..STEPS / 3).step_by(STEPS as usize / 3 / 23).chain([STEPS]) {
        let scores = scores(steps, at(time));
        assert_eq!(players_at(past, at(time)), scores.len() as u64);
        for score in (1_300_000..1_700_000).step_by(9_973).chain(scores.iter().copied().step_by(999)) {
            let better = scores.len() - scores.partition_point(|&other| other <= score);
            assert_eq!(better_at(past, at(time), score), better as u64, "{time} {score}");
        }
    }
}

#[test]
fn a_long_past_equals_a_recount() {
    let steps = steps();
    let built: Past = steps.iter().copied().collect();
    check(&built, &steps);
    let mut grown = Past::new();
    steps.iter().for_each(|step| grown.append(*step));
    check(&grown, &steps);
    assert_eq!((built.segments(), built.steps()), (9, steps.len() as u64));
}

#[test]
fn a_long_past_takes_late_steps() {
    let mut steps = steps();
    let mut past: Past = steps.iter().copied().collect();
    // Somebody else's new score at every 100th step, and back at once; then a player who never was.
    let extra: Vec<Step> = (0..STEPS / 100)
        .flat_map(|n| {
            let up = Step { at: at(n * 30), before: Some(n), after: Some(1_500_000 + n) };
            [up, Step { at: at(n * 30 + 20), before: up.after, after: Some(n + 1) }]
        })
        .collect();
    let join = Step { at: at(0), before: None, after: Some(0) };
    past.append(join);
    extra.iter().for_each(|step| past.append(*step));
    steps.push(join);
    steps.extend(&extra);
    steps.sort_by_key(|step| step.at);
    check(&past, &steps);
    assert_eq!(past.steps(), steps.len() as u64);
}
