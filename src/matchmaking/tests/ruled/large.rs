//! Large matches: what the parties allow is found, and a backfill is for somebody.
use crate::make::Dice;
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

/// So many teams `q` of at least and at most so many players.
fn pool(quantity: usize, min: usize, max: usize) -> RulePool {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number"}}],
          "algorithm": {{"strategy": "balanced", "balancedAttribute": "skill"}},
          "teams": [{{"name": "q", "minPlayers": {min}, "maxPlayers": {max}, "quantity": {quantity}}}]}}"#
    );
    RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set))
}

/// The `n`th ticket, of so many players.
fn ticket(n: u128, players: usize, skill: f64, backfill: Option<&str>) -> RuledTicket {
    let member =
        || Member { attributes: [("skill".to_owned(), Value::Number(skill))].into(), ..Member::default() };
    let player = |at: usize| (PlayerId::from_u128(1_000 * n + at as u128), member());
    RuledTicket {
        id: TicketId::from_u128(n),
        players: (0..players).map(player).collect(),
        backfill: backfill.map(|team| vec![team.to_owned(); players]),
        started_at: Timestamp::from_millis(n as i64),
    }
}

fn first_match(pool: &mut RulePool) -> Option<RuledMatch> {
    pool.step(Timestamp::from_millis(60_000), u32::MAX).matches.into_iter().next()
}

/// How many players the first match has, made of parties of these sizes in this order.
#[track_caller]
fn check(teams: (usize, usize, usize), sizes: &[&[usize]], expected: Option<usize>) {
    let (quantity, min, max) = teams;
    let mut pool = pool(quantity, min, max);
    for (n, size) in (0..).zip(sizes.concat()) {
        pool.insert(ticket(n, size, 10.0, None)).unwrap();
    }
    let found = first_match(&mut pool);
    if let Some(one) = &found {
        assert_eq!(one.tickets[0], TicketId::from_u128(0), "the anchor is told first");
        assert!(one.sides.iter().all(|side| (min..=max).contains(&side.len())), "{teams:?}");
    }
    assert_eq!(found.map(|one| one.sides.iter().map(Vec::len).sum()), expected, "{teams:?}");
}

#[test]
fn parties_that_add_up_to_teams_are_found() {
    check((11, 4, 4), &[&[1], &[3; 12], &[1; 10]], Some(44));
    check((11, 4, 4), &[&[1], &[3; 12], &[1; 3], &[2; 20]], Some(44));
    check((11, 4, 4), &[&[2], &[3; 30], &[2; 21]], Some(44));
    check((11, 4, 4), &[&[3; 12], &[1; 10]], None);
    check((2, 21, 21), &[&[8; 5], &[5; 2]], Some(42));
    check((2, 23, 23), &[&[9, 9, 9, 7, 7, 5]], Some(46));
    check((2, 27, 27), &[&[5; 10], &[2; 2]], Some(54));
    check((20, 3, 3), &[&[2; 30], &[1; 25]], Some(60));
    check((11, 3, 4), &[&[3; 12], &[1; 10]], Some(43));
}

/// Teams of 4 whose parties come in any order: the match is there whenever enough of them add up.
#[test]
fn the_order_in_which_parties_come_does_not_matter() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (trios, pairs) = (dice.below(12), dice.below(12));
        let squads = trios + pairs / 2;
        let ones = trios + 4 * 11_usize.saturating_sub(squads);
        let mut sizes = [vec![3; trios], vec![2; pairs], vec![1; ones]].concat();
        for at in (1..sizes.len()).rev() {
            sizes.swap(at, dice.below(at + 1));
        }
        // The others add up to 11 squads whichever party waits longest, but for an odd pair.
        sizes.extend([1, 1]);
        check((11, 4, 4), &[&sizes], Some(44));
    }
}

#[test]
fn a_backfill_waits_for_somebody_who_has_room() {
    let tickets = |others: &[usize], playing: usize| {
        let mut pool = pool(1, 40, 50);
        pool.insert(ticket(0, playing, 10.0, Some("q"))).unwrap();
        for (n, size) in (1..).zip(others) {
            pool.insert(ticket(n, *size, 10.0, None)).unwrap();
        }
        first_match(&mut pool).map(|one| one.tickets.len())
    };
    assert_eq!(tickets(&[], 45), None);
    assert_eq!(tickets(&[], 50), None);
    assert_eq!(tickets(&[1], 50), None);
    assert_eq!(tickets(&[6], 45), None);
    assert_eq!(tickets(&[6, 5], 45), Some(2));
    assert_eq!(tickets(&[1, 1], 45), Some(3));
}
