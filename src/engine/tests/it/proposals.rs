//! Proposals: answered by their players, ended once, whoever comes late.
use crate::world::{World, both, keyed, mode, refused, ticket};
use gsm_core::{PlayerId, ProposalId, RequestKey, TicketId};
use gsm_engine::{
    Intake, NewTicket, QueueConfig,
    store::{ChangeSet, Committed, Fold, Key, Op, Store, Write},
};
use gsm_session::TicketState;
use parking_lot::Mutex;
use std::sync::Arc;

both! {
    all_accept_and_play,
    a_decline_frees_the_decliner_alone,
    silence_ends_at_the_deadline,
    a_late_answer_is_refused,
    an_acceptance_can_be_taken_back,
    a_foreign_proposal_is_unknown,
    cancelling_is_declining,
    an_answer_is_replayed_after_the_end,
    expiry_and_the_last_acceptance_do_not_both_win,
    a_queue_that_asks_no_more_keeps_its_proposals,
    who_leaves_as_the_time_is_up_is_not_late,
    how_a_proposal_ends_goes_by_the_ticket_not_by_the_queue,
    a_back_end_answers_for_whoever_queued_here,
    what_was_proposed_is_played_though_its_queue_has_moved,
    its_tickets_search_again_before_a_proposal_is_gone,
}

struct Asked {
    p: Vec<PlayerId>,
    tickets: Vec<TicketId>,
    id: ProposalId,
}

/// Two players who are asked, with ten seconds to answer.
async fn asked(w: &World) -> Asked {
    w.teams("duel", 1, Some(10)).await;
    let p = w.players(3).await;
    let tickets = w.enter_all("duel", &p[..2]).await;
    let id = w.seen(tickets[0]).await.proposal.unwrap();
    Asked { p, tickets, id }
}

async fn all_accept_and_play(w: World) {
    let a = asked(&w).await;
    for at in [0, 0, 1] {
        w.engine.respond(&w.by(a.p[at]), a.id, a.p[at], true).await.unwrap();
    }
    let (one, two) = (w.seen(a.tickets[0]).await, w.seen(a.tickets[1]).await);
    assert_eq!((one.state, one.match_id.is_some()), (TicketState::Completed, true));
    assert_eq!(one.match_id, two.match_id);
    refused(w.engine.proposal(&w.by(a.p[0]), a.id).await, "not_found");
}

async fn what_was_proposed_is_played_though_its_queue_has_moved(w: World) {
    let config = w.teams("duel", 1, Some(10)).await;
    let p = w.players(4).await;
    let tickets = w.enter_all("duel", &p).await;
    w.clock.advance_ms(1_000);
    w.put(QueueConfig { mode: mode("other"), ..config }).await;
    w.clock.advance_ms(1_000);
    // As one knows it that was there all the time, and one that was not.
    let node = w.node("restarted").await;
    let first = w.seen(tickets[0]).await.proposal;
    for (player, ticket) in p.iter().zip(&tickets) {
        let id = w.seen(*ticket).await.proposal.unwrap();
        let engine = if Some(id) == first { &w.engine } else { &node };
        engine.respond(&w.by(*player), id, *player, true).await.unwrap();
    }
    w.settle();
    for ticket in tickets {
        let id = w.seen(ticket).await.match_id.unwrap();
        assert_eq!(w.engine.match_view(&w.admin(), id).await.unwrap().row.mode, mode("duel"));
    }
}

/// Whether each change set that ends a proposal tells of its tickets first.
#[derive(Default)]
struct Order(Mutex<Vec<bool>>);

impl Fold for Order {
    fn apply(&self, _: Committed, changes: &ChangeSet) {
        let is_end = |write: &Write| matches!((&write.key, &write.op), (Key::Proposal(_), Op::Delete));
        if let Some(end) = changes.writes.iter().position(is_end) {
            let last = changes.writes.iter().rposition(|write| matches!(write.key, Key::Ticket(_)));
            self.0.lock().push(last.is_some_and(|last| last < end));
        }
    }
}

