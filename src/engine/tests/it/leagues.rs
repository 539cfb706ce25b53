//! Cohorts and leagues: seats that are taken once, levels that follow, and what is read of them; against a twin that
//! keeps a list of matches and counts everything anew.
mod at_once;
mod events;
mod finals;
mod twin;

use crate::{
    defined::{of_mode, whole},
    matches::made,
    world::{World, both, mode, one_home, places, refused, three_homes, world},
};
use futures::future::join_all;
use gsm_core::{BoardName, MatchId, PlayerId, Timestamp};
use gsm_engine::{
    BoardConfig, BoardRef, CohortConfig, CohortRule, Column, Direction, Engine, Fate, Grouping, LeagueConfig,
    Operator, Part, PayoutConfig, Places, Plausibility, QueueConfig, ScheduleConfig, Source, Span,
    Submission, Value, Viewer, Visibility, store::memory::Faults,
};
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet};

both! {
    a_place_in_a_cohort_says_the_next_level,
    a_seat_stays_whatever_is_voided,
    a_result_that_counts_late_has_its_seats,
    scores_take_seats_too,
    cohorts_are_of_one_region,
    cohorts_are_of_one_band_of_ratings,
    each_cohort_is_read_by_itself,
    who_is_in_the_shadow_sees_the_seasons_of_others_as_if_he_were_ranked,
    who_has_no_seat_yet_takes_one_with_the_next_match,
    a_board_with_cohorts_is_given_up_with_its_seats,
    a_cohort_makes_rank_events,
    a_payout_tells_level_and_place,
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The Tuesday before the world's clock begins.
const FROM: i64 = 1_699_920_000_000;

fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}

fn column(value: Value, operator: Operator) -> Column {
    Column { value, direction: Direction::Descending, operator }
}

const LEAGUE: LeagueConfig =
    LeagueConfig { levels: 3, size: 4, promote: 1, relegate: 1, games_min: 0, start: 2 };

/// A board of `duel` by wins, then games, that begins anew every week.
fn weekly(text: &str, grouping: Grouping) -> BoardConfig {
    let season = ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() };
    let columns = vec![column(Value::Wins, Operator::Last), column(Value::Games, Operator::Last)];
    BoardConfig { columns, season: Some(season), grouping: Some(grouping), ..of_mode(text, "duel") }
}

fn league(text: &str, config: LeagueConfig) -> BoardConfig {
    weekly(text, Grouping::League(config))
}

fn cohorts(text: &str, size: u32, rule: CohortRule) -> BoardConfig {
    weekly(text, Grouping::Cohorts(CohortConfig { size, rule }))
}

fn of_scores(config: BoardConfig) -> BoardConfig {
    let columns = vec![column(Value::Submitted, Operator::Incr)];
    BoardConfig { source: Source::Submissions, columns, ..config }
}

async fn define(w: &World, config: BoardConfig) {
    w.teams("duel", 1, None).await;
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
}

