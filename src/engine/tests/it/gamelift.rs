//! Tickets over the GameLift wire: FlexMatch's rules where they differ from the native ones.
use crate::world::{World, both, one_home, refused, three_homes, ticket, wide};
use gsm_core::{CommitKey, Millis, PlayerId, QueueName, RequestKey, TicketId, Timestamp};
use gsm_engine::{
    Engine, GameLift, Intake, NewTicket, QueueConfig,
    store::{Brought, ChangeSet, Claim, Expect, Key, Op, Row, Store},
};
use gsm_session::TicketState;
use std::{collections::BTreeSet, sync::Arc};

both! {
    names_are_players,
    a_new_ticket_ends_the_older_one,
    a_new_ticket_leaves_the_match,
    an_id_is_used_once,
    a_proposed_ticket_is_stopped_and_the_other_searches_on,
    a_rejection_cancels_the_silent,
    players_answer_by_their_names,
    a_stopped_ticket_is_not_stopped_twice,
    as_the_time_to_accept_is_up_tickets_are_stopped_and_replaced,
    only_trusted_callers_come_this_way,
    a_queue_in_use_stays,
    a_ticket_of_a_deleted_queue_ends,
    a_session_has_one_backfill,
    a_refused_ticket_ends_no_other,
    names_of_attributes_and_locations_may_be_long,
}

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A queue of duels as GameLift's clients make it, with or without acceptance.
pub(crate) async fn duel(w: &World, acceptance_s: Option<u64>) {
    duel_by(w, acceptance_s, None).await;
}

pub(crate) async fn duel_by(w: &World, acceptance_s: Option<u64>, rule_set: Option<&str>) {
    let name = QueueName::new("duel").unwrap();
    let mut config = QueueConfig::new(name, crate::world::mode("duel"), wide(1));
    config.acceptance_ms = acceptance_s.map(Millis::from_secs);
    config.rule_set = rule_set.map(|name| gsm_core::RuleSetName::new(name).unwrap());
    config.gamelift = Some(GameLift {
        created_at: Some(Timestamp::EPOCH),
        description: None,
        acceptance_timeout_s: None,
        custom_event_data: None,
        notification_target: None,
        additional_player_count: None,
        game_properties: vec![],
        game_session_data: None,
        backfill_mode: None,
        flex_match_mode: Some("STANDALONE".into()),
        game_session_queue_arns: vec![],
        tags: [].into(),
        region: None,
    });
    w.put(config).await;
}

pub(crate) async fn player(w: &World, name: &str) -> PlayerId {
    let made = w.engine.gamelift_players(&w.server(), &names(&[name])).await.unwrap();
    w.settle();
    made[0]
}

pub(crate) fn asking(own_id: &str, name: &str, player: PlayerId) -> NewTicket {
    NewTicket {
        own_id: Some(RequestKey::new(own_id).unwrap()),
        brought: vec![Brought { name: Some(name.to_owned()), ..Brought::default() }],
        intake: Intake::GameLift,
        ..ticket("duel", player)
    }
}

pub(crate) async fn start(w: &World, own_id: &str, name: &str) -> TicketId {
    let player = player(w, name).await;
    let id = w.engine.create_ticket(&w.server(), &asking(own_id, name, player)).await.unwrap().id;
    w.settle();
    id
}

async fn proposed(w: &World) -> (TicketId, TicketId) {
    duel(w, Some(10)).await;
    let tickets = (start(w, "t-1", "ann").await, start(w, "t-2", "bob").await);
    w.turn().await;
    assert_eq!(w.seen(tickets.0).await.state, TicketState::RequiresAcceptance);
    tickets
}

async fn names_are_players(w: World) {
    let native = w.players(1).await[0];
    let asked =
        names(&["ann", &native.to_string(), "a name of more than 128 characters: ".repeat(9).as_str()]);
    let first = w.engine.gamelift_players(&w.server(), &asked).await.unwrap();
    w.settle();
    assert_eq!(first[1], native);
    assert_eq!(w.engine.gamelift_players(&w.server(), &asked).await.unwrap(), first);
    let foreign = PlayerId::from_u128(77).to_string();
    let made = w.engine.gamelift_players(&w.server(), &names(&[&foreign])).await.unwrap();
    assert_ne!(made[0], PlayerId::from_u128(77), "an id of nobody is a name like any other");
    // More than some stores take in one commit, with some who are known; two calls at once make nobody twice.
    let mut many: Vec<String> = (0..60).map(|n| format!("p{n}")).collect();
    many.insert(30, "ann".into());
    let (call, again) = (w.server(), w.server());
    let (one, other) =
        futures::join!(w.engine.gamelift_players(&call, &many), w.engine.gamelift_players(&again, &many));
    w.settle();
    let one = one.unwrap();
    assert_eq!((&one, one[30]), (&other.unwrap(), first[0]));
    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), 61);
    let known: Vec<PlayerId> =
        w.engine.gamelift_known(&many).await.unwrap().into_iter().map(Option::unwrap).collect();
    assert_eq!(known, one);
}

