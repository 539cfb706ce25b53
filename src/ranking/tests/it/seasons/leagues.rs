use gsm_core::PlayerId;
use gsm_ranking::league::{Finished, League, LeagueConfig, LeagueError, NextSeason, Transfer};
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet};

fn id(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(n) << 64)
}

fn config(levels: u8, group_size: u16, promote: u16, relegate: u16) -> LeagueConfig {
    LeagueConfig { levels, group_size, promote, relegate, games_min: 0 }
}

/// Players by number, each with as many games.
fn group(players: &[(u64, u32)]) -> Vec<Finished> {
    players.iter().map(|&(n, games)| Finished { player: id(n), games }).collect()
}

fn groups(level: &[&[u64]]) -> Vec<Vec<PlayerId>> {
    level.iter().map(|group| group.iter().copied().map(id).collect()).collect()
}

fn moved(n: u64, from: u8, to: u8) -> Transfer {
    Transfer { player: id(n), from, to }
}

fn transfers(config: LeagueConfig, tables: &[Vec<Vec<Finished>>]) -> Vec<Transfer> {
    League::new(config).unwrap().next_season(tables, &[], 1).unwrap().transfers
}

#[test]
fn the_first_go_up_and_the_last_go_down() {
    let nine = |from: u64| vec![group(&[(from, 9), (from + 1, 9), (from + 2, 9)])];
    let up_and_down = transfers(config(3, 3, 1, 1), &[nine(10), nine(20), nine(30)]);
    assert_eq!(up_and_down, [moved(12, 0, 1), moved(20, 1, 0), moved(22, 1, 2), moved(30, 2, 1)]);
}

#[test]
fn who_played_too_little_is_behind_all_others() {
    let config = LeagueConfig { games_min: 5, ..config(3, 4, 2, 1) };
    let middle = vec![group(&[(1, 4), (2, 9), (3, 0), (4, 9)])];
    assert_eq!(transfers(config, &[vec![], middle]), [moved(2, 1, 0), moved(3, 1, 2), moved(4, 1, 0)]);
    let idle = vec![group(&[(1, 4), (2, 4)])];
    assert_eq!(transfers(config, &[vec![], idle]), [moved(2, 1, 2)]);
}

#[test]
fn promotion_comes_first_in_a_group_too_small_for_both() {
    let middle = vec![group(&[(1, 9), (2, 9), (3, 9)])];
    let both = transfers(config(3, 6, 2, 3), &[vec![], middle]);
    assert_eq!(both, [moved(1, 1, 0), moved(2, 1, 0), moved(3, 1, 2)]);
}

#[test]
fn a_single_level_moves_nobody() {
    assert_eq!(transfers(config(1, 2, 1, 1), &[vec![group(&[(1, 9), (2, 9)])]]), []);
}

#[test]
fn newcomers_start_on_the_lowest_level() {
    let league = League::new(config(2, 10, 1, 1)).unwrap();
    let next = league.next_season(&[vec![group(&[(1, 9)])]], &[id(8), id(7)], 1).unwrap();
    // The only one of the best level goes down: a level promotes and relegates whoever is there.
    assert_eq!(next.levels, [groups(&[]), groups(&[&[1, 7, 8]])]);
    assert_eq!(next.transfers, [moved(1, 0, 1)]);
}

#[test]
fn the_seed_draws_the_groups() {
    let league = League::new(config(1, 10, 0, 0)).unwrap();
    let newcomers: Vec<PlayerId> = (0..100).map(id).collect();
    let draw = |seed| league.next_season(&[], &newcomers, seed).unwrap();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let league = League::new(config(1, 4, 1, 1)).unwrap();
    let doubled = |tables: &[Vec<Vec<Finished>>], newcomers: &[PlayerId]| {
        assert_eq!(league.next_season(tables, newcomers, 1), Err(LeagueError::Doubled { player: id(1) }));
    };
    doubled(&[vec![group(&[(1, 9)]), group(&[(2, 9), (1, 9)])]], &[]);
    doubled(&[vec![group(&[(1, 9)])]], &[id(1)]);
    doubled(&[], &[id(1), id(1)]);
    let refused = league.next_season(&[vec![], vec![]], &[], 1).unwrap_err();
    assert_eq!(refused.to_string(), "the league has 1 levels, the final tables 2");
}

