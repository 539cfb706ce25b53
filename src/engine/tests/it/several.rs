//! Tickets in several queues: the first match takes them out of all others.
use crate::world::{World, both, mode, refused, three_homes, ticket, wide};
use gsm_core::{Millis, PlayerId, QueueName, RequestKey, TicketId, limits};
use gsm_engine::{
    Explained, Intake, NewTicket, QueueConfig, TicketView,
    store::{Claim, Key, Row, Store},
};
use gsm_session::TicketState;

both! {
    the_first_match_takes_it_out_of_the_others,
    a_failed_proposal_puts_it_back_into_all,
    an_ended_ticket_leaves_all,
    each_queue_sees_its_own_rating,
    it_is_recorded_for_each_queue,
    it_explains_itself_queue_by_queue,
    a_restart_finds_it_in_all,
    a_queue_that_is_deleted_lets_it_go,
    the_shortest_time_out_counts,
    what_cannot_wait_together_is_refused,
}

fn named(name: &str) -> QueueName {
    QueueName::new(name).unwrap()
}

/// A ticket in the first of these queues, and in the others.
fn wish(queues: &[&str], player: PlayerId) -> NewTicket {
    NewTicket { also: queues[1..].iter().map(|name| named(name)).collect(), ..ticket(queues[0], player) }
}

async fn enter(w: &World, queues: &[&str], player: PlayerId) -> TicketId {
    let made = w.engine.create_ticket(&w.by(player), &wish(queues, player)).await.unwrap();
    w.settle();
    made.id
}

async fn waiting(w: &World) -> Vec<usize> {
    w.settle();
    w.engine.overview().await.unwrap().queues.iter().map(|queue| queue.waiting).collect()
}

/// The queues `a` and `b`, the second with ten seconds to accept.
async fn two_queues(w: &World) {
    w.teams("a", 1, None).await;
    w.teams("b", 1, Some(10)).await;
}

async fn the_first_match_takes_it_out_of_the_others(w: World) {
    two_queues(&w).await;
    let p = w.players(4).await;
    let several = enter(&w, &["b", "a"], p[0]).await;
    assert_eq!(waiting(&w).await, [1, 1]);
    enter(&w, &["a"], p[1]).await;
    assert_eq!(w.turn().await.matches, 1);
    let row = w.seen(several).await;
    assert_eq!((row.state, row.queue.as_str()), (TicketState::Completed, "a"));
    assert_eq!(w.claim(p[0]).await, row.match_id.map(Claim::Match));
    assert_eq!(waiting(&w).await, [0, 0]);
    enter(&w, &["b"], p[2]).await;
    assert_eq!(w.turn().await.proposals, 0, "nobody is left to meet");
    // Two queues have a match for it in the same turn: one gets it.
    let p = &w.players(7).await[4..];
    let both = enter(&w, &["a", "b"], p[0]).await;
    enter(&w, &["a"], p[1]).await;
    let report = w.turn().await;
    assert_eq!((report.matches, report.proposals), (1, 0));
    assert_eq!(w.seen(both).await.queue.as_str(), "a");
    assert_eq!(waiting(&w).await, [0, 1]);
}

async fn a_failed_proposal_puts_it_back_into_all(w: World) {
    two_queues(&w).await;
    let p = w.players(3).await;
    let several = enter(&w, &["a", "b"], p[0]).await;
    let first = w.seen(several).await;
    w.clock.advance_ms(3_000);
    enter(&w, &["b"], p[1]).await;
    assert_eq!(w.turn().await.proposals, 1);
    let asked = w.seen(several).await;
    assert_eq!((asked.state, asked.queue.as_str()), (TicketState::RequiresAcceptance, "b"));
    assert_eq!(waiting(&w).await, [0, 0], "who is asked waits nowhere");
    w.engine.respond(&w.by(p[1]), asked.proposal.unwrap(), p[1], false).await.unwrap();
    assert_eq!(waiting(&w).await, [1, 1]);
    let back = w.seen(several).await;
    assert_eq!((back.state, back.queued_at), (TicketState::Searching, first.queued_at));
    enter(&w, &["a"], p[2]).await;
    assert_eq!(w.turn().await.matches, 1);
    assert_eq!(w.seen(several).await.queue.as_str(), "a");
}

