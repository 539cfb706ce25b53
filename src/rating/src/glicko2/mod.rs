//! Glicko-2 with a rating period of one match, extended to teams and free-for-all.
//!
//! Source: M. Glickman, "Example of the Glicko-2 system" (glicko.net/glicko/glicko2.pdf); "step" below is a step
//! of that paper. Where we go beyond it:
//!
//! - *Time.* The paper grows the deviation by one volatility per rating period, played or not. Here a match is a
//!   period of its own (step 6), and idle time adds a further one per [`Glicko2Settings::period_ms`], by fractions.
//! - *Teams.* A side plays as one player whose mean is the mean of its players' and whose variance is the variance
//!   of that mean, `sum(deviation²) / n²`. A player moves that mean by `1/n` of the own move, so the player's
//!   evidence is the side's with slope `1/n` (the chain rule in steps 3 and 4). A side of one is the paper. The
//!   uncertainty of team-mates is left out: adding it changed nothing on measured histories.
//! - *Partial play.* A player's share of the match is the weight in the side's mean and variance, and how often the
//!   result counts for the player.
//! - *Free-for-all.* A side plays every other side; each pair weighs `1/(sides - 1)^field_exponent`, so two sides
//!   weigh 1 and are the paper.
//! - *Quitters* lose to every other side ([`crate::Entrant::quit`]).
//! - *Extremes.* Means count up to 1e9, deviation and volatility are clamped to their ranges, and a
//!   lead above about 6000 points counts as 6000: nothing overflows.

mod evidence;
mod scale;
mod settings;
mod sides;
mod volatility;

pub use evidence::{PeriodGame, period_update};
pub use settings::{Glicko2Settings, VOLATILITY_MAX, VOLATILITY_MIN};
