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
    assert_eq!(found.map(|one| one.sides.iter().map(|side| side.len()).sum()), expected, "{teams:?}");
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

/// A rule set of these teams and rules, whose players have `skill`, `x` and `level`; teams are made even in `balanced`.
fn ruled(teams: &str, balanced: &str, rules: &str) -> RulePool {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number", "default": 0}},
            {{"name": "x", "type": "number", "default": 0}}, {{"name": "level", "type": "number", "default": 0}}],
          "algorithm": {{"strategy": "balanced", "balancedAttribute": "{balanced}"}},
          "teams": [{teams}], "rules": [{rules}]}}"#
    );
    RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set))
}

fn team(name: &str, players: usize) -> String {
    format!(r#"{{"name": "{name}", "minPlayers": {players}, "maxPlayers": {players}}}"#)
}

fn with(n: u128, brings: &[(&str, f64)]) -> RuledTicket {
    let mut ticket = ticket(n, 1, 0.0, None);
    ticket.players[0].1.attributes =
        brings.iter().map(|(name, number)| ((*name).to_owned(), Value::Number(*number))).collect();
    ticket
}

/// Whoever must be in it sits where the others leave room, in whatever order they come.
#[test]
fn a_backfill_takes_newcomers_that_add_up_to_its_gaps() {
    for sizes in [[2, 2, 3, 3], [2, 3, 3, 2], [3, 3, 2, 2], [3, 2, 2, 3]] {
        let mut pool = ruled(&(team("a", 24) + "," + &team("b", 26)), "skill", "");
        let mut backfill = ticket(0, 40, 10.0, Some("a"));
        let teams = ["a", "b"].into_iter().flat_map(|team| vec![team.to_owned(); 20]);
        backfill.backfill = Some(teams.collect());
        pool.insert(backfill).unwrap();
        for (n, size) in (1..).zip(sizes) {
            pool.insert(ticket(n, size, 10.0, None)).unwrap();
        }
        let found = first_match(&mut pool).unwrap_or_else(|| panic!("{sizes:?}"));
        assert_eq!(found.sides.iter().map(|side| side.len()).collect::<Vec<_>>(), [24, 26]);
    }
}

/// All are near one another in both numbers, whoever is near to the anchor alone.
#[test]
fn two_numbers_may_be_limited_at_once() {
    for seed in 0..20 {
        let near = |name: &str| {
            format!(
                r#"{{"name": "{name}", "type": "batchDistance", "batchAttribute": "{name}", "maxDistance": 10}}"#
            )
        };
        let mut pool = ruled(&team("a", 41), "level", &(near("skill") + "," + &near("x")));
        let mut dice = Dice(seed);
        let mut tickets: Vec<[f64; 2]> =
            (0..42).map(|_| [0, 0].map(|_| 50.0 + dice.below(11) as f64)).collect();
        for n in 0..10 {
            let far = [43.0, 67.0][n % 2];
            tickets.push(if n < 5 { [far, 55.0] } else { [55.0, far] });
        }
        for at in (1..tickets.len()).rev() {
            tickets.swap(at, dice.below(at + 1));
        }
        for (n, [skill, x]) in (0..).zip(&tickets) {
            let level = dice.below(100) as f64;
            pool.insert(with(n, &[("skill", *skill), ("x", *x), ("level", level)])).unwrap();
        }
        assert_eq!(first_match(&mut pool).map(|one| one.tickets.len()), Some(41), "{seed}");
    }
}

/// The widest band is the only one with enough players, and there are more bands than are tried.
#[test]
fn a_match_that_needs_the_whole_band_is_found() {
    let near = r#"{"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 100}"#;
    let mut pool = ruled(&team("crowd", 100), "skill", near);
    for n in 0..100_u32 {
        pool.insert(with(u128::from(n), &[("skill", f64::from(100 - n))])).unwrap();
    }
    assert_eq!(first_match(&mut pool).map(|one| one.tickets.len()), Some(100));
}

/// Wherever enough players lie within one band, whoever of them waits longest: a match is made; nowhere else.
#[test]
fn a_match_is_made_where_a_band_has_enough_players() {
    let near = r#"{"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 100}"#;
    let (mut made, mut none) = (0, 0);
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut pool = ruled(&team("crowd", 100), "level", near);
        let mut skills: Vec<f64> = (0..104).map(|_| dice.below(1_040) as f64 / 10.0).collect();
        for (n, skill) in (0..).zip(&skills) {
            pool.insert(with(n, &[("skill", *skill), ("level", dice.below(50) as f64)])).unwrap();
        }
        skills.sort_by(f64::total_cmp);
        let is_there = skills.windows(100).any(|band| band[99] - band[0] <= 100.0);
        assert_eq!(first_match(&mut pool).is_some(), is_there, "{seed}");
        (made, none) = (made + usize::from(is_there), none + usize::from(!is_there));
    }
    assert!(made > 10 && none > 2, "{made} {none}");
}