async fn an_ended_ticket_leaves_all(w: World) {
    two_queues(&w).await;
    let p = w.players(1).await[0];
    let first = enter(&w, &["a", "b"], p).await;
    w.engine.cancel_ticket(&w.by(p), first).await.unwrap();
    assert_eq!((waiting(&w).await, w.claim(p).await), (vec![0, 0], None));
    let late = enter(&w, &["a", "b"], p).await;
    w.clock.advance_ms(600_000);
    w.turn().await;
    assert_eq!(w.seen(late).await.state, TicketState::TimedOut);
    assert_eq!((waiting(&w).await, w.claim(p).await), (vec![0, 0], None));
    // A trusted back end's new ticket ends it in all its queues.
    let older = enter(&w, &["a", "b"], p).await;
    let newer = NewTicket { intake: Intake::GameLift, own_id: RequestKey::new("n").ok(), ..ticket("a", p) };
    w.engine.create_ticket(&w.server(), &newer).await.unwrap();
    assert_eq!(w.seen(older).await.state, TicketState::Cancelled);
    assert_eq!(waiting(&w).await, [1, 0]);
}

async fn each_queue_sees_its_own_rating(w: World) {
    two_queues(&w).await;
    let p = w.players(2).await;
    w.engine.set_rating(&w.admin(), &mode("b"), p[0], 2_000.0, None, "test").await.unwrap();
    w.settle();
    let several = enter(&w, &["a", "b"], p[0]).await;
    assert_eq!(w.seen(several).await.players[0].rating.mean, 1_500.0);
    enter(&w, &["b"], p[1]).await;
    w.turn().await;
    let asked = w.seen(several).await;
    assert_eq!(asked.players[0].rating.mean, 2_000.0);
    for player in &p {
        w.engine.respond(&w.by(*player), asked.proposal.unwrap(), *player, true).await.unwrap();
    }
    let played = w.seen(several).await;
    let made = w.engine.match_view(&w.server(), played.match_id.unwrap()).await.unwrap().row;
    assert_eq!((made.mode.as_str(), made.spread), ("b", 500.0));
}

async fn it_explains_itself_queue_by_queue(w: World) {
    two_queues(&w).await;
    let p = w.players(1).await[0];
    w.engine.set_rating(&w.admin(), &mode("b"), p, 2_000.0, None, "test").await.unwrap();
    w.settle();
    let ticket = enter(&w, &["b", "a"], p).await;
    let why = w.engine.explain(&w.by(p), ticket).await.unwrap();
    let skills: Vec<_> = why
        .iter()
        .map(|(queue, why)| match why {
            Explained::Window(why) => (queue.as_str(), why.skill),
            Explained::Ruled(_) => panic!("no queue has a rule set"),
        })
        .collect();
    assert_eq!(skills, [("b", 2_000.0), ("a", 1_500.0)]);
}

async fn a_restart_finds_it_in_all(w: World) {
    two_queues(&w).await;
    let p = w.players(1).await[0];
    enter(&w, &["b", "a"], p).await;
    let again = w.node("test").await;
    let waiting: Vec<_> = again.overview().await.unwrap().queues.iter().map(|queue| queue.waiting).collect();
    assert_eq!(waiting, [1, 1]);
}

async fn a_queue_that_is_deleted_lets_it_go(w: World) {
    two_queues(&w).await;
    let p = w.players(3).await;
    let several = enter(&w, &["a", "b"], p[0]).await;
    refused(w.engine.delete_queue(&w.admin(), &named("a")).await, "queue_in_use");
    enter(&w, &["b"], p[1]).await;
    w.turn().await;
    let proposal = w.seen(several).await.proposal.unwrap();
    w.engine.delete_queue(&w.admin(), &named("a")).await.unwrap();
    w.settle();
    w.engine.respond(&w.by(p[1]), proposal, p[1], false).await.unwrap();
    w.turn().await;
    let row = w.seen(several).await;
    assert_eq!((row.state, row.queue.as_str(), row.also.len()), (TicketState::Searching, "b", 0));
    assert_eq!(waiting(&w).await, [1]);
    w.teams("a", 1, None).await;
    enter(&w, &["a"], p[2]).await;
    assert_eq!(w.turn().await.matches, 0, "it has left the queue for good");
}

async fn the_shortest_time_out_counts(w: World) {
    two_queues(&w).await;
    let short = QueueConfig::new(named("c"), mode("c"), wide(1));
    w.put(QueueConfig { ticket_timeout_ms: Millis::from_secs(5), ..short }).await;
    let p = w.players(1).await[0];
    let row = w.seen(enter(&w, &["a", "c"], p).await).await;
    assert_eq!(row.expires_at.since(row.queued_at), Millis::from_secs(5));
}

