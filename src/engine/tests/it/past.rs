//! Rank at a date, against boards as they were noted down at the time.
use crate::{
    defined::{of_mode, whole},
    matches::made,
    world::{World, both, mode, places, refused},
};
use gsm_core::{Attribute, Clock, CommitKey, MatchId, PlayerId, QueueName, Timestamp};
use gsm_engine::{
    BoardConfig, BoardRef, CohortConfig, CohortRule, Column, Dimension, Direction, Eligibility, Grouping,
    NewMatch, Operator, Part, PastRank, PayoutConfig, Places, ScheduleConfig, Source, Submission, Ties,
    Value, Viewer,
    store::{ChangeSet, Key, Row, Store},
};
use serde_json::json;

both! {
    who_asks_while_a_past_is_made_waits_for_it,
    what_a_past_cannot_compare_is_refused,
    who_is_hidden_has_no_past,
    every_moment_is_as_it_was_noted,
    a_voided_result_has_never_been,
    a_part_is_of_those_who_belong_there_today,
    a_season_that_was_paid_out_and_changed_has_no_past,
    a_season_that_an_earlier_version_paid_out_is_told_as_it_was_counted,
    what_cannot_be_exact_is_refused,
    a_board_that_kept_only_what_moved_asks_nothing_of_players_later,
    submitted_scores_are_as_they_were_noted,
    a_late_score_counts_from_when_it_was_made,
}

const DAY_MS: i64 = 86_400_000;

/// On a board at an instant: of each player rank, percentile and numbers, and how many were ranked.
#[derive(Debug)]
struct Noted {
    of: BoardRef,
    at: Timestamp,
    places: Vec<Option<(u64, f64, Vec<i64>)>>,
    players: u64,
}

/// A board as it is, its season named.
async fn noted(w: &World, of: &BoardRef, players: &[PlayerId]) -> Noted {
    let of = w.engine.of_this_season(of).unwrap();
    let board = w.engine.open_board(&of).await.unwrap();
    let found = board.ranks(players, Viewer::All);
    let ranked = w.engine.top(&of, 0, 0).await.map_or(0, |(_, players)| players);
    let places = found.map_or(vec![None; players.len()], |found| {
        let place =
            |view: gsm_engine::RankView| (view.rank.get(), view.percentile, view.keys.columns().to_vec());
        found.into_iter().map(|view| view.map(place)).collect()
    });
    Noted { of, at: w.clock.now(), places, players: ranked }
}

async fn check(w: &World, players: &[PlayerId], notes: &[Noted]) {
    let boards: Vec<&BoardRef> = notes.iter().map(|note| &note.of).collect();
    for (nth, of) in boards.iter().enumerate().filter(|(nth, of)| !boards[..*nth].contains(of)) {
        let notes: Vec<&Noted> = notes[nth..].iter().filter(|note| note.of == **of).collect();
        let instants: Vec<Timestamp> = notes.iter().map(|note| note.at).collect();
        for (nth, player) in players.iter().enumerate() {
            let found = w.engine.rank_at(of, *player, &instants, Viewer::All).await.unwrap();
            for (found, note) in found.iter().zip(&notes) {
                let place = found
                    .place
                    .map(|place| (place.rank.get(), place.percentile, place.keys.columns().to_vec()));
                let found = (found.at, place, found.players);
                assert_eq!(
                    found,
                    (note.at, note.places[nth].clone(), note.players),
                    "player {nth} on {of:?}"
                );
            }
        }
    }
}

async fn play(w: &World, players: &[PlayerId], round: usize) -> MatchId {
    let pair = [players[round % 5], players[(round * 3 + 1) % 5 + 1]];
    let pair = if pair[0] == pair[1] { [players[0], players[5]] } else { pair };
    let id = made(w, &pair).await.id;
    let place = match round % 4 {
        0 => [2, 1],
        1 => [1, 1],
        _ => [1, 2],
    };
    w.engine.report_result(&w.server(), id, None, &places(&place, &[])).await.unwrap();
    w.settle();
    id
}

fn column(value: Value, direction: Direction, operator: Operator) -> Column {
    Column { value, direction, operator }
}

fn region(name: &str) -> Part {
    Part::Of(Dimension::Region, Attribute::new(name).unwrap())
}

async fn settle(w: &World, player: PlayerId, region: &str) {
    let region = Some(Attribute::new(region).unwrap());
    let places = Places { region, ..Places::default() };
    w.engine.set_places(&w.server(), player, places).await.unwrap();
    w.settle();
}

