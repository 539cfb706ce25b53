//! Results that are not believed: kept, without effect, until somebody rules on them.
use crate::world::{World, both, mode, places, refused};
use gsm_core::{MatchId, Millis, PlayerId};
use gsm_engine::{BoardRef, EngineError, Plausibility, QueueConfig, Span, Viewer, store::Verdict};
use gsm_session::{Report, SideReport, Standings};

both! {
    a_result_out_of_bounds_moves_nothing,
    what_is_believed_counts_at_once,
    a_released_result_ends_as_if_it_had_counted_at_once,
    a_corrected_or_voided_one_leaves_the_quarantine,
    who_plays_too_much_is_looked_at,
    what_an_operator_did_between_matches_hides_none,
    the_matchs_own_token_is_no_way_around,
    bounds_that_are_none_are_refused,
}

async fn bounded(w: &World, plausibility: Plausibility) -> QueueConfig {
    let config = w.teams("duel", 1, None).await;
    w.put(QueueConfig { plausibility: Some(plausibility), ..config }).await
}

fn minute() -> Plausibility {
    let duration = Span { least: Some(60_000), most: Some(3_600_000) };
    let score = Span { least: Some(0.0), most: Some(50.0) };
    Plausibility { duration_ms: Some(duration), score: Some(score), matches_per_hour: None }
}

fn scored(scores: [f64; 2], duration_s: Option<u64>) -> Report {
    let side = |at: usize| SideReport { place: at as u32 + 1, score: Some(scores[at]) };
    Report {
        standings: Standings::Sides(vec![side(0), side(1)]),
        quits: Vec::new(),
        afk: Vec::new(),
        duration: duration_s.map(Millis::from_secs),
        variant: None,
    }
}

/// The players are matched by the queue; the match.
async fn matched(w: &World, players: &[PlayerId]) -> MatchId {
    let tickets = w.enter_all("duel", players).await;
    w.seen(tickets[0]).await.match_id.unwrap()
}

async fn held(w: &World) -> Vec<(MatchId, String)> {
    let all = w.engine.quarantine(None, 10).await.unwrap();
    all.into_iter().map(|of| (of.match_id, of.row.reason)).collect()
}

async fn rank(w: &World, player: PlayerId) -> Option<u64> {
    let board = BoardRef::from(&mode("duel"));
    w.engine.rank(&board, player, Viewer::Other).ok().map(|view| view.rank.get())
}

async fn a_result_out_of_bounds_moves_nothing(w: World) {
    bounded(&w, minute()).await;
    let p = w.players(2).await;
    for (age_s, report, doubt) in [
        (59, scored([3.0, 1.0], None), "came 59000 ms after"),
        (60, scored([51.0, 1.0], None), "scored 51"),
        (60, scored([3.0, -1.0], None), "scored -1"),
        (60, scored([3.0, 1.0], Some(59)), "played for 59000 ms"),
        (60, scored([3.0, 1.0], Some(121)), "made 60000 ms ago"),
        (7_000, scored([3.0, 1.0], Some(3_601)), "played for 3601000 ms"),
    ] {
        let id = matched(&w, &p).await;
        w.clock.advance_ms(age_s * 1_000);
        let view = w.engine.report_result(&w.server(), id, None, &report).await.unwrap();
        let Verdict::Quarantined { reason, .. } = &view.row.verdict else { panic!("{:?}", view.row.verdict) };
        assert!(reason.contains(doubt), "{reason}");
        assert_eq!(view.row.changes, []);
        w.settle();
        w.turn().await;
        assert_eq!(rank(&w, p[0]).await, None);
        assert_eq!(w.claim(p[0]).await, None, "the match is over");
        // The same again is the same, another one is refused.
        assert_eq!(w.engine.report_result(&w.server(), id, None, &report).await.unwrap(), view);
        let other = scored([0.0, 1.0], None);
        refused(w.engine.report_result(&w.server(), id, None, &other).await, "result_contradicts");
    }
    let held = held(&w).await;
    assert_eq!(held.len(), 6);
    let second = w.engine.quarantine(Some(held[0].0), 1).await.unwrap();
    assert_eq!((second.len(), second[0].match_id), (1, held[1].0));
    refused(w.engine.why(&w.admin(), held[0].0).await, "not_counted");
}

