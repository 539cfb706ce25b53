//! Who was asked and did not come: who is to blame, and who is not.
use super::*;

both! {
    who_declines_is_warned_and_then_locked_out,
    a_lock_ends_and_is_forgotten,
    only_who_did_not_answer_is_to_blame,
    a_party_is_kept_out_by_one_of_it,
    who_accepted_in_the_same_party_is_not_to_blame,
    all_who_decline_in_one_call_are_to_blame,
    leaving_the_queue_while_asked_is_a_dodge,
    a_server_that_takes_a_ticket_out_blames_nobody,
    a_restart_blames_nobody,
    who_was_refused_is_not_to_blame,
    it_counts_when_they_were_asked_though_the_queue_changes,
    an_answer_that_is_repeated_counts_once,
}

async fn who_declines_is_warned_and_then_locked_out(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    dodge(&w, p[0], p[1]).await;
    assert!(!is_locked(&w, p[0]).await, "the first time is a warning");
    dodge(&w, p[0], p[1]).await;
    let made = w.engine.create_ticket(&w.by(p[0]), &ticket("duel", p[0])).await;
    let Err(EngineError::LockedOut { player, offence, scope, left, .. }) = made else { panic!("{made:?}") };
    assert_eq!((player, offence, scope.as_str(), left), (p[0], "dodge", "duel", Millis::from_secs(60)));
    assert!(!is_locked(&w, p[1]).await);
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 2, 60)]);
    assert_eq!(short(&w, p[1]).await, []);
}

async fn a_lock_ends_and_is_forgotten(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    dodge(&w, p[0], p[1]).await;
    dodge(&w, p[0], p[1]).await;
    w.clock.advance_ms(59_999);
    assert!(is_locked(&w, p[0]).await);
    w.clock.advance_ms(1);
    assert!(!is_locked(&w, p[0]).await);
    w.clock.advance_ms(3_600_000);
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 1, 0)]);
    w.clock.advance_ms(3_600_000);
    assert_eq!(short(&w, p[0]).await, []);
}

async fn only_who_did_not_answer_is_to_blame(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let id = ask(&w, &p).await;
    w.engine.respond(&w.by(p[0]), id, p[0], true).await.unwrap();
    w.clock.advance_ms(10_000);
    w.turn().await;
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![(OffenceKind::Dodge, 1, 0)]));
}

async fn a_party_is_kept_out_by_one_of_it(w: World) {
    duel(&w, Some(10)).await;
    w.teams("pair", 2, None).await;
    let config = (*w.engine.queue(&"pair".parse().unwrap()).unwrap()).clone();
    let penalties = Some(Penalties { scope: Some("duel".parse().unwrap()), ..Penalties::default() });
    w.put(QueueConfig { penalties, ..config }).await;
    let p = w.players(2).await;
    dodge(&w, p[1], p[0]).await;
    dodge(&w, p[1], p[0]).await;
    let party = NewTicket { members: vec![(p[1], None)], ..ticket("pair", p[0]) };
    let made = w.engine.create_ticket(&w.server(), &party).await;
    assert!(matches!(made, Err(EngineError::LockedOut { player, .. }) if player == p[1]), "{made:?}");
}

/// Two parties of two who are asked.
async fn pairs_are_asked(w: &World) -> (Vec<PlayerId>, Vec<TicketId>) {
    let config = w.teams("duel", 2, Some(10)).await;
    w.put(QueueConfig { penalties: Some(all()), ..config }).await;
    let p = w.players(4).await;
    let mut tickets = Vec::new();
    for pair in p.chunks(2) {
        let party = NewTicket { members: vec![(pair[1], None)], ..ticket("duel", pair[0]) };
        tickets.push(w.engine.create_ticket(&w.server(), &party).await.unwrap().id);
    }
    w.turn().await;
    (p, tickets)
}

async fn all_who_decline_in_one_call_are_to_blame(w: World) {
    let (p, tickets) = pairs_are_asked(&w).await;
    let both: Vec<String> = p[..2].iter().map(ToString::to_string).collect();
    w.engine.answer_for(&w.server(), tickets[0], &both, false).await.unwrap();
    w.settle();
    for player in &p[..2] {
        assert_eq!(short(&w, *player).await, [(OffenceKind::Dodge, 1, 0)]);
    }
    assert_eq!(short(&w, p[2]).await, [], "had no time to answer");
}

