//! When to leave an endpoint alone.
use std::{collections::VecDeque, time::Duration};

/// So many of the last calls are looked at...
const CALLS: usize = 10;
/// ... and so many failures among them open the breaker.
const FAILURES: usize = 5;
/// Before it lets one call through again.
pub(super) const REST: Duration = Duration::from_secs(5);

/// What became of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// It opened: nothing goes through for a while.
    Opened,
    /// It closed again.
    Closed,
}

/// A breaker. Times are told by the caller, from any beginning.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Whether the last calls failed, the newest at the end.
    failed: VecDeque<bool>,
    /// Since when no call goes through.
    opened_at: Option<Duration>,
    /// A call is out that decides whether it closes.
    on_trial: bool,
}

impl Breaker {
    /// Whether a call may go out now; who may must tell how it went.
    pub(super) fn admits(&mut self, now: Duration) -> bool {
        match self.opened_at {
            None => true,
            Some(at) if now.saturating_sub(at) >= REST && !self.on_trial => {
                self.on_trial = true;
                true
            }
            Some(_) => false,
        }
    }

    /// How a call went that was admitted; whether that opened or closed the breaker.
    pub(super) fn went(&mut self, well: bool, now: Duration) -> Option<Turned> {
        if self.opened_at.is_some() {
            if !std::mem::take(&mut self.on_trial) {
                return None; // It went out before the breaker opened.
            }
            if well {
                *self = Self::default();
                return Some(Turned::Closed);
            }
            self.opened_at = Some(now);
            return None;
        }
        self.failed.push_back(!well);
        if self.failed.len() > CALLS {
            self.failed.pop_front();
        }
        if self.failed.iter().filter(|failed| **failed).count() >= FAILURES {
            self.opened_at = Some(now);
            return Some(Turned::Opened);
        }
        None
    }

    /// A call that was admitted was given up by its caller: nothing is known of it.
    pub(super) fn forget(&mut self) {
        self.on_trial = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn calls(breaker: &mut Breaker, went: &[bool]) {
        for well in went {
            assert!(breaker.admits(at(0)));
            breaker.went(*well, at(0));
        }
    }

    #[test]
    fn five_failures_of_ten_open_it_and_four_do_not() {
        let mut breaker = Breaker::default();
        let (good, bad) = (true, false);
        calls(&mut breaker, &[bad, good, bad, good, bad, good, bad, good, good, good]);
        // The first is forgotten when the eleventh comes.
        calls(&mut breaker, &[bad, good]);
        assert!(breaker.admits(at(1)));
        calls(&mut breaker, &[bad]);
        // Four of ten still: another of the first ones was forgotten.
        assert!(breaker.admits(at(0)));
        assert_eq!(breaker.went(bad, at(0)), Some(Turned::Opened));
        assert!(!breaker.admits(at(1)));
        let mut quick = Breaker::default();
        calls(&mut quick, &[bad; 5]);
        assert!(!quick.admits(at(4_999)));
    }

    #[test]
    fn after_a_rest_one_call_decides() {
        let mut breaker = Breaker::default();
        calls(&mut breaker, &[false; 5]);
        assert!(!breaker.admits(at(4_999)) && breaker.admits(at(5_000)));
        assert!(!breaker.admits(at(5_001)), "only one");
        assert_eq!(breaker.went(false, at(5_100)), None, "it has not closed");
        assert!(!breaker.admits(at(10_099)) && breaker.admits(at(10_100)));
        assert_eq!(breaker.went(true, at(10_101)), Some(Turned::Closed));
        calls(&mut breaker, &[false; 4]);
        assert!(breaker.admits(at(10_102)), "what was before is forgotten");
    }

    #[test]
    fn a_late_answer_of_an_earlier_call_decides_nothing() {
        let mut breaker = Breaker::default();
        assert!(breaker.admits(at(0)));
        calls(&mut breaker, &[false; 5]);
        breaker.went(true, at(10));
        assert!(!breaker.admits(at(20)));
        assert!(breaker.admits(at(5_000)));
        breaker.forget();
        assert!(breaker.admits(at(5_001)), "a trial that was given up is followed by another");
    }
}
