//! Parties: members agree to be queued, each for one leader and for a while.
use crate::world::{World, both, refused, ticket};
use gsm_core::{Clock as _, PlayerId};
use gsm_engine::NewTicket;
use gsm_session::TicketState;

both! {
    a_party_plays_on_one_side,
    a_member_must_agree,
    a_consent_is_for_one_leader_and_one_player,
    a_consent_ends,
    a_trusted_caller_needs_no_consent,
    a_party_has_a_size,
    any_member_may_cancel,
}

fn party(leader: PlayerId, member: PlayerId, consent: Option<String>) -> NewTicket {
    NewTicket { members: vec![(member, consent)], ..ticket("duo", leader) }
}

/// Tickets and players that wait in the only queue.
async fn waiting(w: &World) -> (usize, usize) {
    w.settle();
    let queue = w.engine.overview().await.unwrap().queues.remove(0);
    (queue.waiting, queue.players)
}

async fn consent(w: &World, player: PlayerId, leader: PlayerId) -> String {
    w.engine.consent(&w.by(player), leader).await.unwrap().0
}

async fn a_party_plays_on_one_side(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(4).await;
    let new = party(p[0], p[3], Some(consent(&w, p[3], p[0]).await));
    w.engine.create_ticket(&w.by(p[0]), &new).await.unwrap();
    assert_eq!(waiting(&w).await, (1, 2));
    let tickets = w.enter_all("duo", &p[1..3]).await;
    assert_eq!(waiting(&w).await, (0, 0));
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    let roster = w.engine.match_view(&w.server(), id).await.unwrap().row.roster;
    assert_eq!(roster.side_of(p[0]), roster.side_of(p[3]));
    assert_ne!(roster.side_of(p[0]), roster.side_of(p[1]));
    for (player, party) in roster.players().zip(roster.party_sizes()) {
        assert_eq!(party, if [p[0], p[3]].contains(&player) { 2 } else { 1 });
    }
}

async fn a_member_must_agree(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(2).await;
    refused(w.engine.create_ticket(&w.by(p[0]), &party(p[0], p[1], None)).await, "no_consent");
    let junk = Some("gsm1.AA.AA".to_owned());
    refused(w.engine.create_ticket(&w.by(p[0]), &party(p[0], p[1], junk)).await, "no_consent");
    let challenge = w.engine.challenge(7, w.clock.now()).0;
    let new = party(p[0], p[1], Some(challenge));
    refused(w.engine.create_ticket(&w.by(p[0]), &new).await, "no_consent");
    assert_eq!(w.claim(p[1]).await, None);
}

async fn a_consent_is_for_one_leader_and_one_player(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(3).await;
    let given = consent(&w, p[1], p[0]).await;
    let by_another = w.engine.create_ticket(&w.by(p[2]), &party(p[2], p[1], Some(given.clone()))).await;
    refused(by_another, "no_consent");
    let for_another = w.engine.create_ticket(&w.by(p[0]), &party(p[0], p[2], Some(given.clone()))).await;
    refused(for_another, "no_consent");
    w.engine.create_ticket(&w.by(p[0]), &party(p[0], p[1], Some(given))).await.unwrap();
    refused(w.engine.consent(&w.server(), p[0]).await, "forbidden");
    refused(w.engine.consent(&w.by(p[0]), PlayerId::from_u128(1)).await, "not_found");
}

async fn a_consent_ends(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(2).await;
    let given = consent(&w, p[1], p[0]).await;
    w.clock.advance_ms(300_000);
    refused(w.engine.create_ticket(&w.by(p[0]), &party(p[0], p[1], Some(given))).await, "no_consent");
}

async fn a_trusted_caller_needs_no_consent(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(2).await;
    let made = w.engine.create_ticket(&w.server(), &party(p[0], p[1], None)).await.unwrap();
    assert_eq!((made.row.owner, made.row.players.len()), (p[0], 2));
}

async fn a_party_has_a_size(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(3).await;
    let three = NewTicket { members: vec![(p[1], None), (p[2], None)], ..ticket("duo", p[0]) };
    refused(w.engine.create_ticket(&w.server(), &three).await, "invalid");
    refused(w.engine.create_ticket(&w.server(), &party(p[0], p[0], None)).await, "invalid");
}

async fn any_member_may_cancel(w: World) {
    w.teams("duo", 2, None).await;
    let p = w.players(2).await;
    let made = w.engine.create_ticket(&w.server(), &party(p[0], p[1], None)).await.unwrap();
    let done = w.engine.cancel_ticket(&w.by(p[1]), made.id).await.unwrap();
    assert_eq!(done.row.state, TicketState::Cancelled);
    assert_eq!((w.claim(p[0]).await, w.claim(p[1]).await), (None, None));
}
