//! Variants of a mode: each player's offsets, learnt by results, used by predictions, undone with what taught them.
use crate::world::{World, both, mode, places, wide};
use gsm_core::{MatchId, PlayerId, QueueName, Variant, limits::VARIANTS_PER_PLAYER_MAX};
use gsm_engine::{MatchView, NewMatch, QueueConfig, store::RatingRow};
use gsm_rating::{KalmanSettings, Offset, Rating, System};
use gsm_session::Report;

both! {
    a_result_moves_the_rating_and_the_offset_in_its_variant,
    the_results_word_counts_for_more_than_the_matchs,
    a_queue_with_a_variant_matches_by_ratings_in_it,
    the_variant_played_longest_ago_goes,
    a_void_takes_the_offset_with_it,
    a_mode_without_variants_carries_nothing,
    a_soft_reset_leaves_offsets,
    histories_name_the_variants,
}

fn variant(name: &str) -> Variant {
    name.parse().unwrap()
}

async fn duel(w: &World, rating: System, at: Option<&str>) {
    let config = QueueConfig::new(QueueName::new("duel").unwrap(), mode("duel"), wide(1));
    w.put(QueueConfig { rating, variant: at.map(variant), ..config }).await;
}

async fn kalman(w: &World) {
    duel(w, System::Kalman(KalmanSettings::default()), None).await;
}

async fn made(w: &World, players: &[PlayerId], at: Option<&str>) -> MatchView {
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides: players.iter().map(|player| vec![*player]).collect(),
        parties: vec![],
        home: None,
        variant: at.map(variant),
    };
    w.engine.create_match(&w.server(), &new).await.unwrap()
}

/// The first player wins in a variant.
async fn won(w: &World, players: &[PlayerId], at: &str) -> MatchId {
    let id = made(w, players, Some(at)).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    id
}

async fn row(w: &World, player: PlayerId) -> RatingRow {
    w.engine.rating(&mode("duel"), player).await.unwrap()
}

fn names(row: &RatingRow) -> Vec<String> {
    let kept = row.carried.iter().flat_map(|carried| carried.offsets.iter());
    kept.map(|(variant, _)| variant.to_string()).collect()
}

async fn a_result_moves_the_rating_and_the_offset_in_its_variant(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    won(&w, &p, "clay").await;
    let (winner, loser) = (row(&w, p[0]).await, row(&w, p[1]).await);
    let [up, down] = [&winner, &loser].map(|row| row.offset_in(&variant("clay")).unwrap());
    let new = KalmanSettings::default().variant_deviation;
    assert!(up.mean > 0.0 && up.mean == -down.mean && up.deviation < new, "{up:?} {down:?}");
    assert_eq!(winner.offset_in(&variant("grass")), None);
    // What is learnt on clay is believed of clay alone.
    let expected = async |at| made(&w, &p, at).await.row.prediction.expected[0];
    let (on_clay, on_grass, anywhere) =
        (expected(Some("clay")).await, expected(Some("grass")).await, expected(None).await);
    assert!(on_clay > anywhere && anywhere > on_grass && on_grass > 0.5, "{on_clay} {anywhere} {on_grass}");
}

async fn the_results_word_counts_for_more_than_the_matchs(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    let id = made(&w, &p, Some("clay")).await.id;
    let on = |at: Option<&str>| Report { variant: at.map(variant), ..places(&[1, 2], &[]) };
    let told = w.engine.report_result(&w.server(), id, None, &on(Some("grass"))).await.unwrap();
    assert_eq!(told.row.result.variant(), Some(&variant("grass")));
    assert_eq!(names(&row(&w, p[0]).await), ["grass"]);
    let again = w.engine.report_result(&w.server(), id, None, &on(Some("grass"))).await;
    assert_eq!(again.unwrap(), told);
    for other in [None, Some("clay")] {
        let refused = w.engine.report_result(&w.server(), id, None, &on(other)).await.unwrap_err();
        assert_eq!(refused.code(), "result_contradicts", "{other:?}");
    }
    // Whoever corrects the places has said nothing of where it was.
    let turned = places(&[2, 1], &[]);
    w.engine.correct_result(&w.admin(), id, &turned, "typo").await.unwrap();
    assert!(row(&w, p[0]).await.offset_in(&variant("grass")).unwrap().mean < 0.0);
    let moved = Report { variant: Some(variant("hard")), ..turned };
    w.engine.correct_result(&w.admin(), id, &moved, "typo").await.unwrap();
    assert_eq!(names(&row(&w, p[0]).await), ["hard"]);
}