async fn a_new_ticket_ends_the_older_one(w: World) {
    duel(&w, None).await;
    let old = start(&w, "t-1", "ann").await;
    let new = start(&w, "t-2", "ann").await;
    assert_eq!(w.seen(old).await.state, TicketState::Cancelled);
    assert_eq!(w.claim(player(&w, "ann").await).await, Some(Claim::Ticket(new)));
}

async fn a_new_ticket_leaves_the_match(w: World) {
    duel(&w, None).await;
    let first = start(&w, "t-1", "ann").await;
    start(&w, "t-2", "bob").await;
    w.turn().await;
    let row = w.seen(first).await;
    assert_eq!(row.state, TicketState::Completed);
    let again = start(&w, "t-3", "ann").await;
    assert_eq!(w.claim(player(&w, "ann").await).await, Some(Claim::Ticket(again)));
    // The match goes on, and its end leaves the new claim alone.
    let id = row.match_id.unwrap();
    w.engine.move_match(&w.server(), id, gsm_session::MatchState::Abandoned, None).await.unwrap();
    w.settle();
    assert_eq!(w.claim(player(&w, "ann").await).await, Some(Claim::Ticket(again)));
    assert_eq!(w.claim(player(&w, "bob").await).await, None);
}

async fn an_id_is_used_once(w: World) {
    duel(&w, None).await;
    let first = start(&w, "t-1", "ann").await;
    assert_eq!(first, Engine::gamelift_ticket_id(&RequestKey::new("t-1").unwrap()));
    let ann = player(&w, "ann").await;
    refused(w.engine.create_ticket(&w.server(), &asking("t-1", "ann", ann)).await, "ticket_id_taken");
    let bob = player(&w, "bob").await;
    refused(w.engine.create_ticket(&w.server(), &asking("t-1", "bob", bob)).await, "ticket_id_taken");
    assert_eq!(w.engine.tickets(&w.server(), &[first, TicketId::from_u128(5)]).await.unwrap().len(), 1);
}

async fn a_proposed_ticket_is_stopped_and_the_other_searches_on(w: World) {
    let (ann, bob) = proposed(&w).await;
    w.engine.stop_ticket(&w.server(), ann).await.unwrap();
    w.settle();
    assert_eq!(w.seen(ann).await.state, TicketState::Cancelled);
    assert_eq!(w.seen(bob).await.state, TicketState::Searching, "though he had not answered");
}

async fn a_rejection_cancels_the_silent(w: World) {
    let (ann, bob) = proposed(&w).await;
    w.engine.answer_for(&w.server(), ann, &names(&["ann"]), false).await.unwrap();
    w.settle();
    assert_eq!(w.seen(ann).await.state, TicketState::Cancelled);
    assert_eq!(w.seen(bob).await.state, TicketState::Cancelled);
}

async fn players_answer_by_their_names(w: World) {
    let (ann, bob) = proposed(&w).await;
    refused(w.engine.answer_for(&w.server(), ann, &names(&["bob"]), true).await, "invalid");
    w.engine.answer_for(&w.server(), ann, &names(&["ann"]), true).await.unwrap();
    let by_id = player(&w, "bob").await.to_string();
    w.engine.answer_for(&w.server(), bob, &names(&[&by_id]), true).await.unwrap();
    w.settle();
    assert_eq!(w.seen(ann).await.state, TicketState::Completed);
    refused(w.engine.answer_for(&w.server(), ann, &names(&["ann"]), true).await, "ticket_not_waiting");
}

async fn a_stopped_ticket_is_not_stopped_twice(w: World) {
    duel(&w, None).await;
    let id = start(&w, "t-1", "ann").await;
    w.engine.stop_ticket(&w.server(), id).await.unwrap();
    w.settle();
    refused(w.engine.stop_ticket(&w.server(), id).await, "ticket_not_waiting");
    refused(w.engine.stop_ticket(&w.server(), TicketId::from_u128(5)).await, "not_found");
}

async fn only_trusted_callers_come_this_way(w: World) {
    duel(&w, None).await;
    let ann = player(&w, "ann").await;
    refused(w.engine.create_ticket(&w.by(ann), &asking("t-1", "ann", ann)).await, "forbidden");
    let backfill = NewTicket { intake: Intake::Backfill, ..asking("t-1", "ann", ann) };
    refused(w.engine.create_ticket(&w.server(), &backfill).await, "invalid");
}

