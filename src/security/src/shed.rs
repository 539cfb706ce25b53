//! Load shedding: which share of the requests is let in, by how long work waits for its turn.
//!
//! A queue is bad if it stands: the criterion is that of CoDel (RFC 8289), the least wait within an interval above a
//! target. What follows is another: CoDel drops ever faster until senders slow down, but callers of an API do
//! not, so a share is let in that shrinks with the excess and grows by small steps, as in DAGOR (Zhou et al., SoCC 2018).
use gsm_core::Millis;

/// The smallest share.
const SHARE_MIN: f64 = 0.02;
/// What is kept of the share in the worst interval.
const SHRINK_MOST: f64 = 0.5;
/// What the share grows by in a good interval.
const GROWTH: f64 = 0.01;

/// When to shed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SheddingLimits {
    /// The wait that is no fault.
    pub target: Millis,
    /// Between two looks.
    pub interval: Millis,
    /// Requests of each interval that are let in whatever waits. Where no more come, the queue is not theirs: another
    /// process has the processor, and nothing is shed.
    pub always: u32,
}

impl Default for SheddingLimits {
    fn default() -> Self {
        Self { target: Millis::new(20), interval: Millis::new(100), always: 5 }
    }
}

/// The share that is let in.
#[derive(Debug, Clone)]
pub struct Shedding {
    limits: SheddingLimits,
    share: f64,
    /// Parts of requests that are owed entry.
    credit: f64,
    admitted: u32,
    came: u32,
    since_ms: u64,
    least_us: Option<u64>,
}

impl Shedding {
    /// All are let in.
    #[must_use]
    pub fn new(limits: SheddingLimits) -> Self {
        Self { limits, share: 1.0, credit: 0.0, admitted: 0, came: 0, since_ms: 0, least_us: None }
    }

    /// Lets all in again.
    pub fn open(&mut self) {
        *self = Self { since_ms: self.since_ms, ..Self::new(self.limits) };
    }

    /// Takes note of how long something waited for its turn, at `now_ms` of a monotonic clock, and how many requests
    /// have come since the last note.
    pub fn observe(&mut self, now_ms: u64, waited_us: u64, came: u32) {
        self.came = self.came.saturating_add(came);
        self.least_us = Some(self.least_us.map_or(waited_us, |least| least.min(waited_us)));
        if now_ms.saturating_sub(self.since_ms) < self.limits.interval.get() {
            return;
        }
        let least = self.least_us.take().unwrap_or(0) as f64;
        let target = self.limits.target.get().saturating_mul(1_000) as f64;
        self.share = if least > target && self.came > self.limits.always {
            (self.share * (target / least).max(SHRINK_MOST)).max(SHARE_MIN)
        } else {
            (self.share + GROWTH).min(1.0)
        };
        (self.since_ms, self.admitted, self.came) = (now_ms, 0, 0);
    }

    /// Whether the next request is let in. Of equal requests the share is let in evenly, not by chance.
    pub fn admit(&mut self) -> bool {
        if self.share >= 1.0 {
            return true;
        }
        self.credit = (self.credit + self.share).min(2.0);
        let owed = self.credit >= 1.0;
        if owed {
            self.credit -= 1.0;
        }
        let lets_in = owed || self.admitted < self.limits.always;
        self.admitted += u32::from(lets_in);
        lets_in
    }

    /// The share, `0.0..=1.0`.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// When those who are refused should come back, in seconds: the more are, the later.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        1 + (4.0 * (1.0 - self.share)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn shedding(always: u32) -> Shedding {
        Shedding::new(SheddingLimits { always, ..SheddingLimits::default() })
    }
    /// Intervals in which everything waited so long.
    fn wait(shedding: &mut Shedding, from_ms: u64, intervals: u64, waited_us: u64) {
        (0..=intervals).for_each(|i| shedding.observe(from_ms + i * 100, waited_us, 1_000));
    }

    #[test]
    fn nothing_is_shed_while_the_queue_empties_now_and_then() {
        let mut shedding = shedding(0);
        for i in 0..1_000 {
            shedding.observe(i * 10, if i % 10 == 3 { 9_000 } else { 500_000 }, 100);
        }
        assert!((0..1_000).all(|_| shedding.admit()));
    }

    #[test]
    fn a_standing_queue_sheds_and_its_end_lets_in_again() {
        let mut shedding = shedding(0);
        wait(&mut shedding, 0, 20, 100_000);
        assert_eq!(shedding.share(), SHARE_MIN);
        assert_eq!((0..1_000).filter(|_| shedding.admit()).count(), 20);
        assert_eq!(shedding.retry_after_s(), 4);
        wait(&mut shedding, 3_000, 50, 0);
        assert!(shedding.share() < 1.0);
        wait(&mut shedding, 9_000, 50, 0);
        assert!((0..1_000).all(|_| shedding.admit()) && shedding.retry_after_s() == 1);
    }

    #[test]
    fn where_few_come_the_queue_is_not_theirs() {
        let mut shedding = shedding(20);
        (0..100).for_each(|i| shedding.observe(i * 100, 1_000_000, 20));
        assert_eq!(shedding.share(), 1.0);
        wait(&mut shedding, 10_000, 20, 100_000);
        assert_eq!(shedding.share(), SHARE_MIN);
        shedding.open();
        assert!((0..1_000).all(|_| shedding.admit()));
    }

    #[test]
    fn a_few_are_always_let_in() {
        let mut shedding = shedding(20);
        wait(&mut shedding, 0, 20, 100_000);
        assert_eq!((0..20).filter(|_| shedding.admit()).count(), 20);
        assert!((0..20).filter(|_| shedding.admit()).count() <= 1);
    }

    /// One worker, one queue, three times as many requests as it can serve, each of 1 ms; a refusal costs a tenth of
    /// that, and waits in the same queue. Returns the p99 of the waits of those let in, in ms, and how many a second.
    fn overload(mut shedding: Shedding) -> (f64, f64) {
        let (mut queue, mut free_us, mut waits) = (VecDeque::new(), 0u64, Vec::new());
        for now_us in (0..20_000_000u64).step_by(333) {
            queue.push_back(now_us);
            while free_us <= now_us
                && let Some(came) = queue.pop_front()
            {
                let begins = free_us.max(came);
                shedding.observe(begins / 1_000, begins - came, 1);
                let lets_in = shedding.admit();
                free_us = begins + if lets_in { 1_000 } else { 100 };
                if lets_in && now_us > 5_000_000 {
                    waits.push((begins - came) as f64 / 1_000.0);
                }
            }
        }
        waits.sort_by(f64::total_cmp);
        (waits[waits.len() * 99 / 100], waits.len() as f64 / 15.0)
    }

    #[test]
    fn at_three_times_the_capacity_those_who_are_let_in_wait_little() {
        let (p99, served) = overload(shedding(20));
        // 700 a second are left beside 2,300 refusals of a tenth of a millisecond each.
        assert!(p99 < 100.0 && served > 550.0, "{p99} ms, {served} a second");
        let open = SheddingLimits { target: Millis::new(1 << 40), ..SheddingLimits::default() };
        let (p99, _) = overload(Shedding::new(open));
        assert!(p99 > 5_000.0, "without it they wait ever longer: {p99} ms");
    }
}
