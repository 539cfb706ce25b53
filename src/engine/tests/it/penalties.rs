//! Penalties: offences counted once, locks that keep out, and how they end.
use crate::{
    matches::made,
    world::{World, both, keyed, places, refused, ticket},
};
use gsm_core::{MatchId, Millis, PlayerId, ProposalId, TicketId};
use gsm_engine::{
    EngineError, Intake, MatchFacts, NewTicket, Penalties, PenaltyView, Plausibility, QueueConfig, Reports,
    Silence, Span,
    store::{Home, KeyRange, PushKind, Verdict, memory::Faults},
};
use gsm_session::{Ladder, OffenceKind, Report, TicketState};

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
    who_left_and_who_was_away_are_locked_out,
    a_result_that_is_repeated_counts_once,
    the_matchs_own_token_blames_as_the_server_does,
    a_void_result_blames_nobody,
    a_correction_blames_whom_it_names,
    a_void_result_that_counts_again_blames_again,
    what_is_ruled_late_ends_as_if_it_had_always_been_so,
    a_lifted_penalty_is_gone,
    one_offence_can_be_lifted,
    queues_of_one_scope_share_locks,
    a_queue_without_penalties_is_open_to_all,
    backfills_are_let_in,
    who_plays_already_is_not_asked,
    a_gamelift_ticket_that_is_locked_out_ends_no_other,
    players_are_told,
    players_see_their_own_alone,
    more_leavers_than_a_commit_of_ratings_has_room_for,
    who_left_early_stays_so_when_a_held_result_is_released,
    who_left_early_stays_so_in_a_dispute_and_not_where_silence_voids,
    the_next_lock_is_that_of_the_ladder_as_it_is,
    a_ladder_must_be_one,
}

fn ladder(locks_s: &[u64]) -> Ladder {
    let locks_ms = locks_s.iter().map(|s| Millis::from_secs(*s)).collect();
    Ladder { locks_ms, forget_after_ms: Millis::from_secs(3_600) }
}

fn all() -> Penalties {
    Penalties {
        scope: None,
        dodge: Some(ladder(&[0, 60, 600])),
        leave: Some(ladder(&[300])),
        afk: Some(ladder(&[100])),
    }
}

async fn duel(w: &World, acceptance_s: Option<u64>) -> QueueConfig {
    let config = w.teams("duel", 1, acceptance_s).await;
    w.put(QueueConfig { penalties: Some(all()), ..config }).await
}

/// Both enter and are asked.
async fn ask(w: &World, players: &[PlayerId]) -> ProposalId {
    let tickets = w.enter_all("duel", players).await;
    w.seen(tickets[0]).await.proposal.unwrap()
}

/// The player is asked with the other and declines.
async fn dodge(w: &World, player: PlayerId, other: PlayerId) {
    let id = ask(w, &[player, other]).await;
    w.engine.respond(&w.by(player), id, player, false).await.unwrap();
    let waiting = w.engine.player(&w.admin(), other).await.unwrap().claim.unwrap();
    let gsm_engine::store::Claim::Ticket(ticket) = waiting else { panic!("waits") };
    w.engine.cancel_ticket(&w.by(other), ticket).await.unwrap();
    w.settle();
}

async fn stands(w: &World, player: PlayerId) -> Vec<PenaltyView> {
    w.engine.penalties(&w.admin(), player).await.unwrap()
}

/// The kind, the step and for how many seconds still.
async fn short(w: &World, player: PlayerId) -> Vec<(OffenceKind, usize, u64)> {
    let now = w.admin().now;
    let left = |of: &PenaltyView| of.locked_until.map_or(0, |until| until.since(now).get() / 1_000);
    stands(w, player).await.iter().map(|of| (of.offence, of.step, left(of))).collect()
}

async fn is_locked(w: &World, player: PlayerId) -> bool {
    let made = w.engine.create_ticket(&w.by(player), &ticket("duel", player)).await;
    match made {
        Ok(view) => {
            w.engine.cancel_ticket(&w.by(player), view.id).await.unwrap();
            w.settle();
            false
        }
        Err(EngineError::LockedOut { player: who, .. }) if who == player => true,
        Err(other) => panic!("{other}"),
    }
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

/// A match of two that runs.
async fn play(w: &World, p: &[PlayerId]) -> MatchId {
    let tickets = w.enter_all("duel", p).await;
    w.seen(tickets[0]).await.match_id.unwrap()
}

async fn report(w: &World, id: MatchId, report: &Report) {
    w.engine.report_result(&w.server(), id, None, report).await.unwrap();
    w.settle();
    w.engine.tick().await;
    w.settle();
}

fn left(players: &[PlayerId], away: &[PlayerId]) -> Report {
    Report { afk: away.to_vec(), ..places(&[1, 2], players) }
}

async fn who_left_and_who_was_away_are_locked_out(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &p)).await;
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)], "who left is not blamed twice");
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Afk, 1, 100)]);
    assert!(is_locked(&w, p[0]).await && is_locked(&w, p[1]).await);
}

