//! Rule sets whose search has no end: bounded work in every step, and less and less of it.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

/// Nobody is a hundred thousand points better than the others, and no part of a match says so.
const ENDLESS: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "red", "minPlayers": 5, "maxPlayers": 5}, {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
  "rules": [{"name": "Apart", "type": "distance", "minDistance": 100000,
    "measurements": ["avg(teams[red].players.attributes[skill])"],
    "referenceValue": "avg(teams[blue].players.attributes[skill])"}]}"#;

fn ticket(n: u128, skill: f64) -> RuledTicket {
    let attributes = [("skill".to_owned(), Value::Number(skill))].into();
    let member = Member { player: n.to_string(), attributes, ..Member::default() };
    let players = vec![(PlayerId::from_u128(n), member)];
    let started_at = Timestamp::from_millis(n as i64);
    RuledTicket { id: TicketId::from_u128(n), players, backfill: None, started_at }
}

#[test]
fn a_search_without_end_is_bounded_and_slows_down() {
    let mut pool = RulePool::new(Arc::new(parse(ENDLESS, Dialect::Strict).unwrap().set));
    for n in 1..=60 {
        pool.insert(ticket(n, (n * 7_919 % 1_000) as f64)).unwrap();
    }
    let mut now = 1_000;
    let mut round = |pool: &mut RulePool| {
        now += 100;
        let mut work = 0_u64;
        loop {
            let step = pool.step(Timestamp::from_millis(now), 10_000);
            assert!(step.work < 12_000 && step.matches.is_empty(), "{step:?}");
            work += u64::from(step.work);
            if step.finished {
                return work;
            }
        }
    };
    let first: u64 = (0..20).map(|_| round(&mut pool)).sum();
    let later: u64 = (0..320).map(|_| round(&mut pool)).sum();
    assert!(later / 16 < first, "{later} {first}");
}
