//! Tiers that start where shares of the players say: worked out once a season, and kept through everything that is counted
//! again.
use crate::{
    defined::of_mode,
    world::{World, both, mode, one_home, places, three_homes, world},
};
use gsm_core::{BoardName, PlayerId, Timestamp};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Direction, Engine, ImportMatch, Operator, TierStarts, Value,
    store::{Key, KeyRange, Row, Store, memory::Faults},
};
use gsm_session::Roster;
use proptest::prelude::*;
use serde_json::json;

both! {
    tiers_start_where_the_shares_are,
    few_players_are_spread_as_a_newcomer_is_unsure,
    a_season_keeps_its_starts_and_the_next_has_its_own,
    a_board_that_is_defined_later_starts_where_it_would_have,
    another_definition_works_them_out_anew,
}

const PLAYERS: usize = 40;
const WEEK_MS: i64 = 7 * 86_400_000;

/// A board with tiers by shares: the best 5 % are gold, the next 25 % silver.
fn board(name: &str, weekly: bool) -> BoardConfig {
    let range = json!({ "base": 20, "least": 10, "most": 40 });
    let tiers = json!({
        "placement_games": 1, "points_per_division": 100, "pull_permille": 100,
        "tiers": [{ "name": "bronze", "divisions": 2 }, { "name": "silver", "divisions": 1 }, { "name": "gold", "divisions": 1 }],
        "win": range, "loss": range, "start": { "players_below_permille": [400, 700, 950] },
    });
    let season = json!({ "days": { "every": 7, "zone": "UTC", "from": "1970-01-01T00:00" } });
    let column = Column { value: Value::Place, direction: Direction::Descending, operator: Operator::Last };
    BoardConfig {
        columns: vec![column],
        tiers: serde_json::from_value(tiers).unwrap(),
        season: weekly.then(|| serde_json::from_value(season).unwrap()),
        ..of_mode(name, "duel")
    }
}

async fn define(w: &World, config: BoardConfig) {
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
}

/// A duel at an instant; the first wins.
fn new_duel(number: u64, sides: [PlayerId; 2], at: i64) -> ImportMatch {
    ImportMatch {
        number,
        mode: mode("duel"),
        roster: Roster::new(sides.map(|player| vec![player]).to_vec()).unwrap(),
        report: places(&[1, 2], &[]),
        at: Timestamp::from_millis(at),
    }
}

async fn duel(w: &World, number: u64, sides: [PlayerId; 2], at: i64) {
    w.engine.import_match(&new_duel(number, sides, at)).await.unwrap();
}

/// Everybody has played: of two players the first has won, and of them some again.
async fn played(w: &World, n: usize, at: i64) -> Vec<PlayerId> {
    w.teams("duel", 1, None).await;
    let p = w.players(n).await;
    for (number, pair) in p.chunks(2).enumerate() {
        duel(w, number as u64, [pair[0], pair[1]], at + number as i64).await;
    }
    for nth in 0..n / 3 {
        duel(w, (n + nth) as u64, [p[nth], p[n - 1 - nth]], at + (n + nth) as i64).await;
    }
    w.settle();
    p
}

fn of(name: &str, season: Option<u64>) -> BoardRef {
    BoardRef { season, ..BoardRef::whole(BoardName::new(name).unwrap()) }
}

async fn starts(w: &World, name: &str, season: Option<u64>) -> TierStarts {
    w.settle();
    w.engine.tier_starts(&of(name, season)).await.unwrap()
}

/// The rating at which each division starts.
fn ratings(starts: &TierStarts) -> Vec<i64> {
    starts.divisions.iter().map(|division| division.rating.unwrap()).collect()
}

async fn scores(w: &World, players: &[PlayerId]) -> Vec<i64> {
    let mut scores = Vec::new();
    for player in players {
        scores.push(w.engine.rating(&mode("duel"), *player).await.unwrap().score);
    }
    scores.sort_unstable();
    scores
}

async fn rebuilt(w: &World) {
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!(report.differing, 0, "{report:?}");
}

async fn tiers_start_where_the_shares_are(w: World) {
    let p = played(&w, PLAYERS, 0).await;
    // Who has not played is no player of the mode yet.
    let idle = w.players(PLAYERS + 1).await[PLAYERS];
    w.engine.set_rating(&w.admin(), &mode("duel"), idle, 9_000.0, None, "x").await.unwrap();
    define(&w, board("ladder", false)).await;
    let told = starts(&w, "ladder", None).await;
    assert_eq!(told.fixed, Some((w.admin().now, PLAYERS as u64)));
    let named: Vec<_> = told.divisions.iter().map(|of| (of.tier.as_str(), of.division)).collect();
    assert_eq!(named, [("bronze", 2), ("bronze", 1), ("silver", 1), ("gold", 1)]);
    let scores = scores(&w, &p).await;
    assert_eq!(ratings(&told), [0, 16, 28, 38].map(|below| scores[below]));
    rebuilt(&w).await;
}

