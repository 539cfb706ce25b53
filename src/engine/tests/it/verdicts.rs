//! Results voided and corrected: everything ends as if it had always been so, to the bit.
use crate::{
    defined::of_mode,
    matches::made,
    world::{World, both, keyed, mode, one_home, places, refused, three_homes, wide, world},
};
use gsm_core::{AdjustmentId, MatchId, PlayerId, QueueName, Timestamp, Variant};
use gsm_engine::{
    BoardConfig, BoardRef, Column, DeviationReset, Direction, Engine, EngineError, HistoryEntry, ImportMatch,
    Operator, QueueConfig, RankView, ResetConfig, ScheduleConfig, Target, TierConfig, Value, Viewer,
    VisibleReset,
    store::{
        Cursor, HistoryRow, Key, KeyRange, PushKind, RatingCause, RatingRow, Row, SideChange, Step, Store,
        Verdict, memory::Faults,
    },
};
use gsm_rating::{
    KalmanSettings, Offset, System,
    options::{Newcomer, Options, Party, RepeatedPair, Smurf},
};
use gsm_session::{Report, Roster, SideReport, Standings};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const PLAYERS: usize = 6;

/// One thing that happens in a mode.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A match: the sizes of its sides, who begins, whether the first side came together, the places, who quits, and how
    /// long after the last event, and in which variant.
    Play {
        shape: usize,
        first: usize,
        party: bool,
        places: Vec<u32>,
        quit: bool,
        after_ms: i64,
        variant: Option<u8>,
    },
    /// A rating set by hand.
    Set { player: usize, mean: f64, deviation: Option<f64> },
    /// All ratings are reset: what stays of the distance to a newcomer, and whether games start again.
    Reset { keep: f64, restart_games: bool },
    /// The mode is rated by another system, or asks for other rating options, from now on.
    Ask { which: usize },
    /// The match of this number, counted round, is void.
    Void { which: usize },
    /// It ended otherwise, perhaps in another variant.
    Correct { which: usize, places: Vec<u32>, quit: bool, variant: Option<u8> },
}

/// None, all, and some with other numbers.
const OPTIONS: [Options; 3] = [
    Options { repeated_pair: None, smurf: None, newcomer: None, party: None },
    Options {
        repeated_pair: Some(RepeatedPair { remembered: 4, factor: 0.6, floor: 0.1 }),
        smurf: Some(Smurf { games_max: 8, threshold: 0.6, boost_max: 3.0 }),
        newcomer: Some(Newcomer { games: 3, opponents_weight: 0.4 }),
        party: Some(Party { points_per_mate: 30.0 }),
    },
    Options {
        repeated_pair: Some(RepeatedPair { remembered: 2, factor: 0.5, floor: 0.0 }),
        smurf: Some(Smurf { games_max: 100, threshold: 1.0, boost_max: 2.0 }),
        newcomer: None,
        party: None,
    },
];

const SHAPES: [&[usize]; 4] = [&[1, 1], &[2, 2], &[1, 1, 1], &[3, 1]];

fn some_places() -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![Just(vec![1, 2, 3]), Just(vec![2, 1, 1]), Just(vec![1, 1, 1]), Just(vec![3, 2, 1])]
}

fn some_variant() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(0..3u8)
}

fn named(variant: Option<u8>) -> Option<Variant> {
    variant.map(|n| Variant::new(&format!("map-{n}")).unwrap())
}