async fn beats(w: &World, winner: PlayerId, loser: PlayerId) -> MatchId {
    let id = made(w, &[winner, loser]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
    id
}

fn next_week(w: &World) {
    let now = w.admin().now.as_millis();
    w.clock.advance_ms(7 * DAY - (now - FROM) % (7 * DAY));
}

/// Season, level, cohort, number of the seat, rank and fate, newest first.
async fn ended(engine: &Engine, board: &str, player: PlayerId) -> Vec<(u64, u8, u64, u32, u64, char)> {
    let seats = engine.past_seats(&name(board), player, None, 20, Viewer::All).await.unwrap();
    let line = |of: &gsm_engine::PastSeat| {
        let seat = of.seat;
        let rank = seat.rank.map_or(0, gsm_core::Rank::get);
        (of.season, seat.level.unwrap_or(0), seat.seat.cohort, seat.seat.number, rank, sign(seat.fate))
    };
    seats.iter().map(line).collect()
}

fn sign(fate: Option<Fate>) -> char {
    match fate {
        Some(Fate::Promoted) => '+',
        Some(Fate::Stays) => '=',
        Some(Fate::Relegated) => '-',
        None => ' ',
    }
}

async fn a_place_in_a_cohort_says_the_next_level(w: World) {
    define(&w, league("league", LEAGUE)).await;
    let p = w.players(5).await;
    for (winner, loser) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 4)] {
        beats(&w, p[winner], p[loser]).await;
    }
    // The first four fill a cohort; the last is alone in the next, where a share of one is nobody.
    let now: Vec<_> = join_all(p.iter().map(|player| ended(&w.engine, "league", *player))).await;
    assert_eq!(
        now.iter().map(|of| of[0]).collect::<Vec<_>>(),
        [
            (1, 2, 1, 1, 1, '+'),
            (1, 2, 1, 2, 2, '='),
            (1, 2, 1, 3, 3, '='),
            (1, 2, 1, 4, 4, '-'),
            (1, 2, 2, 1, 1, '='),
        ]
    );
    next_week(&w);
    assert_eq!(ended(&w.engine, "league", p[0]).await, [(1, 2, 1, 1, 1, '+')]);
    beats(&w, p[3], p[0]).await;
    beats(&w, p[1], p[2]).await;
    // Cohorts are numbered as they are opened.
    let levels = |engine| {
        let p = &p;
        async move {
            let mut levels = Vec::new();
            for player in p {
                let seats = ended(engine, "league", *player).await;
                levels.push(seats.iter().map(|of| (of.0, of.1, of.2, of.5)).collect::<Vec<_>>());
            }
            levels
        }
    };
    let told = levels(&w.engine).await;
    assert_eq!(told[0], [(2, 3, 2, '='), (1, 2, 1, '+')]);
    assert_eq!(told[1], [(2, 2, 3, '='), (1, 2, 1, '=')]);
    assert_eq!(told[2], [(2, 2, 3, '='), (1, 2, 1, '=')]);
    assert_eq!(told[3], [(2, 1, 1, '='), (1, 2, 1, '-')]);
    // Who stays away for seasons comes back to where his last place leads.
    for _ in 0..6 {
        next_week(&w);
    }
    beats(&w, p[4], p[0]).await;
    assert_eq!(ended(&w.engine, "league", p[4]).await[0], (8, 2, 1, 1, 1, '='));
    assert_eq!(ended(&w.engine, "league", p[0]).await[0].1, 3);
    let told = levels(&w.engine).await;
    assert_eq!(levels(&w.node("again").await).await, told);
    let page = w.engine.past_seats(&name("league"), p[0], Some(8), 1, Viewer::All).await.unwrap();
    assert_eq!(page.iter().map(|of| (of.season, of.is_over)).collect::<Vec<_>>(), [(2, true)]);
    refused(w.engine.past_seats(&name("duel"), p[0], None, 1, Viewer::All).await, "invalid");
}

async fn a_seat_stays_whatever_is_voided(w: World) {
    define(&w, league("league", LEAGUE)).await;
    let p = w.players(4).await;
    let first = beats(&w, p[0], p[1]).await;
    let second = beats(&w, p[2], p[3]).await;
    beats(&w, p[2], p[0]).await;
    w.engine.void_result(&w.admin(), first, "x").await.unwrap();
    w.settle();
    // The second has no entry, and the seat all the same: behind all who have one.
    assert_eq!(ended(&w.engine, "league", p[1]).await, [(1, 2, 1, 2, 0, '-')]);
    refused(w.engine.rank(&whole("league"), p[1], Viewer::All), "not_found");
    next_week(&w);
    beats(&w, p[2], p[1]).await;
    assert_eq!(ended(&w.engine, "league", p[1]).await[0].1, 1);
    assert_eq!(ended(&w.engine, "league", p[2]).await[0].1, 3);
    // What is decided later moves the ranks of the past, and nobody who has entered the next season.
    w.engine.correct_result(&w.admin(), second, &places(&[2, 1], &[]), "x").await.unwrap();
    w.settle();
    w.engine.rebuild(&w.admin(), &mode("duel"), true).await.unwrap();
    w.settle();
    assert_eq!(ended(&w.engine, "league", p[2]).await[1], (1, 2, 1, 3, 1, '+'));
    assert_eq!(ended(&w.engine, "league", p[3]).await, [(1, 2, 1, 4, 2, '=')]);
    w.engine.void_result(&w.admin(), second, "x").await.unwrap();
    w.settle();
    assert_eq!(ended(&w.engine, "league", p[3]).await, [(1, 2, 1, 4, 0, '-')]);
}