async fn what_cannot_wait_together_is_refused(w: World) {
    two_queues(&w).await;
    w.teams("duo", 2, None).await;
    let p = w.players(2).await;
    let create = async |new: NewTicket| w.engine.create_ticket(&w.server(), &new).await;
    refused(create(wish(&["a", "b", "a"], p[0])).await, "invalid");
    refused(create(wish(&["a", "none"], p[0])).await, "not_found");
    let party = NewTicket { members: vec![(p[1], None)], ..wish(&["duo", "a"], p[0]) };
    refused(create(party).await, "invalid");
    let names: Vec<String> = (0..=limits::TICKET_QUEUES_MAX).map(|n| format!("q{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    refused(create(wish(&names, p[0])).await, "invalid");
    let wire = NewTicket { intake: Intake::GameLift, ..wish(&["a", "b"], p[0]) };
    refused(create(wire).await, "invalid");
    // The same own id is the same request, in whatever order its queues come.
    let own = |queues: &[&str]| NewTicket { own_id: RequestKey::new("own").ok(), ..wish(queues, p[0]) };
    let first = create(own(&["a", "b"])).await.unwrap();
    assert_eq!(create(own(&["b", "a"])).await.unwrap().id, first.id);
    refused(create(own(&["a"])).await, "ticket_id_taken");
}

#[tokio::test]
async fn two_nodes_want_it_and_one_gets_it() {
    let w = three_homes();
    let (other, p) = (w.node("other").await, w.players(3).await);
    // Whoever has a turn first after a queue was made holds its lease.
    w.teams("a", 1, None).await;
    w.turn().await;
    w.teams("b", 1, None).await;
    other.tick().await;
    w.settle();
    w.turn().await;
    for (queue, node) in [("a", "test"), ("b", "other")] {
        let row = w.stores[2].get(&[Key::Lease(named(queue))]).await.unwrap().remove(0).unwrap().row;
        assert!(matches!(&*row, Row::Lease(lease) if lease.owner == node), "{queue}: {row:?}");
    }
    w.enter("a", p[1]).await;
    let several = w.engine.create_ticket(&w.by(p[0]), &wish(&["a", "b"], p[0])).await.unwrap().id;
    w.enter("b", p[2]).await;
    w.settle();
    // Both nodes have a match for it. The stores answer at once, so one turn comes after the other here; turns that
    // interleave are for the simulator.
    let (one, two) = futures::join!(w.engine.tick(), other.tick());
    w.settle();
    assert_eq!(one.matches + two.matches, 1);
    let row = w.seen(several).await;
    assert_eq!(row.state, TicketState::Completed);
    let left = if row.queue.as_str() == "a" { p[2] } else { p[1] };
    assert!(matches!(w.claim(left).await, Some(Claim::Ticket(_))), "the other waits on");
    assert_eq!(w.claim(p[0]).await, row.match_id.map(Claim::Match));
}

/// Answers to an idempotency key outlive the version of the server that gave them.
#[tokio::test]
async fn an_answer_from_before_there_were_several_queues_is_read() {
    let w = three_homes();
    w.teams("a", 1, None).await;
    let view = w.enter("a", w.players(1).await[0]).await;
    let mut json = serde_json::to_value(&view).unwrap();
    assert!(json["row"].as_object_mut().unwrap().remove("also").is_some());
    assert_eq!(serde_json::from_value::<TicketView>(json).unwrap(), view);
}

#[derive(Default)]
struct Noted(parking_lot::Mutex<Vec<String>>);

impl gsm_engine::Recorder for Noted {
    fn note(&self, _: TicketId, step: gsm_engine::TicketStep) {
        self.0.lock().push(match step {
            gsm_engine::TicketStep::Arrived { queue, .. } => format!("arrived {queue}"),
            gsm_engine::TicketStep::Proposed => "proposed".to_owned(),
            gsm_engine::TicketStep::Ended { .. } => "ended".to_owned(),
        });
    }
}

async fn it_is_recorded_for_each_queue(w: World) {
    two_queues(&w).await;
    let noted = std::sync::Arc::new(Noted::default());
    let players = w.players(2).await;
    // It waits already.
    enter(&w, &["b"], players[1]).await;
    w.engine.record(noted.clone()).await.unwrap();
    let several = enter(&w, &["b", "a"], players[0]).await;
    w.engine.cancel_ticket(&w.by(players[0]), several).await.unwrap();
    w.settle();
    assert_eq!(*noted.0.lock(), ["arrived b", "arrived b", "arrived a", "ended"]);
}
