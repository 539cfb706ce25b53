//! Queues: made, changed under their waiting tickets.
use crate::world::{World, both, keyed, mode, places, refused, ticket, wide};
use gsm_core::{MatchId, Millis, PlayerId, QueueName, limits};
use gsm_engine::{
    Engine, EngineError, NewTicket, Penalties, Plausibility, QueueConfig, Span,
    store::{Key, Verdict},
};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_rating::{EloSettings, Glicko2Settings, System, options::Smurf};
use gsm_session::{Ladder, TicketState};

both! {
    what_could_never_work_is_refused,
    a_mode_has_one_system,
    a_put_is_replayed,
    a_party_that_no_longer_fits_is_not_stranded,
    new_rules_hold_for_who_waits,
    a_shorter_time_holds_for_new_tickets,
    a_match_of_a_deleted_queue_is_rated_by_it,
    a_match_of_a_queue_that_moved_is_rated_by_it,
    a_match_is_judged_by_its_queue_as_it_was,
    another_queue_of_the_mode_says_how_it_rates,
    as_they_were_only_so_many_queues_are_kept,
}

fn queue(name: &str, rules: MatchRules) -> QueueConfig {
    QueueConfig::new(QueueName::new(name).unwrap(), mode("m"), rules)
}

async fn what_could_never_work_is_refused(w: World) {
    let mut bad = queue("q", wide(1));
    bad.rules.format = Format::Teams { teams: 1, size: 1 };
    refused(w.engine.put_queue(&w.admin(), bad).await, "invalid");
    let mut bad = queue("q", wide(1));
    bad.acceptance_ms = Some(Millis::ZERO);
    refused(w.engine.put_queue(&w.admin(), bad).await, "invalid");
    let mut bad = queue("q", wide(1));
    bad.match_timeout_ms = Millis::from_secs(30 * 3_600);
    refused(w.engine.put_queue(&w.admin(), bad).await, "invalid");
    let mut bad = queue("q", wide(1));
    bad.rating_options.smurf = Some(Smurf { threshold: f64::NAN, ..Smurf::default() });
    let answer = w.engine.put_queue(&w.admin(), bad).await;
    let path = "rating_options.smurf.threshold";
    assert!(matches!(answer, Err(EngineError::Invalid { field, .. }) if field == path));
    refused(w.engine.queue(&QueueName::new("q").unwrap()), "not_found");
}

async fn a_mode_has_one_system(w: World) {
    w.put(queue("a", wide(1))).await;
    let mut other = queue("b", wide(1));
    let settings = Glicko2Settings { deviation: 200.0, ..Glicko2Settings::default() };
    other.rating = System::Glicko2(settings);
    refused(w.engine.put_queue(&w.admin(), other.clone()).await, "mode_system");
    let mut asks = queue("c", wide(1));
    asks.rating_options.smurf = Some(Smurf::default());
    refused(w.engine.put_queue(&w.admin(), asks).await, "mode_system");
    other.mode = mode("another");
    w.put(other).await;
    assert_eq!(w.engine.queues().len(), 2);
}

async fn a_put_is_replayed(w: World) {
    let first = queue("a", wide(1));
    w.engine.put_queue(&keyed(w.admin(), "k", "1"), first.clone()).await.unwrap();
    w.settle();
    w.put(queue("a", wide(2))).await;
    let again = w.engine.put_queue(&keyed(w.admin(), "k", "1"), first.clone()).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(w.engine.queues()[0].rules, wide(2), "a replay changes nothing");
    refused(w.engine.put_queue(&keyed(w.admin(), "k", "2"), first).await, "idempotency_mismatch");
}

async fn a_party_that_no_longer_fits_is_not_stranded(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(4).await;
    let party = NewTicket { members: vec![(p[1], None)], ..ticket("duo", p[0]) };
    let party = w.engine.create_ticket(&w.server(), &party).await.unwrap().id;
    w.turn().await;
    w.teams("duo", 1, None).await;
    let others = w.enter_all("duo", &p[2..]).await;
    assert_eq!(w.seen(others[0]).await.state, TicketState::Completed, "those who fit play");
    assert!(!w.seen(party).await.state.is_terminal());
    let known = w.node("restarted").await;
    w.clock.advance_ms(4_000);
    known.tick().await;
    w.clock.advance_ms(600_000);
    known.tick().await;
    assert_eq!(w.seen(party).await.state, TicketState::TimedOut, "outside the pool it has its deadline too");
    assert_eq!(w.claim(p[1]).await, None);
}

async fn new_rules_hold_for_who_waits(w: World) {
    let mut far = wide(1);
    far.window = Window { min: 1.0, growth_per_s: 0.0, max: 1.0 };
    w.queue("duel", far).await;
    let p = w.players(2).await;
    w.engine.set_rating(&w.admin(), &mode("duel"), p[0], 2_000.0, None, "test").await.unwrap();
    let tickets = w.enter_all("duel", &p).await;
    assert!(!w.seen(tickets[0]).await.state.is_terminal());
    w.queue("duel", wide(1)).await;
    assert_eq!(w.turn().await.matches, 1);
}