async fn what_is_believed_counts_at_once(w: World) {
    bounded(&w, minute()).await;
    let p = w.players(2).await;
    for report in [scored([50.0, 0.0], Some(60)), scored([3.0, 1.0], Some(120)), places(&[1, 2], &[])] {
        let id = matched(&w, &p).await;
        w.clock.advance_ms(60_000);
        let view = w.engine.report_result(&w.server(), id, None, &report).await.unwrap();
        assert_eq!(view.row.verdict, Verdict::Counted);
        w.settle();
        w.turn().await;
    }
    assert_eq!(held(&w).await, []);
}

/// The ratings of two worlds in which the same was played are the same bits.
async fn ratings(w: &World, players: &[PlayerId]) -> Vec<String> {
    let mut all = Vec::new();
    for player in players {
        let history = w.engine.history(&mode("duel"), *player, None, 50).await.unwrap();
        all.push(format!("{history:?}"));
    }
    all
}

async fn a_released_result_ends_as_if_it_had_counted_at_once(w: World) {
    bounded(
        &w,
        Plausibility { score: Some(Span { least: None, most: Some(5.0) }), ..Plausibility::default() },
    )
    .await;
    let p = w.players(3).await;
    let pairs = [[0, 1], [1, 2], [0, 2], [0, 1]];
    let mut first = None;
    for (nth, [a, b]) in pairs.into_iter().enumerate() {
        let id = matched(&w, &[p[a], p[b]]).await;
        w.clock.advance_ms(1_000);
        let report = scored([if nth == 0 { 9.0 } else { 3.0 }, 1.0], None);
        w.engine.report_result(&w.server(), id, None, &report).await.unwrap();
        first = first.or(Some(id));
        w.settle();
        w.turn().await;
    }
    let (first, before) = (first.unwrap(), ratings(&w, &p).await);
    let view = w.engine.release_result(&w.admin(), first, "seen on video").await.unwrap();
    assert_eq!((&view.row.verdict, view.row.changes.len()), (&Verdict::Counted, 2));
    w.settle();
    w.turn().await;
    let after = ratings(&w, &p).await;
    assert_ne!(before, after, "what came later is rated anew");
    let rebuilt = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!((rebuilt.differing, rebuilt.results), (0, 4), "as the results give");
    assert_eq!(held(&w).await, []);
    // Again changes nothing, nor does it for a result that was never held.
    assert_eq!(w.engine.release_result(&w.admin(), first, "again").await.unwrap(), view);
    w.engine.void_result(&w.admin(), first, "no").await.unwrap();
    w.settle();
    assert_eq!(ratings(&w, &p).await, before, "voided, it ends as it was while it was held");
}

async fn a_corrected_or_voided_one_leaves_the_quarantine(w: World) {
    bounded(&w, minute()).await;
    let p = w.players(2).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = matched(&w, &p).await;
        w.engine.report_result(&w.server(), id, None, &scored([3.0, 1.0], None)).await.unwrap();
        w.settle();
        w.turn().await;
        ids.push(id);
    }
    let voided = w.engine.void_result(&w.admin(), ids[0], "boosting").await.unwrap();
    assert!(matches!(voided.row.verdict, Verdict::Voided { .. }));
    w.settle();
    assert_eq!(held(&w).await.len(), 1);
    let corrected =
        w.engine.correct_result(&w.admin(), ids[1], &places(&[2, 1], &[]), "swapped").await.unwrap();
    assert!(matches!(corrected.row.verdict, Verdict::Corrected { .. }));
    w.settle();
    w.turn().await;
    let winner = *p.iter().find(|player| corrected.row.roster.side_of(**player) == Some(1)).unwrap();
    assert_eq!((held(&w).await, rank(&w, winner).await), (vec![], Some(1)));
}