#[test]
fn a_refusal_names_the_path_and_what_is_allowed() {
    let refused = |config: LeagueConfig, text: &str| {
        let refused = League::new(config).unwrap_err().to_string();
        assert!(refused.starts_with(text), "{refused}");
    };
    refused(config(0, 2, 0, 0), "`levels`: `0` is not allowed; use 1 to 20");
    refused(config(21, 2, 0, 0), "`levels`: `21` is not");
    refused(config(1, 1, 0, 0), "`group_size`: `1` is not allowed; use 2 to 1000");
    refused(config(1, 1_001, 0, 0), "`group_size`: `1001` is not");
    refused(config(1, 5, 6, 0), "`promote`: `6` is not allowed; use 0 to 5");
    refused(config(1, 5, 3, 3), "`relegate`: `3` is not allowed; use 0 to 2");
    refused(LeagueConfig { games_min: 10_001, ..config(1, 2, 0, 0) }, "`games_min`: `10001` is not");
    let text = r#"{"levels":3,"group_size":20,"promote":3,"relegate":3}"#;
    assert_eq!(serde_json::from_str::<LeagueConfig>(text).unwrap(), config(3, 20, 3, 3));
    assert!(serde_json::from_str::<LeagueConfig>(&text.replacen('{', r#"{"games":1,"#, 1)).is_err());
}

/// Sizes of groups per level, from which tables are dealt with players 0, 1, 2...
fn tables(sizes: &[Vec<usize>], games: &[u32]) -> Vec<Vec<Vec<Finished>>> {
    let mut players =
        (0u64..).zip(games.iter().cycle()).map(|(n, &games)| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), games));
    let mut group_of = |size: usize| group(&players.by_ref().take(size).collect::<Vec<_>>());
    sizes.iter().map(|level| level.iter().map(|&size| group_of(size)).collect()).collect()
}

fn level_of(next: &NextSeason) -> BTreeMap<PlayerId, usize> {
    let level = |(level, groups): (usize, &Vec<Vec<PlayerId>>)| {
        groups.iter().flatten().map(move |&player| (player, level)).collect::<Vec<_>>()
    };
    next.levels.iter().enumerate().flat_map(level).collect()
}

proptest! {
    #[test]
    fn nobody_is_lost_and_groups_are_even(
        levels in 1..5u8,
        (group_size, promote, relegate) in (2..12u16, 0..7u16, 0..7u16),
        games_min in 0..4u32,
        mut sizes in vec(vec(0..14usize, 0..5), 0..5),
        games in vec(0..5u32, 1..30),
        newcomers in 0..40u64,
        seed: u64,
    ) {
        sizes.truncate(usize::from(levels));
        let promote = promote.min(group_size);
        let relegate = relegate.min(group_size - promote);
        let league = League::new(LeagueConfig { levels, group_size, promote, relegate, games_min }).unwrap();
        let tables = tables(&sizes, &games);
        let newcomers: Vec<PlayerId> = (0..newcomers).map(|n| PlayerId::from_u128(u128::from(n) + 1)).collect();
        let next = league.next_season(&tables, &newcomers, seed).unwrap();

        let before = tables.iter().flatten().flatten().map(|member| member.player);
        let everybody: BTreeSet<PlayerId> = before.chain(newcomers.iter().copied()).collect();
        let after = level_of(&next);
        let seats = next.levels.iter().flatten().map(Vec::len).sum::<usize>();
        prop_assert!(after.keys().eq(everybody.iter()) && seats == everybody.len());

        prop_assert_eq!(next.levels.len(), usize::from(levels));
        let mut came: BTreeMap<PlayerId, Option<u8>> = everybody.iter().map(|&player| (player, None)).collect();
        came.extend(next.transfers.iter().map(|transfer| (transfer.player, Some(transfer.from))));
        for groups in &next.levels {
            let members: usize = groups.iter().map(Vec::len).sum();
            prop_assert_eq!(groups.len(), members.div_ceil(usize::from(group_size)));
            let even = |counts: Vec<usize>| counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0) <= 1;
            prop_assert!(even(groups.iter().map(Vec::len).collect()));
            for from in (0..levels).map(Some) {
                let count = |group: &Vec<PlayerId>| group.iter().filter(|player| came[player] == from).count();
                prop_assert!(even(groups.iter().map(count).collect()), "from {from:?} in {groups:?}");
            }
        }

        // Each group by hand: who is ahead of whom is decided by games, then by the table.
        for (level, group) in tables.iter().enumerate().flat_map(|(n, groups)| groups.iter().map(move |g| (n, g))) {
            let up = group.iter().filter(|member| after[&member.player] + 1 == level).count();
            let down = group.iter().filter(|member| after[&member.player] == level + 1).count();
            let active = group.iter().filter(|member| member.games >= games_min).count();
            let wanted_up = if level == 0 { 0 } else { active.min(usize::from(promote)) };
            let is_lowest = level + 1 == usize::from(levels);
            let wanted_down = if is_lowest { 0 } else { usize::from(relegate).min(group.len() - wanted_up) };
            prop_assert_eq!((up, down), (wanted_up, wanted_down));
            let mut order: Vec<&Finished> = group.iter().collect();
            order.sort_by_key(|member| member.games < games_min);
            let levels: Vec<usize> = order.iter().map(|member| after[&member.player]).collect();
            prop_assert!(levels.is_sorted(), "{levels:?}");
        }
        for player in &newcomers {
            prop_assert_eq!(after[player], usize::from(levels) - 1);
        }

        let reversed: Vec<Vec<Vec<Finished>>> =
            tables.iter().map(|groups| groups.iter().rev().cloned().collect()).collect();
        let newcomers: Vec<PlayerId> = newcomers.into_iter().rev().collect();
        prop_assert_eq!(league.next_season(&reversed, &newcomers, seed).unwrap(), next);
    }
}
