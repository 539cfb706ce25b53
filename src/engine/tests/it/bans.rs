//! Bans: who is kept out of queues, and who meets only his like.
use crate::world::{World, both, keyed, refused, ticket};
use gsm_core::{Millis, PlayerId, QueueName};
use gsm_engine::{Ban, BanKind, EngineError, Intake, NewTicket, store::Claim};
use gsm_session::TicketState;

both! {
    a_banned_player_is_kept_out_until_the_ban_ends,
    a_ban_ends_the_ticket_that_waits,
    a_ban_from_some_queues_leaves_the_others,
    a_party_is_kept_out_by_one_of_it_and_told_why,
    a_match_goes_on_and_backfills_are_let_in,
    those_in_the_shadow_meet_each_other_alone,
    a_restart_knows_who_is_banned,
    a_ban_that_is_repeated_or_lifted_twice_changes_nothing_more,
    a_repeat_is_told_what_was_done,
    what_is_no_ban_is_refused,
    bans_that_hold_are_listed_page_by_page,
}

fn name(queue: &str) -> QueueName {
    queue.parse().unwrap()
}

async fn ban(w: &World, player: PlayerId, kind: BanKind, for_s: Option<u64>) -> Vec<Ban> {
    let call = w.admin();
    let until = for_s.map(|s| call.now.saturating_add(Millis::from_secs(s)));
    let (by, since) = (call.principal.to_string(), call.now);
    let ban = Ban { kind, reason: "sold accounts".to_owned(), by, since, until };
    let all = w.engine.ban(&call, player, &ban).await.unwrap();
    w.settle();
    all
}

async fn try_enter(w: &World, queue: &str, player: PlayerId) -> Result<(), EngineError> {
    let made = w.engine.create_ticket(&w.by(player), &ticket(queue, player)).await?;
    w.engine.cancel_ticket(&w.by(player), made.id).await.unwrap();
    w.settle();
    Ok(())
}

async fn a_banned_player_is_kept_out_until_the_ban_ends(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    ban(&w, p[0], BanKind::Play, Some(60)).await;
    let refusal = try_enter(&w, "duel", p[0]).await;
    let Err(EngineError::Banned { player, until: Some((_, left)), reason }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!((player, left, reason.as_str()), (p[0], Millis::from_secs(60), "sold accounts"));
    try_enter(&w, "duel", p[1]).await.unwrap();
    w.clock.advance_ms(59_999);
    refused(try_enter(&w, "duel", p[0]).await, "banned");
    w.clock.advance_ms(1);
    try_enter(&w, "duel", p[0]).await.unwrap();
    assert_eq!(w.engine.bans(&w.admin(), p[0]).await.unwrap(), []);
    ban(&w, p[0], BanKind::Play, None).await;
    w.clock.advance_ms(1 << 40);
    refused(try_enter(&w, "duel", p[0]).await, "banned");
}

async fn a_ban_ends_the_ticket_that_waits(w: World) {
    w.teams("duel", 1, Some(10)).await;
    w.teams("pair", 2, None).await;
    let p = w.players(3).await;
    let waits = w.enter("pair", p[0]).await.id;
    ban(&w, p[0], BanKind::Play, None).await;
    let row = w.seen(waits).await;
    assert_eq!(row.state, TicketState::Cancelled);
    assert!(row.reason.is_some_and(|reason| reason.contains("banned")));
    assert_eq!(w.claim(p[0]).await, None);
    // Also one that is proposed: the other waits on, and nobody is to blame.
    let tickets = w.enter_all("duel", &p[1..]).await;
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::RequiresAcceptance);
    ban(&w, p[1], BanKind::Play, None).await;
    let row = w.seen(tickets[0]).await;
    assert_eq!(row.state, TicketState::Cancelled);
    assert!(row.reason.as_ref().is_some_and(|reason| reason.contains("banned")), "{:?}", row.reason);
    assert!(!w.seen(tickets[1]).await.state.is_terminal());
}