async fn few_players_are_spread_as_a_newcomer_is_unsure(w: World) {
    w.teams("duel", 1, None).await;
    define(&w, board("ladder", false)).await;
    let told = starts(&w, "ladder", None).await;
    assert_eq!(told.fixed.map(|(_, players)| players), Some(0));
    // Scale 350 * sqrt(3) / pi = 192.9653; ln(0.4 / 0.6), ln(0.7 / 0.3) and ln(0.95 / 0.05) of it from 1,500.
    let wanted = [1_421_759, 1_663_500, 2_068_177];
    for (found, wanted) in ratings(&told)[1..].iter().zip(wanted) {
        assert!((found - wanted).abs() <= 30, "{found} {wanted}");
    }
}

async fn a_season_keeps_its_starts_and_the_next_has_its_own(w: World) {
    let p = played(&w, PLAYERS, 0).await;
    define(&w, board("weekly", true)).await;
    let season = |ms: i64| Some(1 + (ms / WEEK_MS) as u64);
    let at = w.admin().now.as_millis();
    w.clock.advance_ms(WEEK_MS);
    let next = at + WEEK_MS;
    assert_eq!(starts(&w, "weekly", season(next)).await.fixed, None, "nobody has played yet");
    // A season begins with a reset: the tiers start by what it made of the ratings.
    let formula = serde_json::from_value(json!({
        "target": "initial_mean", "keep": 0.5, "deviation": { "at_least": 0.0 }, "restart_games": false,
    }));
    w.engine.soft_reset(&w.admin(), &mode("duel"), formula.unwrap(), "season").await.unwrap();
    assert_eq!(starts(&w, "weekly", season(next)).await.fixed, None, "nor is a reset a match");
    let before = scores(&w, &p).await;
    duel(&w, 900, [p[0], p[1]], next).await;
    let told = starts(&w, "weekly", season(next)).await;
    assert_eq!(ratings(&told), [0, 16, 28, 38].map(|below| before[below]), "as ratings were before it");
    for number in 0..30 {
        duel(&w, 901 + number, [p[39], p[0]], next + 1 + number as i64).await;
    }
    let id = Engine::import_match_id(&mode("duel"), 900);
    w.engine.void_result(&w.admin(), id, "x").await.unwrap();
    assert_eq!(starts(&w, "weekly", season(next)).await, told, "results and rulings move nothing");
    rebuilt(&w).await;
    w.clock.advance_ms(WEEK_MS);
    let before = scores(&w, &p).await;
    duel(&w, 990, [p[0], p[1]], next + WEEK_MS).await;
    let other = starts(&w, "weekly", season(next + WEEK_MS)).await;
    assert_eq!(ratings(&other), [0, 16, 28, 38].map(|below| before[below]));
    assert_ne!(ratings(&other), ratings(&told));
    rebuilt(&w).await;
    // Who gives the board up gives them up too.
    w.engine.delete_board(&w.admin(), &BoardName::new("weekly").unwrap()).await.unwrap();
    let range = KeyRange::AllStarts(BoardName::new("weekly").unwrap());
    assert_eq!(w.stores[0].list(&range, None, 10, false).await.unwrap().len(), 0);
}

async fn a_board_that_is_defined_later_starts_where_it_would_have(w: World) {
    let p = played(&w, PLAYERS, 0).await;
    define(&w, board("weekly", true)).await;
    let late = w.players(PLAYERS + 2).await[PLAYERS..].to_vec();
    let (mut number, mut seasons) = (900, Vec::new());
    for week in 0..3 {
        w.clock.advance_ms(WEEK_MS);
        let at = w.admin().now.as_millis();
        if week == 1 {
            // In the very millisecond of the first result.
            let formula = serde_json::from_value(json!({
                "target": "initial_mean", "keep": 0.5, "deviation": { "at_least": 0.0 }, "restart_games": false,
            }));
            w.engine.soft_reset(&w.admin(), &mode("duel"), formula.unwrap(), "season").await.unwrap();
        }
        // Two of one instant; who plays in the second week for the first time is nobody before.
        let pairs = [[p[0], p[39]], [p[1], p[38]], [p[37], p[2]], [late[week % 2], p[20]], [p[39], p[0]]];
        for (nth, pair) in pairs.into_iter().enumerate() {
            duel(&w, number, pair, at + nth as i64 / 2).await;
            number += 1;
        }
        seasons.push(Some(1 + (at / WEEK_MS) as u64));
    }
    define(&w, board("late", true)).await;
    let mut seen = Vec::new();
    for season in seasons {
        let (wanted, told) = (starts(&w, "weekly", season).await, starts(&w, "late", season).await);
        assert_eq!(told, wanted, "{season:?}");
        seen.push((ratings(&told), told.fixed.unwrap().1));
    }
    assert_eq!(seen.iter().map(|(_, players)| *players).collect::<Vec<_>>(), [40, 41, 42]);
    assert!(seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0);
    let first = starts(&w, "late", Some(1)).await;
    assert_eq!(first.fixed, Some((Timestamp::from_millis(0), 0)), "nobody had played before");
    assert_eq!(entries_of(&w, "late").await, entries_of(&w, "weekly").await);
    rebuilt(&w).await;
}