pub(crate) fn some_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (
            (0..SHAPES.len(), 0..PLAYERS, any::<bool>()),
            (some_places(), any::<bool>(), -5_000..400_000_000i64, some_variant())
        )
            .prop_map(|((shape, first, party), (places, quit, after_ms, variant))| Event::Play {
                shape, first, party, places, quit, after_ms, variant
            }),
        1 => (0..PLAYERS, 1_000.0..2_000.0, proptest::option::of(40.0..350.0))
            .prop_map(|(player, mean, deviation)| Event::Set { player, mean, deviation }),
        1 => (0..2 * OPTIONS.len()).prop_map(|which| Event::Ask { which }),
        1 => (0.0..=1.0, any::<bool>())
            .prop_map(|(keep, restart_games)| Event::Reset { keep, restart_games }),
        2 => (0..40usize).prop_map(|which| Event::Void { which }),
        2 => (0..40usize, some_places(), any::<bool>(), some_variant())
            .prop_map(|(which, places, quit, variant)| Event::Correct { which, places, quit, variant }),
    ]
}

/// The match of event `number`, if it is one.
fn play(players: &[PlayerId], number: usize, event: &Event, at: &mut i64) -> Option<ImportMatch> {
    let Event::Play { shape, first, party, places, quit, after_ms, variant } = event else { return None };
    *at += after_ms;
    let mut next = (0..).map(|n| players[(first + n) % players.len()]);
    let sides: Vec<Vec<PlayerId>> =
        SHAPES[*shape].iter().map(|size| next.by_ref().take(*size).collect()).collect();
    // Half of them know it before the match.
    let (before, told) = if *party { (named(*variant), None) } else { (None, named(*variant)) };
    let report = Report { variant: told, ..report(sides.len(), places, quit.then(|| sides[0][0])) };
    let parties = if *party { vec![sides[0].clone()] } else { Vec::new() };
    let roster = Roster::new(sides).and_then(|roster| roster.with_parties(parties.iter().map(Vec::as_slice)));
    Some(ImportMatch {
        number: number as u64,
        mode: mode("duel"),
        roster: roster.unwrap().with_variant(before),
        report,
        at: Timestamp::from_millis(*at),
    })
}

fn report(sides: usize, order: &[u32], quit: Option<PlayerId>) -> Report {
    let mut report = places(&order[..sides], quit.as_slice());
    let Standings::Sides(lines) = &mut report.standings else { panic!("sides") };
    if lines.iter().all(|line| line.place != 1) {
        lines[0] = SideReport { place: 1, score: None };
    }
    lines.iter_mut().for_each(|line| line.place = line.place.min(sides as u32));
    report
}

/// All that anybody can see of the mode; what only orders it is left out.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    ratings: Vec<Option<RatingRow>>,
    ranks: Vec<Option<RankView>>,
    histories: Vec<Vec<HistoryRow>>,
    changes: Vec<(MatchId, Vec<SideChange>, Vec<Offset>)>,
    entries: Vec<(Key, Row)>,
    season: Vec<Option<u64>>,
}

pub(crate) async fn seen(w: &World, engine: &Engine, players: &[PlayerId]) -> Seen {
    w.settle();
    let mut seen = Seen {
        ratings: vec![],
        ranks: vec![],
        histories: vec![],
        changes: vec![],
        entries: counted(w).await,
        season: vec![],
    };
    let season = BoardRef { season: Some(2), ..BoardRef::whole(WEEKLY.parse().unwrap()) };
    // Where no such board is defined, nobody is on it.
    let _ = engine.open_board(&season).await;
    for player in players {
        seen.ratings.push(engine.rating(&mode("duel"), *player).await.ok());
        seen.ranks.push(engine.rank(&BoardRef::from(&mode("duel")), *player, Viewer::All).ok());
        seen.season.push(engine.rank(&season, *player, Viewer::All).ok().map(|view| view.rank.get()));
        let steps = engine.history(&mode("duel"), *player, None, 1_000).await.unwrap();
        let shown = |HistoryEntry { mut row, .. }| {
            if let Step::Adjustment { id, .. } = &mut row.step {
                *id = AdjustmentId::from_u128(0);
            }
            row
        };
        seen.histories.push(steps.into_iter().map(shown).collect());
    }
    for (key, row) in w.stores[0].list(&KeyRange::Results, None, 1_000, false).await.unwrap() {
        if let (Key::Result(id), Row::Result(row)) = (key, &*row.row)
            && row.counts()
        {
            seen.changes.push((id, row.changes.clone(), row.offsets.clone()));
        }
    }
    seen
}