async fn a_result_that_is_repeated_counts_once(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    for away in [&p[1..], &p[1..], &[]] {
        report(&w, id, &left(&p[..1], away)).await;
    }
    assert_eq!(stands(&w, p[0]).await[0].offences.len(), 1);
    assert_eq!(stands(&w, p[1]).await[0].offences.len(), 1, "the first report stands");
}

async fn the_matchs_own_token_blames_as_the_server_does(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    let row = w.engine.match_view(&w.admin(), id).await.unwrap().row;
    let facts = MatchFacts { mode: row.mode, queue: row.queue, roster: row.roster };
    let call = w.call(gsm_engine::Principal::Match(id));
    w.engine.report_result(&call, id, Some(&facts), &left(&p[..1], &[])).await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)]);
}

async fn a_void_result_blames_nobody(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &p[1..])).await;
    w.engine.void_result(&w.admin(), id, "the server crashed").await.unwrap();
    w.settle();
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
    assert!(!is_locked(&w, p[0]).await);
    w.engine.void_result(&w.admin(), id, "once more").await.unwrap();
}

async fn a_correction_blames_whom_it_names(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.clock.advance_ms(40_000);
    w.engine.correct_result(&w.admin(), id, &left(&p[1..], &[]), "the other one").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, []);
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Leave, 1, 260)], "since it happened");
    // The result is the same, but who was away is not.
    w.engine.correct_result(&w.admin(), id, &left(&p[1..], &p[..1]), "and one was away").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Afk, 1, 60)]);
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Leave, 1, 260)]);
}

async fn a_void_result_that_counts_again_blames_again(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.engine.void_result(&w.admin(), id, "a mistake").await.unwrap();
    w.settle();
    w.engine.correct_result(&w.admin(), id, &left(&p[..1], &[]), "of mine").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)]);
}

/// The first offence is forgotten when the second, which came an hour after it, is ruled on: it counted then.
async fn what_is_ruled_late_ends_as_if_it_had_always_been_so(w: World) {
    let hours = |n: u64| Millis::from_secs(n * 3_600);
    let leave = Ladder { locks_ms: vec![hours(2), hours(12), hours(72)], forget_after_ms: hours(96) };
    let penalties = Some(Penalties { leave: Some(leave), ..Penalties::default() });
    let config = QueueConfig { penalties, ..w.teams("duel", 1, None).await };
    let duration_ms = Some(Span { least: Some(3_600_000), most: None });
    let doubts = Some(Plausibility { duration_ms, score: None, matches_per_hour: None });
    let all = w.players(8).await;
    for (p, how) in all.chunks(2).zip(["at once", "by a correction", "by a release", "void, and back"]) {
        w.put(config.clone()).await;
        let id = made(&w, p).await.id;
        w.settle();
        report(&w, id, &left(&p[..1], &[])).await;
        w.clock.advance_ms(3_600_000);
        if how == "by a release" {
            w.put(QueueConfig { plausibility: doubts.clone(), ..config.clone() }).await;
        }
        let id = made(&w, p).await.id;
        w.settle();
        let named = if how == "by a correction" { &[] } else { &p[..1] };
        report(&w, id, &left(named, &[])).await;
        if how == "void, and back" {
            w.engine.void_result(&w.admin(), id, "a mistake").await.unwrap();
            w.settle();
        }
        w.clock.advance_ms(99 * 3_600_000);
        match how {
            "at once" => {}
            "by a release" => {
                w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            }
            _ => {
                w.engine.correct_result(&w.admin(), id, &left(&p[..1], &[]), "it was so").await.unwrap();
            }
        }
        w.settle();
        w.clock.advance_ms(20 * 3_600_000);
        let stands = stands(&w, p[0]).await;
        let stands: Vec<_> = stands.iter().map(|of| (of.step, of.offences.len(), of.next_lock)).collect();
        assert_eq!(stands, [(1, 2, hours(12))], "{how}");
    }
}

async fn a_lifted_penalty_is_gone(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let scope = "duel".parse().unwrap();
    for _ in 0..2 {
        let call = keyed(w.admin(), "lift", "");
        let after = w.engine.lift_penalties(&call, p[0], &scope, None, "his line was cut").await.unwrap();
        assert_eq!(after, []);
        w.settle();
    }
    assert!(!is_locked(&w, p[0]).await);
    let nobody = PlayerId::from_u128(99);
    refused(w.engine.lift_penalties(&w.admin(), nobody, &scope, None, "why").await, "not_found");
}

async fn one_offence_can_be_lifted(w: World) {
    duel(&w, Some(10)).await;
    let p = w.players(2).await;
    dodge(&w, p[0], p[1]).await;
    dodge(&w, p[0], p[1]).await;
    let first = stands(&w, p[0]).await[0].offences[0].match_id;
    let scope = "duel".parse().unwrap();
    w.engine.lift_penalties(&w.admin(), p[0], &scope, Some(first), "a bug").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Dodge, 1, 0)], "as if there had been one");
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