async fn who_plays_too_much_is_looked_at(w: World) {
    bounded(&w, Plausibility { matches_per_hour: Some(2), ..Plausibility::default() }).await;
    let p = w.players(4).await;
    let play = async |a: usize, b: usize| {
        let id = matched(&w, &[p[a], p[b]]).await;
        w.clock.advance_ms(60_000);
        let view = w.engine.report_result(&w.server(), id, None, &scored([3.0, 1.0], None)).await.unwrap();
        w.settle();
        w.turn().await;
        view.row.counts()
    };
    assert!(play(0, 1).await && play(0, 2).await, "two an hour");
    assert!(!play(3, 0).await, "the third of one of them");
    assert!(play(1, 2).await, "who was held has not played");
    w.clock.advance_ms(3_600_000);
    assert!(play(0, 3).await);
}

async fn what_an_operator_did_between_matches_hides_none(w: World) {
    bounded(&w, Plausibility { matches_per_hour: Some(3), ..Plausibility::default() }).await;
    let p = w.players(5).await;
    let play = async |other: usize| {
        let id = matched(&w, &[p[0], p[other]]).await;
        w.clock.advance_ms(60_000);
        let view = w.engine.report_result(&w.server(), id, None, &scored([3.0, 1.0], None)).await.unwrap();
        w.settle();
        w.turn().await;
        view.row.counts()
    };
    let set = async |mean: f64| {
        w.engine.set_rating(&w.admin(), &mode("duel"), p[0], mean, None, "a test").await.unwrap();
        w.settle();
    };
    assert!(play(1).await && play(2).await);
    for nth in 0..40 {
        set(1_600.0 + f64::from(nth)).await;
    }
    assert!(play(3).await, "three an hour");
    set(1_500.0).await;
    assert!(!play(4).await, "the fourth");
    w.clock.advance_ms(3_600_000);
    assert!(play(4).await);
}

async fn the_matchs_own_token_is_no_way_around(w: World) {
    let queue = bounded(&w, minute()).await;
    let p = w.players(2).await;
    let id = matched(&w, &p).await;
    let row = w.engine.match_view(&w.admin(), id).await.unwrap().row;
    let facts = gsm_engine::MatchFacts { mode: row.mode, queue: Some(queue.name), roster: row.roster };
    let call = w.call(gsm_engine::Principal::Match(id));
    let view = w.engine.report_result(&call, id, Some(&facts), &scored([3.0, 1.0], None)).await.unwrap();
    assert!(!view.row.counts());
}

async fn bounds_that_are_none_are_refused(w: World) {
    let config = w.teams("duel", 1, None).await;
    let span = |least, most| Some(Span { least, most });
    let off = Plausibility::default();
    for (bad, field) in [
        (Plausibility { duration_ms: Some(Span { least: None, most: None }), ..off.clone() }, "duration_ms"),
        (
            Plausibility { duration_ms: Some(Span { least: Some(2), most: Some(1) }), ..off.clone() },
            "duration_ms",
        ),
        (Plausibility { score: span(Some(f64::NAN), None), ..off.clone() }, "score"),
        (Plausibility { score: span(Some(f64::NEG_INFINITY), None), ..off.clone() }, "score"),
        (Plausibility { matches_per_hour: Some(0), ..off.clone() }, "matches_per_hour"),
        (Plausibility { matches_per_hour: Some(1_001), ..off.clone() }, "matches_per_hour"),
    ] {
        let put =
            w.engine.put_queue(&w.admin(), QueueConfig { plausibility: Some(bad), ..config.clone() }).await;
        let Err(EngineError::Invalid { field: found, .. }) = put else { panic!("{put:?}") };
        assert_eq!(found, format!("plausibility.{field}"));
    }
    refused(w.engine.release_result(&w.admin(), MatchId::from_u128(1), "r").await, "not_found");
}
