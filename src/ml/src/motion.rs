//! How much faster skill moves than the base expert takes it to, and so how wide an interval has to be.
//!
//! Results do not tell it: of one match they say who won, not what the chance was. What the model has learnt to do with
//! them does: whoever believes in a variance `v` of a lead moves it by `v` times what a result came unexpected (the step
//! of an extended Kalman filter on a logit), so that a model whose weights follow form closely says by its steps how little
//! it is sure of. Of every 32nd match the step is looked at; what the steps are above those of the base is added to the
//! variance of every lead.
use serde::{Deserialize, Serialize};

/// Of so many matches one is looked at.
const EVERY: u32 = 32;
/// What counts of all that was seen, when one more is.
const KEPT: f64 = 0.992;
/// As if so much had been seen at the start, of a model that moves as its base: some ten matches.
const PRIOR: f64 = 15.0;
/// Of a lead that is known well more is learnt; none is known better than this variance.
const KNOWN: f64 = 0.02;
/// The most that is added.
const EXCESS_MAX: f64 = 4.0;

/// Steps of a mode's model beside those of its base.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Motion {
    matches: u32,
    /// Of steps above those of the base, times the surprise; and of the squares of surprises.
    moved: f64,
    surprised: f64,
}

impl Motion {
    pub(crate) const fn new() -> Self {
        Self { matches: 0, moved: 0.0, surprised: PRIOR }
    }

    /// Whether the step of the next match is to be looked at.
    pub(crate) const fn is_due(&self) -> bool {
        self.matches.wrapping_add(1).is_multiple_of(EVERY)
    }

    /// Counts a match.
    pub(crate) const fn count(&mut self) {
        self.matches = self.matches.wrapping_add(1);
    }

    /// After a match that came unexpected by `surprise` the logit of the same match is more by `step`; `variance` is
    /// what the base believed of the lead. Nothing happens where one is not finite.
    pub(crate) fn learn(&mut self, step: f64, surprise: f64, variance: f64) {
        let weight = 1.0 / (variance + KNOWN);
        let (more, seen) = (weight * (step - variance * surprise) * surprise, weight * surprise * surprise);
        if (more + seen).is_finite() {
            self.moved = KEPT * self.moved + more;
            self.surprised = KEPT * self.surprised + seen;
        }
    }

    /// What the variance of a lead is more than the base believes.
    pub(crate) fn excess(&self) -> f64 {
        (self.moved / self.surprised).clamp(0.0, EXCESS_MAX)
    }

    /// Whether they are numbers that can come of matches.
    pub(crate) fn makes_sense(&self) -> bool {
        self.moved.is_finite() && self.surprised.is_finite() && self.surprised > 0.0
    }

    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.surprised = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Meeting, Model, Outcome};
    use gsm_core::Timestamp;

    /// Steps of a model that believes in `variance` where its base believes in .1.
    fn excess(variance: f64) -> f64 {
        let mut motion = Motion::new();
        for nth in 0..4_000 {
            let surprise = if nth % 3 == 0 { 0.6 } else { -0.3 };
            motion.learn(variance * surprise, surprise, 0.1);
        }
        motion.excess()
    }

    #[test]
    fn steps_tell_what_is_believed() {
        assert!((excess(0.4) - 0.3).abs() < 0.01, "{}", excess(0.4));
        assert_eq!((excess(0.1), excess(0.05), excess(1e9)), (0.0, 0.0, EXCESS_MAX));
        assert_eq!(Motion::new().excess(), 0.0);
    }

    /// Duels of players whose form moves, so many of one moment: with `fresh` each is learnt by what it was looked at right before.
    fn of_moments(matches: u32, fresh: bool) -> f64 {
        let mut model = Model::new();
        let mut drawn = 1_u64;
        let mut unit = || {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (drawn >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut skill = [0.0; 12];
        for moment in 0..6_000 / matches {
            let at = Timestamp::from_millis(i64::from(moment) * 600_000);
            let one = (unit() * 12.0) as u32;
            let (one, other) = ([one], [(one + 1 + (unit() * 11.0) as u32) % 12]);
            let meeting = Meeting::new(at, &one, &other);
            let begin = model.features(&meeting).unwrap();
            for _ in 0..matches {
                let now = model.features(&meeting).unwrap();
                let lead: f64 = skill[one[0] as usize] - skill[other[0] as usize];
                let places = if unit() < 1.0 / (1.0 + (-lead).exp()) { [1, 2] } else { [2, 1] };
                let of: &Features = if fresh { &now } else { &begin };
                model.learn(&meeting, of, &Outcome { places, scores: [None, None] }).unwrap();
                for of in [one[0], other[0]] {
                    skill[of as usize] += unit() - 0.5;
                }
            }
        }
        model.motion.excess()
    }

    /// What the matches before it did since a match was predicted is no step of its own.
    #[test]
    fn a_step_is_that_of_one_match() {
        let (fresh, of_eight) = (of_moments(8, true), of_moments(8, false));
        assert!(fresh > 0.3 && of_eight < fresh, "{of_eight} {fresh}");
        assert_eq!(of_moments(1, true), of_moments(1, false));
    }

    #[test]
    fn one_of_many_is_looked_at_and_what_is_no_number_counts_not() {
        let mut motion = Motion::new();
        let is_due = |_: &u32| {
            let is_due = motion.is_due();
            motion.count();
            is_due
        };
        assert_eq!((0..10 * EVERY).filter(is_due).count(), 10);
        motion.learn(f64::NAN, 0.5, 0.1);
        motion.learn(1.0, 0.5, f64::INFINITY);
        assert!(motion.excess() == 0.0 && motion.makes_sense());
        motion.spoil();
        assert!(!motion.makes_sense());
    }
}
