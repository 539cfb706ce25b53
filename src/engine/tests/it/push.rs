//! Push: what happens is heard once, in order, live or later.
use crate::world::{World, both, refused};
use futures::FutureExt;
use gsm_core::PlayerId;
use gsm_engine::{
    Subscription,
    store::{Cursor, EVENT_RETENTION, PushKind, memory::Faults},
};
use gsm_session::TicketState;

both! { a_stream_goes_on_where_it_was_cut, a_slow_reader_is_cut_and_misses_nothing, a_player_has_few_streams, a_cursor_of_what_is_to_come_was_never_given, a_cursor_between_events_was_never_given }

async fn heard(stream: &mut Subscription) -> Vec<Cursor> {
    let mut all = Vec::new();
    while let Some(Some(item)) = stream.next().now_or_never() {
        all.push(item.cursor);
        // The runtime lets a task read only so much in one turn.
        tokio::task::yield_now().await;
    }
    all
}

/// Queues and cancels: two events.
async fn twice(w: &World, player: PlayerId) {
    let id = w.enter("duel", player).await.id;
    w.engine.cancel_ticket(&w.by(player), id).await.unwrap();
    w.settle();
}

async fn a_stream_goes_on_where_it_was_cut(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let mut live = w.engine.subscribe(player, None).await.unwrap();
    twice(&w, player).await;
    let first = live.next().await.unwrap();
    assert!(matches!(first.event.kind, PushKind::Ticket { state: TicketState::Queued, .. }));
    drop(live);
    twice(&w, player).await;
    let mut resumed = w.engine.subscribe(player, Some(first.cursor)).await.unwrap();
    twice(&w, player).await;
    let later = heard(&mut resumed).await;
    assert_eq!(later.len(), 5);
    assert!(later.is_sorted() && later[0] > first.cursor && resumed.cursor() == later[4]);
    let polled = w.engine.events(player, first.cursor, 100).await.unwrap();
    assert_eq!(polled.iter().map(|item| item.cursor).collect::<Vec<_>>(), later);
    assert_eq!(w.engine.last_event(player).await.unwrap(), later[4]);
}

async fn a_cursor_of_what_is_to_come_was_never_given(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let mut live = w.engine.subscribe(player, None).await.unwrap();
    twice(&w, player).await;
    let given = heard(&mut live).await;
    let again = w.node("restarted").await;
    for engine in [&w.engine, &again] {
        for cursor in given.iter().chain([&Cursor::default()]) {
            assert!(engine.may_have_given(player, *cursor).await.unwrap());
        }
        let last = given.last().unwrap();
        for ahead in [1_000, u64::MAX - last.sequence] {
            let cursor = Cursor { sequence: last.sequence + ahead, index: 0 };
            assert!(!engine.may_have_given(player, cursor).await.unwrap());
        }
    }
}

async fn a_cursor_between_events_was_never_given(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let mut live = w.engine.subscribe(player, None).await.unwrap();
    twice(&w, player).await;
    let given = heard(&mut live).await;
    for of in &given {
        for index in [of.index + 1, u32::MAX] {
            let beside = Cursor { index, ..*of };
            assert!(!w.engine.may_have_given(player, beside).await.unwrap(), "{beside:?}");
        }
    }
    // What nothing is known of any more may have been given.
    let old = Cursor { sequence: given[0].sequence - 1, index: 7 };
    assert!(w.engine.may_have_given(player, old).await.unwrap());
    w.clock.advance_ms(i64::try_from(EVENT_RETENTION.get()).unwrap() + 1);
    assert!(w.engine.may_have_given(player, Cursor { index: 7, ..given[0] }).await.unwrap());
}

async fn a_slow_reader_is_cut_and_misses_nothing(w: World) {
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    let mut slow = w.engine.subscribe(player, None).await.unwrap();
    for _ in 0..150 {
        twice(&w, player).await;
    }
    let mut all = heard(&mut slow).await;
    assert!(all.len() < 300);
    assert_eq!(slow.next().await, None, "cut off");
    let mut resumed = w.engine.subscribe(player, Some(slow.cursor())).await.unwrap();
    all.extend(heard(&mut resumed).await);
    assert_eq!(all.len(), 300);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
}

async fn a_player_has_few_streams(w: World) {
    let player = w.players(1).await[0];
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(w.engine.subscribe(player, None).await.unwrap());
    }
    refused(w.engine.subscribe(player, None).await.map(|_| ()), "too_many_streams");
    open.pop();
    w.engine.subscribe(player, None).await.unwrap();
}

#[tokio::test]
async fn events_between_listening_and_reading_come_once() {
    let faults = Faults { late_folds: 0.5, yields_max: 4, seed: 11, ..Faults::NONE };
    let w = crate::world::world(3, 100, faults);
    w.teams("duel", 1, None).await;
    let player = w.players(1).await[0];
    for _ in 0..30 {
        let from = w.engine.last_event(player).await.unwrap();
        let (stream, ()) = futures::join!(w.engine.subscribe(player, Some(from)), twice(&w, player));
        let heard = heard(&mut stream.unwrap()).await;
        assert_eq!(heard.len(), 2, "after {from:?}: {heard:?}");
    }
}