async fn another_definition_works_them_out_anew(w: World) {
    let p = played(&w, PLAYERS, 0).await;
    define(&w, board("ladder", false)).await;
    let first = starts(&w, "ladder", None).await;
    for number in 0..30 {
        duel(&w, 900 + number, [p[39], p[number as usize]], 1_000 + number as i64).await;
    }
    assert_eq!(starts(&w, "ladder", None).await, first);
    w.clock.advance_ms(1);
    define(&w, board("ladder", false)).await;
    let second = starts(&w, "ladder", None).await;
    assert_ne!(ratings(&second), ratings(&first));
    let scores = scores(&w, &p).await;
    assert_eq!(ratings(&second), [0, 16, 28, 38].map(|below| scores[below]));
    rebuilt(&w).await;
    w.clock.advance_ms(1);
    duel(&w, 990, [p[0], p[1]], 9_000).await;
    rebuilt(&w).await;
}

/// Imported in one go or one by one, the tiers of each season start by what was played before it.
#[tokio::test]
async fn many_matches_at_once_start_tiers_like_one_after_another() {
    let mut seen = Vec::new();
    for at_once in [true, false] {
        let w = one_home();
        let p = played(&w, 24, 0).await;
        define(&w, board("weekly", true)).await;
        let duels: Vec<ImportMatch> = (0..40)
            .map(|n| new_duel(100 + n, [p[n as usize % 7], p[7 + n as usize % 17]], n as i64 * WEEK_MS / 10))
            .collect();
        if at_once {
            w.engine.import_matches(&duels).await.unwrap();
        } else {
            for duel in &duels {
                w.engine.import_match(duel).await.unwrap();
            }
        }
        let range = KeyRange::AllStarts(BoardName::new("weekly").unwrap());
        let rows = w.stores[0].list(&range, None, 100, false).await.unwrap();
        let rows: Vec<(Key, Row)> =
            rows.into_iter().map(|(key, found)| (key, (*found.row).clone())).collect();
        seen.push((rows, entries(&w).await));
    }
    assert_eq!((seen[0].0.len(), &seen[0]), (4, &seen[1]));
}

/// The entries of a board, by season and player.
async fn entries_of(w: &World, name: &str) -> Vec<(u64, PlayerId, Row)> {
    w.settle();
    let range = KeyRange::AllEntries(BoardName::new(name).unwrap());
    let rows = w.stores[0].list(&range, None, 10_000, false).await.unwrap();
    let entry = |(key, row): (Key, Row)| match key {
        Key::Entry(_, number, player) => (number, player, row),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(|(key, found)| entry((key, (*found.row).clone()))).collect()
}

/// The entries of both boards as they are stored.
async fn entries(w: &World) -> Vec<(Key, Row)> {
    w.settle();
    let mut entries = Vec::new();
    for name in ["weekly", "ladder"] {
        let range = KeyRange::AllEntries(BoardName::new(name).unwrap());
        let rows = w.stores[0].list(&range, None, 10_000, false).await.unwrap();
        entries.extend(rows.into_iter().map(|(key, found)| (key, (*found.row).clone())));
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Matches over three weeks, some of them voided, some turned: what is stored is what counting all of it again gives,
    /// and what voids and turns took back is as it was.
    #[test]
    fn what_is_counted_again_is_the_same(
        duels in prop::collection::vec((0..24usize, 1..24usize, 0..WEEK_MS), 1..25),
        rulings in prop::collection::vec((0..25usize, any::<bool>()), 0..8),
        shape in 0..4usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let w = match shape {
                0 => one_home(),
                1 => world(1, 12, Faults::NONE),
                2 => three_homes(),
                _ => world(3, 12, Faults::NONE),
            };
            let p = played(&w, 24, 0).await;
            for config in [board("weekly", true), board("ladder", false)] {
                define(&w, config).await;
            }
            let mut at = WEEK_MS;
            for (number, (first, step, later)) in duels.iter().enumerate() {
                at += later / 8;
                duel(&w, 100 + number as u64, [p[*first], p[(first + step) % 24]], at).await;
            }
            let before = entries(&w).await;
            for (which, turn) in &rulings {
                let id = Engine::import_match_id(&mode("duel"), 100 + (which % duels.len()) as u64);
                let turned = places(&[2, 1], &[]);
                match turn {
                    true => w.engine.correct_result(&w.admin(), id, &turned, "x").await.map(drop).unwrap(),
                    false => w.engine.void_result(&w.admin(), id, "x").await.map(drop).unwrap(),
                }
                w.settle();
                rebuilt(&w).await;
            }
            for number in 0..duels.len() {
                let id = Engine::import_match_id(&mode("duel"), 100 + number as u64);
                w.engine.correct_result(&w.admin(), id, &places(&[1, 2], &[]), "x").await.unwrap();
            }
            assert_eq!(entries(&w).await, before);
            rebuilt(&w).await;
        });
    }
}