async fn who_accepted_in_the_same_party_is_not_to_blame(w: World) {
    let (p, tickets) = pairs_are_asked(&w).await;
    let id = w.seen(tickets[0]).await.proposal.unwrap();
    w.engine.respond(&w.by(p[0]), id, p[0], true).await.unwrap();
    w.engine.respond(&w.by(p[1]), id, p[1], false).await.unwrap();
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Cancelled);
    assert_eq!(short(&w, p[0]).await, [], "accepted");
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Dodge, 1, 0)]);
    assert_eq!(short(&w, p[2]).await, [], "had no time to answer");
}

async fn leaving_the_queue_while_asked_is_a_dodge(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let tickets = w.enter_all("duel", &p).await;
    w.engine.cancel_ticket(&w.by(p[0]), tickets[0]).await.unwrap();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 1, 0)]);
}

async fn a_server_that_takes_a_ticket_out_blames_nobody(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let tickets = w.enter_all("duel", &p).await;
    let ended = w.engine.cancel_ticket(&w.server(), tickets[0]).await.unwrap();
    assert_eq!(ended.row.reason.as_deref(), Some("cancelled by its party"), "nobody declined");
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
}

async fn a_restart_blames_nobody(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let tickets = w.enter_all("duel", &p).await;
    w.clock.advance_ms(9_000);
    let next = w.node("next").await;
    w.clock.advance_ms(70_000);
    for _ in 0..2 {
        // Scaled out, a lease is waited for.
        next.tick().await;
        w.clock.advance_ms(10_000);
    }
    w.settle();
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Cancelled);
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
}

/// A store without room.
const FULL: Faults = Faults { refused: 1.0, ..Faults::NONE };

/// What all stores do from now on.
fn ill(w: &World, faults: Faults) {
    w.stores.iter().for_each(|store| store.set_faults(faults));
}

async fn who_was_refused_is_not_to_blame(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let id = ask(&w, &p).await;
    w.clock.advance_ms(1_000);
    ill(&w, FULL);
    for player in &p {
        refused(w.engine.respond(&w.by(*player), id, *player, true).await, "store_refused");
    }
    w.clock.advance_ms(10_000);
    assert_eq!(w.engine.tick().await.overdue, 0);
    ill(&w, Faults::NONE);
    w.clock.advance_ms(1_000);
    w.engine.tick().await;
    w.settle();
    refused(w.engine.respond(&w.by(p[0]), id, p[0], true).await, "not_found");
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
    // Once it is over, who does not answer is to blame again.
    ask(&w, &p).await;
    w.clock.advance_ms(11_000);
    w.turn().await;
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 1, 0)]);
}

async fn it_counts_when_they_were_asked_though_the_queue_changes(w: World) {
    let config = duel(&w, Some(10)).await;
    let patience = async |s| {
        let acceptance_ms = Some(Millis::from_secs(s));
        w.put(QueueConfig { acceptance_ms, ..config.clone() }).await;
    };
    let p = w.players(2).await;
    let id = ask(&w, &p).await;
    w.engine.respond(&w.by(p[1]), id, p[1], true).await.unwrap();
    // Reckoned by this they would have been asked by another process.
    patience(600).await;
    w.clock.advance_ms(11_000);
    w.turn().await;
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![(OffenceKind::Dodge, 1, 0)], vec![]));
    // And by this after the store had refused.
    patience(10).await;
    let id = ask(&w, &p[..1]).await;
    w.clock.advance_ms(1_000);
    ill(&w, FULL);
    refused(w.engine.respond(&w.by(p[0]), id, p[0], true).await, "store_refused");
    ill(&w, Faults::NONE);
    patience(1).await;
    w.clock.advance_ms(10_000);
    w.turn().await;
    let stands = (short(&w, p[0]).await, short(&w, p[1]).await);
    assert_eq!(stands, (vec![(OffenceKind::Dodge, 1, 0)], vec![]), "the store had refused meanwhile");
}

async fn an_answer_that_is_repeated_counts_once(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    let id = ask(&w, &p).await;
    for _ in 0..3 {
        w.engine.respond(&keyed(w.by(p[0]), "k", ""), id, p[0], false).await.unwrap();
    }
    refused(w.engine.respond(&w.by(p[0]), id, p[0], false).await, "not_found");
    assert_eq!(stands(&w, p[0]).await[0].offences.len(), 1);
}