async fn a_result_that_counts_late_has_its_seats(w: World) {
    define(&w, league("league", LEAGUE)).await;
    let config = (*w.engine.queues()[0]).clone();
    let duration_ms = Some(Span { least: Some(60_000), most: None });
    let plausibility = Some(Plausibility { duration_ms, ..Plausibility::default() });
    w.put(QueueConfig { plausibility, ..config }).await;
    let p = w.players(2).await;
    let id = beats(&w, p[0], p[1]).await;
    let seats = |of: Vec<(u64, u8, u64, u32, u64, char)>| of[0].3;
    assert_eq!(seats(ended(&w.engine, "league", p[0]).await), 1, "it waits, and they have their seats");
    w.engine.release_result(&w.admin(), id, "a short match").await.unwrap();
    w.settle();
    let [first, second] = [p[0], p[1]].map(|player| ended(&w.engine, "league", player));
    let (first, second) = (first.await[0], second.await[0]);
    assert_eq!(((first.3, first.4), (second.3, second.4)), ((1, 1), (2, 2)));
}

async fn scores_take_seats_too(w: World) {
    define(&w, of_scores(league("fishing", LEAGUE))).await;
    let p = w.players(6).await;
    let of =
        |player: usize, value, at| Submission { player: p[player], values: vec![value], at, metadata: None };
    let submit = async |list: &[Submission]| {
        let done = w.engine.submit(&w.server(), &name("fishing"), list).await;
        w.settle();
        done
    };
    let first = w.admin().now;
    let all =
        [of(4, 1, None), of(0, 5, None), of(0, 5, None), of(3, 7, None), of(1, 1, None), of(2, 9, None)];
    submit(&all).await.unwrap();
    let seats = join_all(p[..5].iter().map(|player| ended(&w.engine, "fishing", *player))).await;
    let seats: Vec<_> = seats.iter().map(|of| (of[0].2, of[0].3, of[0].4)).collect();
    assert_eq!(seats, [(1, 2, 1), (1, 4, 3), (2, 1, 1), (1, 3, 2), (1, 1, 3)], "in the order of the list");
    w.engine.remove_entry(&w.admin(), &whole("fishing"), p[0], "cheated").await.unwrap();
    w.settle();
    next_week(&w);
    let mixed = [of(5, 1, None), of(5, 1, Some(first))];
    refused(submit(&mixed).await, "invalid");
    submit(&[of(0, 1, None), of(3, 1, None)]).await.unwrap();
    assert_eq!(ended(&w.engine, "fishing", p[0]).await[0].1, 1, "an entry that was removed is behind all");
    assert_eq!(ended(&w.engine, "fishing", p[3]).await[0].1, 3);
    // A late score counts where it was made, and nobody takes a seat before one he has.
    submit(&[of(0, 3, Some(first)), of(5, 9, Some(first))]).await.unwrap();
    assert_eq!(ended(&w.engine, "fishing", p[0]).await.len(), 2);
    assert_eq!(ended(&w.engine, "fishing", p[5]).await, [(1, 2, 2, 2, 1, '=')]);
    next_week(&w);
    submit(&[of(5, 1, None)]).await.unwrap();
    submit(&[of(5, 1, Some(Timestamp::from_millis(w.admin().now.as_millis() - 7 * DAY)))]).await.unwrap();
    let seasons: Vec<u64> = ended(&w.engine, "fishing", p[5]).await.iter().map(|of| of.0).collect();
    assert_eq!(seasons, [3, 1]);
}

/// With steps and seats they are more writes than a change set has room for: that is said, and how many are surely taken.
#[tokio::test]
async fn scores_of_too_many_newcomers_at_once_are_refused() {
    let w = world(1, 100, Faults::NONE);
    define(&w, BoardConfig { past: true, ..of_scores(cohorts("near", 8, CohortRule::Region)) }).await;
    let p = w.players(40).await;
    let of = |player: &PlayerId| Submission { player: *player, values: vec![1], at: None, metadata: None };
    let all: Vec<Submission> = p.iter().map(of).collect();
    refused(w.engine.submit(&w.server(), &name("near"), &all).await, "invalid");
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(w.engine.scores_at_once(&name("near"), rest).unwrap());
        w.engine.submit(&w.server(), &name("near"), now).await.unwrap();
        rest = later;
    }
}

