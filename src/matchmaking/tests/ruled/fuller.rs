//! Where teams may have more players than the first match that is found, the one with more is made.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

fn ticket(n: usize, players: usize) -> RuledTicket {
    let player = |at: usize| {
        let id = PlayerId::from_u128((100 * n + at) as u128);
        let attributes = [("skill".to_owned(), Value::Number(n as f64))].into();
        (id, Member { player: id.to_string(), attributes, ..Member::default() })
    };
    let (id, started_at) = (TicketId::from_u128(n as u128), Timestamp::from_millis(n as i64));
    RuledTicket { id, players: (0..players).map(player).collect(), backfill: None, started_at }
}

fn pool(teams: &str, rules: &str, parties: &[usize]) -> RulePool {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number"}}], "teams": [{teams}], "rules": [{rules}]}}"#
    );
    let mut pool = RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set));
    for (n, players) in parties.iter().enumerate() {
        pool.insert(ticket(n, *players)).unwrap();
    }
    pool
}

fn two(most: u32) -> String {
    let team = |name| format!(r#"{{"name": "{name}", "minPlayers": 1, "maxPlayers": {most}}}"#);
    format!("{}, {}", team("a"), team("b"))
}

/// Parties that came in this order make one match with this many players on the teams.
fn check(teams: &str, rules: &str, parties: &[usize], expected: &[usize]) {
    let step = pool(teams, rules, parties).step(Timestamp::from_millis(1_000), 100_000);
    let [found] = step.matches.as_slice() else { panic!("{parties:?}: {step:?}") };
    let mut sides: Vec<usize> = found.sides.iter().map(|side| side.len()).collect();
    sides.sort_unstable();
    assert_eq!(sides, expected, "{parties:?}");
}

#[test]
fn those_who_sit_make_room_for_a_party() {
    check(&two(2), "", &[1, 1, 2], &[2, 2]);
    check(&two(3), "", &[1, 2, 3], &[3, 3]);
    check(&two(3), "", &[1, 1, 1, 3], &[3, 3]);
    check(r#"{"name": "q", "minPlayers": 1, "maxPlayers": 2, "quantity": 3}"#, "", &[1, 1, 1, 2], &[1, 2, 2]);
    let even = r#"{"name": "Even", "type": "comparison", "operation": "=",
        "measurements": ["count(teams[a].players)"], "referenceValue": "count(teams[b].players)"}"#;
    check(&two(4), even, &[1, 1, 2, 4], &[4, 4]);
}

/// A match is made at once where nobody more is there, and looking for more is bounded.
#[test]
fn a_smaller_match_waits_for_nobody() {
    check(&two(5), "", &[1, 1], &[1, 1]);
    let parties = [&[4, 4][..], &[2; 60]].concat();
    let mut pool = pool(&two(5), "", &parties);
    let step = pool.step(Timestamp::from_millis(1_000), 100_000);
    assert!(step.finished && step.matches.len() > 10 && step.work < 40_000, "{step:?}");
}

/// Who leaves while the search looks for more is in no match, and who was passed over for his sake is looked at again.
#[test]
fn who_leaves_meanwhile_is_forgotten() {
    let near = r#"{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 1000}"#;
    let parties = [&[4, 4, 4][..], &[2; 30]].concat();
    for (leaves, joins) in [(1, 2), (2, 1), (7, 1)] {
        let mut pool = pool(&two(5), near, &parties);
        let (mut matches, mut steps, gone) = (Vec::new(), 0, TicketId::from_u128(leaves));
        while matches.is_empty() {
            let step = pool.step(Timestamp::from_millis(1_000), 64);
            steps += 1;
            if steps == 2 {
                assert!(step.matches.is_empty() && pool.remove(gone), "{step:?}");
            }
            assert!(!step.finished || !step.matches.is_empty(), "{leaves}");
            matches.extend(step.matches);
        }
        let first = &matches[0];
        assert_eq!(first.sides.iter().map(|side| side.len()).collect::<Vec<_>>(), [4, 4], "{first:?}");
        assert!(first.tickets.contains(&TicketId::from_u128(joins)), "{first:?}");
        assert!(!first.tickets.contains(&gone) && steps > 2, "{first:?}");
    }
}
