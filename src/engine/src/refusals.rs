//! What the store refuses. Who could not be heard for it is not to blame, and the turns of the matcher wait until it takes
//! commits again.
use crate::{
    Engine, EngineError,
    store::{ChangeSet, Expect, Home, Key},
};
use gsm_core::{CommitKey, Millis, TicketId, Timestamp};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// After a store has refused a try.
const TRY_EVERY: Millis = Millis::new(250);
/// Between two lines in the log that say so.
const TELL_EVERY: Millis = Millis::from_secs(10);

/// Commits that the store of this process did not take.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// None was taken since the last one that was not.
    last: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    last_at: Option<Timestamp>,
    /// When it was tried last and refused that too.
    tried_at: Option<Timestamp>,
    told_at: Option<Timestamp>,
    untold: u64,
}

impl Refusals {
    /// The store took a commit.
    pub(crate) fn taken(&self) {
        // Nearly always there is nothing to write.
        if self.last.load(Ordering::Relaxed) {
            self.last.store(false, Ordering::Relaxed);
        }
    }

    /// The store did not take one. How many it was since that was told last, where it is to be told again.
    pub(crate) fn refused(&self, now: Timestamp) -> Option<u64> {
        let mut known = self.known.lock();
        self.last.store(true, Ordering::Relaxed);
        known.last_at = Some(now);
        known.untold += 1;
        if known.told_at.is_some_and(|at| now.since(at) < TELL_EVERY) {
            return None;
        }
        known.told_at = Some(now);
        Some(std::mem::take(&mut known.untold))
    }

    /// Whether the store refuses, as far as is known.
    pub(crate) fn go_on(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }

    /// Whether a commit was refused at `from` or later.
    pub(crate) fn any_since(&self, from: Timestamp) -> bool {
        self.known.lock().last_at.is_some_and(|at| at >= from)
    }

    /// Whether a store that refuses may be tried again already.
    fn is_try_due(&self, now: Timestamp) -> bool {
        self.known.lock().tried_at.is_none_or(|at| now.since(at) >= TRY_EVERY)
    }

    fn tried_in_vain(&self, now: Timestamp) {
        self.known.lock().tried_at = Some(now);
    }
}

impl Engine {
    /// Whether the store takes commits, as far as is known; one that refused is asked a few times a second.
    pub(crate) async fn takes_commits(&self) -> bool {
        if !self.refusals.go_on() {
            return true;
        }
        let now = self.clock.now();
        if !self.refusals.is_try_due(now) {
            return false;
        }
        let mut nothing = ChangeSet::new(CommitKey::fresh(&*self.ids), now);
        nothing.check(Key::Ticket(TicketId::fresh(&*self.ids)), Expect::Absent);
        let takes = self.commit(Home::Live, nothing).await.is_ok();
        if !takes {
            self.refusals.tried_in_vain(now);
        }
        takes
    }
}

impl EngineError {
    /// Whether the store did not take a commit, which is told where it is asked.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NoAnswer(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_now_and_then_with_its_count() {
        let (refusals, at) = (Refusals::default(), Timestamp::from_millis);
        assert!(!refusals.go_on() && !refusals.any_since(at(0)));
        assert_eq!(refusals.refused(at(1_000)), Some(1));
        for n in 0..4_400 {
            assert_eq!(refusals.refused(at(1_000 + n)), None);
        }
        assert_eq!(refusals.refused(at(11_000)), Some(4_401));
        assert!(refusals.go_on() && refusals.any_since(at(11_000)) && !refusals.any_since(at(11_001)));
        refusals.taken();
        assert!(!refusals.go_on() && refusals.any_since(at(11_000)), "it was refused all the same");
    }

    #[test]
    fn what_is_too_large_says_nothing_of_the_store() {
        let fault = crate::store::StoreFault::new("5 bytes over");
        assert!(EngineError::Refused(fault.clone()).is_of_store());
        assert!(!EngineError::TooLarge(fault).is_of_store());
    }

    #[test]
    fn a_store_that_refuses_is_tried_four_times_a_second() {
        let refusals = Refusals::default();
        let due = (0..10_000).map(Timestamp::from_millis).filter(|now| {
            let is_due = refusals.is_try_due(*now);
            if is_due {
                refusals.tried_in_vain(*now);
            }
            is_due
        });
        assert_eq!(due.count(), 40);
    }
}