async fn cohorts_are_of_one_region(w: World) {
    define(&w, of_scores(cohorts("near", 2, CohortRule::Region))).await;
    let p = w.players(5).await;
    for (player, region) in p.iter().zip(["eu", "na", "eu", "eu"]) {
        let places = Places { region: Some(region.parse().unwrap()), ..Places::default() };
        w.engine.set_places(&w.admin(), *player, places).await.unwrap();
    }
    w.settle();
    for player in &p {
        let of = Submission { player: *player, values: vec![1], at: None, metadata: None };
        w.engine.submit(&w.server(), &name("near"), &[of]).await.unwrap();
    }
    w.settle();
    let seats = join_all(p.iter().map(|player| ended(&w.engine, "near", *player))).await;
    let seats: Vec<_> = seats.iter().map(|of| (of[0].1, of[0].2, of[0].3, of[0].5)).collect();
    assert_eq!(seats, [(0, 1, 1, ' '), (0, 2, 1, ' '), (0, 1, 2, ' '), (0, 3, 1, ' '), (0, 4, 1, ' ')]);
}

async fn cohorts_are_of_one_band_of_ratings(w: World) {
    define(&w, cohorts("peers", 4, CohortRule::RatingBand { width: 100_000 })).await;
    let p = w.players(4).await;
    for (player, mean) in [(0, 1_700.0), (1, 1_150.0), (2, 1_790.0)] {
        w.engine.set_rating(&w.admin(), &mode("duel"), p[player], mean, None, "x").await.unwrap();
        w.settle();
    }
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    let seats = join_all(p.iter().map(|player| ended(&w.engine, "peers", *player))).await;
    let cohorts: Vec<_> = seats.iter().map(|of| of[0].2).collect();
    assert_eq!(cohorts, [1, 2, 1, 3]);
}

async fn each_cohort_is_read_by_itself(w: World) {
    define(&w, cohorts("small", 2, CohortRule::Arrival)).await;
    let p = w.players(4).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    beats(&w, p[2], p[0]).await;
    let part = |cohort| BoardRef { part: Some(Part::Cohort(cohort)), ..whole("small") };
    for engine in [&w.engine, &w.node("again").await] {
        let whole_rank = engine.open_board(&whole("small")).await.unwrap().ranks(&p, Viewer::All).unwrap();
        let ranks: Vec<u64> = whole_rank.iter().map(|of| of.as_ref().unwrap().rank.get()).collect();
        assert_eq!(ranks, [2, 3, 1, 3]);
        for (player, expected) in p.iter().zip([1, 2, 1, 2]) {
            let view = engine.rank(&whole("small"), *player, Viewer::Other).unwrap();
            assert_eq!(
                (view.rank.get(), view.players, view.percentile),
                (expected, 2, if expected == 1 { 100.0 } else { 0.0 })
            );
        }
        let (rows, players) = engine.top(&part(2), 0, 10).await.unwrap();
        assert_eq!((rows.iter().map(|row| row.player).collect::<Vec<_>>(), players), (vec![p[2], p[3]], 2));
        let (rows, _) = engine.around(&whole("small"), p[1], 5, Viewer::All).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.player).collect::<Vec<_>>(), [p[0], p[1]]);
        let (among, _) = engine.among(&part(1), &p).await.unwrap();
        assert_eq!(among.len(), 2);
        let page = engine.board_page(&part(1), None, 1).await.unwrap();
        let rest = engine.board_page(&part(1), page.next.as_deref(), 9).await.unwrap();
        assert_eq!((page.rows[0].player, rest.rows[0].player, rest.next), (p[0], p[1], None));
        let listed = engine.cohorts(&whole("small"), None, 0, 10, Viewer::All).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|of| (of.cohort, of.level, of.taken, of.players)).collect();
        assert_eq!(listed, [(1, None, 2, 2), (2, None, 2, 2)]);
        assert_eq!(engine.cohorts(&whole("small"), None, 1, 10, Viewer::All).await.unwrap().len(), 1);
        refused(engine.top(&part(3), 0, 1).await, "not_found");
        refused(engine.rank(&part(1), p[2], Viewer::All), "not_found");
        let other = BoardRef { part: Some(Part::Cohort(1)), ..whole("duel") };
        refused(engine.top(&other, 0, 1).await, "not_found");
        refused(engine.cohorts(&whole("duel"), None, 0, 1, Viewer::All).await, "invalid");
    }
    // Who is hidden keeps the seat; who is in the shadow sees himself.
    let hide = async |visibility| {
        w.engine.set_visibility(&w.admin(), &name("small"), p[0], visibility, "x").await.unwrap();
        w.settle();
        w.engine.rank(&whole("small"), p[1], Viewer::Other).unwrap().rank.get()
    };
    assert_eq!(hide(Visibility::Hidden).await, 1);
    let opened = w.engine.open_board(&whole("small")).await.unwrap();
    assert_eq!(opened.seat(p[0], Viewer::Other).unwrap(), None);
    let seat = opened.seat(p[0], Viewer::All).unwrap().unwrap();
    assert_eq!((seat.rank, seat.taken, seat.players), (None, 2, 1));
    assert_eq!(w.engine.past_seats(&name("small"), p[0], None, 9, Viewer::Other).await.unwrap(), []);
    assert_eq!(hide(Visibility::Shadow).await, 1);
    assert_eq!(w.engine.rank(&whole("small"), p[0], Viewer::Player(p[0])).unwrap().rank.get(), 1);
    assert_eq!(hide(Visibility::Shown).await, 2);
}

