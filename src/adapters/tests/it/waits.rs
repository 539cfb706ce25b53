//! Nothing is told that a crash could take back.
use crate::kit::{Machine, commit, numbered, player_key, run};
use futures::{FutureExt, poll};
use gsm_adapters::Options;
use gsm_core::Millis;
use gsm_engine::store::{CommitError, Committed, Fold, Store};
use std::{pin::pin, sync::{Arc, Mutex}};

#[test]
fn a_read_waits_for_what_it_saw() {
    let machine = Machine::new();
    let store = machine.open();
    run(async {
        machine.disk.hold_syncs(true);
        let mut writes = pin!(commit(&store, 1));
        assert!(poll!(&mut writes).is_pending());
        let keys = [player_key(1)];
        let mut reads = pin!(store.get(&keys));
        assert!(poll!(&mut reads).is_pending(), "a row that is not on the disk is not shown");
        let other = [player_key(2)];
        assert!(store.get(&other).now_or_never().is_some(), "other reads do not wait");
        machine.disk.hold_syncs(false);
        writes.await.expect("taken");
        assert!(reads.await.expect("readable")[0].is_some());
    });
}

#[test]
fn a_repeat_waits_for_the_first() {
    let machine = Machine::new();
    let store = machine.open();
    run(async {
        machine.disk.hold_syncs(true);
        let (mut first, mut repeat) = (pin!(commit(&store, 1)), pin!(commit(&store, 1)));
        assert!(poll!(&mut first).is_pending() && poll!(&mut repeat).is_pending());
        machine.disk.hold_syncs(false);
        assert_eq!(first.await.expect("taken"), repeat.await.expect("the same answer"));
        assert_eq!(store.stats().last_sequence, 1);
    });
}

#[test]
fn a_full_queue_says_so() {
    let machine = Machine::new();
    let store = machine.try_open(Options { waiting_max: 4, ..machine.options() }).expect("opened");
    run(async {
        machine.disk.hold_syncs(true);
        let mut waiting = Vec::new();
        let refused = loop {
            let n = waiting.len() as u64;
            let mut next = Box::pin(store.commit(numbered(n, 1)));
            match poll!(&mut next) {
                std::task::Poll::Pending => waiting.push(next),
                std::task::Poll::Ready(fate) => break fate,
            }
        };
        assert!(matches!(&refused, Err(CommitError::Refused(why)) if why.to_string().contains("busy")), "{refused:?}");
        machine.disk.hold_syncs(false);
        for fate in futures::future::join_all(waiting).await {
            fate.expect("what waited is taken");
        }
    });
}

#[derive(Default)]
struct Heard(Mutex<Vec<u64>>);

impl Fold for Heard {
    fn apply(&self, committed: Committed, _: &gsm_engine::store::ChangeSet) {
        self.0.lock().expect("lock").push(committed.sequence);
    }
}

#[test]
fn a_fold_has_seen_a_set_before_its_commit_answers() {
    let machine = Machine::new();
    let store = machine.open();
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());
    run(async {
        for n in 1..=20 {
            commit(&store, n).await.expect("taken");
            assert_eq!(heard.0.lock().expect("lock").last(), Some(&n));
        }
    });
}

#[test]
fn checkpoints_come_by_themselves() {
    let machine = Machine::new();
    let every = Options { checkpoint_every: Millis::new(1), ..machine.options() };
    let store = machine.try_open(every).expect("opened");
    run(async {
        commit(&store, 1).await.expect("taken");
        while store.stats().applied_sequence < 1 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn many_rows_start_a_checkpoint_at_once() {
    let machine = Machine::new();
    let store = machine.try_open(Options { checkpoint_rows: 10, ..machine.options() }).expect("opened");
    run(async {
        for n in 0..4 {
            commit(&store, n).await.expect("taken");
        }
        while store.stats().applied_sequence < 4 {
            tokio::task::yield_now().await;
        }
    });
}
