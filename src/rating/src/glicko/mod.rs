//! Glicko with a rating period of one match, extended to teams and free-for-all.
//!
//! Source: M. Glickman, "The Glicko system" (glicko.net/glicko/glicko.pdf; in full: "Parameter estimation in large
//! dynamic paired comparison experiments", Applied Statistics 48, 1999): step 1 is [`crate::System::at`], step 2
//! the update. Where we go beyond it, we do as [`crate::glicko2`] does: a match is a period, a side plays as one
//! player, free-for-all is weighed pairs, quitters lose to all, extremes are clamped. What differs from Glicko-2:
//! no volatility (it is carried as it is), and idle time grows the deviation by [`GlickoSettings::growth_per_day`],
//! the paper's `c`.

mod settings;
mod sides;

pub use settings::GlickoSettings;
