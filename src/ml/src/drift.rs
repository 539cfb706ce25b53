//! A drift alarm: whether results have become less predictable than the model itself believes.
//!
//! Cusum, the cumulative sum test of E. S. Page ("Continuous Inspection Schemes", Biometrika 41, 1954), on what a match lost more
//! than was expected: the log loss less the entropy of the prediction. Where chances are right its mean is 0, however
//! uneven the matches are, so that nothing has to be tuned to a game.
use serde::{Deserialize, Serialize};

/// Nats of each match that are no drift.
pub const TOLERATED: f64 = 0.05;
/// Nats at which the alarm is raised.
pub const ALARM_AT: f64 = 20.0;
/// A single match counts for no more nats than this, either way, before it is tolerated anything.
const LOSS_MAX: f64 = 2.0;
/// Chances are kept this far from 0 and 1.
const CHANCE_MIN: f64 = 1e-6;

/// The test, and what it has found.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Drift {
    sum: f64,
    matches: u64,
    alarms: u64,
    /// The match at which the alarm that holds was raised.
    since: Option<u64>,
}

/// What a prediction, chance `p` of a score `y`, lost; in nats.
#[must_use]
pub fn log_loss(p: f64, y: f64) -> f64 {
    let p = p.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
    -y * libm::log(p) - (1.0 - y) * libm::log1p(-p)
}

/// What a result cost more than its prediction, chance `p` of a score `y`, said that it would; in nats.
#[must_use]
pub fn excess(p: f64, y: f64) -> f64 {
    let p = p.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
    // -y ln p - (1-y) ln(1-p) less the same with p for y.
    (p - y) * (libm::log(p) - libm::log1p(-p))
}

impl Drift {
    /// Takes in a match: pairs of predicted and reached scores, one of two sides or one a side. Whether that raises the
    /// alarm. It is silent again once as much was lost less than expected, or tolerated. A match of more than two sides
    /// counts as half as many duels as it has sides, for it tells, and teaches the model, as much.
    pub fn add(&mut self, scores: impl IntoIterator<Item = (f64, f64)>) -> bool {
        let (mut lost, mut n) = (0.0, 0.0_f64);
        for (p, y) in scores {
            lost += excess(p, y);
            n += 1.0;
        }
        self.matches = self.matches.saturating_add(1);
        let duels = (n / 2.0).max(1.0);
        let lost = (duels * lost / n.max(1.0)).clamp(-LOSS_MAX, LOSS_MAX);
        self.sum = (self.sum + lost - duels * TOLERATED).clamp(0.0, 2.0 * ALARM_AT);
        if self.sum == 0.0 {
            self.since = None;
        }
        let raised = self.sum >= ALARM_AT && self.since.is_none();
        if raised {
            self.alarms += 1;
            self.since = Some(self.matches);
        }
        raised
    }

    /// Nats lost beyond what was expected and tolerated, since that last was nothing.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// Matches looked at.
    #[must_use]
    pub const fn matches(&self) -> u64 {
        self.matches
    }

    /// How often the alarm was raised.
    #[must_use]
    pub const fn alarms(&self) -> u64 {
        self.alarms
    }

    /// At which match it was raised, if it holds.
    #[must_use]
    pub const fn since(&self) -> Option<u64> {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::logistic;
    use gsm_core::SplitMix64;

    /// Matches up to the first alarm; `real` makes of a predicted logit the true one.
    fn until_alarm(seed: u64, most: u64, real: impl Fn(f64) -> f64) -> u64 {
        let (mut drift, mut chance) = (Drift::default(), SplitMix64::new(seed));
        for n in 1..=most {
            let logit = 3.0 * (chance.unit() + chance.unit() - 1.0);
            let won = chance.unit() < logistic(real(logit));
            if drift.add([(logistic(logit), if won { 1.0 } else { 0.0 })]) {
                return n;
            }
        }
        u64::MAX
    }

    #[test]
    fn calibrated_predictions_are_quiet() {
        let false_alarms =
            (0..20).filter(|seed| until_alarm(*seed, 50_000, |logit| logit) < u64::MAX).count();
        assert_eq!(false_alarms, 0, "in a million matches");
    }

    #[test]
    fn results_without_reason_are_found() {
        let mut waits: Vec<u64> = (0..50).map(|seed| until_alarm(seed, 10_000, |_| 0.0)).collect();
        waits.sort_unstable();
        assert!(waits[25] < 150 && waits[49] < 300, "{waits:?}");
    }

    #[test]
    fn what_is_lost_is_even_on_the_mean() {
        for p in [0.01, 0.3, 0.5, 0.9] {
            assert!((p * excess(p, 1.0) + (1.0 - p) * excess(p, 0.0)).abs() < 1e-15);
            assert!(excess(p, p).abs() < 1e-15);
        }
        let lost = |p: f64, y: f64| -(y * p.ln() + (1.0 - y) * (1.0 - p).ln());
        assert!((excess(0.8, 0.0) - (lost(0.8, 0.0) - lost(0.8, 0.8))).abs() < 1e-15);
    }

    #[test]
    fn an_alarm_is_raised_once_and_ends() {
        let mut drift = Drift::default();
        let raised = (0..100).filter(|_| drift.add([(0.95, 0.0)])).count();
        assert_eq!((raised, drift.alarms(), drift.since()), (1, 1, Some(11)));
        assert_eq!(drift.sum(), 2.0 * ALARM_AT);
        while drift.since().is_some() {
            drift.add([(0.9, 1.0)]);
        }
        assert_eq!((drift.alarms(), drift.sum()), (1, 0.0));
    }
}
