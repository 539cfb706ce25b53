//! What the bots tell of themselves: counters for the summary, and each complaint once a minute.
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// Between two warnings of one cause.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// Causes remembered; their names come from closed sets and the codes of the API.
const CAUSES_MAX: usize = 256;

/// A counter.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters and complaints of all bots.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Bots that have signed in, each once.
    pub(super) entered: Count,
    /// Requests answered, refusals among them.
    pub(super) answers: Count,
    /// Tickets made.
    pub(super) tickets: Count,
    /// Results reported.
    pub(super) results: Count,
    /// Tries that were repeated: no answer, or one that said to come back.
    pub(super) repeats: Count,
    refusals: Mutex<BTreeMap<(&'static str, u16, String), u64>>,
    warned: Mutex<BTreeMap<String, Instant>>,
}

impl Watch {
    /// Counts an answer other than 2xx.
    pub(super) fn refused(&self, what: &'static str, status: u16, code: &str) {
        let mut refusals = self.refusals.lock();
        let key = (what, status, code.to_owned());
        if refusals.len() < CAUSES_MAX || refusals.contains_key(&key) {
            *refusals.entry(key).or_default() += 1;
        }
    }

    /// The refusals so far, as `what status code: times`.
    pub(super) fn refusals(&self) -> Vec<String> {
        let refusals = self.refusals.lock();
        refusals
            .iter()
            .map(|((what, status, code), times)| format!("{what} {status} {code}: {times}"))
            .collect()
    }

    /// Warns, unless the same cause was warned of within the last minute.
    pub(super) fn warn(&self, cause: &str, detail: &dyn Display) {
        let now = Instant::now();
        {
            let mut warned = self.warned.lock();
            let recent = warned.get(cause).is_some_and(|at| now.duration_since(*at) < WARN_EVERY);
            if recent || (warned.len() >= CAUSES_MAX && !warned.contains_key(cause)) {
                return;
            }
            warned.insert(cause.to_owned(), now);
        }
        tracing::warn!(cause, %detail, "bots meet trouble, told once a minute");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_kind_and_bounded() {
        let watch = Watch::default();
        for code in 0..2 * CAUSES_MAX {
            watch.refused("ticket", 409, &code.to_string());
        }
        watch.refused("ticket", 409, "0");
        assert_eq!(watch.refusals().len(), CAUSES_MAX);
        assert!(watch.refusals().contains(&"ticket 409 0: 2".to_owned()));
    }
}
