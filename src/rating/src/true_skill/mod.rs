//! TrueSkill, for teams and free-for-all, with draws and partial play.
//!
//! Source: R. Herbrich, T. Minka and T. Graepel, "TrueSkill: A Bayesian Skill Rating System" (NIPS 2006): the factor
//! graph of section 2 and the schedule of section 3. Means and deviations are in points of which a newcomer has 25.
//! Settings and results are those of the library trueskill 0.4.5 (Python). As there, the margin for draws follows
//! from the draws expected of equal sides ([`TrueSkillSettings::draw_probability`]) and the number of players.
//!
//! All of the graph but the differences of neighbours is a sum of normal variables, so it is worked out for sides,
//! not players; two sides need no iteration at all ([`crate::System::update_into`] takes the closed form).
//!
//! Where we go beyond both:
//!
//! - *Ties of three and more.* The chain of neighbours depends on the order in which tied sides stand, so they stand
//!   by mean, then variance, then size; sides equal in all of it learn the mean of what the chain tells each.
//! - *Quitters* lose to every other side ([`crate::Entrant::quit`]): a chain of its own for each side with quitters.
//! - *Time.* Idle deviations grow by [`TrueSkillSettings::growth_per_day`] up to
//!   [`TrueSkillSettings::deviation_max`].
//! - *Numbers.* No result is too surprising. Deviations are kept within `1e-3..=1e6`, means count up to 1e9.

mod chain;
mod settings;
mod sides;

pub(crate) use chain::Node;
pub use settings::TrueSkillSettings;
pub(crate) use sides::{Margin, Team, TrueSkill};