/// A board that begins anew every week, and one of the best that was reached.
const WEEKLY: &str = "weekly";
const PEAK: &str = "peak";
/// And one of places in visible tiers.
const VISIBLE: &str = "visible";

/// Tiers of two hundred points of rating each, after one game of placement.
pub(crate) fn tiers() -> TierConfig {
    let tier = |name: &str, divisions| json!({ "name": name, "divisions": divisions });
    let range = json!({ "base": 20, "least": 10, "most": 40 });
    serde_json::from_value(json!({
        "placement_games": 1, "points_per_division": 100,
        "tiers": [tier("bronze", 2), tier("silver", 2), tier("gold", 1)],
        "win": range, "loss": range, "pull_permille": 100, "demotion_shield_games": 1,
        "start": { "ratings": [1_000_000, 1_200_000, 1_400_000, 1_600_000, 1_800_000] },
    }))
    .unwrap()
}

/// The boards that count what happens.
pub(crate) fn counting() -> [BoardConfig; 3] {
    let columns = |columns: &[(Value, Operator)]| {
        let one = |&(value, operator)| Column { value, direction: Direction::Descending, operator };
        columns.iter().map(one).collect()
    };
    let weekly = BoardConfig {
        columns: columns(&[
            (Value::Wins, Operator::Last),
            (Value::Games, Operator::Last),
            (Value::Rating, Operator::Best),
            (Value::Conservative, Operator::Last),
            (Value::Draws, Operator::Last),
        ]),
        season: Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "1970-01-01T00:00".into() }),
        ..of_mode(WEEKLY, "duel")
    };
    let peak = BoardConfig { columns: columns(&[(Value::Rating, Operator::Best)]), ..of_mode(PEAK, "duel") };
    let place = columns(&[(Value::Place, Operator::Last), (Value::Place, Operator::Best)]);
    [weekly, peak, BoardConfig { columns: place, tiers: Some(tiers()), ..of_mode(VISIBLE, "duel") }]
}

/// The entries of these boards as they are stored.
pub(crate) async fn counted(w: &World) -> Vec<(Key, Row)> {
    let mut entries = Vec::new();
    for name in [WEEKLY, PEAK, VISIBLE] {
        let range = KeyRange::AllEntries(name.parse().unwrap());
        let rows = w.stores[0].list(&range, None, 10_000, false).await.unwrap();
        entries.extend(rows.into_iter().map(|(key, found)| (key, (*found.row).clone())));
    }
    entries
}

/// Resets the mode's ratings.
async fn reset(w: &World, call: &gsm_engine::Call, keep: f64, restart_games: bool) {
    let config = ResetConfig {
        target: Target::InitialMean,
        keep,
        deviation: DeviationReset::AtLeast(120.0),
        restart_games,
        visible: if restart_games { VisibleReset::Placement } else { VisibleReset::Lower { divisions: 1 } },
    };
    w.engine.soft_reset(call, &mode("duel"), config, "season").await.unwrap();
}

/// Makes the mode ask for these options from now on, of one system or the other.
async fn ask(w: &World, which: usize) {
    let config = QueueConfig::new(QueueName::new("duel").unwrap(), mode("duel"), wide(1));
    let kalman = System::Kalman(KalmanSettings::default());
    let rating = if which < OPTIONS.len() { System::default() } else { kalman };
    w.put(QueueConfig { rating, rating_options: OPTIONS[which % OPTIONS.len()], ..config }).await;
}

pub(crate) async fn begin(w: &World) -> Vec<PlayerId> {
    w.teams("duel", 1, None).await;
    let players = w.players(PLAYERS).await;
    for config in counting() {
        w.engine.put_board(&w.admin(), config).await.unwrap();
    }
    w.settle();
    players
}

