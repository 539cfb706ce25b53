//! Short looks at why tickets wait, for those who listen: all of them together take the matcher little time.
use super::{Explained, Pools};
use crate::aside::aside_of;
use gsm_core::{QueueName, TicketId, Timestamp};
use parking_lot::Mutex;

/// Work units of one look at most: some tenths of a millisecond.
const GLANCE_WORK_MAX: u32 = 4_000;
/// Work units a millisecond that all looks may take in the mean, about a twentieth of a core; of a quiet time so many are left.
const WORK_PER_MS: u64 = 500;
const SAVED_MAX: u64 = 500_000;

/// What is left for looks, and when it was counted.
pub(super) struct Allowance(Mutex<(u64, Option<Timestamp>)>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new((SAVED_MAX, None)))
    }
}

impl Allowance {
    /// Whether one more look may be taken.
    fn has_left(&self, now: Timestamp) -> bool {
        let mut held = self.0.lock();
        let since = held.1.map_or(0, |at| now.since(at).get());
        *held = (held.0.saturating_add(since.saturating_mul(WORK_PER_MS)).min(SAVED_MAX), Some(now));
        held.0 > 0
    }

    fn spend(&self, work: u32) {
        let mut held = self.0.lock();
        held.0 = held.0.saturating_sub(u64::from(work));
    }
}

impl Pools {
    /// Why a ticket still waits, by a short look at the first of the others. Nothing where it does not wait, its pool is at
    /// work, or looks have taken their share of late.
    pub(crate) fn glance(&self, queue: &QueueName, id: TicketId, now: Timestamp) -> Option<Explained> {
        let pool = self.get(queue)?;
        let state = pool.state.try_lock()?;
        if !self.glances.has_left(now) {
            return None;
        }
        let (why, work) = aside_of(state.waiting(), || state.glance(id, now, GLANCE_WORK_MAX))?;
        self.glances.spend(work.saturating_add(1));
        Some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_together_take_their_share() {
        let allowance = Allowance::default();
        let looks = |at_ms: i64| {
            let now = Timestamp::from_millis(at_ms);
            (0..1_000)
                .take_while(|_| allowance.has_left(now))
                .inspect(|_| allowance.spend(GLANCE_WORK_MAX))
                .count()
        };
        assert_eq!((looks(1_000), looks(1_000)), (125, 0));
        // A second allows half a million; a clock that steps back, nothing.
        assert_eq!((looks(1_400), looks(1_000), looks(1_040)), (50, 0, 5));
        assert_eq!(looks(1_000_000), 125, "no more is saved up");
    }
}
