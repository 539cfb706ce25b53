//! What a soft reset does is what its preview told, bit for bit.
use crate::{
    defined::{of_mode, whole},
    matches::made,
    verdicts::tiers,
    world::{World, both, mode, places},
};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{BoardConfig, Column, Direction, Operator, Preview, ResetConfig, TierConfig, Value, Viewer};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

both! {
    a_reset_to_placement_is_as_its_preview,
    a_reset_to_placement_at_once_is_as_its_preview,
    a_reset_of_places_is_as_its_preview,
    equals_stay_in_order_where_a_hand_leaves_their_score,
}

async fn equals_stay_in_order_where_a_hand_leaves_their_score(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let set = async |player: PlayerId, mean: f64, deviation: Option<f64>| {
        let duel = mode("duel");
        w.engine.set_rating(&w.admin(), &duel, player, mean, deviation, "x").await.unwrap();
        w.clock.advance_ms(1_000);
        w.settle();
    };
    let listed = async || {
        let (rows, _) = w.engine.top(&whole("duel"), 0, 10).await.unwrap();
        rows.into_iter().map(|row| row.player).collect::<Vec<_>>()
    };
    // The last by id got there first.
    let mut order = p.clone();
    order.sort_unstable();
    order.reverse();
    for player in &order {
        set(*player, 1_700.0, None).await;
    }
    assert_eq!(listed().await, order);
    set(order[0], 1_700.0, Some(90.0)).await;
    assert_eq!(listed().await, order);
    let formula = json!({
        "target": "initial_mean", "keep": 1.0, "deviation": { "at_least": 300.0 }, "restart_games": false,
    });
    let formula: ResetConfig = serde_json::from_value(formula).unwrap();
    w.engine.soft_reset(&w.admin(), &mode("duel"), formula, "season").await.unwrap();
    w.settle();
    assert_eq!(listed().await, order);
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!(report.differing, 0);
    // A score that is reached anew is.
    set(order[0], 1_701.0, None).await;
    set(order[0], 1_700.0, None).await;
    order.rotate_left(1);
    assert_eq!(listed().await, order);
}

async fn played(w: &World, tiers: TierConfig) -> Vec<PlayerId> {
    w.teams("duel", 1, None).await;
    let column = Column { value: Value::Place, direction: Direction::Descending, operator: Operator::Last };
    let config = BoardConfig { columns: vec![column], tiers: Some(tiers), ..of_mode("ladder", "duel") };
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
    let p = w.players(6).await;
    // Some have played often, one once, one never; one has a rating by hand and no place.
    for (winner, loser) in [(0, 1), (0, 1), (0, 2), (2, 1), (0, 3), (0, 2)] {
        let id = made(w, &[p[winner], p[loser]]).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.clock.advance_ms(60_000);
        w.settle();
    }
    w.engine.set_rating(&w.admin(), &mode("duel"), p[4], 1_700.0, None, "x").await.unwrap();
    w.settle();
    p
}

/// How many are in each tier, and in none, of those who have a rating.
async fn stand(w: &World, p: &[PlayerId]) -> (BTreeMap<String, u64>, u64) {
    let (mut tiers, mut none) = (BTreeMap::new(), 0);
    for player in &p[..5] {
        let view = w.engine.tier(&whole("ladder"), *player, Viewer::All).await.ok();
        match view.and_then(|view| view.place) {
            Some(place) => *tiers.entry(place.tier).or_default() += 1,
            None => none += 1,
        }
    }
    (tiers, none)
}

async fn check(w: World, tiers: TierConfig, visible: Option<Json>) -> Preview {
    let p = played(&w, tiers).await;
    let mut formula = json!({
        "target": "initial_mean", "keep": 0.3, "deviation": { "at_least": 300.0 }, "restart_games": false,
    });
    if let Some(visible) = visible {
        formula["visible"] = visible;
    }
    let formula: ResetConfig = serde_json::from_value(formula).unwrap();
    let ladder = BoardName::new("ladder").unwrap();
    let preview = async || w.engine.preview_soft_reset(&mode("duel"), formula, Some(&ladder)).await.unwrap();
    let told = preview().await;
    let counts = |count: fn(&gsm_engine::PreviewTier) -> u64| {
        let tiers = told.tiers.iter().map(|tier| (tier.name.clone(), count(tier)));
        tiers.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(stand(&w, &p).await, (counts(|tier| tier.before), told.unplaced_before));
    w.engine.soft_reset(&w.admin(), &mode("duel"), formula, "season").await.unwrap();
    w.settle();
    assert_eq!(stand(&w, &p).await, (counts(|tier| tier.after), told.unplaced_after));
    let then = preview().await;
    let means = |preview: &Preview, of: fn(&gsm_engine::PreviewPercentile) -> f64| {
        preview.percentiles.iter().map(|row| of(row).to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(means(&told, |row| row.after), means(&then, |row| row.before));
    assert_eq!(told.deviation_mean_after.to_bits(), then.deviation_mean_before.to_bits());
    told
}

async fn a_reset_to_placement_is_as_its_preview(w: World) {
    let told = check(w, tiers(), None).await;
    assert_eq!((told.unplaced_before, told.unplaced_after), (1, 5));
    assert_eq!(told.tiers.iter().map(|tier| tier.belong_after).sum::<u64>(), 5);
}

async fn a_reset_to_placement_at_once_is_as_its_preview(w: World) {
    let told = check(w, TierConfig { placement_games: 0, ..tiers() }, Some(json!("placement"))).await;
    assert_eq!((told.unplaced_before, told.unplaced_after), (1, 1));
}

async fn a_reset_of_places_is_as_its_preview(w: World) {
    let told = check(w, tiers(), Some(json!({ "lower": { "divisions": 1 } }))).await;
    assert_eq!((told.unplaced_before, told.unplaced_after), (1, 1));
}
