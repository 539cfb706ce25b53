//! How well predictions held up: streaming sums and the figures made of them.
//!
//! The definitions are those of the project's evaluation protocol, version 1 (design notes, "rating", section A).
//! The caller decides which matches are scored (windows) and that predictions were made before results were known.
//!
//! ```
//! use gsm_rating::evaluation::Evaluation;
//! let mut evaluation = Evaluation::new();
//! evaluation.two_sides(0.8, 1.0);
//! evaluation.two_sides(0.6, 0.0);
//! let figures = evaluation.report().two_sides.unwrap();
//! assert_eq!((figures.matches, figures.accuracy), (2, Some(0.5)));
//! ```
mod calibration;
mod closeness;
mod contender;
mod home;
mod learner;
mod pairs;
mod protocol;
mod report;
mod three_ways;
mod two_sides;

pub use closeness::{Closeness, ClosenessReport};
pub use contender::Contender;
pub use home::advantages;
pub(crate) use home::has_home;
pub use protocol::{Forecaster, Scored, Unrated, Windows, evaluate, evaluate_by, evaluate_within};
pub use report::{CalibrationBin, PairsReport, Report, ThreeWaysReport, TwoSidesReport};

use serde::{Deserialize, Serialize};

/// Predictions this close to one half take no side: half a point of accuracy.
const TOSS_UP: f64 = 1e-9;
/// Probabilities are kept this far from 0 and 1 in the log loss.
const CLAMP: f64 = 1e-6;
/// Bins of the calibration table, of equal width over `0.0..=1.0`.
pub const BINS: usize = 20;

/// Sums over scored matches. Constant size.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evaluation {
    two_sides: two_sides::Sums,
    three_ways: three_ways::Sums,
    pairs: pairs::Sums,
}

impl Evaluation {
    /// Nothing scored yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One match of two sides: `p` is the predicted score of side 0, `y` its score (1, 0.5 or 0).
    /// Values outside `0.0..=1.0` count as the nearest within, NaN as one half.
    pub fn two_sides(&mut self, p: f64, y: f64) {
        self.two_sides.add(unit(p), unit(y));
    }

    /// The same match, of a system that also says how likely a draw is: `p` is the expected score, `draw` the chance
    /// of a draw.
    pub fn three_ways(&mut self, p: f64, draw: f64, y: f64) {
        self.three_ways.add(unit(p), unit(draw), unit(y));
    }

    /// One free-for-all match, as its unordered pairs: `p` is the predicted chance that the one is ahead of the
    /// other, `y` is 1 if so and 0 if not. Ties (0.5) are left out; a match without a decided pair is skipped.
    pub fn pairs(&mut self, pairs: impl IntoIterator<Item = (f64, f64)>) {
        self.pairs_told(|each| pairs.into_iter().for_each(|(p, y)| each(p, y)));
    }

    /// [`Evaluation::pairs`] of who tells the pairs one by one: those of a match of thousands are many, and none is kept.
    pub fn pairs_told(&mut self, tell: impl FnOnce(&mut dyn FnMut(f64, f64))) {
        let mut of = pairs::OfMatch::default();
        tell(&mut |p, y| of.add(unit(p), unit(y)));
        self.pairs.add_match(of);
    }

    /// The figures so far.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            two_sides: self.two_sides.report(),
            three_ways: self.three_ways.report(),
            pairs: self.pairs.report(),
        }
    }
}

fn unit(value: f64) -> f64 {
    gsm_core::Probability::saturating(value).get()
}

/// `-y ln q - (1-y) ln(1-q)` in nats, `q` clamped.
fn log_loss(p: f64, y: f64) -> f64 {
    let q = p.clamp(CLAMP, 1.0 - CLAMP);
    -y * libm::log(q) - (1.0 - y) * libm::log(1.0 - q)
}

/// Whether a chance `p` of a score `y` was right, of a match that was decided: 1 for the right side, 0 for the wrong one, one half
/// for a toss-up (`p` within 1e-9 of one half).
#[must_use]
pub fn hit(p: f64, y: f64) -> f64 {
    if (p - 0.5).abs() < TOSS_UP {
        0.5
    } else if (p > 0.5) == (y > 0.5) {
        1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