/// Lets all of it happen.
pub(crate) async fn happen(w: &World, players: &[PlayerId], events: &[Event]) {
    let (mut at, mut played) = (0, Vec::new());
    for (number, event) in events.iter().enumerate() {
        if let Some(new) = play(players, number, event, &mut at) {
            w.engine.import_match(&new).await.unwrap();
            played.push(new);
        }
        let mut call = w.admin();
        call.now = Timestamp::from_millis(at);
        match event {
            Event::Set { player, mean, deviation } => {
                let duel = mode("duel");
                let set = w.engine.set_rating(&call, &duel, players[*player], *mean, *deviation, "x");
                set.await.unwrap();
            }
            Event::Ask { which } => ask(w, *which).await,
            Event::Reset { keep, restart_games } => reset(w, &call, *keep, *restart_games).await,
            Event::Void { which } if !played.is_empty() => {
                let new = &played[which % played.len()];
                let id = Engine::import_match_id(&new.mode, new.number);
                w.engine.void_result(&call, id, "x").await.unwrap();
            }
            Event::Correct { which, places, quit, variant } if !played.is_empty() => {
                let new = &played[which % played.len()];
                let id = Engine::import_match_id(&new.mode, new.number);
                let sides = new.roster.sides();
                let report = report(sides.len(), places, quit.then(|| sides[0][0]));
                let report = Report { variant: named(*variant), ..report };
                w.engine.correct_result(&call, id, &report, "x").await.unwrap();
            }
            _ => {}
        }
    }
}

/// The same events without voids and corrections: each match as it ended up.
fn as_it_ended_up(events: &[Event]) -> Vec<Option<Event>> {
    let mut ended: Vec<Option<Event>> = Vec::new();
    let (mut played, mut last_named) = (Vec::new(), BTreeMap::new());
    for (number, event) in events.iter().enumerate() {
        match event {
            Event::Play { variant, .. } => {
                played.push(number);
                last_named.insert(number, *variant);
            }
            Event::Void { which } if !played.is_empty() => {
                ended[played[which % played.len()]] = None;
            }
            Event::Correct { which, places, quit, variant } if !played.is_empty() => {
                let which = played[which % played.len()];
                // Who names no variant leaves the last that was named, also by a correction that was voided since.
                let named = variant.or(last_named[&which]);
                last_named.insert(which, named);
                let mut then = events[which].clone();
                if let Event::Play { places: p, quit: q, variant: v, .. } = &mut then {
                    (*p, *q, *v) = (places.clone(), *quit, named);
                }
                ended[which] = Some(then);
            }
            _ => {}
        }
        ended.push(match event {
            Event::Play { .. } | Event::Set { .. } | Event::Ask { .. } | Event::Reset { .. } => {
                Some(event.clone())
            }
            _ => None,
        });
    }
    ended
}

/// What would be seen if everything had been as it ended up from the beginning.
pub(crate) async fn twin(events: &[Event]) -> Seen {
    let w = one_home();
    let players = begin(&w).await;
    let mut at = 0;
    for (number, (ended, event)) in as_it_ended_up(events).iter().zip(events).enumerate() {
        // Time passes whether the match counts or not.
        let mut then = at;
        let _ = play(&players, number, event, &mut then);
        if let Some(new) = ended.as_ref().and_then(|event| play(&players, number, event, &mut at)) {
            w.engine.import_match(&new).await.unwrap();
        }
        at = then;
        if let Some(Event::Ask { which }) = ended {
            ask(&w, *which).await;
        }
        let mut call = w.admin();
        call.now = Timestamp::from_millis(at);
        if let Some(Event::Reset { keep, restart_games }) = ended {
            reset(&w, &call, *keep, *restart_games).await;
        }
        if let Some(Event::Set { player, mean, deviation }) = ended {
            let duel = mode("duel");
            let set = w.engine.set_rating(&call, &duel, players[*player], *mean, *deviation, "x");
            set.await.unwrap();
        }
    }
    seen(&w, &w.engine, &players).await
}

