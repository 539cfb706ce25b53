//! What a rule has done so far, and to whom it did it last.
use crate::{Request, rule::Moment};
use gsm_core::{Millis, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

/// Requests that a rule remembers.
pub const SAMPLES_MAX: usize = 16;
/// Between two that it remembers: a flood costs one look at a clock each.
const SAMPLE_GAP: Millis = Millis::new(100);
/// Characters of a sample's path.
const PATH_CHARS_MAX: usize = 128;

/// A request that a rule refused, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// Its method.
    pub method: String,
    /// Its path, shortened.
    pub path: String,
    /// Its action, if it has one.
    pub action: Option<String>,
    /// The role of the caller, if it was known.
    pub role: Option<String>,
}

/// Counters of a rule since the start, and its last refusals.
#[derive(Debug, Default)]
pub struct Tally {
    passed: AtomicU64,
    blocked: AtomicU64,
    counted: AtomicU64,
    sampled_ms: AtomicU64,
    samples: Mutex<VecDeque<Sample>>,
}

impl Tally {
    pub(crate) fn pass(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, request: &Request<'_>, at: Timestamp, blocks: bool) {
        let counter = if blocks { &self.blocked } else { &self.counted };
        counter.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(at.as_millis()).unwrap_or(0);
        let last = self.sampled_ms.load(Ordering::Relaxed);
        // A clock that was set back must not end the samples.
        if last != 0 && now.abs_diff(last) < SAMPLE_GAP.get() {
            return;
        }
        if self.sampled_ms.compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let sample = Sample {
            at,
            address: request.address,
            method: request.method.chars().take(16).collect(),
            path: request.path.chars().take(PATH_CHARS_MAX).collect(),
            action: request.action.map(str::to_owned),
            role: if let Moment::Known(caller) = request.moment {
                Some(caller.role.to_owned())
            } else {
                None
            },
        };
        let mut samples = self.samples.lock();
        samples.truncate(SAMPLES_MAX - 1);
        samples.push_front(sample);
    }

    /// Requests that counted and passed.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Requests that were refused.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Requests that would have been refused, had the rule not only counted.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    /// Some of the last of these, newest first: at most one each tenth of a second.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().iter().cloned().collect()
    }
}
