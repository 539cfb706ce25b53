//! A player of a match that is backfilled may look for another one, and is never matched with himself.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, parse};
use std::sync::Arc;

/// Player `player`, in a ticket that came `at` seconds; of a backfill on the team `a`.
fn ticket(id: u128, player: u128, at: i64, is_backfill: bool) -> RuledTicket {
    RuledTicket {
        id: TicketId::from_u128(id),
        players: vec![(PlayerId::from_u128(player), Member::default())],
        backfill: is_backfill.then(|| vec!["a".to_owned()]),
        started_at: Timestamp::from_millis(1_000 * at),
    }
}

/// The tickets of each match for two teams of so many players.
#[track_caller]
fn check(size: u32, priority: &str, tickets: &[RuledTicket], expected: &[&[u128]]) {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "algorithm": {{"backfillPriority": "{priority}"}},
          "teams": [{{"name": "a", "minPlayers": {size}, "maxPlayers": {size}}}, {{"name": "b", "minPlayers": 1, "maxPlayers": 1}}]}}"#
    );
    let mut pool = RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set));
    tickets.iter().for_each(|ticket| pool.insert(ticket.clone()).unwrap());
    let step = pool.step(Timestamp::from_millis(60_000), u32::MAX);
    let found: Vec<Vec<u128>> = step
        .matches
        .iter()
        .map(|of| {
            let mut ids: Vec<u128> = of.tickets.iter().map(|id| id.as_u128()).collect();
            ids.sort_unstable();
            ids
        })
        .collect();
    assert_eq!(found, expected, "{priority}");
}

#[test]
fn nobody_joins_the_match_that_he_plays_already() {
    let (own, backfill, other) = (ticket(1, 7, 0, false), ticket(2, 7, 1, true), ticket(3, 8, 2, false));
    for priority in ["normal", "low", "high"] {
        check(1, priority, &[own.clone(), backfill.clone()], &[]);
    }
    check(1, "normal", &[own.clone(), backfill.clone(), other.clone()], &[&[1, 3]]);
    check(1, "high", &[own, backfill, other], &[&[2, 3]]);
}

#[test]
fn nor_is_he_brought_to_it_by_a_third() {
    // The oldest takes the backfill first, and then may not take the player who is in it, but who is like him.
    let all = [
        ticket(1, 1, 0, false),
        ticket(2, 7, 1, true),
        ticket(3, 7, 2, false),
        ticket(4, 8, 3, false),
        ticket(5, 9, 4, false),
    ];
    check(2, "normal", &all[..3], &[]);
    check(2, "normal", &all[..4], &[&[1, 2, 4]]);
    check(3, "normal", &all, &[&[1, 2, 4, 5]]);
}
