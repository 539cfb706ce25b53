//! Tickets: one a player, read by their own, ended once.
use crate::world::{World, both, first_wins, keyed, mode, refused, small_home, ticket};
use gsm_core::{
    Millis, PlayerId, QueueName, RequestKey,
    limits::{BROUGHT_BYTES_MAX, LATENCIES_MAX},
};
use gsm_engine::{
    EngineError, NewTicket, QueueConfig,
    store::{Brought, Claim, memory::Faults},
};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_rules::Value;
use gsm_session::TicketState;

both! {
    a_second_ticket_names_the_first,
    a_foreign_ticket_is_unknown,
    the_same_own_id_meets_the_first,
    the_same_key_gives_the_first_answer,
    another_principals_key_is_another,
    cancelling_frees_and_repeats,
    a_cancel_is_replayed_and_compared,
    a_matched_ticket_cannot_be_cancelled,
    time_ends_a_ticket,
    a_store_that_refuses_is_asked_a_few_times_a_second,
    what_is_not_there_is_unknown,
    a_waiting_ticket_explains_itself,
    a_ticket_ends_no_earlier_than_it_began,
    players_bring_so_many_bytes_and_no_more,
}

/// Latencies to as many locations as one may tell, of about so many bytes.
fn far(bytes: usize) -> Brought {
    let letters = bytes / LATENCIES_MAX - 6;
    let latency = |n: usize| (format!("{n:03}{}", "x".repeat(letters)), 20);
    Brought { latency_ms: (0..LATENCIES_MAX).map(latency).collect(), ..Brought::default() }
}

fn bringing(queue: &str, player: PlayerId, brought: Brought) -> NewTicket {
    NewTicket { brought: vec![brought], ..ticket(queue, player) }
}

