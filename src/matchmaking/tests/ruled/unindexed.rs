//! Rules that no order of the tickets answers: what is known to be no match is not searched again with each ticket that comes.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Work units of a pool into which tickets with these skills and latencies come one after another, and its matches.
fn run(players: usize, rules: &Json, tickets: impl Iterator<Item = (f64, u32)>) -> (u64, usize) {
    let team = |name| json!({"name": name, "minPlayers": players, "maxPlayers": players});
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
        "teams": [team("red"), team("blue")], "rules": rules,
    });
    let mut pool = RulePool::new(Arc::new(parse(&text.to_string(), Dialect::Strict).unwrap().set));
    let (mut work, mut matches) = (0, 0);
    for (n, (skill, ms)) in tickets.enumerate() {
        let attributes = [("skill".to_owned(), Value::Number(skill))];
        let id = PlayerId::from_u128(n as u128);
        let latency_ms = [("eu".to_owned(), ms)];
        let member =
            Member { attributes: attributes.into(), latency_ms: latency_ms.into(), ..Member::default() };
        let (players, now) = (vec![(id, member)], Timestamp::from_millis(100 * n as i64));
        pool.insert(RuledTicket {
            id: TicketId::from_u128(n as u128),
            players,
            backfill: None,
            started_at: now,
        })
        .unwrap();
        loop {
            let step = pool.step(now, 100_000);
            (work, matches) = (work + u64::from(step.work), matches + step.matches.len());
            if step.finished {
                break;
            }
        }
    }
    (work, matches)
}

fn apart(name: &str, bound: &str, by: u32) -> Json {
    let of = |fold: &str| format!("{fold}(flatten(teams[*].players.attributes[skill]))");
    json!({"name": name, "type": "distance", bound: by, "measurements": [of("max")], "referenceValue": of("min")})
}

#[test]
fn two_who_have_to_be_far_apart_are_asked_once() {
    let rules = json!([apart("Apart", "minDistance", 2_000)]);
    let (work, matches) = run(1, &rules, (0..300).map(|n| (f64::from(n * 37 % 1_000), 30)));
    assert!(work < 60_000 && matches == 0, "{work}");
}

#[test]
fn two_of_whom_one_of_two_things_holds_are_asked_once() {
    let statement = json!({"name": "Either", "type": "compound", "statement": "or(Near, Far)"});
    let rules = json!([apart("Near", "maxDistance", 2), apart("Far", "minDistance", 2_000), statement]);
    let (work, matches) = run(1, &rules, (0..300).map(|n| (f64::from(n * 38 % 1_000), 30)));
    assert!(work < 60_000, "{work}");
    assert!(matches > 0, "{matches}");
}

#[test]
fn those_who_are_near_one_place_alike_are_looked_for_among_them() {
    let rules = json!([{"name": "Ping", "type": "latency", "maxLatency": 150, "maxDistance": 5, "distanceReference": "avg"}]);
    let (work, matches) = run(5, &rules, (0..120_u32).map(|n| (0.0, 20 + n * 37 % 40)));
    assert!(work < 1_000_000 && matches > 3, "{work} {matches}");
}