async fn more_leavers_than_a_commit_of_ratings_has_room_for(w: World) {
    let config = w.teams("duel", 40, None).await;
    w.put(QueueConfig { penalties: Some(all()), ..config }).await;
    let p = w.players(80).await;
    let sides = p.chunks(40).map(<[PlayerId]>::to_vec).collect();
    let new = gsm_engine::NewMatch {
        queue: "duel".parse().unwrap(),
        sides,
        parties: vec![],
        home: None,
        variant: None,
    };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    w.settle();
    report(&w, id, &left(&p[..30], &[])).await;
    let range = KeyRange::AllLeaves;
    let store = &w.stores[0];
    let rows = gsm_engine::store::Store::list(&**store, &range, None, 100, false).await.unwrap();
    assert_eq!((rows.len(), range.home()), (30, Home::Record));
    w.engine.void_result(&w.admin(), id, "all at once: it was us").await.unwrap();
    w.settle();
    let rows = gsm_engine::store::Store::list(&**store, &range, None, 100, false).await.unwrap();
    assert_eq!(rows.len(), 0);
}

async fn who_left_early_stays_so_when_a_held_result_is_released(w: World) {
    let config = duel(&w, None).await;
    let duration_ms = Some(Span { least: Some(3_600_000), most: None });
    let plausibility = Some(Plausibility { duration_ms, score: None, matches_per_hour: None });
    w.put(QueueConfig { plausibility, ..config }).await;
    let all = w.players(4).await;
    for (p, named) in [(&all[..2], &all[..0]), (&all[2..], &all[3..])] {
        let id = play(&w, p).await;
        w.engine.report_leavers(&w.server(), id, &p[..1]).await.unwrap();
        w.settle();
        report(&w, id, &left(named, &[])).await;
        assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (1, 0), "held back");
        for _ in 0..2 {
            w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            w.settle();
            assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (1, named.len()));
            assert!(is_locked(&w, p[0]).await);
        }
        w.engine.correct_result(&w.admin(), id, &left(&p[1..], &[]), "the other one").await.unwrap();
        w.settle();
        assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (0, 1), "whom it names now");
        w.engine.void_result(&w.admin(), id, "the server crashed").await.unwrap();
        w.settle();
        assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
    }
}

async fn who_left_early_stays_so_in_a_dispute_and_not_where_silence_voids(w: World) {
    let config = duel(&w, None).await;
    let reports = Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence: Silence::Void };
    let match_timeout_ms = Millis::from_secs(7_200);
    w.put(QueueConfig { reports: Some(reports), match_timeout_ms, ..config }).await;
    let all = w.players(4).await;
    for (p, is_disputed) in [(&all[..2], true), (&all[2..], false)] {
        let id = play(&w, p).await;
        w.engine.report_leavers(&w.server(), id, &p[..1]).await.unwrap();
        w.settle();
        w.engine.report_as_player(&w.by(p[0]), id, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
        if is_disputed {
            w.engine.report_as_player(&w.by(p[1]), id, &places(&[2, 1], &[])).await.unwrap();
            w.settle();
            w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            w.settle();
        } else {
            w.clock.advance_ms(60_000);
            w.turn().await;
            w.turn().await;
        }
        let verdict = w.engine.match_view(&w.admin(), id).await.unwrap().result.unwrap().row.verdict;
        assert_eq!(matches!(verdict, Verdict::Counted), is_disputed, "{verdict:?}");
        assert_eq!(short(&w, p[0]).await.len(), usize::from(is_disputed));
    }
}

async fn the_next_lock_is_that_of_the_ladder_as_it_is(w: World) {
    let config = duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    let next = async || {
        let view = stands(&w, p[0]).await.remove(0);
        (view.step, view.next_lock, view.locked_until)
    };
    let (_, lock, until) = next().await;
    assert_eq!(lock, Millis::from_secs(300));
    let with = |locks: &[u64]| {
        let penalties = Some(Penalties { leave: Some(ladder(locks)), ..all() });
        QueueConfig { penalties, ..config.clone() }
    };
    w.put(with(&[5, 60, 7_200])).await;
    assert_eq!(next().await, (1, Millis::from_secs(60), until));
    // And that is what it gets.
    w.clock.advance_ms(300_000);
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 2, 60)]);
    // Of several queues it is the longest; where no ladder is left there is none.
    let other = w.teams("other", 1, None).await;
    let scope = Some("duel".parse().unwrap());
    let penalties = Some(Penalties { scope, leave: Some(ladder(&[9, 9, 9_000])), ..Penalties::default() });
    w.put(QueueConfig { penalties, ..other.clone() }).await;
    assert_eq!(next().await.1, Millis::from_secs(9_000));
    w.put(other).await;
    w.put(QueueConfig { penalties: Some(Penalties::default()), ..config.clone() }).await;
    assert_eq!(next().await.1, Millis::ZERO);
}

async fn a_ladder_must_be_one(w: World) {
    let config = duel(&w, None).await;
    let bad = Ladder { locks_ms: vec![], forget_after_ms: Millis::from_secs(1) };
    let penalties = Some(Penalties { afk: Some(bad), ..Penalties::default() });
    let refused = w.engine.put_queue(&w.admin(), QueueConfig { penalties, ..config }).await;
    assert!(
        matches!(&refused, Err(EngineError::Invalid { field, .. }) if field == "penalties.afk.locks_ms"),
        "{refused:?}"
    );
}