async fn a_queue_in_use_stays(w: World) {
    duel(&w, None).await;
    let name = QueueName::new("duel").unwrap();
    let id = start(&w, "t-1", "ann").await;
    refused(w.engine.delete_queue(&w.admin(), &name).await, "queue_in_use");
    w.engine.stop_ticket(&w.server(), id).await.unwrap();
    w.settle();
    w.engine.delete_queue(&w.admin(), &name).await.unwrap();
    w.settle();
    refused(w.engine.delete_queue(&w.admin(), &name).await, "not_found");
    assert!(w.engine.queues().is_empty());
}

async fn a_ticket_of_a_deleted_queue_ends(w: World) {
    duel(&w, None).await;
    let id = start(&w, "t-1", "ann").await;
    // A node that does not know of the ticket yet.
    let newborn = w.newborn("newborn");
    newborn.delete_queue(&w.admin(), &QueueName::new("duel").unwrap()).await.unwrap();
    w.settle();
    assert_eq!(w.turn().await.overdue, 1);
    assert_eq!(w.seen(id).await.state, TicketState::Cancelled);
    assert_eq!(w.claim(player(&w, "ann").await).await, None);
    assert_eq!(w.turn().await.overdue, 0);
}

const DUEL: &str = r#"{"ruleLanguageVersion": "1.0", "teams": [
    {"name": "left", "minPlayers": 1, "maxPlayers": 1}, {"name": "right", "minPlayers": 1, "maxPlayers": 1}]}"#;

/// A queue of duels that goes by a rule set, with acceptance.
pub(crate) async fn ruled_duel(w: &World) {
    let named = gsm_core::RuleSetName::new("duel").unwrap();
    w.engine.create_rule_set(&w.admin(), &named, DUEL, [].into()).await.unwrap();
    w.settle();
    duel_by(w, Some(10), Some("duel")).await;
}

/// A backfill that lists ann on a team.
pub(crate) fn listing(own_id: &str, ann: PlayerId, team: &str) -> NewTicket {
    let brought = Brought { name: Some("ann".into()), team: Some(team.to_owned()), ..Brought::default() };
    NewTicket { brought: vec![brought], intake: Intake::Backfill, ..asking(own_id, "ann", ann) }
}

async fn a_session_has_one_backfill(w: World) {
    ruled_duel(&w).await;
    let ann = player(&w, "ann").await;
    let backfill = |own_id: &str, session: &str, team: &str| NewTicket {
        session: Some(session.to_owned()),
        ..listing(own_id, ann, team)
    };
    let make = async |own_id: &str, session: &str| {
        let made = w.engine.create_ticket(&w.server(), &backfill(own_id, session, "left")).await.unwrap();
        w.settle();
        made.id
    };
    let state = async |ticket: TicketId| w.seen(ticket).await.state;
    let first = make("t-1", "s-1").await;
    let bob = start(&w, "t-2", "bob").await;
    w.turn().await;
    assert_eq!(state(first).await, TicketState::RequiresAcceptance);
    // Also one that a newcomer is asked for.
    // Who plays already is not asked, and so turns nobody away.
    w.engine.answer_for(&w.server(), first, &names(&["ann"]), false).await.unwrap();
    refused(w.engine.answer_for(&w.server(), first, &names(&["bob"]), false).await, "invalid");
    for ticket in [first, bob] {
        assert_eq!(state(ticket).await, TicketState::RequiresAcceptance);
    }
    let second = make("t-3", "s-1").await;
    assert_eq!(w.seen(first).await.reason.as_deref(), Some(gsm_engine::CANCELLED));
    refused(w.engine.create_ticket(&w.server(), &backfill("t-4", "s-1", "up")).await, "invalid");
    w.turn().await;
    assert_eq!(state(second).await, TicketState::RequiresAcceptance, "the newcomer is asked again");
    w.engine.answer_for(&w.server(), bob, &names(&["bob"]), true).await.unwrap();
    w.settle();
    // What is done stays done, and the session may have another.
    let (third, elsewhere) = (make("t-5", "s-1").await, make("t-6", "s-2").await);
    assert_eq!(state(second).await, TicketState::Completed);
    w.engine.stop_ticket(&w.server(), third).await.unwrap();
    w.settle();
    make("t-7", "s-1").await;
    assert_eq!(state(elsewhere).await, TicketState::Searching);
    // However its ARN is written.
    let arn = |of: &str| format!("arn:aws:gamelift:{of}:gamesession/fleet-1/s");
    let mut older = make("t-8", &arn("us-east-1:000000000000")).await;
    for (nth, of) in ["us-east-1:", ":", "us-east-1:000000000000"].into_iter().enumerate() {
        let newer = make(&format!("u-{nth}"), &arn(of)).await;
        assert_eq!(
            (state(older).await, state(newer).await),
            (TicketState::Cancelled, TicketState::Searching)
        );
        assert_eq!(w.seen(newer).await.session, Some(arn(of)));
        older = newer;
    }
    make("t-9", &(arn("us-east-1:") + "2")).await;
    assert_eq!(state(older).await, TicketState::Searching);
}

