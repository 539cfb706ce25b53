//! The chance of a draw: largest between equals, and larger where both sides drew often.
use crate::blr::Blr;
use crate::numeric::{ln, logistic};
use serde::{Deserialize, Serialize};

/// A constant, evenness, and how often both sides drew.
const SIZE: usize = 4;
/// Before any result: hardly a draw, but few results say otherwise.
const PRIOR: [f64; SIZE] = [-4.0, 1.0, 1.0, 0.0];
const VARIANCES: [f64; SIZE] = [9.0, 0.25, 9.0, 0.25];
const FORGETTING: f64 = 1e-6;
/// A draw takes no more than this of the chance of the weaker side to get anything.
const SHARE_MAX: f64 = 0.95;

/// A regression of draws on how even a match is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draws(Blr<SIZE>);

fn input(logit: f64, draw_rate: f64) -> [f64; SIZE] {
    let even = 4.0 * logistic(logit) * logistic(-logit);
    [1.0, ln(even), draw_rate, even]
}

impl Draws {
    pub(crate) fn new() -> Self {
        Self(Blr::new(PRIOR, VARIANCES, FORGETTING))
    }

    /// Of a match whose expected score has this logit.
    pub(crate) fn chance(&self, logit: f64, draw_rate: f64) -> f64 {
        let weaker = logistic(-logit.abs());
        logistic(self.0.logit(&input(logit, draw_rate))).min(SHARE_MAX * 2.0 * weaker)
    }

    pub(crate) fn learn(&mut self, logit: f64, draw_rate: f64, score: f64) {
        let drawn = if score == 0.5 { 1.0 } else { 0.0 };
        self.0.learn(&input(logit, draw_rate), drawn, 1.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_become_as_likely_as_they_were() {
        let (mut often, mut never) = (Draws::new(), Draws::new());
        for n in 0..2_000 {
            often.learn(0.2, 0.3, if n % 4 == 0 { 0.5 } else { 1.0 });
            never.learn(0.2, 0.0, f64::from(n % 2));
        }
        assert!((often.chance(0.2, 0.3) - 0.25).abs() < 0.01, "{}", often.chance(0.2, 0.3));
        assert!(never.chance(0.2, 0.0) < 0.002);
        assert_eq!(often.chance(-0.7, 0.3), often.chance(0.7, 0.3));
    }

    #[test]
    fn a_draw_leaves_something_to_both_sides() {
        let mut draws = Draws::new();
        for _ in 0..1_000 {
            draws.learn(0.0, 1.0, 0.5);
        }
        for logit in [-35.0, -9.0, 0.0, 3.0, 35.0] {
            let (draw, weaker) = (draws.chance(logit, 1.0), logistic(-f64::abs(logit)));
            assert!(draw > 0.0 && draw / 2.0 < weaker, "{logit}");
        }
    }
}
