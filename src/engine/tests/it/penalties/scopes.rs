//! Whom a lock keeps out, from where, and who is told of it.
use super::*;

both! {
    queues_of_one_scope_share_locks,
    a_queue_without_penalties_is_open_to_all,
    backfills_are_let_in,
    who_plays_already_is_not_asked,
    a_gamelift_ticket_that_is_locked_out_ends_no_other,
    players_are_told,
    players_see_their_own_alone,
}

async fn queues_of_one_scope_share_locks(w: World) {
    duel(&w, None).await;
    let config = w.teams("other", 1, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let own = Some(Penalties::default());
    w.put(QueueConfig { penalties: own, ..config.clone() }).await;
    w.enter("other", p[1]).await;
    let shared = Some(Penalties { scope: Some("duel".parse().unwrap()), ..Penalties::default() });
    w.put(QueueConfig { penalties: shared, ..config }).await;
    refused(w.engine.create_ticket(&w.by(p[0]), &ticket("other", p[0])).await, "locked_out");
    let both = NewTicket { also: vec!["duel".parse().unwrap()], ..ticket("other", p[0]) };
    refused(w.engine.create_ticket(&w.by(p[0]), &both).await, "locked_out");
}

async fn a_queue_without_penalties_is_open_to_all(w: World) {
    duel(&w, None).await;
    w.teams("fun", 1, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.enter("fun", p[0]).await;
    // And a lock that has begun ends nothing that goes on.
    assert!(w.claim(p[0]).await.is_some());
}

async fn backfills_are_let_in(w: World) {
    let config = duel(&w, None).await;
    let body = r#"{"name": "open", "ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 4}]}"#;
    let name: gsm_core::RuleSetName = "open".parse().unwrap();
    w.engine.create_rule_set(&w.admin(), &name, body, Default::default()).await.unwrap();
    w.settle();
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.put(QueueConfig { rule_set: Some(name), ..config }).await;
    let brought = vec![gsm_engine::store::Brought { team: Some("a".into()), ..Default::default() }];
    let wanted = NewTicket { intake: Intake::Backfill, brought, ..ticket("duel", p[0]) };
    w.engine.create_ticket(&w.server(), &wanted).await.unwrap();
    refused(w.engine.create_ticket(&w.server(), &ticket("duel", p[0])).await, "locked_out");
}

async fn who_plays_already_is_not_asked(w: World) {
    let config = duel(&w, Some(10)).await;
    let body = r#"{"name": "open", "ruleLanguageVersion": "1.0", "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 2}]}"#;
    let name: gsm_core::RuleSetName = "open".parse().unwrap();
    w.engine.create_rule_set(&w.admin(), &name, body, Default::default()).await.unwrap();
    w.settle();
    w.put(QueueConfig { rule_set: Some(name), ..config }).await;
    let p = w.players(2).await;
    let backfill = async || {
        let brought = vec![gsm_engine::store::Brought { team: Some("a".into()), ..Default::default() }];
        let wanted = NewTicket { intake: Intake::Backfill, brought, ..ticket("duel", p[0]) };
        let made = w.engine.create_ticket(&w.server(), &wanted).await.unwrap();
        w.settle();
        made.id
    };
    let first = backfill().await;
    let new = w.enter_all("duel", &p[1..]).await[0];
    let asked = w.seen(first).await.proposal.unwrap();
    let deadline = async |player| {
        let events = w.engine.events(player, Default::default(), 100).await.unwrap();
        let of = |kind| if let PushKind::Ticket { answer_by, .. } = kind { answer_by } else { None };
        events.into_iter().find_map(|item| of(item.event.kind))
    };
    assert_eq!((deadline(p[0]).await, deadline(p[1]).await.is_some()), (None, true));
    // Whatever he says, nobody is turned away by it, and it is no offence.
    for (n, accept) in [false, true, false].into_iter().enumerate() {
        let call = keyed(w.by(p[0]), &format!("k-{n}"), "x");
        w.engine.respond(&call, asked, p[0], accept).await.unwrap();
        w.engine.respond(&w.by(p[0]), asked, p[0], accept).await.unwrap();
        w.settle();
    }
    for ticket in [first, new] {
        assert_eq!(w.seen(ticket).await.state, TicketState::RequiresAcceptance);
    }
    assert!(stands(&w, p[0]).await.is_empty());
    // The game server takes it out all the same, and nobody is to blame.
    w.engine.cancel_ticket(&w.server(), first).await.unwrap();
    w.settle();
    assert_eq!(w.seen(first).await.state, TicketState::Cancelled);
    let second = backfill().await;
    w.turn().await;
    let asked = w.seen(second).await.proposal.unwrap();
    w.engine.respond(&w.by(p[1]), asked, p[1], true).await.unwrap();
    w.settle();
    assert_eq!([w.seen(second).await.state, w.seen(new).await.state], [TicketState::Completed; 2]);
    assert!(stands(&w, p[0]).await.is_empty());
}

async fn a_gamelift_ticket_that_is_locked_out_ends_no_other(w: World) {
    duel(&w, None).await;
    w.teams("fun", 1, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let waiting = w.enter("fun", p[0]).await.id;
    let wanted = NewTicket { intake: Intake::GameLift, ..ticket("duel", p[0]) };
    refused(w.engine.create_ticket(&w.server(), &wanted).await, "locked_out");
    assert!(!w.seen(waiting).await.state.is_terminal());
}

async fn players_are_told(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.engine.void_result(&w.admin(), id, "the server crashed").await.unwrap();
    w.settle();
    let told = |kind: PushKind| match kind {
        PushKind::Penalty { offence, match_id, lifted, locked_until, .. } => {
            Some((offence, match_id, lifted, locked_until.is_some()))
        }
        _ => None,
    };
    let events = w.engine.events(p[0], Default::default(), 100).await.unwrap();
    let events: Vec<_> = events.into_iter().filter_map(|item| told(item.event.kind)).collect();
    let leave = OffenceKind::Leave;
    assert_eq!(events, [(leave, Some(id), false, true), (leave, Some(id), true, false)]);
    let counts = w.engine.overview().await.unwrap().penalties;
    assert_eq!(counts.get(&leave), Some(&1));
}

async fn players_see_their_own_alone(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    assert_eq!(w.engine.penalties(&w.by(p[0]), p[0]).await.unwrap().len(), 1);
    assert_eq!(w.engine.penalties(&w.server(), p[0]).await.unwrap().len(), 1);
    refused(w.engine.penalties(&w.by(p[1]), p[0]).await, "not_found");
}