async fn define(w: &World, config: BoardConfig) {
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
    w.turn().await;
}

fn weekly() -> Option<ScheduleConfig> {
    Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() })
}

/// Boards of all kinds that have a past.
fn boards() -> Vec<BoardConfig> {
    use {Direction::*, Operator::*};
    let range = json!({ "base": 20, "least": 10, "most": 40 });
    let tiers = json!({
        "placement_games": 1, "points_per_division": 100, "pull_permille": 100, "win": range, "loss": range,
        "tiers": [{ "name": "bronze", "divisions": 2 }, { "name": "gold", "divisions": 1 }],
        "start": { "players_below_permille": [400, 800] },
    });
    let eligibility = Eligibility { games_min: 2, idle_days_max: 1, deviation_max: 340.0 };
    let wins = column(Value::Wins, Descending, Last);
    let cohorts = Grouping::Cohorts(CohortConfig { size: 4, rule: CohortRule::default() });
    vec![
        BoardConfig { eligibility, by: vec![Dimension::Region], ..of_mode("regulars", "duel") },
        BoardConfig {
            columns: vec![wins, column(Value::Conservative, Ascending, Last)],
            ..of_mode("most-wins", "duel")
        },
        BoardConfig { columns: vec![column(Value::Rating, Descending, Best)], ..of_mode("bests", "duel") },
        BoardConfig {
            columns: vec![
                column(Value::Games, Descending, Last),
                wins,
                column(Value::Draws, Ascending, Last),
            ],
            season: weekly(),
            eligibility: Eligibility { idle_days_max: 2, ..Eligibility::default() },
            grouping: Some(cohorts),
            ..of_mode("ladder", "duel")
        },
        BoardConfig {
            columns: vec![column(Value::Place, Descending, Last)],
            tiers: serde_json::from_value(tiers).unwrap(),
            season: weekly(),
            ..of_mode("tiers", "duel")
        },
    ]
}

async fn every_moment_is_as_it_was_noted(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    for (nth, player) in players.iter().enumerate().take(5) {
        settle(&w, *player, if nth % 2 == 0 { "eu" } else { "na" }).await;
    }
    for config in boards() {
        define(&w, config).await;
    }
    let part = |name: &str, part| BoardRef { part: Some(part), ..whole(name) };
    let mut refs: Vec<BoardRef> = boards().into_iter().map(|config| BoardRef::whole(config.name)).collect();
    refs.extend([
        BoardRef::from(&mode("duel")),
        part("regulars", region("eu")),
        part("regulars", region("na")),
    ]);
    let mut notes = Vec::new();
    for round in 0..42 {
        play(&w, &players, round).await;
        // Whoever is idle for longer leaves, and a week has its end.
        let ms = [60_000, 20 * 3_600_000, 1, 3 * DAY_MS][round % 4];
        w.clock.advance_ms(ms / 2);
        w.turn().await;
        for of in &refs {
            notes.push(noted(&w, of, &players).await);
        }
        if round > 4 {
            notes.push(noted(&w, &part("ladder", Part::Cohort(1)), &players).await);
        }
        w.clock.advance_ms(ms - ms / 2);
        if round == 20 {
            w.engine
                .set_rating(&w.admin(), &mode("duel"), players[2], 2_000.0, None, "moved over")
                .await
                .unwrap();
            w.settle();
        }
        if round == 12 || round == 30 {
            check(&w, &players, &notes).await;
        }
    }
    let seasons: std::collections::BTreeSet<Option<u64>> = notes.iter().map(|note| note.of.season).collect();
    let idle = notes.iter().any(|note| note.of.name.as_str() == "regulars" && note.players < 4);
    assert!(seasons.len() > 4 && idle, "the test says something");
    check(&w, &players, &notes).await;
    // Anew, from what is stored.
    for config in boards() {
        let changed = BoardConfig { by: vec![Dimension::Platform, Dimension::Region], ..config };
        if changed.season.is_none() {
            define(&w, changed).await;
        }
    }
    check(&w, &players, &notes).await;
    refused(
        w.engine.rank_at(&whole("none"), players[0], &[Timestamp::EPOCH], Viewer::All).await,
        "not_found",
    );
    refused(w.engine.rank_at(&whole("duel"), players[0], &[], Viewer::All).await, "invalid");
    let nowhere = part("regulars", region("mars"));
    refused(w.engine.rank_at(&nowhere, players[0], &[Timestamp::EPOCH], Viewer::All).await, "not_found");
    let ended = BoardRef { season: Some(1), ..whole("ladder") };
    let found = w.engine.rank_at(&ended, players[0], &[w.clock.now()], Viewer::All).await.unwrap();
    let now = noted(&w, &ended, &players).await;
    assert_eq!(found[0].place.map(|place| place.rank.get()), now.places[0].as_ref().map(|place| place.0));
}

