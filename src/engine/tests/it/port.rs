//! The memory store passes the suite it is the reference of, healthy and ill.
use gsm_core::Timestamp;
use gsm_engine::{
    store::{
        StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, Subject, store_suite},
};
use std::sync::Arc;

async fn subject(items_max: usize, faults: Faults) -> Subject {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let limits = StoreLimits { items_max, bytes_max: 1 << 20 };
    let store = Arc::new(MemoryStore::new(clock.clone(), limits, faults));
    Subject { store, clock, keep: Box::new(()) }
}

#[tokio::test]
async fn the_memory_store_keeps_the_port() {
    store_suite(|| subject(4_096, Faults::NONE)).await;
}

#[tokio::test]
async fn the_memory_store_with_a_remote_stores_limits_keeps_the_port() {
    for seed in 1..=20 {
        let faults = Faults {
            seed,
            stale: 0.2,
            late_folds: 0.3,
            yields_max: 3,
            lost_after: 0.1,
            lost_before: 0.1,
            refused: 0.05,
            read_fails: 0.05,
        };
        store_suite(|| subject(100, faults)).await;
    }
}