async fn a_queue_with_a_variant_matches_by_ratings_in_it(w: World) {
    kalman(&w).await;
    let p = w.players(3).await;
    for _ in 0..3 {
        won(&w, &p[..2], "clay").await;
    }
    duel(&w, System::Kalman(KalmanSettings::default()), Some("clay")).await;
    let known = row(&w, p[0]).await;
    let offset = known.offset_in(&variant("clay")).unwrap();
    let ticket = w.enter("duel", p[0]).await;
    assert_eq!(ticket.row.players[0].rating, offset.applied(known.rating));
    // Whoever never played there is as unsure as a newcomer to it.
    let new = Offset { mean: 0.0, deviation: KalmanSettings::default().variant_deviation };
    let newcomer = w.enter("duel", p[2]).await;
    let initial = System::Kalman(KalmanSettings::default()).initial();
    assert_eq!(newcomer.row.players[0].rating, new.applied(initial));
    w.turn().await;
    let id = w.seen(ticket.id).await.match_id.unwrap();
    let formed = w.engine.match_view(&w.server(), id).await.unwrap().row;
    assert_eq!(formed.roster.variant(), Some(&variant("clay")));
    let system = System::Kalman(KalmanSettings::default());
    let sides: Vec<[Rating; 1]> = formed
        .roster
        .sides()
        .iter()
        .map(|side| [if side[0] == p[0] { offset.applied(known.rating) } else { new.applied(initial) }])
        .collect();
    let wanted: Vec<f64> = system.expected(&sides, None).into_iter().map(|p| p.get()).collect();
    assert_eq!(formed.prediction.expected, wanted);
}

async fn the_variant_played_longest_ago_goes(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    let all: Vec<String> = (0..=VARIANTS_PER_PLAYER_MAX).map(|n| format!("map-{n}")).collect();
    for at in &all[..VARIANTS_PER_PLAYER_MAX] {
        won(&w, &p, at).await;
    }
    won(&w, &p, &all[0]).await;
    won(&w, &p, &all[VARIANTS_PER_PLAYER_MAX]).await;
    let mut wanted = all[2..VARIANTS_PER_PLAYER_MAX].to_vec();
    wanted.extend([all[0].clone(), all[VARIANTS_PER_PLAYER_MAX].clone()]);
    assert_eq!(names(&row(&w, p[0]).await), wanted);
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!(report.differing, 0);
}

async fn a_void_takes_the_offset_with_it(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    won(&w, &p, "clay").await;
    let before = row(&w, p[0]).await;
    let id = won(&w, &p, "grass").await;
    let after = row(&w, p[0]).await;
    assert_eq!(names(&after), ["clay", "grass"]);
    w.engine.void_result(&w.admin(), id, "cheated").await.unwrap();
    w.settle();
    assert_eq!(row(&w, p[0]).await, before);
    w.engine.correct_result(&w.admin(), id, &places(&[1, 2], &[]), "fair after all").await.unwrap();
    w.settle();
    assert_eq!(row(&w, p[0]).await, after);
}

async fn a_mode_without_variants_carries_nothing(w: World) {
    duel(&w, System::default(), None).await;
    let p = w.players(2).await;
    let id = won(&w, &p, "clay").await;
    let result = w.engine.match_view(&w.server(), id).await.unwrap().result.unwrap().row;
    assert_eq!((row(&w, p[0]).await.carried, result.offsets.len()), (None, 0));
    assert_eq!(
        result.result.variant(),
        Some(&variant("clay")),
        "kept all the same, for who compares systems"
    );
}

async fn a_soft_reset_leaves_offsets(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    won(&w, &p, "clay").await;
    let before = row(&w, p[0]).await;
    let formula = serde_json::from_value(serde_json::json!({
        "target": "initial_mean", "keep": 0.0, "deviation": { "at_least": 0.0 }, "restart_games": true,
    }));
    w.engine.soft_reset(&w.admin(), &mode("duel"), formula.unwrap(), "season").await.unwrap();
    w.settle();
    let after = row(&w, p[0]).await;
    assert_eq!((after.rating.mean, after.games), (KalmanSettings::default().mean, 0));
    assert_eq!(after.carried, before.carried);
}

async fn histories_name_the_variants(w: World) {
    kalman(&w).await;
    let p = w.players(2).await;
    for at in ["clay", "grass", "clay"] {
        won(&w, &p, at).await;
        w.clock.advance_ms(1_000);
    }
    let history = w.engine.match_history(&mode("duel")).await.unwrap();
    let played = (0..3).map(|index| history.variant_name(history.variant_of(index)));
    assert_eq!(played.collect::<Vec<_>>(), ["clay", "grass", "clay"]);
}