async fn a_voided_result_has_never_been(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    let [a, b] = [players[0], players[1]];
    let id = made(&w, &[a, b]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    let first = w.clock.now();
    w.clock.advance_ms(1_000);
    let later = made(&w, &[a, b]).await.id;
    w.engine.report_result(&w.server(), later, None, &places(&[2, 1], &[])).await.unwrap();
    w.settle();
    let second = w.clock.now();
    let rank = async |at| w.engine.rank_at(&whole("duel"), a, &[at], Viewer::All).await.unwrap()[0];
    assert_eq!((rank(first).await.place.unwrap().rank.get(), rank(second).await.players), (1, 2));
    w.engine.void_result(&w.admin(), id, "wrong map").await.unwrap();
    w.settle();
    assert_eq!((rank(first).await.place, rank(first).await.players), (None, 0));
    assert_eq!(rank(second).await.place.unwrap().rank.get(), 2);
}

async fn a_part_is_of_those_who_belong_there_today(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    define(&w, BoardConfig { by: vec![Dimension::Region], ..of_mode("regions", "duel") }).await;
    settle(&w, players[0], "eu").await;
    settle(&w, players[1], "eu").await;
    for round in 0..10 {
        play(&w, &players, round).await;
    }
    let of = BoardRef { part: Some(region("eu")), ..whole("regions") };
    let past = async |player| {
        let found = w.engine.rank_at(&of, player, &[w.clock.now()], Viewer::All).await.unwrap()[0];
        (found.place.map(|place| place.rank.get()), found.players)
    };
    assert_eq!((past(players[0]).await.1, past(players[2]).await), (2, (None, 2)));
    settle(&w, players[2], "eu").await;
    let now = noted(&w, &of, &players).await;
    assert_eq!(past(players[2]).await, (now.places[2].as_ref().map(|place| place.0), 3));
    settle(&w, players[0], "na").await;
    assert_eq!((past(players[0]).await, past(players[2]).await.1), ((None, 2), 2));
}

async fn a_season_that_was_paid_out_and_changed_has_no_past(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    let columns = vec![column(Value::Games, Direction::Descending, Operator::Last)];
    define(&w, BoardConfig { columns, season: weekly(), ..of_mode("ladder", "duel") }).await;
    let first = play(&w, &players, 2).await;
    play(&w, &players, 3).await;
    let at = w.clock.now();
    w.clock.advance_ms(8 * DAY_MS);
    let config = PayoutConfig { page_size: 10, in_flight_max: 1, retry_after_ms: 60_000 };
    let of = BoardRef { season: Some(1), ..whole("ladder") };
    w.engine.begin_payout(&w.admin(), &of.name, 1, config).await.unwrap();
    w.settle();
    let found = w.engine.rank_at(&of, players[2], &[at], Viewer::All).await.unwrap();
    assert!(found[0].place.is_some() && found[0].players > 2, "{found:?}");
    w.engine.void_result(&w.admin(), first, "wrong map").await.unwrap();
    w.settle();
    for _ in 0..2 {
        refused(w.engine.rank_at(&of, players[2], &[at], Viewer::All).await, "invalid");
    }
    assert!(w.engine.rank_at(&whole("duel"), players[2], &[at], Viewer::All).await.is_ok());
}

/// Earlier versions had who quit on a side that won as a winner, and one may have counted the first matches of a season.
async fn a_season_that_an_earlier_version_paid_out_is_told_as_it_was_counted(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(4).await;
    let boards = ["none", "one", "two", "three"];
    for name in boards {
        let columns = vec![column(Value::Wins, Direction::Descending, Operator::Last)];
        define(&w, BoardConfig { columns, season: weekly(), ..of_mode(name, "duo") }).await;
    }
    let mut instants = Vec::new();
    for _ in 0..2 {
        w.clock.advance_ms(60_000);
        let (queue, sides) = (QueueName::new("duo").unwrap(), vec![vec![p[0], p[1]], vec![p[2], p[3]]]);
        let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
        let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[p[1]])).await.unwrap();
        w.settle();
        instants.push(w.clock.now());
    }
    w.clock.advance_ms(8 * DAY_MS);
    for (wins, name) in (0..).zip(boards) {
        let of = BoardRef { season: Some(1), ..whole(name) };
        let key = Key::Entry(of.name.clone(), 1, p[1]);
        let found = w.stores[0].get(std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
        let Row::Entry(row) = &*found.row else { panic!("no entry: {found:?}") };
        assert_eq!(row.values[0], 0);
        let mut row = row.clone();
        row.values[0] = wins;
        // With the win that came last.
        row.reached_at = instants[usize::from(wins > 1)];
        let mut changes = ChangeSet::new(CommitKey::fresh(&**w.engine.ids()), w.clock.now());
        changes.replace(key, Some(found.version), Row::Entry(row));
        w.stores[0].commit(changes).await.unwrap();
        w.settle();
        let config = PayoutConfig { page_size: 10, in_flight_max: 1, retry_after_ms: 60_000 };
        w.engine.begin_payout(&w.admin(), &of.name, 1, config).await.unwrap();
        w.settle();
        let past = w.engine.rank_at(&of, p[1], &instants, Viewer::All).await;
        if wins == 3 {
            refused(past, "invalid");
            continue;
        }
        let counted = |past: &PastRank| past.place.map(|place| place.keys.columns()[0]);
        let counted: Vec<_> = past.unwrap().iter().map(counted).collect();
        assert_eq!(counted, [Some(wins.min(1)), Some(wins)], "{name}");
        let mate = w.engine.rank_at(&of, p[0], &instants[1..], Viewer::All).await.unwrap();
        assert_eq!(mate[0].place.map(|place| (place.rank.get(), place.keys.columns()[0])), Some((1, 2)));
    }
}

