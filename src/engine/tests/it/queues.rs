//! Queues: made, changed under their waiting tickets.
use crate::world::{World, both, keyed, mode, refused, ticket, wide};
use gsm_core::{Millis, QueueName};
use gsm_engine::{EngineError, NewTicket, QueueConfig};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_rating::{Glicko2Settings, System, options::Smurf};
use gsm_session::TicketState;

both! {
    what_could_never_work_is_refused,
    a_mode_has_one_system,
    a_put_is_replayed,
    a_party_that_no_longer_fits_is_not_stranded,
    new_rules_hold_for_who_waits,
    a_shorter_time_holds_for_new_tickets,
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