async fn a_ban_from_some_queues_leaves_the_others(w: World) {
    w.teams("duel", 1, None).await;
    w.teams("pair", 2, None).await;
    let p = w.players(1).await;
    let waits = w.enter("pair", p[0]).await.id;
    ban(&w, p[0], BanKind::Queues([name("duel")].into()), None).await;
    assert!(!w.seen(waits).await.state.is_terminal(), "waits in another queue");
    w.engine.cancel_ticket(&w.by(p[0]), waits).await.unwrap();
    w.settle();
    refused(try_enter(&w, "duel", p[0]).await, "banned");
    try_enter(&w, "pair", p[0]).await.unwrap();
    let both = NewTicket { also: vec![name("duel")], ..ticket("pair", p[0]) };
    refused(w.engine.create_ticket(&w.by(p[0]), &both).await, "banned");
}

async fn a_party_is_kept_out_by_one_of_it_and_told_why(w: World) {
    w.teams("pair", 2, None).await;
    let p = w.players(2).await;
    ban(&w, p[1], BanKind::Play, None).await;
    let party = NewTicket { members: vec![(p[1], None)], ..ticket("pair", p[0]) };
    let made = w.engine.create_ticket(&w.server(), &party).await;
    assert!(matches!(made, Err(EngineError::Banned { player, .. }) if player == p[1]), "{made:?}");
    // The player sees the ban, others do not.
    assert_eq!(w.engine.bans(&w.by(p[1]), p[1]).await.unwrap().len(), 1);
    refused(w.engine.bans(&w.by(p[0]), p[1]).await, "not_found");
}

async fn a_match_goes_on_and_backfills_are_let_in(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    w.enter_all("duel", &p).await;
    let Some(Claim::Match(_)) = w.claim(p[0]).await else { panic!("plays") };
    ban(&w, p[0], BanKind::Play, None).await;
    assert!(matches!(w.claim(p[0]).await, Some(Claim::Match(_))));
    let backfill = NewTicket { intake: Intake::Backfill, ..ticket("duel", p[0]) };
    // Refused for another reason: the queue goes by no rule set.
    refused(w.engine.create_ticket(&w.server(), &backfill).await, "invalid");
}

async fn those_in_the_shadow_meet_each_other_alone(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    ban(&w, p[0], BanKind::Shadow, None).await;
    ban(&w, p[1], BanKind::Shadow, Some(600)).await;
    let first = w.enter("duel", p[0]).await.id;
    w.turn().await;
    let others = w.enter_all("duel", &p[2..]).await;
    assert_eq!(w.seen(others[0]).await.state, TicketState::Completed, "the open ones met");
    assert!(!w.seen(first).await.state.is_terminal(), "though this one waited for longer");
    let why = w.engine.explain(&w.by(p[0]), first).await.unwrap();
    assert_eq!(why.len(), 1, "it is told as of any ticket");
    assert_eq!(w.engine.bans(&w.by(p[0]), p[0]).await.unwrap(), [], "and the player sees no ban");
    // A restart keeps them apart.
    let next = w.node("next").await;
    let second = next.create_ticket(&w.by(p[1]), &ticket("duel", p[1])).await.unwrap().id;
    w.clock.advance_ms(70_000);
    for _ in 0..2 {
        // Scaled out, a lease is waited for.
        next.tick().await;
        w.clock.advance_ms(10_000);
    }
    w.settle();
    let rows = [w.seen(first).await, w.seen(second).await];
    assert_eq!(rows[0].state, TicketState::Completed);
    assert_eq!(rows[0].match_id, rows[1].match_id);
}

async fn a_restart_knows_who_is_banned(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    ban(&w, p[0], BanKind::Play, None).await;
    let next = w.node("next").await;
    refused(next.create_ticket(&w.by(p[0]), &ticket("duel", p[0])).await, "banned");
}