/// Fails unless a rebuild gives what is stored.
#[track_caller]
pub(crate) fn rebuilt(report: gsm_engine::RebuildReport) {
    assert_eq!(report.differing, 0, "{report:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// One change set; several; remote homes; remote homes of small transactions.
    #[test]
    fn voids_and_corrections_end_as_if_it_had_always_been_so(
        events in proptest::collection::vec(some_event(), 1..40),
        shape in 0..4usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let w = match shape {
                0 => one_home(),
                1 => world(1, 12, Faults::NONE),
                2 => three_homes(),
                _ => world(3, 9, Faults::NONE),
            };
            let players = begin(&w).await;
            happen(&w, &players, &events).await;
            let told = seen(&w, &w.engine, &players).await;
            assert_eq!(told, twin(&events).await);
            rebuilt(w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
            let again = w.node("again").await;
            assert_eq!(seen(&w, &again, &players).await, told, "a restart shows the same");
        });
    }
}

both! {
    a_void_takes_everything_back_and_keeps_the_report,
    a_correction_counts_and_can_be_corrected_back,
    the_same_ruling_again_changes_nothing,
    what_cannot_be_ruled_on_is_refused,
    a_repeat_of_a_ruling_is_told_what_it_did,
    players_are_told_once_and_why,
    the_report_is_still_the_report,
}

/// Two matches of the same two; the ids.
async fn two_matches(w: &World) -> (Vec<PlayerId>, [MatchId; 2]) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = made(w, &p).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        ids.push(id);
    }
    (p, [ids[0], ids[1]])
}

