//! A Kalman filter over a logistic model: the project's own system, for duels, teams and free-for-all.
//!
//! A player's skill is a normal belief that widens with time and with every match. A match is one observation of a
//! difference of skills, the posterior of which is found by Newton's method (its mode, and the curvature there) and
//! handed to the players in proportion to their uncertainty, as a Kalman filter does. What it knows beyond Glicko:
//!
//! - *Margin of victory.* Where sides have scores, the margin is a second, Gaussian observation of the same
//!   difference. Slope and noise of the margin are learnt from the matches themselves ([`Learnt`]).
//! - *Newcomers.* Where a newcomer stands among those who play is learnt as well, not assumed: each rating carries
//!   the share of it that is still prior (the field [`crate::Rating::volatility`], -1 for a newcomer, towards 0 with
//!   matches), and the learnt place of newcomers counts in that share. On the histories measured (docs/prediction.md)
//!   this is worth more than everything else together.
//! - *Variants* (map, surface, role): an offset of each player's skill in the variant played, [`crate::Offset`].
//! - *Home advantage* and the *sharpness* of predictions are learnt like the newcomers' place.
//!
//! Units inside are natural (of the logistic function), outside points, 173.7178 to one.
//!
//! Source: the update is the extended Kalman filter for a Bernoulli observation with logistic link; the
//! prediction's attenuation `1/sqrt(1 + pi/8 S)` is MacKay's (Information Theory, Inference, and Learning
//! Algorithms, section 41.5). The rest is our own and described where it is done.
//!
//! - *Teams.* A side of `n` plays with the sum of its players' skills times `n^-team_exponent` (1 is the mean).
//!   Shares of the match take the place of heads.
//! - *Free-for-all.* A side sees the field as duels that weigh `field_weight / (n-1)^field_exponent`, their outcomes
//!   flattened by the opponents' uncertainty; with more than 64 opponents a systematic sample of them, by place.
//! - *Quitters* lose to every other side ([`crate::Entrant::quit`]); margins do not count for them.

mod field;
mod learnt;
mod posterior;
mod settings;
mod sides;
mod team;
mod variants;

pub(crate) use field::Opponent;
pub use learnt::Learnt;
pub(crate) use learnt::Lesson;
pub use settings::{KalmanSettings, Margin};
pub(crate) use sides::{expected_pair, lead, update};
pub(crate) use team::Team;
pub use variants::Offsets;

/// Points per natural unit: 400 / ln 10.
pub(crate) const POINTS: f64 = 173.717_792_761_263_1;