async fn what_cannot_be_exact_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let submitted = vec![column(Value::Submitted, Direction::Descending, Operator::Best)];
    let laps =
        BoardConfig { source: Source::Submissions, columns: submitted.clone(), ..of_mode("laps", "duel") };
    define(&w, laps).await;
    let scores = BoardConfig {
        source: Source::Submissions,
        columns: submitted,
        past: true,
        ..of_mode("kept", "duel")
    };
    let wide = BoardConfig { columns: vec![scores.columns[0]; 3], ..scores.clone() };
    let dense = BoardConfig { ties: Ties::Dense, ..scores.clone() };
    let mode = BoardConfig { past: true, ..of_mode("kept", "duel") };
    for config in [wide, dense, mode] {
        refused(w.engine.put_board(&w.admin(), config).await, "invalid");
    }
    define(&w, scores.clone()).await;
    refused(w.engine.put_board(&w.admin(), BoardConfig { past: false, ..scores }).await, "invalid");
    define(&w, BoardConfig { ties: Ties::Dense, ..of_mode("dense", "duel") }).await;
    let rating = column(Value::Rating, Direction::Descending, Operator::Last);
    define(&w, BoardConfig { columns: vec![rating; 3], ..of_mode("wide", "duel") }).await;
    for board in ["laps", "dense", "wide"] {
        refused(
            w.engine.rank_at(&whole(board), players[0], &[Timestamp::EPOCH], Viewer::All).await,
            "invalid",
        );
    }
}

/// A board of scores that keeps its past.
fn kept(name: &str, operators: &[Operator]) -> BoardConfig {
    let columns = operators.iter().map(|operator| column(Value::Submitted, Direction::Ascending, *operator));
    BoardConfig {
        source: Source::Submissions,
        columns: columns.collect(),
        past: true,
        ..of_mode(name, "duel")
    }
}

fn score(player: PlayerId, values: &[i64], at: Option<Timestamp>) -> Submission {
    Submission { player, values: values.to_vec(), at, metadata: Some("a text".to_owned()) }
}

async fn submit(w: &World, board: &str, submissions: &[Submission]) {
    w.engine.submit(&w.server(), &board.parse().unwrap(), submissions).await.unwrap();
    w.settle();
}

async fn a_board_that_kept_only_what_moved_asks_nothing_of_players_later(w: World) {
    let ann = w.players(1).await[0];
    let asks = |name: &str, games_min| {
        let eligibility = Eligibility { games_min, ..Eligibility::default() };
        BoardConfig { eligibility, ..kept(name, &[Operator::Best]) }
    };
    define(&w, asks("free", 0)).await;
    define(&w, asks("strict", 3)).await;
    for board in ["free", "strict"] {
        for _ in 0..2 {
            submit(&w, board, &[score(ann, &[5], None)]).await;
            w.clock.advance_ms(1_000);
        }
    }
    // Of the two submissions the past of the one has one.
    refused(w.engine.put_board(&w.admin(), asks("free", 3)).await, "invalid");
    define(&w, asks("free", 0)).await;
    // The other has both.
    define(&w, asks("strict", 2)).await;
    check(&w, &[ann], &[noted(&w, &whole("strict"), &[ann]).await]).await;
    define(&w, asks("strict", 0)).await;
    refused(w.engine.put_board(&w.admin(), asks("strict", 2)).await, "invalid");
}

