use gsm_ranking::{
    cohort::Seat,
    league::{Fate, League, LeagueConfig, Member},
};
use proptest::{collection::vec, prelude::*};
use std::cmp::Reverse;

fn config(levels: u8, size: u32, promote: u32, relegate: u32) -> LeagueConfig {
    LeagueConfig { levels, size, promote, relegate, games_min: 0, start: 1 }
}

fn ranked(games: u32) -> Member {
    Member { games, ranked: true }
}

/// `+` is promoted, `=` stays, `-` is relegated.
fn check(config: LeagueConfig, level: u8, members: &[Member], expected: &str) {
    let fates = League::new(config).unwrap().fates(level, members);
    let text: String = fates.iter().map(|fate| sign(*fate)).collect();
    assert_eq!(text, expected);
}

fn sign(fate: Fate) -> char {
    match fate {
        Fate::Promoted => '+',
        Fate::Stays => '=',
        Fate::Relegated => '-',
    }
}

#[test]
fn the_first_go_up_and_the_last_go_down() {
    let full = [ranked(1); 6];
    check(config(3, 6, 2, 1), 2, &full, "++===-");
    check(config(3, 6, 2, 1), 3, &full, "=====-");
    check(config(3, 6, 2, 1), 1, &full, "++====");
    check(config(3, 6, 3, 3), 2, &full, "+++---");
    check(config(3, 6, 0, 0), 2, &full, "======");
}

#[test]
fn a_cohort_that_is_not_full_moves_its_share_rounded_down() {
    let config = config(3, 10, 3, 2);
    check(config, 2, &[ranked(1); 10], "+++=====--");
    check(config, 2, &[ranked(1); 7], "++====-");
    check(config, 2, &[ranked(1); 4], "+===");
    check(config, 2, &[ranked(1); 3], "===");
    check(config, 2, &[ranked(1)], "=");
    check(config, 2, &[], "");
}

#[test]
fn who_played_too_little_is_behind_and_never_promoted() {
    let config = LeagueConfig { games_min: 5, ..config(3, 4, 2, 1) };
    check(config, 2, &[4, 9, 0, 9].map(ranked), "=+-+");
    check(config, 2, &[4, 4, 4, 4].map(ranked), "===-");
    check(config, 2, &[4, 9, 4, 4].map(ranked), "=+=-");
}

#[test]
fn who_has_no_rank_is_behind_those_who_have() {
    let gone = Member { games: 9, ranked: false };
    let config = LeagueConfig { games_min: 5, ..config(3, 4, 2, 2) };
    check(config, 2, &[ranked(9), gone, ranked(1), gone], "+-=-");
    check(config, 2, &[gone, gone, gone, ranked(1)], "=--=");
}

#[test]
fn levels_have_ends() {
    let league = League::new(config(2, 2, 1, 1)).unwrap();
    assert_eq!([Fate::Promoted, Fate::Relegated].map(|fate| league.next_level(2, fate)), [2, 1]);
    assert_eq!([Fate::Stays, Fate::Relegated].map(|fate| league.next_level(1, fate)), [1, 1]);
    // A league that had more levels once.
    assert_eq!(league.next_level(9, Fate::Stays), 2);
    let (cohorts, mut opened) = (league.cohorts().unwrap(), 4);
    assert_eq!(cohorts.next_seat(None, &mut opened), Seat { cohort: 5, number: 1 });
}

#[test]
fn bad_settings_are_refused_by_name() {
    let refused = |config| League::new(config).unwrap_err().path;
    assert_eq!(refused(config(1, 2, 1, 1)), "levels");
    assert_eq!(refused(config(21, 2, 1, 1)), "levels");
    assert_eq!(refused(config(2, 1, 1, 0)), "size");
    assert_eq!(refused(config(2, 1_001, 1, 0)), "size");
    assert_eq!(refused(config(2, 4, 5, 0)), "promote");
    assert_eq!(refused(config(2, 4, 2, 3)), "relegate");
    assert_eq!(refused(LeagueConfig { games_min: 10_001, ..config(2, 4, 2, 2) }), "games_min");
    assert_eq!(refused(LeagueConfig { start: 0, ..config(2, 4, 2, 2) }), "start");
    assert_eq!(refused(LeagueConfig { start: 3, ..config(2, 4, 2, 2) }), "start");
    let parsed: LeagueConfig =
        serde_json::from_str(r#"{"levels": 2, "size": 4, "promote": 2, "relegate": 2}"#).unwrap();
    assert_eq!(parsed, config(2, 4, 2, 2));
}

/// Sorted as a whole, and cut.
fn slow(config: &LeagueConfig, level: u8, members: &[Member]) -> Vec<Fate> {
    let plays = |member: &Member| member.ranked && member.games >= config.games_min;
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| Reverse((plays(&members[*at]), members[*at].ranked)));
    let share = |of: u32| (f64::from(of) / f64::from(config.size) * members.len() as f64 + 1e-9) as usize;
    let mut fates = vec![Fate::Stays; members.len()];
    for at in order.iter().rev().take(if level == 1 { 0 } else { share(config.relegate) }) {
        fates[*at] = Fate::Relegated;
    }
    for at in order.iter().take(if level == config.levels { 0 } else { share(config.promote) }) {
        if plays(&members[*at]) {
            fates[*at] = Fate::Promoted;
        }
    }
    fates
}

proptest! {
    #[test]
    fn fates_are_those_of_a_sorted_table(
        games_min in 0..3_u32,
        (size, promote, relegate) in (2..9_u32).prop_flat_map(|size| {
            (Just(size), 0..=size).prop_flat_map(|(size, up)| (Just(size), Just(up), 0..=size - up))
        }),
        level in 1..=4_u8,
        members in vec((0..4_u32, any::<bool>()), 0..9),
    ) {
        let members: Vec<Member> = members.into_iter().take(size as usize)
            .map(|(games, ranked)| Member { games, ranked }).collect();
        let config = LeagueConfig { games_min, ..config(4, size, promote, relegate) };
        prop_assert_eq!(League::new(config).unwrap().fates(level, &members), slow(&config, level, &members));
    }
}