async fn a_shorter_time_holds_for_new_tickets(w: World) {
    let mut config = w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    let old = w.enter("duel", p[0]).await;
    config.ticket_timeout_ms = Millis::from_secs(1);
    w.put(config).await;
    w.clock.advance_ms(5_000);
    assert_eq!(w.turn().await.overdue, 0);
    assert!(old.row.expires_at > gsm_core::Clock::now(&*w.clock));
}

fn elo() -> QueueConfig {
    QueueConfig { rating: System::Elo(EloSettings::default()), ..queue("q", wide(1)) }
}

/// Two players in a match of the queue.
async fn playing(w: &World, config: QueueConfig) -> (Vec<PlayerId>, MatchId) {
    w.put(config).await;
    let p = w.players(2).await;
    let tickets = w.enter_all("q", &p).await;
    (p, w.seen(tickets[0]).await.match_id.unwrap())
}

async fn delete(w: &World, name: &str) {
    w.engine.delete_queue(&w.admin(), &QueueName::new(name).unwrap()).await.unwrap();
    w.settle();
}

/// The first side wins; the ratings afterwards.
async fn means(w: &World, engine: &Engine, id: MatchId) -> Vec<f64> {
    let result = engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    assert_eq!(result.row.mode, mode("m"));
    result.row.changes.iter().map(|change| change.after.mean).collect()
}

/// The ratings of the players, the least first.
async fn kept_means(engine: &Engine, players: &[PlayerId]) -> Vec<f64> {
    let mut means = Vec::new();
    for player in players {
        means.push(engine.rating(&mode("m"), *player).await.unwrap().rating.mean);
    }
    means.sort_by(f64::total_cmp);
    means
}

async fn a_match_of_a_deleted_queue_is_rated_by_it(w: World) {
    let (p, id) = playing(&w, elo()).await;
    delete(&w, "q").await;
    assert_eq!(means(&w, &w.engine, id).await, [1_516.0, 1_484.0]);
    let again = w.engine.rebuild(&w.admin(), &mode("m"), true).await.unwrap();
    assert_eq!((again.players, again.differing), (2, 0));
    assert_eq!(kept_means(&w.engine, &p).await, [1_484.0, 1_516.0]);
}

async fn a_match_of_a_queue_that_moved_is_rated_by_it(w: World) {
    let (_, id) = playing(&w, elo()).await;
    w.put(QueueConfig { mode: mode("other"), ..queue("q", wide(1)) }).await;
    let known = w.node("restarted").await;
    assert_eq!(means(&w, &known, id).await, [1_516.0, 1_484.0]);
}

async fn a_match_is_judged_by_its_queue_as_it_was(w: World) {
    let ladder = Ladder { locks_ms: vec![Millis::from_secs(60)], forget_after_ms: Millis::from_secs(3_600) };
    let penalties = Some(Penalties { leave: Some(ladder), ..Penalties::default() });
    let duration = Span { least: Some(60_000), most: None };
    let plausibility =
        Some(Plausibility { duration_ms: Some(duration), score: None, matches_per_hour: None });
    let (p, id) = playing(&w, QueueConfig { penalties, plausibility, ..elo() }).await;
    delete(&w, "q").await;
    let known = w.node("restarted").await;
    known.report_leavers(&w.server(), id, &p[1..]).await.unwrap();
    w.settle();
    let result = known.report_result(&w.server(), id, None, &places(&[1, 2], &p[..1])).await.unwrap();
    assert!(matches!(result.row.verdict, Verdict::Quarantined { .. }), "{:?}", result.row.verdict);
    w.settle();
    known.release_result(&w.admin(), id, "seen").await.unwrap();
    w.settle();
    for player in p {
        let of = known.penalties(&w.admin(), player).await.unwrap();
        assert_eq!(of.iter().map(|view| view.next_lock.get()).collect::<Vec<_>>(), [60_000]);
    }
}

async fn another_queue_of_the_mode_says_how_it_rates(w: World) {
    let (_, id) = playing(&w, elo()).await;
    delete(&w, "q").await;
    w.put(queue("r", wide(1))).await;
    assert!(means(&w, &w.engine, id).await[0] > 1_600.0, "a mode is rated by one system, that of today");
}

async fn as_they_were_only_so_many_queues_are_kept(w: World) {
    let (_, id) = playing(&w, elo()).await;
    for n in 0..=limits::RETIRED_QUEUES_MAX {
        let name = format!("q{n}");
        w.put(QueueConfig { mode: mode(&name), ..queue(&name, wide(1)) }).await;
        w.clock.advance_ms(1);
        delete(&w, &name).await;
    }
    let kept = || {
        let rows: Vec<_> = w.stores.iter().flat_map(|store| store.rows()).collect();
        rows.into_iter().filter(|(key, _)| matches!(key, Key::Retired(..))).count()
    };
    assert_eq!(kept(), limits::RETIRED_QUEUES_MAX);
    delete(&w, "q").await;
    assert_eq!(kept(), limits::RETIRED_QUEUES_MAX);
    assert_eq!(means(&w, &w.engine, id).await, [1_516.0, 1_484.0], "the last is not the one that goes");
}
