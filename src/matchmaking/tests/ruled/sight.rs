//! Pools by objective in which the rules let few play each other, and others than those who cost least together.
use crate::objective::{Draw, index, pool_of, round};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RuledMatch, RuledTicket};
use gsm_rules::{Member, Value};
use serde_json::{Value as Json, json};

/// A player who waits alone.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    rating: f64,
    level: f64,
    mode: u64,
    ms: u32,
}

impl Waiter {
    fn drawn(draw: &mut Draw, modes: u64) -> Self {
        let (rating, level) = (draw.skill(), 100.0 * draw.unit());
        Self { rating, level, mode: draw.below(modes), ms: 20 + draw.below(180) as u32 }
    }
    fn ticket(&self, n: usize) -> RuledTicket {
        let attributes = [
            ("rating".to_owned(), Value::Number(self.rating)),
            ("level".to_owned(), Value::Number(self.level)),
            ("mode".to_owned(), Value::Text(format!("m{}", self.mode))),
        ];
        let latency_ms = [("eu".to_owned(), self.ms)].into();
        let member = Member { attributes: attributes.into(), latency_ms, ..Member::default() };
        RuledTicket {
            id: TicketId::from_u128(n as u128),
            players: vec![(PlayerId::from_u128(n as u128), member)],
            backfill: None,
            started_at: Timestamp::EPOCH,
        }
    }
}

fn waiters(seed: u64, tickets: usize, modes: u64) -> Vec<Waiter> {
    let mut draw = Draw(seed);
    (0..tickets).map(|_| Waiter::drawn(&mut draw, modes)).collect()
}

fn found(waiters: &[Waiter], rules: &Json, cost: &Json) -> Vec<RuledMatch> {
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "rating", "type": "number" }, { "name": "level", "type": "number" },
                             { "name": "mode", "type": "string" }],
        "teams": [{ "name": "a", "minPlayers": 1, "maxPlayers": 1 }, { "name": "b", "minPlayers": 1, "maxPlayers": 1 }],
        "rules": rules,
        "objective": { "cost": [cost], "holdBack": { "policy": "none" }, "starvationSeconds": 3_600 },
    });
    let tickets = waiters.iter().enumerate().map(|(n, of)| of.ticket(n));
    round(&mut pool_of(&text.to_string(), tickets), 1_000, 100_000)
}

/// The two of a match.
fn both(of: &RuledMatch, waiters: &[Waiter]) -> [Waiter; 2] {
    let [one, two] = of.tickets[..] else { panic!("{of:?}") };
    [waiters[index(one)], waiters[index(two)]]
}

/// How many pairs of all in a row of numbers there can be, and the least that they cost: of an odd number the right one is
/// left.
fn least(mut row: Vec<f64>) -> (usize, f64) {
    row.sort_by(f64::total_cmp);
    let gaps = |row: &[f64]| row.as_chunks::<2>().0.iter().map(|[a, b]| b - a).sum::<f64>();
    let without = |at: usize| gaps(&row[..at]) + gaps(&row[(at + 1).min(row.len())..]);
    let cost = match row.len() % 2 {
        0 => gaps(&row),
        _ => (0..row.len()).step_by(2).map(without).fold(f64::INFINITY, f64::min),
    };
    (row.len() / 2, cost)
}

/// As many pairs as can be of those who are at most so far apart.
fn most_within(waiters: &[Waiter], far: f64) -> usize {
    let mut row: Vec<f64> = waiters.iter().map(|of| of.rating).collect();
    row.sort_by(f64::total_cmp);
    let (mut pairs, mut at) = (0, 1);
    while at < row.len() {
        let is_near = row[at] - row[at - 1] <= far;
        pairs += usize::from(is_near);
        at += if is_near { 2 } else { 1 };
    }
    pairs
}

/// Who wants the same is found however many others are between, and the best of them.
#[test]
fn who_may_play_is_found_behind_many_who_may_not() {
    let same = json!([{ "name": "Mode", "type": "batchDistance", "batchAttribute": "mode" }]);
    for (tickets, modes) in [(1_000, 20), (1_000, 100), (1_000, 300), (6_000, 1_000)] {
        let waiters = waiters(31, tickets, modes);
        let found = found(&waiters, &same, &json!({ "spread": "rating" }));
        let of = |mode: u64| waiters.iter().filter(move |of| of.mode == mode).map(|of| of.rating).collect();
        let best = (0..modes).map(|mode| least(of(mode)));
        let (pairs, cost) = best.fold((0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let sum: f64 =
            found.iter().map(|of| both(of, &waiters)).map(|[a, b]| (a.rating - b.rating).abs()).sum();
        assert!(found.iter().map(|of| both(of, &waiters)).all(|[a, b]| a.mode == b.mode));
        // Between two chunks of a thousand one mode may be parted.
        assert!(found.len() + tickets / 1_000 > pairs, "{} of {pairs}, {modes} modes", found.len());
        assert!(sum <= 1.02 * cost + 1.0, "{sum} against {cost}, {modes} modes");
    }
}

/// Also where a rule keeps another number near than what costs something, and where nothing that costs is a number.
#[test]
fn who_is_near_in_another_number_is_found() {
    for (tickets, far, cost) in [
        (1_000, 10.0, json!({ "latencyAbove": 60 })),
        (1_000, 2.0, json!({ "spread": "level" })),
        (5_000, 2.0, json!({ "latencyAbove": 60 })),
        (5_000, 2.0, json!({ "spread": "level" })),
        (20_000, 0.1, json!({ "spread": "level" })),
    ] {
        let near = json!([{ "name": "Near", "type": "batchDistance", "batchAttribute": "rating", "maxDistance": far }]);
        let waiters = waiters(32, tickets, 1);
        let (found, pairs) = (found(&waiters, &near, &cost), most_within(&waiters, far));
        assert!(found.iter().map(|of| both(of, &waiters)).all(|[a, b]| (a.rating - b.rating).abs() <= far));
        assert!(100 * found.len() >= 97 * pairs, "{} of {pairs} within {far}, {cost}", found.len());
    }
}

/// A large pool in which a rule keeps one number near, and another costs: the neighbours in the other one that it lets play.
#[test]
fn of_those_who_are_near_in_one_number_neighbours_in_another_play() {
    let near =
        json!([{ "name": "Near", "type": "batchDistance", "batchAttribute": "rating", "maxDistance": 20 }]);
    let waiters = waiters(33, 10_000, 1);
    let found = found(&waiters, &near, &json!({ "spread": "level" }));
    let sum: f64 = found.iter().map(|of| both(of, &waiters)).map(|[a, b]| (a.level - b.level).abs()).sum();
    assert!(found.len() >= 4_950, "{}", found.len());
    assert!(sum / (found.len() as f64) < 0.6, "{} on average", sum / found.len() as f64);
}

/// Nothing that two tickets say tells who may play: only the rule does.
#[test]
fn whom_only_the_rule_tells_is_found() {
    let either = json!([
        { "name": "Mode", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[mode])"] },
        { "name": "Low", "type": "comparison", "operation": "<", "referenceValue": -1e9,
          "measurements": ["max(flatten(teams[*].players.attributes[rating]))"] },
        { "name": "Either", "type": "compound", "statement": "or(Mode, Low)" },
    ]);
    let waiters = waiters(34, 1_000, 100);
    let found = found(&waiters, &either, &json!({ "spread": "rating" }));
    // Some 478 pairs there are: whoever is left has his turn when others have gone.
    assert!(found.len() >= 420, "{} of 478", found.len());
}