async fn a_void_takes_everything_back_and_keeps_the_report(w: World) {
    let (p, ids) = two_matches(&w).await;
    for id in ids {
        let view = w.engine.void_result(&w.admin(), id, "cheated").await.unwrap();
        assert!(matches!(&view.row.verdict, Verdict::Voided { reason, .. } if reason == "cheated"));
        assert_eq!((view.row.changes.len(), view.row.result.places()), (0, &[1, 2][..]));
    }
    w.settle();
    for player in &p {
        refused(w.engine.rating(&mode("duel"), *player).await, "not_found");
        refused(w.engine.rank(&BoardRef::from(&mode("duel")), *player, Viewer::All), "not_found");
        assert_eq!(w.engine.history(&mode("duel"), *player, None, 10).await.unwrap(), []);
    }
    assert_eq!(w.engine.top(&BoardRef::from(&mode("duel")), 0, 10).await.unwrap().1, 0);
    assert_eq!(w.engine.overview().await.unwrap().recent.len(), 0);
    rebuilt(w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
    // Who has nothing that counts is a newcomer again.
    let id = made(&w, &p).await.id;
    let view = w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    assert_eq!(view.row.changes[0].before.mean, 1_500.0);
}

async fn a_correction_counts_and_can_be_corrected_back(w: World) {
    let (p, ids) = two_matches(&w).await;
    w.settle();
    let before = seen(&w, &w.engine, &p).await;
    w.engine.void_result(&w.admin(), ids[0], "why").await.unwrap();
    let view = w.engine.correct_result(&w.admin(), ids[0], &places(&[2, 1], &[]), "other way").await.unwrap();
    assert_eq!(view.row.reported.as_ref().map(|first| first.places()), Some(&[1, 2][..]));
    assert_eq!(w.engine.rating(&mode("duel"), p[1]).await.unwrap().wins, 1);
    let view = w.engine.correct_result(&w.admin(), ids[0], &places(&[1, 2], &[]), "so it was").await.unwrap();
    assert_eq!(view.row.reported, None, "it ended as it was reported");
    assert_eq!(seen(&w, &w.engine, &p).await, before);
}

async fn the_same_ruling_again_changes_nothing(w: World) {
    let (p, ids) = two_matches(&w).await;
    let void =
        async |key: &str, reason| w.engine.void_result(&keyed(w.admin(), key, reason), ids[0], reason).await;
    let first = void("k", "a").await.unwrap();
    let again = void("k", "a").await.unwrap();
    assert_eq!((again.match_id, &again.row.verdict), (first.match_id, &first.row.verdict));
    refused(void("k", "b").await, "idempotency_mismatch");
    assert_eq!(void("l", "b").await.unwrap(), first, "it is void already");
    w.settle();
    let before = seen(&w, &w.engine, &p).await;
    let corrected = w.engine.correct_result(&w.admin(), ids[1], &places(&[1, 2], &[]), "c").await.unwrap();
    assert_eq!(corrected.row.verdict, Verdict::Counted, "it counts like this already");
    assert_eq!(seen(&w, &w.engine, &p).await, before);
}

async fn a_repeat_of_a_ruling_is_told_what_it_did(w: World) {
    let (_, ids) = two_matches(&w).await;
    let of = |key| keyed(w.admin(), key, "body");
    let void = async || w.engine.void_result(&of("void"), ids[0], "a").await.unwrap().row;
    let other = places(&[2, 1], &[]);
    let correct = async || w.engine.correct_result(&of("correct"), ids[0], &other, "b").await.unwrap().row;
    let release = async || w.engine.release_result(&of("release"), ids[0], "c").await.unwrap().row;
    let voided = void().await;
    w.settle();
    let corrected = correct().await;
    w.settle();
    let left = release().await;
    assert_eq!(left.verdict, corrected.verdict, "nothing is held back");
    w.engine.void_result(&w.admin(), ids[0], "again").await.unwrap();
    w.settle();
    for (again, first) in [(void().await, &voided), (correct().await, &corrected), (release().await, &left)] {
        assert_eq!((&again.verdict, &again.changes), (&first.verdict, &first.changes));
        assert_eq!((&again.result, &again.reported), (&first.result, &first.reported));
    }
    let stands = w.engine.match_view(&w.admin(), ids[0]).await.unwrap().result.unwrap().row;
    assert!(matches!(&stands.verdict, Verdict::Voided { reason, .. } if reason == "again"));
    w.unanswered().await;
    assert_eq!((void().await, correct().await), (stands.clone(), stands), "a version before kept no answer");
}

async fn what_cannot_be_ruled_on_is_refused(w: World) {
    let (p, ids) = two_matches(&w).await;
    let none = MatchId::from_u128(1);
    refused(w.engine.void_result(&w.admin(), none, "x").await, "not_found");
    let running = made(&w, &p).await.id;
    refused(w.engine.void_result(&w.admin(), running, "x").await, "no_result");
    let report = places(&[1, 2, 3], &[]);
    refused(w.engine.correct_result(&w.admin(), ids[0], &report, "x").await, "invalid");
    refused(w.engine.rebuild(&w.admin(), &mode("none"), false).await, "not_found");
    rebuilt(w.engine.rebuild(&w.admin(), &mode("duel"), true).await.unwrap());
}

async fn players_are_told_once_and_why(w: World) {
    let (p, ids) = two_matches(&w).await;
    w.turn().await;
    w.engine.void_result(&w.admin(), ids[0], "x").await.unwrap();
    w.engine.void_result(&w.admin(), ids[0], "x").await.unwrap();
    w.engine.correct_result(&w.admin(), ids[1], &places(&[2, 1], &[]), "x").await.unwrap();
    w.turn().await;
    let causes: Vec<(MatchId, RatingCause)> = w
        .engine
        .events(p[0], Cursor::default(), 100)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|item| match item.event.kind {
            PushKind::Rating { match_id, cause, .. } => Some((match_id, cause)),
            _ => None,
        })
        .collect();
    use RatingCause::{Correction, Result, Void};
    assert_eq!(causes, [(ids[0], Result), (ids[1], Result), (ids[0], Void), (ids[1], Correction)]);
}