async fn who_is_in_the_shadow_sees_the_seasons_of_others_as_if_he_were_ranked(w: World) {
    define(&w, of_scores(cohorts("small", 5, CohortRule::Arrival))).await;
    let p = w.players(4).await;
    let submit = async || {
        for (player, value) in p.iter().zip([40, 30, 20, 10]) {
            let of = Submission { player: *player, values: vec![value], at: None, metadata: None };
            w.engine.submit(&w.server(), &name("small"), &[of]).await.unwrap();
            w.settle();
        }
    };
    submit().await;
    next_week(&w);
    submit().await;
    for player in [p[0], p[3]] {
        let seen = Visibility::Shadow;
        w.engine.set_visibility(&w.admin(), &name("small"), player, seen, "x").await.unwrap();
        w.settle();
    }
    for (viewer, wanted) in [
        (Viewer::Player(p[0]), [(1, 3), (2, 3), (3, 3), (0, 3)]),
        (Viewer::Player(p[3]), [(0, 3), (1, 3), (2, 3), (3, 3)]),
        (Viewer::Player(p[1]), [(0, 2), (1, 2), (2, 2), (0, 2)]),
        (Viewer::Other, [(0, 2), (1, 2), (2, 2), (0, 2)]),
        (Viewer::All, [(1, 3), (1, 2), (2, 2), (3, 3)]),
    ] {
        for (player, wanted) in p.iter().zip(wanted) {
            let is_seen = wanted.0 > 0;
            let seasons = w.engine.past_seats(&name("small"), *player, None, 9, viewer).await.unwrap();
            assert_eq!(seasons.len(), if is_seen { 2 } else { 0 });
            for of in seasons {
                let rank = of.seat.rank.map_or(0, gsm_core::Rank::get);
                assert_eq!((rank, of.seat.players), wanted, "{viewer:?} in season {}", of.season);
                let board = BoardRef { season: Some(of.season), ..whole("small") };
                let read = w.engine.open_board(&board).await.unwrap().rank(*player, viewer).unwrap();
                let read = (Some(read.rank), Some(read.percentile), read.players);
                assert_eq!(read, (of.seat.rank, of.seat.percentile, of.seat.players));
            }
        }
    }
}

async fn who_has_no_seat_yet_takes_one_with_the_next_match(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    beats(&w, p[0], p[1]).await;
    define(&w, league("league", LEAGUE)).await;
    assert_eq!(w.engine.top(&whole("league"), 0, 9).await.unwrap().1, 2, "what was counts");
    refused(w.engine.rank(&whole("league"), p[0], Viewer::All), "not_found");
    beats(&w, p[0], p[2]).await;
    let view = w.engine.rank(&whole("league"), p[0], Viewer::All).unwrap();
    assert_eq!((view.rank.get(), view.players, view.keys.first()), (1, 2, 2));
    refused(w.engine.rank(&whole("league"), p[1], Viewer::All), "not_found");
}

