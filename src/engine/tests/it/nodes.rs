//! Several nodes, and one that comes back.
use crate::{
    matches::made,
    world::{World, both, three_homes, ticket},
};
use gsm_core::{CommitKey, QueueName};
use gsm_engine::store::{ChangeSet, Key, KeyRange, Lease, Row, Store, memory::Faults};
use gsm_session::{MatchState, TicketState};

both! {
    one_node_owns_a_queue_at_a_time,
    a_restart_knows_who_waits_and_who_is_asked,
    a_lease_from_a_clock_far_ahead_dies_with_its_silence,
}

async fn one_node_owns_a_queue_at_a_time(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    w.engine.tick().await;
    let other = w.node("other").await;
    w.enter("duel", p[0]).await;
    w.enter("duel", p[1]).await;
    w.settle();
    assert_eq!(other.tick().await.matches, 0, "the first node holds the queue");
    w.clock.advance_ms(9_001);
    assert_eq!(other.tick().await.matches, 1, "until it has been silent for long enough");
    assert_eq!(w.engine.tick().await.matches, 0);
}

async fn a_restart_knows_who_waits_and_who_is_asked(w: World) {
    w.teams("duel", 1, Some(10)).await;
    let p = w.players(3).await;
    let asked = w.enter_all("duel", &p[..2]).await;
    let waits = w.enter("duel", p[2]).await.id;
    w.settle();
    let again = w.node("test").await;
    let seen = again.overview().await.unwrap().queues.remove(0);
    assert_eq!((seen.waiting, seen.proposals), (1, 1));
    w.clock.advance_ms(10_000);
    again.tick().await;
    w.settle();
    for ticket in &asked {
        assert_eq!(w.seen(*ticket).await.state, TicketState::Cancelled);
    }
    assert!(!w.seen(waits).await.state.is_terminal());
    again.create_ticket(&w.by(p[0]), &ticket("duel", p[0])).await.unwrap();
    w.settle();
    assert_eq!(again.tick().await.proposals, 1);
}

async fn a_lease_from_a_clock_far_ahead_dies_with_its_silence(w: World) {
    w.teams("duel", 1, None).await;
    let queue = QueueName::new("duel").unwrap();
    let until = w.server().now.saturating_add(gsm_core::Millis::from_secs(3_600));
    let mut ahead = ChangeSet::new(CommitKey::from_u128(1), w.server().now);
    ahead.create(Key::Lease(queue.clone()), Row::Lease(Lease { owner: "gone".into(), fence: 7, until }));
    let live = w.stores.last().unwrap();
    live.commit(ahead).await.unwrap();
    let p = w.players(2).await;
    w.enter_all("duel", &p).await;
    w.clock.advance_ms(8_999);
    assert_eq!(w.turn().await.matches, 0);
    w.clock.advance_ms(1);
    assert_eq!(w.turn().await.matches, 1);
    let found = live.get(&[Key::Lease(queue)]).await.unwrap().remove(0).unwrap();
    assert!(matches!(&*found.row, Row::Lease(lease) if lease.owner == "test" && lease.fence == 8));
}

#[tokio::test]
async fn a_node_forgets_what_others_ended_while_it_loaded() {
    let w = three_homes();
    w.teams("duel", 1, Some(10)).await;
    let p = w.players(2).await;
    w.enter_all("duel", &p).await;
    // Its folds are cut before the end is told, as when the end falls between its reading and its listening.
    let late = w.node("late").await;
    w.stores.iter().for_each(|s| s.drop_subscribers());
    let ended = w.node("other").await;
    w.clock.advance_ms(10_000);
    ended.tick().await;
    assert!(w.stores[2].list(&KeyRange::Proposals, None, 10, false).await.unwrap().is_empty());
    w.clock.advance_ms(3_001);
    assert_eq!(late.overview().await.unwrap().queues[0].proposals, 1);
    late.tick().await;
    let seen = late.overview().await.unwrap().queues.remove(0);
    assert_eq!((seen.proposals, seen.waiting), (0, 0));
}

#[tokio::test]
async fn what_was_acknowledged_over_stale_reads_was_done() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let mut taken = 0;
    for _ in 0..100 {
        let id = made(&w, &p).await.id;
        w.stores.iter().for_each(|s| s.set_faults(Faults { stale: 0.4, ..Faults::NONE }));
        let moved = w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await;
        w.stores.iter().for_each(|s| s.set_faults(Faults::NONE));
        let seen = w.engine.match_view(&w.server(), id).await.unwrap().row.state;
        match moved {
            // The match was not known yet where it was read.
            Err(error) => assert_eq!((error.code(), seen), ("not_found", MatchState::Running)),
            Ok(view) => {
                taken += 1;
                assert_eq!((view.row.state, seen), (MatchState::Abandoned, MatchState::Abandoned));
            }
        }
    }
    assert!(taken > 50);
}

/// Found by a simulated world that never came to its end: the turn slept until reads worked again.
#[tokio::test(start_paused = true)]
async fn a_turn_does_not_wait_for_a_store_that_is_away_and_strands_nobody() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let began = tokio::time::Instant::now();
    for seed in 0..40 {
        let tickets = [w.enter("duel", p[0]).await.id, w.enter("duel", p[1]).await.id];
        w.stores[2].set_faults(Faults { read_fails: 0.7, refused: 0.3, seed, ..Faults::NONE });
        for _ in 0..4 {
            w.engine.tick().await;
        }
        w.stores[2].set_faults(Faults::NONE);
        // It is asked a few times a second whether it is back.
        w.clock.advance_ms(250);
        for _ in 0..2 {
            w.turn().await;
        }
        let seen = w.seen(tickets[0]).await;
        assert_eq!(seen.state, TicketState::Completed, "they meet once it is back");
        let id = seen.match_id.unwrap();
        w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await.unwrap();
    }
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
}