async fn submitted_scores_are_as_they_were_noted(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    let few = Eligibility { games_min: 2, idle_days_max: 3, ..Eligibility::default() };
    let weekly =
        serde_json::from_value(json!({"days": {"every": 7, "zone": "UTC", "from": "2020-01-06T00:00"}}))
            .unwrap();
    let boards = [
        kept("best", &[Operator::Best]),
        kept("two", &[Operator::Incr, Operator::Last]),
        BoardConfig { by: vec![Dimension::Region], ..kept("parts", &[Operator::Set]) },
        BoardConfig { eligibility: few, ..kept("few", &[Operator::Decr]) },
        BoardConfig { season: weekly, ..kept("weekly", &[Operator::Best]) },
    ];
    for board in &boards {
        define(&w, board.clone()).await;
    }
    let eu = Places { region: Attribute::new("eu").ok(), ..Places::default() };
    for player in &players[..3] {
        w.engine.set_places(&w.server(), *player, eu.clone()).await.unwrap();
    }
    let europe = Part::Of(Dimension::Region, Attribute::new("eu").unwrap());
    let mut refs: Vec<BoardRef> = boards.iter().map(|board| whole(board.name.as_str())).collect();
    refs.push(BoardRef { part: Some(europe), ..whole("parts") });
    let (mut notes, mut seed) = (Vec::new(), 7_u64);
    let mut drawn = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    for turn in 0..60 {
        w.clock.advance_ms(DAY_MS / 3);
        for board in &boards {
            let submissions: Vec<Submission> = (0..drawn(3))
                .map(|_| {
                    let values: Vec<i64> = board.columns.iter().map(|_| drawn(9) as i64 - 4).collect();
                    score(players[drawn(6) as usize], &values, None)
                })
                .collect();
            if !submissions.is_empty() {
                submit(&w, board.name.as_str(), &submissions).await;
            }
        }
        let of = &refs[drawn(4) as usize];
        let player = players[drawn(6) as usize];
        if turn % 4 == 3 && w.engine.entry(of, player).await.unwrap().is_some() {
            w.engine.remove_entry(&w.admin(), of, player, "cheated").await.unwrap();
            w.settle();
        }
        w.turn().await;
        for of in &refs {
            notes.push(noted(&w, of, &players).await);
        }
        if turn == 20 {
            // From here on the pasts follow.
            check(&w, &players, &notes).await;
        }
    }
    check(&w, &players, &notes).await;
    // A board that is given up takes its steps with it.
    w.engine.delete_board(&w.admin(), &"best".parse().unwrap()).await.unwrap();
    w.settle();
    define(&w, boards[0].clone()).await;
    let found = w.engine.rank_at(&whole("best"), players[0], &[w.clock.now()], Viewer::All).await.unwrap();
    assert_eq!((found[0].place, found[0].players), (None, 0));
}

async fn a_late_score_counts_from_when_it_was_made(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    define(&w, kept("laps", &[Operator::Best])).await;
    let begin = w.clock.now();
    let after = |ms| Timestamp::from_millis(begin.as_millis() + ms);
    w.clock.advance_ms(10_000);
    submit(&w, "laps", &[score(players[0], &[50], None)]).await;
    w.clock.advance_ms(10_000);
    let rank = async |at| w.engine.rank_at(&whole("laps"), players[0], &[at], Viewer::All).await.unwrap()[0];
    assert_eq!(rank(after(15_000)).await.place.map(|place| place.rank.get()), Some(1));
    // Made before the other's.
    submit(&w, "laps", &[score(players[1], &[40], Some(after(5_000)))]).await;
    assert_eq!(rank(after(15_000)).await.place.map(|place| place.rank.get()), Some(2));
    assert_eq!((rank(after(7_000)).await.place, rank(after(7_000)).await.players), (None, 1));
    // A player's own steps do not change places.
    submit(&w, "laps", &[score(players[0], &[30], Some(after(1_000)))]).await;
    let early = score(players[0], &[29], Some(Timestamp::from_millis(-253_402_300_800_000)));
    refused(w.engine.submit(&w.server(), &"laps".parse().unwrap(), &[early]).await, "invalid");
    assert_eq!(rank(after(9_999)).await.place, None);
    assert_eq!(rank(after(10_000)).await.place.map(|place| place.keys.columns()[0]), Some(30));
}