/// Whoever asks whether a queue is in use, so as to delete it, must find the one or the other.
async fn its_tickets_search_again_before_a_proposal_is_gone(w: World) {
    let order = Arc::new(Order::default());
    let fold: Arc<dyn Fold> = order.clone();
    w.stores.iter().for_each(|store| store.subscribe(fold.clone()));
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], false).await.unwrap();
    w.settle();
    assert_eq!(*order.0.lock(), [true]);
}

async fn a_decline_frees_the_decliner_alone(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], false).await.unwrap();
    assert_eq!(w.seen(a.tickets[0]).await.state, TicketState::Cancelled);
    assert_eq!(
        w.seen(a.tickets[1]).await.state,
        TicketState::Searching,
        "who had no time to answer waits on"
    );
    assert_eq!(w.claim(a.p[0]).await, None);
    w.enter_all("duel", &a.p[2..]).await;
    assert_eq!(w.seen(a.tickets[1]).await.state, TicketState::RequiresAcceptance, "and meets another");
}

async fn silence_ends_at_the_deadline(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await.unwrap();
    w.clock.advance_ms(10_000);
    assert_eq!(w.turn().await.overdue, 1);
    assert_eq!(w.seen(a.tickets[0]).await.state, TicketState::Searching);
    assert_eq!(w.seen(a.tickets[1]).await.state, TicketState::Cancelled);
    assert_eq!(w.claim(a.p[1]).await, None);
    assert_eq!(w.engine.overview().await.unwrap().queues[0].proposals, 0);
}

async fn a_late_answer_is_refused(w: World) {
    let a = asked(&w).await;
    w.clock.advance_ms(10_000);
    refused(w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await, "proposal_closed");
}

async fn an_acceptance_can_be_taken_back(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await.unwrap();
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], false).await.unwrap();
    assert_eq!(w.seen(a.tickets[0]).await.state, TicketState::Cancelled);
    assert_eq!(w.seen(a.tickets[1]).await.state, TicketState::Searching);
}

async fn a_foreign_proposal_is_unknown(w: World) {
    let a = asked(&w).await;
    refused(w.engine.proposal(&w.by(a.p[2]), a.id).await, "not_found");
    refused(w.engine.respond(&w.by(a.p[2]), a.id, a.p[2], true).await, "not_found");
    refused(w.engine.respond(&w.by(a.p[2]), a.id, a.p[0], true).await, "not_found");
    refused(w.engine.respond(&w.server(), a.id, a.p[2], true).await, "not_found");
    refused(w.engine.respond(&w.server(), ProposalId::from_u128(1), a.p[0], true).await, "not_found");
    assert!(w.engine.proposal(&w.server(), a.id).await.is_ok());
    w.engine.respond(&w.server(), a.id, a.p[0], true).await.unwrap();
}

async fn cancelling_is_declining(w: World) {
    let a = asked(&w).await;
    let call = keyed(w.by(a.p[0]), "k", "x");
    for _ in 0..2 {
        let done = w.engine.cancel_ticket(&call, a.tickets[0]).await.unwrap();
        assert_eq!(done.row.state, TicketState::Cancelled);
    }
    refused(
        w.engine.cancel_ticket(&keyed(w.by(a.p[0]), "k", "y"), a.tickets[0]).await,
        "idempotency_mismatch",
    );
    assert_eq!(w.seen(a.tickets[1]).await.state, TicketState::Searching);
}

async fn an_answer_is_replayed_after_the_end(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await.unwrap();
    let call = |body| keyed(w.by(a.p[1]), "k", body);
    let first = w.engine.respond(&call("yes"), a.id, a.p[1], true).await.unwrap();
    refused(w.engine.respond(&w.by(a.p[1]), a.id, a.p[1], true).await, "not_found");
    assert_eq!(w.engine.respond(&call("yes"), a.id, a.p[1], true).await.unwrap(), first);
    refused(w.engine.respond(&call("no"), a.id, a.p[1], false).await, "idempotency_mismatch");
}

