//! What the Kalman system learns: published, used, kept with each result, and no part of anything that is undone.
use crate::{
    matches::made,
    world::{World, both, mode, places, wide},
};
use gsm_core::{PlayerId, QueueName};
use gsm_engine::{Call, QueueConfig};
use gsm_rating::{
    KalmanSettings, System,
    options::{Newcomer, Options, Smurf},
};

both! { newcomers_start_where_newcomers_stand, a_rebuild_uses_what_was_known_at_the_time }

async fn kalman(w: &World, rating_options: Options) {
    let config = QueueConfig::new(QueueName::new("duel").unwrap(), mode("duel"), wide(1));
    let rating = System::Kalman(KalmanSettings::default());
    w.put(QueueConfig { rating, rating_options, ..config }).await;
}

/// Veterans beat every newcomer, again and again.
async fn beaten(w: &World, veterans: &[PlayerId], newcomers: &[PlayerId]) {
    for (nth, newcomer) in newcomers.iter().enumerate() {
        let id = made(w, &[veterans[nth % veterans.len()], *newcomer]).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.clock.advance_ms(1_000);
        w.settle();
    }
    w.turn().await;
}

async fn start(w: &World, player: PlayerId) -> f64 {
    let ticket = w.enter("duel", player).await;
    let mean = ticket.row.players[0].rating.mean;
    w.engine.cancel_ticket(&w.by(player), ticket.id).await.unwrap();
    mean
}

async fn newcomers_start_where_newcomers_stand(w: World) {
    kalman(&w, Options::default()).await;
    let players = w.players(90).await;
    let (veterans, rest) = players.split_at(3);
    let at_first = start(&w, rest[86]).await;
    assert_eq!(at_first, 1500.0);
    beaten(&w, veterans, &rest[..40]).await;
    let learnt = start(&w, rest[86]).await;
    assert!(learnt < 1450.0, "nothing was learnt: {learnt}");
    beaten(&w, veterans, &rest[40..80]).await;
    let more = start(&w, rest[86]).await;
    assert!(more < learnt, "{more}");
    // Another node, and this one after a restart, know it too.
    let again = w.node("restarted").await;
    let mut tickets = Vec::new();
    for engine in [&w.engine, &again] {
        let ticket =
            engine.create_ticket(&w.by(rest[85]), &crate::world::ticket("duel", rest[85])).await.unwrap();
        tickets.push(ticket.row.players[0].rating.mean);
        engine.cancel_ticket(&w.by(rest[85]), ticket.id).await.unwrap();
        w.settle();
    }
    assert_eq!(tickets[0], tickets[1]);
}

async fn a_rebuild_uses_what_was_known_at_the_time(w: World) {
    let newcomer = Some(Newcomer { games: 3, opponents_weight: 0.5 });
    kalman(&w, Options { newcomer, smurf: Some(Smurf::default()), ..Options::default() }).await;
    let players = w.players(60).await;
    let (veterans, rest) = players.split_at(3);
    let first = made(&w, &[veterans[0], veterans[1]]).await.id;
    w.engine.report_result(&w.server(), first, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    beaten(&w, veterans, &rest[..35]).await;
    beaten(&w, veterans, &rest[35..55]).await;
    let rebuilt = |call: Call| {
        let w = &w;
        async move { w.engine.rebuild(&call, &mode("duel"), false).await.unwrap() }
    };
    let report = rebuilt(w.admin()).await;
    assert_eq!((report.results, report.differing), (56, 0));
    w.engine.void_result(&w.admin(), first, "wrong map").await.unwrap();
    w.settle();
    assert_eq!(rebuilt(w.admin()).await.differing, 0);
}