#[tokio::test]
async fn a_backfill_of_an_earlier_version_is_matched_and_ends() {
    const ARN: &str = "arn:aws:gamelift:us-east-1::gamesession/fleet-1/s";
    for (w, end) in [(one_home(), "matched"), (one_home(), "stopped"), (three_homes(), "replaced")] {
        ruled_duel(&w).await;
        let ann = player(&w, "ann").await;
        let new = NewTicket { session: Some(ARN.to_owned()), ..listing("t-1", ann, "left") };
        let id = w.engine.create_ticket(&w.server(), &new).await.unwrap().id;
        let [now, before] = [Key::backfill_of(ARN), Key::backfill_by(ARN)];
        let mut changes = ChangeSet::new(CommitKey::fresh(&**w.engine.ids()), w.server().now);
        let row = Arc::new(Row::Claim(Claim::Ticket(id)));
        changes.write(now.clone(), Expect::Any, Op::Delete);
        changes.write(before.clone(), Expect::Any, Op::Put { row, expires_at: None });
        let live = w.stores.last().unwrap();
        live.commit(changes).await.unwrap();
        w.settle();
        let held = || live.rows().into_iter().filter(|(key, _)| *key == now || *key == before).count();
        if end == "replaced" {
            // The session has one backfill, wherever that of before is written.
            let new = NewTicket { own_id: RequestKey::new("t-2").ok(), ..new };
            let newer = w.engine.create_ticket(&w.server(), &new).await.unwrap().id;
            w.settle();
            assert_eq!(w.seen(newer).await.state, TicketState::Searching);
            assert_eq!(w.seen(id).await.state, TicketState::Cancelled);
            assert_eq!(held(), 1);
            w.engine.stop_ticket(&w.server(), newer).await.unwrap();
        } else if end == "matched" {
            let bob = start(&w, "t-2", "bob").await;
            w.turn().await;
            w.engine.answer_for(&w.server(), bob, &names(&["bob"]), true).await.unwrap();
        } else {
            w.engine.stop_ticket(&w.server(), id).await.unwrap();
        }
        let ended = if end == "matched" { TicketState::Completed } else { TicketState::Cancelled };
        assert_eq!(w.seen(id).await.state, ended);
        w.settle();
        assert_eq!(held(), 0, "the session is free");
    }
}

async fn a_refused_ticket_ends_no_other(w: World) {
    duel(&w, None).await;
    let (ann, bob) = (start(&w, "t-1", "ann").await, start(&w, "t-2", "bob").await);
    let again = asking("t-2", "ann", player(&w, "ann").await);
    refused(w.engine.create_ticket(&w.server(), &again).await, "ticket_id_taken");
    for ticket in [ann, bob] {
        assert_eq!(w.seen(ticket).await.state, TicketState::Searching);
    }
}

async fn names_of_attributes_and_locations_may_be_long(w: World) {
    duel(&w, None).await;
    let ann = player(&w, "ann").await;
    let named = |id: &str, chars: usize, text: &str| {
        let mut new = asking(id, "ann", ann);
        let name = "é".repeat(chars);
        new.brought[0].attributes = [(name.clone(), gsm_rules::Value::Text(text.to_owned()))].into();
        new.brought[0].latency_ms = [(name, 20)].into();
        new
    };
    refused(w.engine.create_ticket(&w.server(), &named("t-1", 1_025, "x")).await, "invalid");
    refused(w.engine.create_ticket(&w.server(), &named("t-1", 5, &"x".repeat(101))).await, "invalid");
    let made = w.engine.create_ticket(&w.server(), &named("t-1", 1_024, "x")).await.unwrap();
    assert_eq!(made.row.brought[0].latency_ms.keys().next().unwrap().chars().count(), 1_024);
}

async fn as_the_time_to_accept_is_up_tickets_are_stopped_and_replaced(w: World) {
    let (ann, bob) = proposed(&w).await;
    w.engine.answer_for(&w.server(), bob, &names(&["bob"]), true).await.unwrap();
    w.clock.advance_ms(10_000);
    w.engine.stop_ticket(&w.server(), ann).await.unwrap();
    w.settle();
    assert_eq!(w.seen(ann).await.state, TicketState::Cancelled);
    assert_eq!(w.seen(bob).await.state, TicketState::Searching);
    let again = start(&w, "t-3", "ann").await;
    w.turn().await;
    assert_eq!(w.seen(bob).await.state, TicketState::RequiresAcceptance);
    w.clock.advance_ms(10_000);
    let newest = start(&w, "t-4", "ann").await;
    assert_eq!(w.seen(again).await.state, TicketState::Cancelled);
    assert_eq!(w.claim(player(&w, "ann").await).await, Some(Claim::Ticket(newest)));
}
