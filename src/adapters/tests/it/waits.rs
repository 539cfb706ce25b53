//! Nothing is told that a crash could take back.
use crate::kit::{Machine, START, commit, history_row, numbered, player_key, run};
use futures::{FutureExt, poll};
use gsm_adapters::Options;
use gsm_core::{CommitKey, JobId, Millis};
use gsm_engine::store::{ChangeSet, CommitError, Committed, Expect, Fold, Key, KeyRange, Op, Store};
use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

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
fn a_read_waits_for_what_it_saw_go() {
    let machine = Machine::new();
    let store = machine.open();
    run(async {
        commit(&store, 1).await.expect("taken");
        let mut gone = ChangeSet::new(CommitKey::from_u128(77), START);
        gone.write(player_key(1), Expect::Any, Op::Delete);
        machine.disk.hold_syncs(true);
        let mut deletes = pin!(store.commit(gone));
        assert!(poll!(&mut deletes).is_pending());
        let keys = [player_key(1)];
        let mut reads = pin!(store.get(&keys));
        assert!(poll!(&mut reads).is_pending(), "a row that may come back is not said to be gone");
        let mut lists = pin!(store.list(&KeyRange::AllRatings, None, 10, false));
        assert_eq!(
            poll!(&mut lists).map(|rows| rows.expect("readable").len()),
            Poll::Ready(1),
            "no need to wait"
        );
        machine.disk.hold_syncs(false);
        deletes.await.expect("taken");
        assert!(reads.await.expect("readable")[0].is_none());
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
                Poll::Pending => waiting.push(next),
                Poll::Ready(fate) => break fate,
            }
        };
        assert!(
            matches!(&refused, Err(CommitError::Refused(why)) if why.to_string().contains("busy")),
            "{refused:?}"
        );
        machine.disk.hold_syncs(false);
        for fate in futures::future::join_all(waiting).await {
            fate.expect("what waited is taken");
        }
    });
}

#[test]
fn work_that_can_wait_leaves_room_for_work_that_cannot() {
    let machine = Machine::new();
    let never = Millis::from_secs(3_600);
    let options = Options {
        unwritten_rows_max: 40,
        checkpoint_rows: usize::MAX,
        checkpoint_every: never,
        ..machine.options()
    };
    let store = machine.try_open(options).expect("opened");
    run(async {
        let (mut taken, mut room) = (0, 0);
        while commit(&store, taken + 1).await.is_ok() {
            taken += 1;
            room += u64::from(store.is_behind());
        }
        assert!(room > 0 && room < taken / 2, "{room} of {taken} were taken when others should wait");
        assert!(store.is_behind());
        store.flush().expect("written");
        assert!(!store.is_behind());
        commit(&store, taken + 1).await.expect("taken");
    });
}

#[derive(Default)]
struct Heard(Mutex<Vec<u64>>);

impl Fold for Heard {
    fn apply(&self, committed: Committed, _: &ChangeSet) {
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

struct Broken;

impl Fold for Broken {
    fn apply(&self, _: Committed, _: &ChangeSet) {
        panic!("a bug in a fold (planted)");
    }
}

#[test]
fn a_fold_that_panics_stops_the_store() {
    let machine = Machine::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let on_fatal = Arc::new({
        let told = told.clone();
        move |why| told.lock().expect("lock").push(why)
    });
    let store = machine.try_open(Options { on_fatal, ..machine.options() }).expect("opened");
    store.subscribe(Arc::new(Broken));
    run(async {
        commit(&store, 1).await.expect("it is on the disk");
        let fate = commit(&store, 2).await;
        assert!(matches!(&fate, Err(CommitError::Refused(why)) if why.what.contains("fold")), "{fate:?}");
    });
    assert_eq!(told.lock().expect("lock").len(), 1, "told once");
}

#[test]
fn what_is_written_during_a_checkpoint_stays() {
    let machine = Machine::new();
    let store = machine.open();
    let key = |n: u64| Key::Staged(JobId::from_u128(u128::from(n)), 0);
    let put = |set: u128, n: u64| {
        let mut set = ChangeSet::new(CommitKey::from_u128(set), START);
        set.fold(key(n), history_row(u64::try_from(set.key.as_u128()).expect("small")));
        set
    };
    run(async {
        store.commit(put(1, 5)).await.expect("taken");
        machine.disk.hold_syncs(true);
        let checkpoint = std::thread::spawn({
            let store = store.clone();
            move || store.flush()
        });
        while machine.disk.held_syncs() == 0 {
            std::thread::yield_now();
        }
        let mut later = pin!(store.commit(put(2, 5)));
        assert!(poll!(&mut later).is_pending());
        machine.disk.hold_syncs(false);
        later.await.expect("taken");
        checkpoint.join().expect("no panic").expect("flushed");
        let found = store.get(&[key(5)]).await.expect("readable").remove(0).expect("there");
        assert_eq!((found.version, &*found.row), (2, &history_row(2)), "not what the tables show");
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
