//! Tickets that leave while a round of one against one is cut: nobody plays them, and nobody waits for their sake.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::{collections::BTreeSet, sync::Arc};

const NEAR: &str = include_str!("../../../../config/rule-sets/near.json");

fn skill(n: u128) -> u128 {
    1_000 + n * 7_919 % 2_000
}

#[test]
fn who_left_between_two_steps_is_passed_over() {
    let mut pool = RulePool::new(Arc::new(parse(NEAR, Dialect::Strict).unwrap().set));
    for n in 0..2_000_u128 {
        let attributes = [("skill".to_owned(), Value::Number(skill(n) as f64))].into();
        let players = vec![(PlayerId::from_u128(n), Member { attributes, ..Member::default() })];
        let started_at = Timestamp::from_millis(n as i64);
        pool.insert(RuledTicket { id: TicketId::from_u128(n), players, backfill: None, started_at }).unwrap();
    }
    let (mut gone, mut played) = (BTreeSet::new(), BTreeSet::new());
    for steps in 0.. {
        let step = pool.step(Timestamp::from_millis(5_000), 64);
        let ids = step.matches.iter().flat_map(|of| &of.tickets).map(|id| id.as_u128());
        assert!(ids.clone().all(|id| !gone.contains(&id)), "step {steps}");
        played.extend(ids);
        if step.finished {
            break;
        }
        // Three of those whose turn is to come.
        for id in (0..2_000).rev().filter(|id| pool.contains(TicketId::from_u128(*id))).step_by(7).take(3) {
            gone.insert(id);
        }
        gone.iter().for_each(|id| _ = pool.remove(TicketId::from_u128(*id)));
    }
    assert!(gone.len() > 60 && played.is_disjoint(&gone), "{} left", gone.len());
    let waiting = || (0..2_000_u128).filter(|id| pool.contains(TicketId::from_u128(*id)));
    assert_eq!(played.len() + gone.len() + waiting().count(), 2_000);
    // Nobody waits who could have played another that waits.
    let skills: BTreeSet<u128> = waiting().map(skill).collect();
    assert!(skills.iter().zip(skills.iter().skip(1)).all(|(a, b)| b - a > 50), "{skills:?}");
}
