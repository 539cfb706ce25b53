//! A store that is older than the audit log beside it.
use crate::kit::{START, commit, player_key, quiet, run};
use gsm_adapters::{AuditDir, EmbeddedStore, Gap};
use gsm_audit::{Limits, Log, Record, SigningKey};
use gsm_core::PlayerId;
use gsm_engine::{store::Store as _, testing::ManualClock};
use std::{path::Path, sync::Arc};

fn open(dir: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(dir, Arc::new(ManualClock::at(START)), quiet()).expect("the store opens")
}

/// A log that tells of the commits up to one.
fn log_to(dir: &Path, last: u64) {
    let key = SigningKey::of("gsm/test", [7; 32]).expect("a key");
    let mut log = Log::open(AuditDir::beside(dir), vec![key], Limits::default()).expect("opens");
    let of = |commit| Record { name: "gsm:Test", commit: Some(commit), ..Record::default() };
    let records: Vec<Record<'_>> = (log.commit() + 1..=last).map(of).collect();
    log.append(&records).expect("appends");
}

#[test]
fn no_sequence_is_given_that_the_log_tells_of() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    assert_eq!(EmbeddedStore::newest_in(dir).expect("readable"), 0, "there is none");
    run(async {
        let store = open(dir);
        for n in 1..=3 {
            assert_eq!(commit(&store, n).await.expect("taken").sequence, n);
        }
        drop(store);
        assert_eq!(EmbeddedStore::newest_in(dir).expect("readable"), 3);
        log_to(dir, 3);
        assert_eq!(open(dir).gap(), None);
        log_to(dir, 9);
        // As long as nothing is committed, it stands where it stood.
        for _ in 0..2 {
            let store = open(dir);
            assert_eq!(store.gap(), Some(Gap { store: 3, log: 9 }));
            assert!(store.get(&[player_key(3)]).await.expect("readable")[0].is_some());
            assert_eq!(store.newest(), Some(9));
            let gone = store.events_span(PlayerId::from_u128(1)).await.expect("readable").gone;
            assert_eq!(gone.sequence, 9, "whoever read on to what is gone is told");
            store.flush().expect("nothing to write");
        }
        assert_eq!(EmbeddedStore::newest_in(dir).expect("readable"), 3);
        for n in 10..=14 {
            let store = open(dir);
            assert_eq!(store.gap().is_some(), n == 10);
            assert_eq!(commit(&store, n).await.expect("taken").sequence, n);
            assert!(store.get(&[player_key(n)]).await.expect("readable")[0].is_some());
            if n == 12 {
                store.flush().expect("written");
            }
            drop(store);
            assert_eq!(EmbeddedStore::newest_in(dir).expect("readable"), n);
            log_to(dir, n);
        }
    });
}
