use gsm_core::{Clock, IdSource, Timestamp};
use std::{
    cell::RefCell,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// The system's clock: wall time at the start, carried on by the monotonic clock, so that it never steps back.
///
/// A correction of the system's time reaches it at the next start of the process.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started_at: Timestamp,
    started: Instant,
}

impl SystemClock {
    /// Reads the wall clock once.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn new() -> Self {
        let (wall, started) = (SystemTime::now(), Instant::now());
        let ms = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let since = match wall.duration_since(UNIX_EPOCH) {
            Ok(after) => ms(after),
            Err(before) => -ms(before.duration()),
        };
        Self { started_at: Timestamp::from_millis(since), started }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let gone = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started_at.saturating_add(gsm_core::Millis::new(gone))
    }
}

/// Ids drawn in one call to the system.
const IDS_PER_DRAW: usize = 64;

/// Ids from the system's randomness, drawn in batches per thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

thread_local! {
    static DRAWN: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

impl IdSource for SystemIds {
    fn next_u128(&self) -> u128 {
        DRAWN.with_borrow_mut(|drawn| {
            loop {
                if let Some(id) = drawn.pop() {
                    return id;
                }
                let mut bytes = [0u8; 16 * IDS_PER_DRAW];
                // Without randomness no id is lawful, and none is handed out: wait for the system to have some.
                while getrandom::fill(&mut bytes).is_err() {
                    std::thread::yield_now();
                }
                drawn.extend(bytes.as_chunks::<16>().0.iter().map(|chunk| u128::from_ne_bytes(*chunk)));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_differ_across_draws_and_threads() {
        let draw = || (0..3 * IDS_PER_DRAW).map(|_| SystemIds.next_u128()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw);
        let mut all: BTreeSet<u128> = draw().into_iter().collect();
        all.extend(other.join().expect("joined"));
        assert_eq!(all.len(), 6 * IDS_PER_DRAW);
    }

    #[test]
    fn the_clock_shows_this_century_and_never_steps_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second && first.as_millis() > 1_700_000_000_000);
    }
}