async fn who_asks_while_a_past_is_made_waits_for_it(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(6).await;
    for round in 0..12 {
        play(&w, &p, round).await;
    }
    let (of, now) = (whole("duel"), [w.clock.now()]);
    let asks = (0..16).map(|_| w.engine.rank_at(&of, p[0], &now, Viewer::All));
    for found in futures::future::join_all(asks).await {
        assert_eq!(found.unwrap()[0].players, 5);
    }
}

async fn what_a_past_cannot_compare_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(1).await;
    define(&w, kept("laps", &[Operator::Incr, Operator::Last])).await;
    let give = async |values: &[i64]| {
        let done =
            w.engine.submit(&w.server(), &"laps".parse().unwrap(), &[score(players[0], values, None)]).await;
        w.settle();
        done.map(drop)
    };
    let most = (1 << 30) - 1;
    refused(give(&[1 << 31, 0]).await, "invalid");
    give(&[most, -most]).await.unwrap();
    refused(give(&[1 << 31, 0]).await, "invalid");
    refused(give(&[1 << 30, 0]).await, "invalid");
    // Whichever way is better.
    refused(give(&[0, most + 1]).await, "invalid");
    refused(give(&[0, -most - 1]).await, "invalid");
    let down = column(Value::Submitted, Direction::Descending, Operator::Last);
    define(&w, BoardConfig { columns: vec![down; 2], ..kept("down", &[]) }).await;
    for (value, fits) in [(most, true), (-most, true), (most + 1, false), (-most - 1, false)] {
        let of = score(players[0], &[value, value], None);
        let done = w.engine.submit(&w.server(), &"down".parse().unwrap(), &[of]).await;
        assert_eq!(done.is_ok(), fits, "{value}");
        w.settle();
    }
    let found = w.engine.rank_at(&whole("laps"), players[0], &[w.clock.now()], Viewer::All).await.unwrap();
    assert_eq!(found[0].place.unwrap().keys.columns()[..2], [most, -most]);
    // A number that one column takes stays in the past, where it would not fit beside another.
    define(&w, kept("points", &[Operator::Best])).await;
    let points = whole("points");
    w.engine.submit(&w.server(), &points.name, &[score(players[0], &[1 << 40], None)]).await.unwrap();
    w.settle();
    let two = kept("points", &[Operator::Best, Operator::Best]);
    refused(w.engine.put_board(&w.admin(), two).await, "invalid");
    define(&w, BoardConfig { columns: vec![down], ..kept("points", &[]) }).await;
    let found = w.engine.rank_at(&points, players[0], &[w.clock.now()], Viewer::All).await.unwrap();
    assert_eq!(found[0].place.unwrap().keys.columns()[0], 1 << 40);
    // The other way round all fits.
    define(&w, kept("laps", &[Operator::Incr])).await;
    w.engine.rank_at(&whole("laps"), players[0], &[w.clock.now()], Viewer::All).await.unwrap();
}

async fn who_is_hidden_has_no_past(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    define(&w, kept("laps", &[Operator::Best])).await;
    submit(&w, "laps", &[score(p[0], &[5], None), score(p[1], &[6], None)]).await;
    let ranked = async |viewer| {
        let found = w.engine.rank_at(&whole("laps"), p[0], &[w.clock.now()], viewer).await.unwrap();
        (found[0].place.is_some(), found[0].players)
    };
    let see = async |visibility| {
        let board = "laps".parse().unwrap();
        w.engine.set_visibility(&w.admin(), &board, p[0], visibility, "cheated").await.unwrap();
        w.settle();
        let own = ranked(Viewer::Player(p[0])).await.0;
        let others = [ranked(Viewer::Player(p[1])).await.0, ranked(Viewer::Other).await.0];
        (own, others, ranked(Viewer::All).await.0)
    };
    assert_eq!(see(gsm_engine::Visibility::Hidden).await, (false, [false; 2], true));
    assert_eq!(see(gsm_engine::Visibility::Shadow).await, (true, [false; 2], true));
    assert_eq!(see(gsm_engine::Visibility::Shown).await, (true, [true; 2], true));
}
