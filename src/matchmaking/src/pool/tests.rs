use super::*;
use crate::{Binding, Format, PoolPlayer, SKILL_ABS_MAX, Window};
use gsm_core::{Millis, PlayerId, limits};

const PLENTY: u32 = u32::MAX;

fn at(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

fn id(n: u128) -> TicketId {
    TicketId::from_u128(n)
}

/// Ticket `n`, waiting since second `since`, of players with these skills.
fn ticket(n: u128, since: i64, skills: &[f64]) -> PoolTicket {
    let player =
        |(i, &skill)| PoolPlayer { id: PlayerId::from_u128(n * 100 + i as u128), skill, deviation: 50.0 };
    PoolTicket { id: id(n), players: skills.iter().enumerate().map(player).collect(), queued_at: at(since) }
}

/// Windows of 100 points that grow by 10 a second up to 300.
fn pool(format: Format, tickets: &[(i64, &[f64])]) -> Pool {
    let window = Window { min: 100.0, growth_per_s: 10.0, max: 300.0 };
    let mut pool = Pool::new(MatchRules { format, window }).unwrap();
    for (&(since, skills), n) in tickets.iter().zip(1..) {
        pool.insert(ticket(n, since, skills)).unwrap();
    }
    pool
}

fn teams(teams: usize, size: usize) -> Format {
    Format::Teams { teams, size }
}

fn free(min: usize, max: usize) -> Format {
    Format::FreeForAll { min, max, fill_after_ms: Millis::from_secs(20) }
}

/// The matches formed at second `now`: per match its tickets, longest waiting first.
fn formed(pool: &mut Pool, now: i64) -> Vec<Vec<u128>> {
    let step = pool.step(at(now), PLENTY);
    assert!(step.finished);
    step.proposals.iter().map(|f| f.tickets.iter().map(|t| t.id.as_u128()).collect()).collect()
}

fn check(format: Format, tickets: &[(i64, &[f64])], now: i64, matches: &[&[u128]]) {
    assert_eq!(formed(&mut pool(format, tickets), now), matches);
}

#[test]
fn a_duel_needs_both_windows() {
    check(teams(2, 1), &[(0, &[1500.0]), (0, &[1600.0])], 0, &[&[1, 2]]);
    check(teams(2, 1), &[(0, &[1500.0]), (0, &[1601.0])], 0, &[]);
    check(teams(2, 1), &[(0, &[1500.0]), (10, &[1601.0])], 10, &[]);
    check(teams(2, 1), &[(0, &[1500.0]), (10, &[1601.0])], 11, &[&[1, 2]]);
    check(teams(2, 1), &[(0, &[1500.0]), (0, &[1800.5])], 99_999, &[]);
}

#[test]
fn a_clock_stepping_back_is_no_wait() {
    check(teams(2, 1), &[(50, &[1500.0]), (50, &[1600.0])], 0, &[&[1, 2]]);
    check(teams(2, 1), &[(50, &[1500.0]), (50, &[1601.0])], 0, &[]);
}

#[test]
fn the_longest_waiting_takes_the_nearest() {
    check(teams(2, 1), &[(2, &[1500.0]), (1, &[1540.0]), (0, &[1530.0])], 5, &[&[3, 2]]);
    check(teams(2, 1), &[(0, &[1500.0]), (0, &[1500.0]), (0, &[1500.0])], 5, &[&[1, 2]]);
}

#[test]
fn the_nearest_is_passed_over_when_it_does_not_consent() {
    check(teams(2, 1), &[(0, &[1500.0]), (20, &[1640.0]), (0, &[1350.0])], 20, &[&[1, 3]]);
}

#[test]
fn the_whole_match_obeys_the_narrowest_window() {
    // Each is within 100 of the middle one, but the ends are 180 apart.
    check(teams(3, 1), &[(0, &[1500.0]), (0, &[1410.0]), (0, &[1590.0])], 0, &[]);
    check(teams(3, 1), &[(0, &[1500.0]), (0, &[1410.0]), (0, &[1590.0])], 8, &[&[1, 2, 3]]);
    check(teams(3, 1), &[(0, &[1500.0]), (0, &[1410.0]), (3, &[1590.0])], 8, &[]);
}

#[test]
fn teams_are_filled_exactly_by_whole_parties() {
    let (one, two, three): (&[f64], &[f64], &[f64]) = (&[1500.0], &[1500.0; 2], &[1500.0; 3]);
    check(teams(2, 2), &[(0, two), (0, one), (0, one)], 0, &[&[1, 2, 3]]);
    check(teams(2, 2), &[(0, one), (0, two), (0, two)], 0, &[&[2, 3]]);
    check(teams(2, 5), &[(0, three), (0, three), (0, three), (0, one)], 0, &[]);
    check(
        teams(2, 5),
        &[(0, three), (0, three), (0, three), (0, one), (0, two), (0, one)],
        0,
        &[&[1, 2, 4, 5, 6]],
    );
    check(teams(2, 5), &[(0, &[1500.0; 5]), (0, &[1590.0; 5])], 0, &[&[1, 2]]);
}

#[test]
fn a_party_sits_together_on_an_even_side() {
    let tickets: &[(i64, &[f64])] = &[
        (0, &[1500.0, 1540.0]),
        (0, &[1560.0, 1500.0]),
        (0, &[1500.0]),
        (0, &[1510.0]),
        (0, &[1520.0]),
        (0, &[1530.0]),
        (0, &[1540.0]),
        (0, &[1550.0]),
    ];
    let found = pool(teams(2, 5), tickets).step(at(3), PLENTY).proposals.remove(0);
    assert_eq!(found.sides.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
    for ticket in &found.tickets {
        let holds = |side: &&Vec<crate::Seat>| side.iter().any(|seat| seat.ticket == ticket.id);
        assert_eq!(found.sides.iter().filter(holds).count(), 1);
    }
    assert_eq!((found.spread, found.imbalance), (50.0, 2.0));
    assert_eq!(found.waits, [Millis::from_secs(3); 8]);
}

#[test]
fn free_for_all_is_full_at_once_and_smaller_after_waiting() {
    let five: &[(i64, &[f64])] =
        &[(0, &[1500.0]), (0, &[1510.0]), (0, &[1520.0]), (10, &[1530.0]), (10, &[1540.0])];
    check(free(2, 4), five, 10, &[&[1, 2, 3, 4]]);
    check(free(2, 8), five, 19, &[]);
    check(free(2, 8), five, 20, &[&[1, 2, 3, 4, 5]]);
    check(free(6, 8), five, 99, &[]);
    let mut pool = pool(free(2, 8), five);
    let found = pool.step(at(20), PLENTY).proposals.remove(0);
    assert_eq!((found.sides.len(), found.imbalance), (5, 40.0));
}

#[test]
fn free_for_all_takes_more_players_before_nearer_ones() {
    let tickets: &[(i64, &[f64])] = &[(0, &[1500.0]), (0, &[1501.0]), (0, &[1600.0]), (0, &[1590.0])];
    check(free(2, 9), tickets, 20, &[&[1, 2, 3, 4]]);
    check(free(2, 3), tickets, 20, &[&[1, 2, 4]]);
}

#[test]
fn bad_tickets_are_refused() {
    let mut pool = pool(teams(2, 2), &[(0, &[1500.0])]);
    let refused = |pool: &mut Pool, t| pool.insert(t).unwrap_err().to_string();
    assert_eq!(pool.insert(ticket(1, 5, &[1.0])), Err(PoolError::Duplicate { id: id(1) }));
    assert!(refused(&mut pool, ticket(2, 0, &[1.0; 3])).contains("has 3 players, must have 1 to 2"));
    assert!(refused(&mut pool, ticket(2, 0, &[])).contains("has 0 players"));
    for bad in [f64::NAN, f64::INFINITY, -SKILL_ABS_MAX * 1.01] {
        assert!(refused(&mut pool, ticket(2, 0, &[bad])).contains("not a finite number in range"));
    }
    let mut twice = ticket(2, 0, &[1.0, 2.0]);
    twice.players[1].id = twice.players[0].id;
    assert!(refused(&mut pool, twice).contains("twice"));
    assert_eq!((pool.len(), pool.index.lens()), (1, (1, 1)));
    let mut pool = Pool::new(MatchRules { format: teams(2, 20), ..MatchRules::default() }).unwrap();
    assert!(refused(&mut pool, ticket(1, 0, &[1.0; limits::PARTY_SIZE_MAX + 1])).contains("11 players"));
    assert!(pool.insert(ticket(1, 0, &[SKILL_ABS_MAX; limits::PARTY_SIZE_MAX])).is_ok());
}

#[test]
fn both_zeros_are_one_skill() {
    check(teams(2, 1), &[(0, &[0.0]), (0, &[-0.0]), (0, &[-0.0])], 0, &[&[1, 2]]);
}

#[test]
fn new_rules_apply_to_waiting_tickets() {
    let mut pool = pool(teams(2, 2), &[(0, &[1500.0; 2]), (0, &[1500.0]), (0, &[1500.0])]);
    let duel = MatchRules { format: teams(2, 1), ..pool.rules().clone() };
    assert!(
        pool.set_rules(MatchRules { format: teams(0, 1), ..duel.clone() }).is_err()
            && pool.rules().format == teams(2, 2)
    );
    pool.set_rules(duel).unwrap();
    assert_eq!(pool.explain(id(1), at(0)).unwrap().binding, Binding::PartyFit);
    assert_eq!(formed(&mut pool, 0), [[2, 3]]);
    assert_eq!((pool.len(), formed(&mut pool, 99).len()), (1, 0));
}

#[test]
fn a_removed_candidate_restarts_the_search() {
    let many: Vec<(i64, &[f64])> = vec![(0, &[1500.0]); 6];
    for removed in 1..=6 {
        for steps in 1..40 {
            let mut pool = pool(teams(2, 2), &many);
            let mut found = 0;
            for _ in 0..steps {
                found += pool.step(at(0), 1).proposals.len();
            }
            let gone = pool.remove(id(removed)).is_some();
            while !pool.step(at(0), 1).finished {}
            let left = 6 - usize::from(gone);
            assert!(found == 1 || pool.len() == left - 4, "{removed} removed after {steps} steps");
            assert!(removed == 1 || !pool.contains(id(1)), "the first lost its turn to {removed}'s going");
        }
    }
}

#[test]
fn a_round_keeps_its_instant() {
    let mut pool = pool(teams(2, 1), &[(0, &[1500.0]), (0, &[1601.0])]);
    assert!(!pool.step(at(0), 1).finished);
    while !pool.step(at(5), 1).finished {}
    assert_eq!(pool.len(), 2);
    assert_eq!(formed(&mut pool, 5).len(), 1);
}

#[test]
fn many_parties_that_fit_nowhere_cost_little() {
    let three: &[f64] = &[1500.0; 3];
    let mut crowd = pool(teams(2, 5), &vec![(0, three); 2_000]);
    let step = crowd.step(at(30), PLENTY);
    assert!(step.proposals.is_empty() && step.work < 20_000, "{}", step.work);
}

/// Fours that would fit only with the ones far away, each waiting less long than the one before, so that nobody's
/// window is as wide as that of the one who looks: only as many are kept as a match can use.
#[test]
fn a_crowd_that_cannot_be_used_is_not_kept() {
    let four: &[f64] = &[1500.0; 4];
    let mut tickets: Vec<(i64, &[f64])> = (0..300).map(|n| (n * 37 % 300, four)).collect();
    tickets.extend([(0, [9_000.0].as_slice()); 2]);
    let mut crowd = pool(teams(2, 5), &tickets);
    let window = Window { min: 100.0, growth_per_s: 1.0, max: 1_000.0 };
    crowd.set_rules(MatchRules { format: teams(2, 5), window }).unwrap();
    let step = crowd.step(at(300), PLENTY);
    assert!(step.proposals.is_empty() && step.work < 300_000, "{}", step.work);
}

/// Parties that almost fill 19 teams of ten: one candidate alone costs more than 100,000 units.
#[test]
fn hard_packings_do_not_keep_a_step_from_stopping() {
    let sizes = [7, 6, 4, 3, 3, 9];
    let skills: Vec<Vec<f64>> =
        (0..150).map(|n| vec![1500.0 + (n * 37 % 101) as f64; sizes[n * 7919 % 1009 % 6]]).collect();
    let tickets: Vec<(i64, &[f64])> = skills.iter().map(|skills| (0, skills.as_slice())).collect();
    let mut crowd = pool(teams(19, 10), &tickets);
    let (mut most, mut finished) = (0, false);
    while !finished {
        let step = crowd.step(at(30), 10);
        (most, finished) = (most.max(step.work), step.finished);
    }
    assert!(most <= 10 + crate::packing::PACK_NODES_MAX, "{most}");
}

/// As many of one skill as there may be: the oldest meet, in order.
#[test]
fn equal_skills_are_matched_in_the_order_of_waiting() {
    let same: Vec<(i64, &[f64])> = (0..1_000).map(|n| (n, [1500.0].as_slice())).collect();
    let mut crowd = pool(teams(2, 1), &same);
    let step = crowd.step(at(1_000), PLENTY);
    assert_eq!((step.proposals.len(), crowd.len()), (500, 0));
    assert!(step.work < 5_000, "{}", step.work);
    for (n, found) in (0..).zip(&step.proposals) {
        assert_eq!(found.tickets[0].id, id(2 * n + 1));
    }
}

#[test]
fn the_ends_of_the_skill_range_can_meet() {
    let window = Window { min: 0.0, growth_per_s: 0.0, max: 1.0 };
    let mut pool = Pool::new(MatchRules { format: teams(2, 1), window }).unwrap();
    for (n, skill) in [(1, -SKILL_ABS_MAX), (2, SKILL_ABS_MAX)] {
        pool.insert(ticket(n, 0, &[skill])).unwrap();
    }
    assert!(formed(&mut pool, 9).is_empty());
    let all = Window { min: 2.0 * SKILL_ABS_MAX, growth_per_s: f64::MAX, max: f64::MAX };
    pool.set_rules(MatchRules { format: teams(2, 1), window: all }).unwrap();
    let found = pool.step(Timestamp::from_millis(i64::MAX), PLENTY).proposals.remove(0);
    assert_eq!((found.spread, found.imbalance), (2e9, 2e9));
}

fn check_binding(format: Format, tickets: &[(i64, &[f64])], binding: Binding) {
    assert_eq!(pool(format, tickets).explain(id(1), at(5)).unwrap().binding, binding);
}

#[test]
fn explain_names_what_stands_in_the_way() {
    let (one, two): (&[f64], &[f64]) = (&[1500.0], &[1500.0; 2]);
    check_binding(teams(2, 1), &[(0, one)], Binding::TooFewPlayers);
    check_binding(teams(2, 1), &[(0, one), (0, &[1700.0])], Binding::SkillWindow);
    check_binding(teams(2, 1), &[(0, one), (0, &[1600.0])], Binding::Nothing);
    check_binding(teams(2, 3), &[(0, two), (0, two), (0, two)], Binding::PartyFit);
    check_binding(teams(2, 2), &[(0, one), (0, two), (0, two), (0, &[1900.0])], Binding::PartyFit);
    check_binding(teams(3, 1), &[(0, one), (0, &[1410.0]), (0, &[1590.0])], Binding::SkillWindow);
}

#[test]
fn explain_knows_that_one_who_waits_longer_takes_a_smaller_match() {
    let (one, far): (&[f64], &[f64]) = (&[1500.0], &[1900.0]);
    let check = |since, other, wanted| {
        let pool = pool(free(2, 8), &[(15, one), (since, other)]);
        assert_eq!(pool.explain(id(1), at(20)).unwrap().binding, wanted);
    };
    check(0, one, Binding::Nothing);
    check(0, far, Binding::SkillWindow);
    check(1, one, Binding::TooFewPlayers);
}

#[test]
fn explain_counts() {
    let tickets: &[(i64, &[f64])] = &[(5, &[1500.0]), (0, &[1600.0]), (9, &[1380.0]), (0, &[1760.0])];
    let pool = pool(teams(2, 5), tickets);
    let why = pool.explain(id(1), at(9)).unwrap();
    assert_eq!((why.position, why.waited, why.window), (3, Millis::from_secs(4), 140.0));
    assert_eq!((why.in_window, why.consenting, why.players_missing), (2, 1, 8));
    assert_eq!((why.window_soon, why.unlocked_soon, why.complete), (240.0, 1, true));
    assert_eq!(pool.explain(id(9), at(9)), None);
    // A short look says the same but for the place; a shorter one counts fewer.
    let (short, work) = pool.glance(id(1), at(9), 1_000).unwrap();
    assert_eq!((short.position, work < 1_000), (0, true));
    assert_eq!(crate::Explain { position: 3, ..short }, why);
    assert!(!pool.glance(id(1), at(9), 2).unwrap().0.complete);
    assert_eq!(pool.glance(id(9), at(9), 1_000), None);
}

#[test]
fn strengths_make_sides_even_and_say_nothing_about_who_meets() {
    let split = |strengths: [Option<f64>; 4]| {
        let mut pool = pool(teams(2, 2), &[]);
        for (n, (skill, strength)) in (1..).zip([1500.0, 1510.0, 1520.0, 1530.0].iter().zip(strengths)) {
            pool.insert_judged(ticket(n, n as i64, &[*skill]), strength).unwrap();
        }
        let step = pool.step(at(10), PLENTY);
        assert!(pool.is_empty() && pool.strengths.is_empty());
        let [formed] = step.proposals.as_slice() else { panic!("{step:?}") };
        let side = |seats: &Vec<crate::Seat>| seats.iter().map(|seat| seat.ticket.as_u128()).collect();
        formed.sides.iter().map(side).collect::<Vec<Vec<u128>>>()
    };
    assert_eq!(split([None; 4]), [[1, 4], [2, 3]]);
    assert_eq!(split([Some(2.0), Some(0.1), Some(1.0), Some(0.9)]), [[1, 2], [3, 4]]);
    assert_eq!(split([Some(2.0), None, Some(1.0), Some(0.9)]), [[1, 4], [2, 3]], "one is not judged");
    assert_eq!(split([Some(2.0), Some(f64::NAN), Some(1.0), Some(0.9)]), [[1, 4], [2, 3]]);
}
