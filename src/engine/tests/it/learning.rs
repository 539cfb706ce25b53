//! What the Kalman system learns: published, used, kept with each result, and no part of anything that is undone.
use crate::{
    matches::made,
    world::{World, both, mode, places, wide},
};
use gsm_core::{MatchId, PlayerId, QueueName};
use gsm_engine::{Call, NewMatch, QueueConfig};
use gsm_rating::{
    KalmanSettings, Rating, System,
    options::{Newcomer, Options, Smurf},
};

both! {
    newcomers_start_where_newcomers_stand,
    a_rebuild_uses_what_was_known_at_the_time,
    what_is_voided_has_taught_nothing,
    what_is_voided_before_anything_is_published_was_never_played,
    a_rebuild_learns_the_same_anew,
    a_system_that_comes_later_has_a_volatility_of_its_own,
}

async fn kalman(w: &World, rating_options: Options) {
    kalman_of(w, "duel", KalmanSettings::default(), rating_options).await;
}

async fn kalman_of(w: &World, name: &str, settings: KalmanSettings, rating_options: Options) {
    let config = QueueConfig::new(QueueName::new(name).unwrap(), mode(name), wide(1));
    let rating = System::Kalman(settings);
    w.put(QueueConfig { rating, rating_options, ..config }).await;
}

/// Two modes alike, in which time alone changes nothing.
async fn twins(w: &World) {
    for name in ["spoilt", "clean"] {
        let settings = KalmanSettings { growth_per_day: 0.0, ..KalmanSettings::default() };
        kalman_of(w, name, settings, Options::default()).await;
    }
}

/// The first beats the second; then the matcher has its turn.
async fn beats(w: &World, queue: &str, winner: PlayerId, loser: PlayerId) -> MatchId {
    let sides = vec![vec![winner], vec![loser]];
    let queue = QueueName::new(queue).unwrap();
    let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(1_000);
    w.turn().await;
    id
}

async fn void(w: &World, id: MatchId) {
    w.engine.void_result(&w.admin(), id, "bogus").await.unwrap();
    w.settle();
}

async fn ratings(w: &World, name: &str, players: &[PlayerId]) -> Vec<Option<Rating>> {
    let mut found = Vec::new();
    for player in players {
        let row = w.engine.rating(&mode(name), *player).await;
        found.push(row.ok().map(|row| row.rating));
    }
    found
}

async fn start_in(w: &World, queue: &str, player: PlayerId) -> f64 {
    let ticket = w.enter(queue, player).await;
    w.engine.cancel_ticket(&w.by(player), ticket.id).await.unwrap();
    w.settle();
    ticket.row.players[0].rating.mean
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

async fn what_is_voided_has_taught_nothing(w: World) {
    twins(&w).await;
    let p = w.players(90).await;
    let mut bogus = Vec::new();
    for nth in 0..70 {
        bogus.push(beats(&w, "spoilt", p[10 + nth], p[nth % 10]).await);
    }
    assert!(start_in(&w, "spoilt", p[89]).await > 1550.0);
    for id in bogus {
        void(&w, id).await;
    }
    let again = w.node("again").await;
    let ticket = again.create_ticket(&w.by(p[88]), &crate::world::ticket("spoilt", p[88])).await.unwrap();
    assert_eq!(ticket.row.players[0].rating.mean, 1500.0, "a restart knows it too");
    w.settle();
    for nth in 0..50 {
        for queue in ["spoilt", "clean"] {
            beats(&w, queue, p[nth % 7], p[(nth * 3 + 1) % 11 + 7]).await;
        }
    }
    assert_eq!(ratings(&w, "spoilt", &p[..20]).await, ratings(&w, "clean", &p[..20]).await);
    assert_eq!(start_in(&w, "spoilt", p[89]).await, start_in(&w, "clean", p[89]).await);
}

async fn what_is_voided_before_anything_is_published_was_never_played(w: World) {
    twins(&w).await;
    let p = w.players(90).await;
    let mut bogus = Vec::new();
    for nth in 0..30 {
        let (winner, loser) = (p[nth % 7], p[nth + 20]);
        if nth % 3 == 1 {
            bogus.push(beats(&w, "spoilt", loser, winner).await);
        } else {
            beats(&w, "spoilt", winner, loser).await;
        }
        if nth % 3 != 1 || nth == 28 {
            beats(&w, "clean", winner, loser).await;
        }
    }
    let last = bogus.pop().unwrap();
    for id in bogus {
        void(&w, id).await;
    }
    // One is corrected: it has taught what it says now.
    w.engine.correct_result(&w.admin(), last, &places(&[2, 1], &[]), "turned").await.unwrap();
    w.settle();
    for nth in 50..80 {
        for queue in ["spoilt", "clean"] {
            beats(&w, queue, p[nth % 7], p[nth]).await;
        }
    }
    let learnt = start_in(&w, "clean", p[89]).await;
    assert!(learnt < 1_500.0, "{learnt}");
    let found = start_in(&w, "spoilt", p[89]).await;
    assert!((found - learnt).abs() < 1e-6, "{found} is not {learnt}");
}

async fn a_rebuild_learns_the_same_anew(w: World) {
    twins(&w).await;
    let p = w.players(90).await;
    let both = async |from: usize, to: usize| {
        for nth in from..to {
            for queue in ["spoilt", "clean"] {
                beats(&w, queue, p[nth % 7], p[nth]).await;
            }
        }
    };
    both(10, 50).await;
    let before = start_in(&w, "spoilt", p[89]).await;
    assert!(before < 1_500.0, "{before}");
    let report = w.engine.rebuild(&w.admin(), &mode("spoilt"), true).await.unwrap();
    w.settle();
    assert_eq!((report.results, report.differing), (40, 0));
    assert_eq!(start_in(&w, "spoilt", p[89]).await, before);
    both(50, 80).await;
    assert_eq!(start_in(&w, "spoilt", p[89]).await, start_in(&w, "clean", p[89]).await);
    assert_eq!(ratings(&w, "spoilt", &p).await, ratings(&w, "clean", &p).await);
}

async fn a_system_that_comes_later_has_a_volatility_of_its_own(w: World) {
    kalman(&w, Options::default()).await;
    let p = w.players(6).await;
    for (one, other) in [(0, 1), (2, 3), (4, 5), (0, 2), (1, 3), (0, 4), (2, 5), (1, 0), (0, 3)] {
        beats(&w, "duel", p[one], p[other]).await;
    }
    let config = QueueConfig::new(QueueName::new("duel").unwrap(), mode("duel"), wide(1));
    w.put(QueueConfig { rating: System::default(), ..config }).await;
    let deviation = async || w.engine.rating(&mode("duel"), p[0]).await.unwrap().rating.deviation;
    let mut before = deviation().await;
    for (winner, loser) in [(0, 1), (1, 0), (0, 1)] {
        beats(&w, "duel", p[winner], p[loser]).await;
        let after = deviation().await;
        assert!(after < before, "{after} is not less than {before}");
        before = after;
    }
    // A month away, by one volatility in three days.
    w.clock.advance_ms(30 * 24 * 3_600_000);
    let now = w.engine.rating_now(&mode("duel"), p[0]).await.unwrap().rating;
    let growth = (now.deviation.powi(2) - before.powi(2)).sqrt();
    assert!(growth < 40.0 && (0.05..0.07).contains(&now.volatility), "{growth} {now:?}");
    let report = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!((report.results, report.differing), (12, 0));
}