#[test]
fn large_teams_of_different_sizes_are_made_even_too() {
    for (first, second, most) in [(30, 12, 0.5), (1, 41, 10.0)] {
        let mut pool = ruled(&(team("a", first) + "," + &team("b", second)), "skill", "");
        for n in 0..42_u32 {
            pool.insert(with(u128::from(n), &[("skill", f64::from(n) * 10.0)])).unwrap();
        }
        let found = first_match(&mut pool).unwrap();
        let skill = |seat: &gsm_matchmaking::Seat| (seat.ticket.as_u128() as f64) * 10.0;
        let average = |side: &gsm_matchmaking::Side| side.iter().map(skill).sum::<f64>() / side.len() as f64;
        let gap = (average(&found.sides[0]) - average(&found.sides[1])).abs();
        assert!(gap <= most, "{first} and {second}: {gap}");
    }
}

/// Tickets of ten players of the same skill, each with its latencies, in a rule set that takes so many players on a team.
/// Which of them play together.
fn by_region(batching: &str, sizes: (usize, usize), tickets: &[&[(&str, u32)]]) -> Vec<Vec<u128>> {
    let order: Vec<usize> = (0..tickets.len()).collect();
    by_region_in(&order, batching, sizes, tickets)
}

/// The same of tickets that come in this order.
fn by_region_in(
    order: &[usize],
    batching: &str,
    (min, max): (usize, usize),
    tickets: &[&[(&str, u32)]],
) -> Vec<Vec<u128>> {
    let near = r#"{"name": "near", "type": "latency", "maxLatency": 100}"#;
    by_region_and(near, order, batching, (min, max), tickets)
}

/// The same with these rules.
fn by_region_and(
    rules: &str,
    order: &[usize],
    batching: &str,
    (min, max): (usize, usize),
    tickets: &[&[(&str, u32)]],
) -> Vec<Vec<u128>> {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number"}}],
          "algorithm": {{"strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "{batching}"}},
          "teams": [{{"name": "q", "minPlayers": {min}, "maxPlayers": {max}}}], "rules": [{rules}]}}"#
    );
    let mut pool = RulePool::new(Arc::new(parse(&text, Dialect::Strict).unwrap().set));
    for at in order {
        let (mut ticket, latencies) = (ticket(*at as u128, 10, 10.0, None), tickets[*at]);
        let latencies = || latencies.iter().map(|(place, ms)| ((*place).to_owned(), *ms)).collect();
        ticket.players.iter_mut().for_each(|(_, member)| member.latency_ms = latencies());
        pool.insert(ticket).unwrap();
    }
    let matches = pool.step(Timestamp::from_millis(60_000), u32::MAX).matches;
    let ids = |one: &RuledMatch| one.tickets.iter().map(|id| id.as_u128()).collect::<Vec<_>>();
    let sorted = |mut ids: Vec<u128>| {
        ids.sort_unstable();
        ids
    };
    matches.iter().map(ids).map(sorted).collect()
}