async fn expiry_and_the_last_acceptance_do_not_both_win(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await.unwrap();
    let in_time = w.by(a.p[1]);
    w.clock.advance_ms(10_000);
    let (answer, _) = futures::join!(w.engine.respond(&in_time, a.id, a.p[1], true), w.engine.tick());
    w.settle();
    let states = [w.seen(a.tickets[0]).await.state, w.seen(a.tickets[1]).await.state];
    let played = states == [TicketState::Completed; 2];
    let expired = states == [TicketState::Searching, TicketState::Cancelled];
    assert!(played || expired, "{states:?}");
    assert_eq!(answer.is_ok(), played);
}

async fn a_queue_that_asks_no_more_keeps_its_proposals(w: World) {
    let a = asked(&w).await;
    w.teams("duel", 1, None).await;
    for at in [0, 1] {
        w.engine.respond(&w.by(a.p[at]), a.id, a.p[at], true).await.unwrap();
    }
    assert_eq!(w.seen(a.tickets[0]).await.state, TicketState::Completed);
}

async fn who_leaves_as_the_time_is_up_is_not_late(w: World) {
    let a = asked(&w).await;
    w.engine.respond(&w.by(a.p[0]), a.id, a.p[0], true).await.unwrap();
    w.clock.advance_ms(10_000);
    // The turn that ends it has not come.
    for (at, reason) in [(0, gsm_engine::CANCELLED), (1, "a player of the party did not answer")] {
        let left = w.engine.cancel_ticket(&w.by(a.p[at]), a.tickets[at]).await.unwrap().row;
        assert_eq!((left.state, left.reason.as_deref()), (TicketState::Cancelled, Some(reason)));
        w.settle();
        assert_eq!(w.claim(a.p[at]).await, None);
    }
    assert_eq!(w.turn().await.overdue, 0);
}

async fn how_a_proposal_ends_goes_by_the_ticket_not_by_the_queue(w: World) {
    crate::gamelift::duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let native = w.enter_all("duel", &p).await;
    let id = w.seen(native[0]).await.proposal.unwrap();
    w.engine.respond(&w.by(p[0]), id, p[0], false).await.unwrap();
    w.settle();
    assert_eq!(w.seen(native[1]).await.state, TicketState::Searching, "in a queue of the wire");
    w.engine.cancel_ticket(&w.by(p[1]), native[1]).await.unwrap();
    w.teams("native", 1, Some(10)).await;
    let mut wire = Vec::new();
    for (player, own) in p.iter().zip(["t-1", "t-2"]) {
        let new = NewTicket {
            own_id: RequestKey::new(own).ok(),
            intake: Intake::GameLift,
            ..ticket("native", *player)
        };
        wire.push(w.engine.create_ticket(&w.server(), &new).await.unwrap().id);
    }
    w.turn().await;
    let id = w.seen(wire[0]).await.proposal.unwrap();
    w.engine.respond(&w.server(), id, p[0], false).await.unwrap();
    w.settle();
    assert_eq!(w.seen(wire[1]).await.state, TicketState::Cancelled, "in a native queue");
}

/// Over the GameLift wire, by the name that it tells of a player who queued by the native API.
async fn a_back_end_answers_for_whoever_queued_here(w: World) {
    let a = asked(&w).await;
    let name = |at: usize| [a.p[at].to_string()];
    refused(w.engine.answer_for(&w.server(), a.tickets[0], &name(1), true).await, "invalid");
    for at in [0, 1] {
        w.engine.answer_for(&w.server(), a.tickets[at], &name(at), true).await.unwrap();
    }
    assert_eq!(w.seen(a.tickets[0]).await.state, TicketState::Completed);
}