async fn the_report_is_still_the_report(w: World) {
    let (_, ids) = two_matches(&w).await;
    w.engine.correct_result(&w.admin(), ids[0], &places(&[2, 1], &[]), "x").await.unwrap();
    let again = w.engine.report_result(&w.server(), ids[0], None, &places(&[1, 2], &[])).await.unwrap();
    assert_eq!(again.row.result.places(), [2, 1], "the reporter learns what counts");
    let other = w.engine.report_result(&w.server(), ids[0], None, &places(&[2, 1], &[])).await;
    refused(other, "result_contradicts");
    w.engine.void_result(&w.admin(), ids[0], "x").await.unwrap();
    w.engine.report_result(&w.server(), ids[0], None, &places(&[1, 2], &[])).await.unwrap();
}

/// Results that race with rulings: each counts once, or its reporter is told to come back.
#[tokio::test(start_paused = true)]
async fn results_beside_rulings_are_neither_lost_nor_doubled() {
    for (homes, items_max) in [(1, 4_096), (1, 12), (3, 100), (3, 9)] {
        let w = world(homes, items_max, Faults::NONE);
        w.teams("duel", 1, None).await;
        let p = w.players(4).await;
        let mut old = Vec::new();
        for n in 0..12 {
            let id = made(&w, &[p[n % 4], p[(n + 1) % 4]]).await.id;
            w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
            old.push(id);
        }
        for round in 0..12u64 {
            let mut new = Vec::new();
            for n in 0..24 {
                new.push(made(&w, &[p[n % 4], p[(n + 2) % 4]]).await.id);
            }
            w.stores.iter().for_each(|s| {
                s.set_faults(Faults { yields_max: 5, seed: round, ..Faults::NONE });
            });
            let (server, admin, report) = (w.server(), w.admin(), places(&[1, 2], &[]));
            // A late one, now and then: little follows from it, and the ruling is soon at its end.
            let ruled_on = if round % 3 == 0 { old[round as usize] } else { old[old.len() - 1] };
            // One after another, so that some come at every moment of the ruling.
            let results = new.chunks(12).map(async |ids| {
                let mut told = Vec::new();
                for id in ids {
                    told.push(w.engine.report_result(&server, *id, None, &report).await);
                }
                told
            });
            let (told, ruled) = futures::join!(futures::future::join_all(results), async {
                if round.is_multiple_of(2) {
                    w.engine.void_result(&admin, ruled_on, "x").await
                } else {
                    w.engine.correct_result(&admin, ruled_on, &places(&[2, 1], &[]), "x").await
                }
            });
            w.stores.iter().for_each(|s| s.set_faults(Faults::NONE));
            let contended = |error: &EngineError| matches!(error.code(), "contended" | "rerating");
            assert!(ruled.as_ref().err().is_none_or(contended), "{ruled:?}");
            for (id, told) in new.iter().zip(told.into_iter().flatten()) {
                if told.as_ref().is_err_and(contended) {
                    w.engine.report_result(&server, *id, None, &report).await.unwrap();
                } else {
                    told.unwrap();
                }
            }
            w.turn().await;
            old.extend(new);
        }
        let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
        rebuilt(report);
        assert_eq!((report.players, report.results), (4, 12 + 12 * 24));
        let mut games = 0;
        for player in &p {
            games += w.engine.rating(&mode("duel"), *player).await.unwrap().games;
        }
        let mut counting = 0;
        for (_, row) in w.stores[0].list(&KeyRange::Results, None, 1_000, false).await.unwrap() {
            if let gsm_engine::store::Row::Result(row) = &*row.row {
                counting += u32::from(row.counts());
            }
        }
        assert_eq!(games, 2 * counting);
    }
}
