//! Whether the report of fairness tells of each part what its own players met.
use crate::{
    matches::made,
    world::{World, both, mode, places},
};
use gsm_engine::FairnessLine;

both! {
    a_part_has_the_figures_of_its_own_players,
}

fn part<'a>(of: &'a [FairnessLine], value: &str) -> &'a FairnessLine {
    of.iter().find(|of| of.segment.as_ref().is_some_and(|of| of.value == value)).expect(value)
}

/// A veteran meets newcomers alone: no match is one of regular players, and he is one.
async fn a_part_has_the_figures_of_its_own_players(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(31).await;
    for newcomer in &p[1..] {
        let view = made(&w, &[p[0], *newcomer]).await;
        w.engine.report_result(&w.server(), view.id, None, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
    }
    let lines = w.engine.fairness(&mode("duel")).unwrap();
    let (all, new, regular) = (&lines[0], part(&lines, "new"), part(&lines, "regular"));
    assert_eq!((all.matches, new.matches, regular.matches), (60, 40, 20));
    assert_eq!((regular.score, regular.accuracy), (Some(1.0), Some(1.0)));
    let loss = |of: &FairnessLine| of.log_loss.unwrap() * of.matches as f64;
    assert!(regular.log_loss.unwrap() < 0.5, "{regular:?}");
    assert!((loss(new) + loss(regular) - loss(all)).abs() < 1e-9, "{new:?} {regular:?} {all:?}");
}