async fn a_board_with_cohorts_is_given_up_with_its_seats(w: World) {
    define(&w, league("league", LEAGUE)).await;
    let p = w.players(2).await;
    beats(&w, p[0], p[1]).await;
    let changed = league("league", LeagueConfig { size: 5, ..LEAGUE });
    refused(w.engine.put_board(&w.admin(), changed.clone()).await, "invalid");
    w.engine.delete_board(&w.admin(), &name("league")).await.unwrap();
    w.settle();
    define(&w, changed).await;
    assert_eq!(ended(&w.engine, "league", p[0]).await, []);
    beats(&w, p[1], p[0]).await;
    assert_eq!(ended(&w.engine, "league", p[1]).await, [(1, 2, 1, 1, 1, '=')]);
    let bad = async |config| refused(w.engine.put_board(&w.admin(), config).await, "invalid");
    bad(BoardConfig { season: None, ..league("b", LEAGUE) }).await;
    bad(league("b", LeagueConfig { levels: 1, ..LEAGUE })).await;
    bad(league("b", LeagueConfig { relegate: 4, ..LEAGUE })).await;
    bad(cohorts("b", 1, CohortRule::Arrival)).await;
    bad(of_scores(cohorts("b", 9, CohortRule::RatingBand { width: 9 }))).await;
}

async fn a_cohort_makes_rank_events(w: World) {
    define(&w, cohorts("small", 2, CohortRule::Arrival)).await;
    let p = w.players(4).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    let wish = gsm_engine::WatchWish { friends: vec![p[0], p[2]], top: vec![1], personal_best: false };
    w.engine.put_watch(&w.by(p[1]), &name("small"), p[1], wish).await.unwrap();
    w.settle();
    w.engine.tell_ranks().await.unwrap();
    w.settle();
    let news = async || {
        let events = w.engine.events(p[1], gsm_engine::store::Cursor::default(), 99).await.unwrap();
        let kinds = events.into_iter().filter_map(|item| match item.event.kind {
            gsm_engine::store::PushKind::Rank { rank, players, news, .. } => {
                Some((rank.get(), players, news))
            }
            _ => None,
        });
        kinds.collect::<Vec<_>>()
    };
    // Another cohort moves: nothing.
    beats(&w, p[2], p[3]).await;
    w.engine.tell_ranks().await.unwrap();
    w.settle();
    assert_eq!(news().await, []);
    beats(&w, p[1], p[3]).await;
    beats(&w, p[1], p[3]).await;
    w.engine.tell_ranks().await.unwrap();
    w.settle();
    use gsm_engine::store::RankNews;
    assert_eq!(news().await, [(1, 2, RankNews::EnteredTop { top: 1 })]);
    for _ in 0..2 {
        beats(&w, p[0], p[3]).await;
    }
    w.engine.tell_ranks().await.unwrap();
    w.settle();
    let told = news().await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&(2, 2, RankNews::LeftTop { top: 1 })));
}

async fn a_payout_tells_level_and_place(w: World) {
    define(&w, league("league", LeagueConfig { size: 2, ..LEAGUE })).await;
    let p = w.players(4).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    w.engine.set_visibility(&w.admin(), &name("league"), p[0], Visibility::Hidden, "x").await.unwrap();
    w.settle();
    next_week(&w);
    let config = PayoutConfig { page_size: 9, in_flight_max: 1, retry_after_ms: 60_000 };
    w.engine.begin_payout(&w.admin(), &name("league"), 1, config).await.unwrap();
    w.settle();
    let page = w.engine.next_payout_page(&w.server(), &name("league"), 1).await.unwrap().unwrap();
    let rows: BTreeMap<PlayerId, _> = page.rows.iter().map(|row| (row.player, row)).collect();
    let seats: Vec<_> = p
        .iter()
        .map(|player| {
            let seat = rows[player].seat.unwrap();
            (seat.level, seat.seat.cohort, seat.rank.map(gsm_core::Rank::get), sign(seat.fate))
        })
        .collect();
    assert_eq!(
        seats,
        [
            (Some(2), 1, None, '-'),
            (Some(2), 1, Some(1), '+'),
            (Some(2), 2, Some(1), '+'),
            (Some(2), 2, Some(2), '-'),
        ]
    );
}
