//! The five models of Weng and Lin, for teams and free-for-all.
//!
//! Source: R. Weng and C.-J. Lin, "A Bayesian Approximation Method for Online Ranking", Journal of Machine Learning
//! Research 12 (2011): algorithm 1 (Bradley-Terry, full pair), 2 (Thurstone-Mosteller, full pair), 3 (Plackett-Luce),
//! and section 5 for partial pairs. Means and deviations are in points of which a newcomer has 25. Settings and
//! results are those of the library openskill 6.2 (Python), which goes beyond the paper in these:
//!
//! - *Dynamics.* Each deviation grows by [`WengLinSettings::tau`] (as squares are added) before each match.
//! - *Partial pairs.* A side meets the sides up to [`WengLinSettings::window`] places away, and moves by the mean of
//!   what they say (the paper: the next ones, and their sum). Ties share their place, so that a tie meets everybody
//!   whom one of its sides would meet (openskill: the next ones in the list, whichever of a tie they are, which differs where
//!   there are more sides than `window` + 1).
//! - *Thurstone-Mosteller, partial pairs*: twice the paper's `c`.
//!
//! Where we go beyond both:
//!
//! - *Partial play.* A side is the sum of its players' skills, weighed by their shares; a player's part of what the
//!   side learns is weighed by the share too, in the mean and, squared, in the variance (the chain rule).
//! - *Quitters* lose to every other side ([`crate::Entrant::quit`]).
//! - *Time.* Idle deviations grow by [`WengLinSettings::growth_per_day`] up to [`WengLinSettings::deviation_max`].
//! - *Numbers.* Tails are exact where openskill cuts them off: very surprising results move a little differently.
//!   Deviations are kept within `1e-3..=1e6`, means count up to 1e9.
//!
//! The expected and actual score of a change are means over the sides that were met.

mod lists;
mod pairs;
mod settings;
mod sides;

pub use settings::{WengLinModel, WengLinSettings};
pub(crate) use sides::Team;