async fn players_bring_so_many_bytes_and_no_more(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let list = || Value::List((0..100).map(|n| format!("{n:0100}")).collect());
    let lists = |names: &[&str]| Brought {
        attributes: names.iter().map(|name| ((*name).to_owned(), list())).collect(),
        ..Brought::default()
    };
    let long = |count: usize| {
        let latency = |n: usize| (format!("{n:01000}"), 20);
        Brought { latency_ms: (0..count).map(latency).collect(), ..Brought::default() }
    };
    for (brought, field) in [
        (lists(&["a", "b"]), "attributes"),
        (long(58), "latency_ms"),
        (far(BROUGHT_BYTES_MAX + 600), "latency_ms"),
    ] {
        match w.engine.create_ticket(&w.server(), &bringing("duel", player, brought)).await {
            Err(EngineError::Invalid { field: named, detail }) => {
                assert!(named == field && detail.contains("at most 16384 bytes"), "{named}: {detail}");
            }
            other => panic!("{other:?}"),
        }
    }
    // A list of all that one list may be, and many locations.
    for brought in [lists(&["a"]), far(BROUGHT_BYTES_MAX - 600)] {
        let made = w.engine.create_ticket(&w.server(), &bringing("duel", player, brought)).await.unwrap();
        w.engine.cancel_ticket(&w.by(player), made.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_match_of_all_who_bring_the_most_fits() {
    let n = 100;
    // As much beside what they bring as the embedded store has room for.
    let w = small_home(n * (BROUGHT_BYTES_MAX + (16 << 10)));
    for (name, patience) in [("crowd", None), ("asked", Some(Millis::from_secs(30)))] {
        let format = Format::FreeForAll { min: n, max: n, fill_after_ms: Millis::from_secs(1) };
        let window = Window { min: 5_000.0, growth_per_s: 0.0, max: 5_000.0 };
        let config =
            QueueConfig::new(QueueName::new(name).unwrap(), mode(name), MatchRules { format, window });
        w.put(QueueConfig { acceptance_ms: patience, ..config }).await;
    }
    let players = w.players(2 * n).await;
    for (nth, player) in players.iter().enumerate() {
        let queue = if nth < n { "crowd" } else { "asked" };
        let new = bringing(queue, *player, far(BROUGHT_BYTES_MAX - 600));
        w.engine.create_ticket(&w.by(*player), &new).await.unwrap();
    }
    let formed = w.turn().await;
    assert_eq!((formed.matches, formed.proposals), (1, 1));
}

#[tokio::test]
async fn nobody_is_asked_about_a_match_that_may_be_too_large() {
    // A proposal of the two would just fit.
    let w = small_home(2 * BROUGHT_BYTES_MAX + 4_096);
    w.teams("duel", 1, Some(30)).await;
    let players = w.players(2).await;
    let mut tickets = Vec::new();
    for (player, bytes) in players.iter().zip([BROUGHT_BYTES_MAX - 600, BROUGHT_BYTES_MAX - 1_200]) {
        let new = bringing("duel", *player, far(bytes));
        tickets.push(w.engine.create_ticket(&w.by(*player), &new).await.unwrap().id);
    }
    assert_eq!(w.turn().await.proposals, 0);
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Cancelled);
    assert_eq!(w.seen(tickets[1]).await.state, TicketState::Searching);
}

#[tokio::test]
async fn a_match_that_is_too_large_is_not_tried_again_and_again() {
    // Two tickets fit, and no match of the two.
    let w = small_home(BROUGHT_BYTES_MAX + 8_192);
    w.teams("duel", 1, None).await;
    let players = w.players(3).await;
    let mut tickets = Vec::new();
    for (player, bytes) in players.iter().zip([BROUGHT_BYTES_MAX - 600, BROUGHT_BYTES_MAX - 1_200]) {
        let new = bringing("duel", *player, far(bytes));
        tickets.push(w.engine.create_ticket(&w.by(*player), &new).await.unwrap().id);
    }
    assert_eq!(w.turn().await.matches, 0);
    let ended = w.seen(tickets[0]).await;
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (TicketState::Cancelled, Some("its players bring more than a match has room for"))
    );
    assert_eq!(w.claim(players[0]).await, None);
    assert_eq!(w.seen(tickets[1]).await.state, TicketState::Searching);
    let asked = w.stores[0].asked();
    w.turn().await;
    assert_eq!(w.stores[0].asked(), asked, "nothing is tried while nobody else is there");
    let third = w.enter("duel", players[2]).await.id;
    assert_eq!(w.turn().await.matches, 1);
    assert_eq!(w.seen(third).await.match_id, w.seen(tickets[1]).await.match_id);
}

async fn a_second_ticket_names_the_first(w: World) {
    w.teams("duel", 1, None).await;
    w.teams("other", 1, None).await;
    let players = w.players(2).await;
    let first = w.enter("duel", players[0]).await;
    for queue in ["duel", "other"] {
        let second = w.engine.create_ticket(&w.by(players[0]), &ticket(queue, players[0])).await;
        assert!(second.unwrap_err().to_string().contains(&first.id.to_string()));
    }
    w.enter_all("duel", &players[1..]).await;
    refused(w.engine.create_ticket(&w.by(players[0]), &ticket("duel", players[0])).await, "in_match");
}

async fn a_foreign_ticket_is_unknown(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let own = w.enter("duel", players[0]).await.id;
    refused(w.engine.ticket(&w.by(players[1]), own).await, "not_found");
    refused(w.engine.explain(&w.by(players[1]), own).await, "not_found");
    refused(w.engine.cancel_ticket(&w.by(players[1]), own).await, "not_found");
    refused(w.engine.create_ticket(&w.by(players[1]), &ticket("duel", players[0])).await, "forbidden");
    assert!(w.engine.ticket(&w.server(), own).await.is_ok());
}

async fn the_same_own_id_meets_the_first(w: World) {
    w.teams("duel", 1, None).await;
    w.teams("other", 1, None).await;
    let players = w.players(2).await;
    let own_id = RequestKey::new("my-1").ok();
    let new = |queue, player| NewTicket { own_id: own_id.clone(), ..ticket(queue, player) };
    let first = w.engine.create_ticket(&w.by(players[0]), &new("duel", players[0])).await.unwrap();
    let again = w.engine.create_ticket(&w.by(players[0]), &new("duel", players[0])).await.unwrap();
    assert_eq!(first.id, again.id);
    refused(w.engine.create_ticket(&w.by(players[0]), &new("other", players[0])).await, "ticket_id_taken");
    let others = w.engine.create_ticket(&w.by(players[1]), &new("duel", players[1])).await.unwrap();
    assert_ne!(others.id, first.id, "everybody has names of his own");
}

async fn the_same_key_gives_the_first_answer(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let call = |body| keyed(w.by(players[0]), "k", body);
    let first = w.engine.create_ticket(&call("a"), &ticket("duel", players[0])).await.unwrap();
    w.engine.cancel_ticket(&w.by(players[0]), first.id).await.unwrap();
    let again = w.engine.create_ticket(&call("a"), &ticket("duel", players[0])).await.unwrap();
    assert_eq!(first, again, "to the bit, whatever has happened since");
    assert_eq!(w.claim(players[0]).await, None, "and nothing was made");
    let other = w.engine.create_ticket(&call("b"), &ticket("duel", players[0])).await;
    refused(other, "idempotency_mismatch");
    w.clock.advance_ms(25 * 3_600_000);
    let late = w.engine.create_ticket(&call("b"), &ticket("duel", players[0])).await.unwrap();
    assert_ne!(late.id, first.id, "a key is kept for a day");
}

async fn another_principals_key_is_another(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let mut ids = Vec::new();
    for player in players {
        let call = keyed(w.by(player), "same", "same");
        ids.push(w.engine.create_ticket(&call, &ticket("duel", player)).await.unwrap().id);
    }
    assert_ne!(ids[0], ids[1]);
}

async fn cancelling_frees_and_repeats(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let id = w.enter("duel", player).await.id;
    for _ in 0..2 {
        let done = w.engine.cancel_ticket(&w.by(player), id).await.unwrap();
        assert_eq!(done.row.state, TicketState::Cancelled);
    }
    assert_eq!(w.claim(player).await, None);
    w.turn().await;
    assert_eq!(w.engine.counts().waiting, 0);
    w.enter("duel", player).await;
}

async fn a_cancel_is_replayed_and_compared(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let call = |body| keyed(w.by(player), "k", body);
    let id = w.enter("duel", player).await.id;
    let first = w.engine.cancel_ticket(&call("a"), id).await.unwrap();
    assert_eq!(w.engine.cancel_ticket(&call("a"), id).await.unwrap(), first);
    let next = w.enter("duel", player).await.id;
    refused(w.engine.cancel_ticket(&call("b"), next).await, "idempotency_mismatch");
    assert_eq!(w.claim(player).await, Some(Claim::Ticket(next)));
}

async fn a_matched_ticket_cannot_be_cancelled(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let tickets = w.enter_all("duel", &players).await;
    refused(w.engine.cancel_ticket(&w.by(players[0]), tickets[0]).await, "ticket_not_waiting");
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    w.engine.report_result(&w.server(), id, None, &first_wins(&players)).await.unwrap();
    assert_eq!(w.claim(players[0]).await, None);
}

async fn time_ends_a_ticket(w: World) {
    let config = w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let id = w.enter("duel", player).await.id;
    w.clock.advance_ms(config.ticket_timeout_ms.get() as i64 - 1);
    w.turn().await;
    assert!(!w.seen(id).await.state.is_terminal());
    w.clock.advance_ms(1);
    assert_eq!(w.turn().await.overdue, 1);
    assert_eq!(w.seen(id).await.state, TicketState::TimedOut);
    assert_eq!((w.claim(player).await, w.engine.counts().waiting), (None, 0));
    refused(w.engine.cancel_ticket(&w.by(player), id).await, "ticket_not_waiting");
}

async fn a_store_that_refuses_is_asked_a_few_times_a_second(w: World) {
    w.teams("duel", 20, None).await;
    let mut tickets = Vec::new();
    for player in w.players(30).await {
        tickets.push(w.enter("duel", player).await.id);
    }
    w.turn().await;
    let store = w.stores.last().unwrap();
    store.set_faults(Faults { refused: 1.0, ..Faults::NONE });
    w.clock.advance_ms(3_600_000);
    // The first turn finds out.
    w.engine.tick().await;
    let before = store.asked();
    for _ in 0..100 {
        w.clock.advance_ms(100);
        w.engine.tick().await;
    }
    let asked = store.asked() - before;
    assert!((20..=40).contains(&asked), "{asked} commits in ten seconds");
    store.set_faults(Faults::NONE);
    w.clock.advance_ms(250);
    assert_eq!(w.turn().await.overdue, tickets.len(), "all of them, as soon as it takes commits");
    for ticket in tickets {
        assert_eq!(w.seen(ticket).await.state, TicketState::TimedOut);
    }
}

async fn what_is_not_there_is_unknown(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    refused(w.engine.create_ticket(&w.by(player), &ticket("none", player)).await, "not_found");
    let nobody = PlayerId::from_u128(5);
    refused(w.engine.create_ticket(&w.by(nobody), &ticket("duel", nobody)).await, "not_found");
    refused(w.engine.ticket(&w.admin(), gsm_core::TicketId::from_u128(1)).await, "not_found");
}

async fn a_waiting_ticket_explains_itself(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(2).await;
    let first = w.enter("duel", players[0]).await.id;
    w.turn().await;
    assert!(w.engine.explain(&w.by(players[0]), first).await.unwrap().len() == 1);
    w.enter_all("duel", &players[1..]).await;
    assert!(w.engine.explain(&w.by(players[0]), first).await.unwrap().is_empty());
}

async fn a_ticket_ends_no_earlier_than_it_began(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    // It came before the ticket was made, and was held up.
    let early = w.by(player);
    w.clock.advance_ms(30);
    let made = w.enter("duel", player).await;
    let ended = w.engine.cancel_ticket(&early, made.id).await.unwrap();
    assert_eq!(ended.row.ended_at, Some(made.row.queued_at));
}