async fn a_ban_that_is_repeated_or_lifted_twice_changes_nothing_more(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    ban(&w, p[0], BanKind::Shadow, None).await;
    let call = keyed(w.admin(), "once", "body");
    let made = Ban {
        kind: BanKind::Play,
        reason: "cheats".to_owned(),
        by: call.principal.to_string(),
        since: call.now,
        until: None,
    };
    assert_eq!(w.engine.ban(&call, p[0], &made).await.unwrap().len(), 2);
    w.engine.lift_ban(&w.admin(), p[0], "play", "appeal").await.unwrap();
    w.settle();
    let told = w.engine.ban(&call, p[0], &made).await.unwrap();
    assert_eq!((told.len(), &told[1]), (2, &made), "the same key is told what it did");
    assert_eq!(w.engine.bans(&w.admin(), p[0]).await.unwrap().len(), 1, "and does not ban again");
    w.unanswered().await;
    let left = w.engine.ban(&call, p[0], &made).await.unwrap();
    assert_eq!(left.len(), 1, "what stands now, where a version before kept no answer");
    for _ in 0..2 {
        let left = w.engine.lift_ban(&w.admin(), p[0], "shadow", "appeal").await.unwrap();
        assert_eq!(left, []);
    }
    w.settle();
    try_enter(&w, "duel", p[0]).await.unwrap();
}

async fn a_repeat_is_told_what_was_done(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    ban(&w, p[0], BanKind::Play, None).await;
    let lift = keyed(w.admin(), "lift", "body");
    assert_eq!(w.engine.lift_ban(&lift, p[0], "play", "appeal").await.unwrap(), []);
    w.settle();
    let again = ban(&w, p[0], BanKind::Play, None).await;
    assert_eq!(w.engine.lift_ban(&lift, p[0], "play", "appeal").await.unwrap(), [], "it was lifted then");
    assert_eq!(w.engine.bans(&w.admin(), p[0]).await.unwrap(), again, "and is not lifted again");
    // Also where the ban has ended since, and its queue is gone.
    let call = keyed(w.admin(), "ban", "body");
    let of = Ban {
        kind: BanKind::Queues([name("duel")].into()),
        reason: "r".to_owned(),
        by: call.principal.to_string(),
        since: call.now,
        until: Some(call.now.saturating_add(Millis::from_secs(60))),
    };
    let first = w.engine.ban(&call, p[0], &of).await.unwrap();
    assert_eq!(first.len(), 2);
    w.engine.delete_queue(&w.admin(), &name("duel")).await.unwrap();
    w.settle();
    w.clock.advance_ms(60_000);
    let later = keyed(w.admin(), "ban", "body");
    let of_later =
        Ban { until: Some(later.now.saturating_add(Millis::from_secs(60))), since: later.now, ..of };
    assert_eq!(w.engine.ban(&later, p[0], &of_later).await.unwrap(), first);
}

async fn what_is_no_ban_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(1).await;
    let call = w.admin();
    let of =
        |kind, until| Ban { kind, reason: "r".to_owned(), by: "admin".to_owned(), since: call.now, until };
    let none = PlayerId::from_u128(99);
    refused(w.engine.ban(&call, none, &of(BanKind::Play, None)).await, "not_found");
    refused(w.engine.ban(&call, p[0], &of(BanKind::Play, Some(call.now))).await, "invalid");
    refused(w.engine.ban(&call, p[0], &of(BanKind::Queues([].into()), None)).await, "invalid");
    let nowhere = BanKind::Queues([name("none")].into());
    refused(w.engine.ban(&call, p[0], &of(nowhere, None)).await, "not_found");
    refused(w.engine.lift_ban(&call, none, "play", "r").await, "not_found");
}

async fn bans_that_hold_are_listed_page_by_page(w: World) {
    w.teams("duel", 1, None).await;
    let mut p = w.players(3).await;
    p.sort();
    for (player, for_s) in [(p[0], Some(60)), (p[1], None), (p[2], Some(60))] {
        ban(&w, player, BanKind::Play, for_s).await;
    }
    ban(&w, p[2], BanKind::Shadow, None).await;
    let listed = async |after, limit| {
        let (found, next) = w.engine.all_bans(after, limit).await.unwrap();
        let found: Vec<(PlayerId, usize)> = found.iter().map(|(of, bans)| (*of, bans.len())).collect();
        (found, next)
    };
    assert_eq!(listed(None, 10).await, (vec![(p[0], 1), (p[1], 1), (p[2], 2)], None));
    w.clock.advance_ms(60_000);
    assert_eq!(listed(None, 1).await, (vec![], Some(p[0])), "it is over, and there are more behind it");
    assert_eq!(listed(Some(p[0]), 2).await, (vec![(p[1], 1), (p[2], 1)], Some(p[2])));
    assert_eq!(listed(Some(p[2]), 2).await, (vec![], None));
}