/// The first may play in either location, which are as near and as populated, and the others each in one.
#[test]
fn of_equal_locations_the_order_of_insertion_does_not_choose() {
    let both: &[(&str, u32)] = &[("ap", 20), ("eu", 20)];
    let [ap, eu] = [&both[..1], &both[1..]];
    let tickets = [both, ap, eu, ap, eu, ap, eu, ap, eu];
    for batching in ["largestPopulation", "fastestRegion"] {
        for order in [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0], [2, 1, 4, 3, 0, 5, 6, 7, 8]] {
            let matches = by_region_in(&order, batching, (50, 50), &tickets);
            assert_eq!(matches, [[0, 1, 3, 5, 7]], "{batching} {order:?}");
        }
    }
}

const US: &[(&str, u32)] = &[("eu", 80), ("us", 20)];
const EU: &[(&str, u32)] = &[("eu", 20), ("us", 80)];

#[test]
fn by_fastest_region_those_play_together_whose_best_location_it_is() {
    let tickets = [US, EU, US, EU, US, EU, US, EU, US, EU];
    let halves = [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]];
    assert_eq!(by_region("fastestRegion", (50, 50), &tickets), halves);
    assert_ne!(by_region("largestPopulation", (50, 50), &tickets), halves);
}

#[test]
fn by_fastest_region_a_match_widens_until_it_is_full() {
    // Four have `us` as their best location: one is lacking, and of the others one has it as its second best.
    let third: &[(&str, u32)] = &[("ap", 10), ("eu", 20), ("us", 80)];
    assert_eq!(by_region("fastestRegion", (50, 50), &[US, third, third, EU, US, US, US]), [[0, 3, 4, 5, 6]]);
    // It could do with the best, but there is room.
    assert_eq!(by_region("fastestRegion", (40, 50), &[US, EU, EU, US, US, US]), [[0, 1, 3, 4, 5]]);
    // Nobody more may play there.
    let only: &[(&str, u32)] = &[("eu", 20)];
    assert_eq!(by_region("fastestRegion", (40, 50), &[US, only, only, US, US, US]), [[0, 3, 4, 5]]);
}

/// Without a rule about latencies the order stays: whoever tells none, or none to that location, comes last.
#[test]
fn fastest_region_needs_no_rule() {
    let order: Vec<usize> = (0..10).collect();
    let unruled = |tickets: &[&[(&str, u32)]]| {
        by_region_and("", &order[..tickets.len()], "fastestRegion", (50, 50), tickets)
    };
    let halves = [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]];
    assert_eq!(unruled(&[US, EU, US, EU, US, EU, US, EU, US, EU]), halves);
    // No latency is too much, and who tells of none plays with those who are left.
    let (far, only) = (&[("us", 900)], &[("eu", 20)]);
    assert_eq!(unruled(&[US, &[], EU, only, far, US, US]), [[0, 2, 4, 5, 6]]);
    assert_eq!(unruled(&[US, &[], &[], only, US, US]), [[0, 1, 2, 4, 5]]);
    // The anchor itself tells none.
    assert_eq!(unruled(&[&[], US, EU, US, EU]), [[0, 1, 2, 3, 4]]);
}

/// In either location all are near enough by the first rule, and by both only those of one kind, who are enough.
#[test]
fn the_location_is_chosen_by_all_rules_about_latencies() {
    let rule = |name: &str, by: &str, ms: u32| {
        format!(r#"{{"name": "{name}", "type": "latency", "maxLatency": {ms}, "partyAggregation": "{by}"}}"#)
    };
    let both = rule("mean", "avg", 100) + "," + &rule("worst", "max", 50);
    let both_near: &[(&str, u32)] = &[("eu", 40), ("us", 40)];
    let (us, eu) = (&[("eu", 80), ("us", 40)], &[("eu", 40), ("us", 80)]);
    let tickets = [both_near, us, eu, us, eu, us, eu, us, eu];
    let order: Vec<usize> = (0..tickets.len()).collect();
    for batching in ["largestPopulation", "fastestRegion"] {
        let found = by_region_and(&both, &order, batching, (50, 50), &tickets);
        assert_eq!(found, [[0, 2, 4, 6, 8]], "{batching}");
    }
}
