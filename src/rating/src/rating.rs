use crate::Change;
use gsm_core::{Probability, Timestamp};
use serde::{Deserialize, Serialize};

/// The volatility that newcomers of systems without one carry, in case their mode changes to Glicko-2.
pub(crate) const VOLATILITY: f64 = 0.06;

/// What is believed about one player's skill in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rating {
    /// The estimate, in the system's points: a newcomer of Elo and Glicko has 1500, of TrueSkill and Weng-Lin 25.
    pub mean: f64,
    /// The standard deviation of the estimate, in the same points; a newcomer of Glicko has 350, of TrueSkill and
    /// Weng-Lin 8.33. Elo shows a constant.
    pub deviation: f64,
    /// How much the skill itself is expected to wander in one rating period, on the Glicko-2 scale (one unit is
    /// 173.7178 points); a newcomer has 0.06. Systems without volatility carry it unchanged. The Kalman system keeps another
    /// number here, with a minus: how much of the mean is still a newcomer's prior, -1 for a newcomer, towards 0 with
    /// matches.
    pub volatility: f64,
}

impl Rating {
    /// Whether none of the three is infinite or NaN.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.mean.is_finite() && self.deviation.is_finite() && self.volatility.is_finite()
    }

    /// The mean that a share of players would be below if they were spread as unsure as this rating is, in points: the
    /// quantile of a logistic distribution of its mean and deviation (the variance of one of scale `s` is `(πs)²/3`). Shares
    /// nearer to 0 or 1 than a two-thousandth count as that.
    #[must_use]
    pub fn quantile(self, share: Probability) -> f64 {
        const END: f64 = 1.0 / 2_000.0;
        let share = share.get().clamp(END, 1.0 - END);
        let scale = self.deviation * 3.0_f64.sqrt() / std::f64::consts::PI;
        self.mean + scale * libm::log(share / (1.0 - share))
    }
}

/// What a player's row holds. The deviation grows with time; the row does not change meanwhile: it is grown when
/// read, by [`crate::System::at`] with these fields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatedState {
    /// The rating as it stood at `rated_at`.
    pub rating: Rating,
    /// When the last rated match counted; `None` before the first.
    pub rated_at: Option<Timestamp>,
    /// Rated matches so far.
    pub games: u32,
}

impl RatedState {
    /// A player without matches.
    #[must_use]
    pub const fn new(rating: Rating) -> Self {
        Self { rating, rated_at: None, games: 0 }
    }
    /// The row after a match that counted at `now`. A clock that stepped back does not move `rated_at` back.
    #[must_use]
    pub fn after(self, change: &Change, now: Timestamp) -> Self {
        Self {
            rating: change.after,
            rated_at: self.rated_at.max(Some(now)),
            games: self.games.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_where_the_distribution_has_the_share() {
        let rating = Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 };
        for share in [0.001, 0.1, 0.5, 0.97] {
            let at = rating.quantile(Probability::new(share).unwrap());
            let scale = 350.0 * 3.0_f64.sqrt() / std::f64::consts::PI;
            let below = 1.0 / (1.0 + (-(at - 1500.0) / scale).exp());
            assert!((below - share).abs() < 1e-12, "{share} {at}");
        }
        assert_eq!(
            rating.quantile(Probability::new(0.0).unwrap()),
            rating.quantile(Probability::new(1e-9).unwrap())
        );
    }

    #[test]
    fn a_row_counts_its_matches_and_never_steps_back_in_time() {
        let rating = Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 };
        let won = Change {
            before: rating,
            after: Rating { mean: 1600.0, ..rating },
            expected: Probability::HALF,
            actual: 1.0,
            offset: None,
        };
        let (early, late) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
        let row = RatedState::new(rating).after(&won, late).after(&won, early);
        assert_eq!(row, RatedState { rating: won.after, rated_at: Some(late), games: 2 });
    }
}
