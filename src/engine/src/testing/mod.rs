//! The behavioural suite that every [`Store`] passes, and small helpers for tests and the simulator.
mod suite;
mod traces;

pub use suite::store_suite;

use crate::store::Store;
use gsm_core::{Clock, IdSource, Timestamp};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
    wall_ahead: AtomicI64,
}

impl ManualClock {
    /// A clock standing at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { now: AtomicI64::new(at.as_millis()), wall_ahead: AtomicI64::new(0) }
    }
    /// Moves it, backwards too.
    pub fn advance_ms(&self, by: i64) {
        self.now.fetch_add(by, Ordering::SeqCst);
    }
    /// Sets the system's own clock: ahead of this one by so much, or behind it.
    pub fn set_wall_ahead_ms(&self, by: i64) {
        self.wall_ahead.store(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.now().as_millis() + self.wall_ahead.load(Ordering::SeqCst))
    }
}

/// Ids from a seed: unique in a run, the same in the next.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    next: AtomicU64,
}

impl SeededIds {
    /// Ids of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(1) }
    }
}

impl IdSource for SeededIds {
    fn next_u128(&self) -> u128 {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        let mut z = self.seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 27;
        (u128::from(z) << 64) | u128::from(n)
    }
}

/// A store under test, and how to make time pass for it.
pub struct Subject {
    /// The store, empty.
    pub store: std::sync::Arc<dyn Store>,
    /// The clock it was given.
    pub clock: std::sync::Arc<ManualClock>,
    /// Whatever must live as long (a temporary directory).
    pub keep: Box<dyn std::any::Any>,
}
