//! A rule may name one team of a quantity by its number: it is not like the others then.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

/// Players of these skills, one after the other, on `quantity` teams of one, where all of `named` have 50 at least: their
/// places in the list, team by team.
#[track_caller]
fn check(quantity: usize, named: &str, skills: &[f64], expected: Option<&[u128]>) {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number"}}],
          "teams": [{{"name": "q", "minPlayers": 1, "maxPlayers": 1, "quantity": {quantity}}}],
          "rules": [{{"name": "good", "type": "comparison", "operation": ">=", "referenceValue": 50,
            "measurements": ["flatten(teams[{named}].players.attributes[skill])"]}}]}}"#
    );
    let mut pool = RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set));
    for (n, skill) in (0..).zip(skills) {
        let attributes = [("skill".to_owned(), Value::Number(*skill))].into();
        let players = vec![(PlayerId::from_u128(n), Member { attributes, ..Member::default() })];
        let started_at = Timestamp::from_millis(n as i64);
        pool.insert(RuledTicket { id: TicketId::from_u128(n), players, backfill: None, started_at }).unwrap();
    }
    let step = pool.step(Timestamp::from_millis(1_000), u32::MAX);
    let found = step.matches.first().map(|of| {
        let of_team = |side: &gsm_matchmaking::Side| side[0].ticket.as_u128();
        of.sides.iter().map(of_team).collect::<Vec<_>>()
    });
    assert_eq!(found.as_deref(), expected, "{named}");
}

#[test]
fn who_fits_one_numbered_team_is_put_there() {
    check(2, "q_2", &[60.0, 1.0], Some(&[1, 0]));
    check(2, "q_2", &[1.0, 60.0], Some(&[0, 1]));
    check(2, "q_1", &[1.0, 60.0], Some(&[1, 0]));
    check(3, "q_2", &[1.0, 2.0, 60.0], Some(&[0, 2, 1]));
    check(3, "q_1,q_3", &[1.0, 60.0, 70.0], Some(&[1, 0, 2]));
    check(3, "q_1,q_3", &[1.0, 60.0, 2.0], None);
    check(2, "q", &[60.0, 1.0], None);
}
