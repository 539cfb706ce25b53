//! Ratings set by hand.
use crate::{
    matches::made,
    world::{World, both, keyed, mode, places, refused},
};
use gsm_core::PlayerId;
use gsm_engine::{BoardRef, Viewer};

both! { a_rating_is_set_once_and_kept_games, what_is_no_rating_is_refused }

async fn a_rating_is_set_once_and_kept_games(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = made(&w, &p).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    let call = |body| keyed(w.admin(), "k", body);
    let set = async |body, mean| {
        w.engine.set_rating(&call(body), &mode("duel"), p[1], mean, Some(50.0), "why").await
    };
    let row = set("a", 2_500.0).await.unwrap();
    assert_eq!((row.rating.mean, row.rating.deviation, row.games), (2_500.0, 50.0, 1));
    assert_eq!(set("a", 2_500.0).await.unwrap(), row);
    refused(set("b", 2_600.0).await, "idempotency_mismatch");
    w.settle();
    assert_eq!(w.engine.rank(&BoardRef::from(&mode("duel")), p[1], Viewer::All).unwrap().rank.get(), 1);
    let next = made(&w, &p).await.id;
    let view = w.engine.report_result(&w.server(), next, None, &places(&[1, 2], &[])).await.unwrap();
    assert_eq!(view.row.changes[1].before.mean, 2_500.0, "the next match goes on from there");
}

async fn what_is_no_rating_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    let admin = w.admin();
    let set = async |mean, deviation| {
        w.engine.set_rating(&admin, &mode("duel"), p[0], mean, deviation, "why").await
    };
    for (mean, deviation) in
        [(f64::NAN, None), (f64::INFINITY, None), (1e10, None), (1e3, Some(0.0)), (1e3, Some(f64::NAN))]
    {
        refused(set(mean, deviation).await, "invalid");
    }
    refused(w.engine.set_rating(&admin, &mode("none"), p[0], 1e3, None, "why").await, "not_found");
    let nobody = PlayerId::from_u128(1);
    refused(w.engine.set_rating(&admin, &mode("duel"), nobody, 1e3, None, "why").await, "not_found");
}
