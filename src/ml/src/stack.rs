//! Regressions that compete: those that predicted best so far speak loudest.
use crate::blr::Blr;
use crate::features::FEATURES;
use crate::numeric::{cost, dot, exp, logistic};
use crate::prior::BASE_ALONE;
use serde::{Deserialize, Serialize};

/// Who competes: a learner, its weights as they were at the beginning, and the base alone.
pub(crate) const MEMBERS: usize = 3;
/// How much a match takes of the losses before it.
const FADES: f64 = 5e-4;
/// Chances are kept this far from 0 and 1 when losses are counted.
const CHANCE_MIN: f64 = 1e-6;

/// Those who compete, and with how much success.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stack {
    learner: Blr<FEATURES>,
    fixed: [[f64; FEATURES]; MEMBERS - 1],
    /// What each lost so far, in nats, fading.
    losses: [f64; MEMBERS],
    shares: [f64; MEMBERS],
}

impl Stack {
    /// A learner that begins with weights of these means and deviations, beside one that keeps them and one that goes by
    /// the base alone: few matches may teach less than nothing.
    pub(crate) fn new(prior: &[(f64, f64); FEATURES], forgetting: f64) -> Self {
        let weights = prior.map(|(mean, _)| mean);
        let learner = Blr::new(weights, prior.map(|(_, deviation)| deviation * deviation), forgetting);
        let even = 1.0 / MEMBERS as f64;
        Self { learner, fixed: [weights, BASE_ALONE], losses: [0.0; MEMBERS], shares: [even; MEMBERS] }
    }

    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.shares[0] = f64::NAN;
    }

    /// Whether losses and shares are such.
    pub(crate) fn makes_sense(&self) -> bool {
        let sum: f64 = self.shares.iter().sum();
        self.fixed.iter().flatten().all(|weight| weight.is_finite())
            && self.losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0)
            && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (sum - 1.0).abs() < 1e-9
    }

    fn members(&self) -> impl Iterator<Item = &[f64; FEATURES]> {
        std::iter::once(self.learner.weights()).chain(&self.fixed)
    }

    /// The weights of all members together: logits are mixed, so that what a feature adds is one number.
    pub(crate) fn weights(&self) -> [f64; FEATURES] {
        let mut weights = [0.0; FEATURES];
        for (member, share) in self.members().zip(&self.shares) {
            for (sum, weight) in weights.iter_mut().zip(member) {
                *sum += share * weight;
            }
        }
        weights
    }

    pub(crate) fn logit(&self, x: &[f64; FEATURES]) -> f64 {
        self.members().zip(&self.shares).map(|(member, share)| share * dot(member, x)).sum()
    }

    /// What each of them says alone.
    pub(crate) fn logits(&self, x: &[f64; FEATURES]) -> [f64; MEMBERS] {
        let mut logits = [0.0; MEMBERS];
        for (logit, member) in logits.iter_mut().zip(self.members()) {
            *logit = dot(member, x);
        }
        logits
    }

    /// The variance of the learner's logit.
    pub(crate) fn variance(&self, x: &[f64; FEATURES]) -> f64 {
        self.learner.variance(x)
    }

    /// Learns from a result that counts `weight` times.
    pub(crate) fn learn(&mut self, x: &[f64; FEATURES], y: f64, weight: f64) {
        let mut chances = [0.5; MEMBERS];
        for (chance, member) in chances.iter_mut().zip(self.members()) {
            *chance = logistic(dot(member, x)).clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
        }
        let kept = 1.0 - FADES * weight;
        for (loss, p) in self.losses.iter_mut().zip(chances) {
            *loss = kept * *loss + weight * cost(p, y);
        }
        let least = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        self.shares = self.losses.map(|loss| exp(least - loss));
        let sum: f64 = self.shares.iter().sum();
        self.shares.iter_mut().for_each(|share| *share /= sum);
        self.learner.learn(x, y, weight, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior;

    fn x(base: f64, other: f64) -> [f64; FEATURES] {
        let mut x = [0.0; FEATURES];
        (x[0], x[5]) = (base, other);
        x
    }

    #[test]
    fn who_predicts_best_has_the_largest_share() {
        // Results follow the sixth feature alone, which only the learner can find out.
        let mut stack = Stack::new(&prior::FIELD, 0.0);
        for n in 0..2_000_u32 {
            let base = f64::from(n % 7) - 3.0;
            let other = if n % 2 == 0 { 1.0 } else { -1.0 };
            stack.learn(&x(base, other), if other > 0.0 { 1.0 } else { 0.0 }, 1.0);
        }
        assert!(stack.shares[0] > 0.999, "{:?}", stack.shares);
        assert!(stack.logit(&x(2.0, -1.0)) < -2.0);
    }

    #[test]
    fn mixed_weights_give_the_mixed_logit() {
        let mut stack = Stack::new(&prior::TWO_SIDES, 1e-6);
        for n in 0..20_u32 {
            stack.learn(&x(1.0, f64::from(n % 3)), f64::from(n % 2), 1.0);
        }
        let of = x(0.7, -0.4);
        assert!((dot(&stack.weights(), &of) - stack.logit(&of)).abs() < 1e-12);
        assert!((stack.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
