//! Searches that have no match: who can stand in for another is tried once, and who can be in no match not at all.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

const ROLES: &str = include_str!("../../../../config/rule-sets/roles.json");

/// Work units that one step needs for tickets of these skills and of players with these roles, one word a player; it makes no
/// match.
fn check(text: &str, tickets: &[(f64, &str)], work_max: u32) {
    let mut pool = RulePool::new(Arc::new(parse(text, Dialect::Extended).unwrap().set));
    for (n, (skill, roles)) in tickets.iter().enumerate() {
        let players = roles.split(' ').enumerate().map(|(at, roles)| {
            let name = |role| match role {
                't' => "tank".to_owned(),
                'd' => "damage".to_owned(),
                _ => "healer".to_owned(),
            };
            let roles = Value::List(roles.chars().map(name).collect());
            let attributes = [("skill".to_owned(), Value::Number(*skill)), ("roles".to_owned(), roles)];
            let id = PlayerId::from_u128((10 * n + at) as u128);
            (id, Member { player: id.to_string(), attributes: attributes.into(), ..Member::default() })
        });
        let (id, started_at) = (TicketId::from_u128(n as u128), Timestamp::from_millis(n as i64));
        pool.insert(RuledTicket { id, players: players.collect(), backfill: None, started_at }).unwrap();
    }
    let step = pool.step(Timestamp::from_millis(1_000), 1_000_000);
    assert!(step.matches.is_empty() && step.finished && step.work < work_max, "{step:?}");
}

/// Five who came together could play nine others by their numbers alone: none of the others came in four.
#[test]
fn a_party_that_no_other_can_meet_is_left_out() {
    let singles = [(2309.0, "d"), (2316.0, "d"), (2167.0, "d"), (2126.0, "h"), (2107.0, "dt"), (2101.0, "d")];
    let others = [(2071.0, "dh"), (2050.0, "dt h h t dh"), (2028.0, "d"), (1994.0, "h"), (1954.0, "t")];
    check(ROLES, &[&singles[..], &others].concat(), 2_000);
}

/// Parties of two fill no team of five, and no part of a match tells: one party is as good as another.
#[test]
fn parties_that_differ_in_skill_alone_stand_in_for_each_other() {
    let pairs: Vec<(f64, &str)> = (0..24).map(|n| (1_500.0 + f64::from(n), "tdh tdh")).collect();
    check(ROLES, &pairs, 10_000);
}
