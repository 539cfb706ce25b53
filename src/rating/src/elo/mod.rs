//! Elo, extended to teams, free-for-all and a side at an advantage.
//!
//! Source: A. Elo, "The Rating of Chessplayers, Past and Present" (1978), with the logistic expectation that the
//! chess federations use: `E = 1 / (1 + 10^(-lead/scale))`, `new = old + K (actual - E)`. Where we go beyond it:
//!
//! - *Teams.* A side plays with the mean of its players' means, weighed by their shares; each player moves by the
//!   whole `K (actual - E)` times the own share.
//! - *Free-for-all.* The mean of the results against every other side: a match never moves a mean by more than `K`.
//! - *Newcomers* may have a `K` of their own ([`EloSettings::provisional_k`]).
//! - *Quitters* lose to every other side ([`crate::Entrant::quit`]).
//! - *Deviation.* Elo has none: every rating shows [`EloSettings::deviation`], for whoever needs a number
//!   (matching windows); volatility is carried as it is.
//! - *Extremes.* Means count up to 1e9; leads above about 6000 points (two sides) or behind the best by more than
//!   about 120,000 (more sides) count as that much, for a scale of 400.

mod settings;
mod sides;

pub use settings::EloSettings;
