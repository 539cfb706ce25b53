use crate::{Change, Glicko2Settings, Rating, RatingError, SettingsError, Side, glicko2, outcome};
use gsm_core::{Probability, Timestamp};
use serde::{Deserialize, Serialize};

/// A rating system with its settings: what callers hold. In configuration `{"system": "glicko2", ...}` with the
/// settings beside the tag, all optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "snake_case")]
#[non_exhaustive]
pub enum System {
    /// Glicko-2 with a rating period of one match, for teams and free-for-all: see [`crate::glicko2`].
    Glicko2(Glicko2Settings),
}

impl Default for System {
    fn default() -> Self {
        Self::Glicko2(Glicko2Settings::default())
    }
}

impl System {
    /// Its name in configuration, stored histories and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Glicko2(_) => "glicko2",
        }
    }

    /// Refuses settings outside their ranges. The other methods expect settings that passed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        match self {
            Self::Glicko2(settings) => settings.validate(),
        }
    }

    /// The rating of a player without matches.
    #[must_use]
    pub const fn initial(&self) -> Rating {
        match self {
            Self::Glicko2(settings) => settings.initial(),
        }
    }

    /// The rating as it stands at `now`: the deviation has grown since `rated_at`, up to the system's maximum.
    /// Mean and volatility stay. No `rated_at`, or one after `now`, is no time passed.
    #[must_use]
    pub fn at(&self, rating: Rating, rated_at: Option<Timestamp>, now: Timestamp) -> Rating {
        match self {
            Self::Glicko2(settings) => {
                settings.grown(rating, rated_at.map(|then| now.since(then)).unwrap_or_default())
            }
        }
    }

    /// The expected score of side `a` against side `b` (win 1, tie 0.5, loss 0), from ratings grown to now;
    /// uncertainty of either side pulls it to one half. An empty side counts as one newcomer. O(players).
    #[must_use]
    pub fn expected_pair(&self, a: &[Rating], b: &[Rating]) -> Probability {
        match self {
            Self::Glicko2(settings) => glicko2::expected_pair(settings, a, b),
        }
    }

    /// The share of the match each side is expected to take; the shares sum to 1. Two sides: the expected
    /// scores. More: the sum of the expected scores against every other side, divided by the number of pairs, so
    /// that `n` equals have `1/n` each (a share of the wins, not the chance of coming first). One side: 1.
    /// O(sides² · players of a side).
    #[must_use]
    pub fn expected<S: AsRef<[Rating]>>(&self, sides: &[S]) -> Vec<Probability> {
        let n = sides.len();
        if n < 2 {
            return vec![Probability::saturating(1.0); n];
        }
        let mut shares = vec![0.0; n];
        for (i, a) in sides.iter().enumerate() {
            for (j, b) in sides.iter().enumerate().skip(i + 1) {
                let p = self.expected_pair(a.as_ref(), b.as_ref()).get();
                for (side, won) in [(i, p), (j, 1.0 - p)] {
                    if let Some(share) = shares.get_mut(side) {
                        *share += won;
                    }
                }
            }
        }
        let pairs = (n * (n - 1) / 2) as f64;
        shares.into_iter().map(|won| Probability::saturating(won / pairs)).collect()
    }

    /// The changes of one match, in the shape of `sides`. Ratings are those before the match, grown to its time.
    ///
    /// # Errors
    /// Fewer than 2 sides, an empty side, a rating that is not finite, or more sides or players than
    /// `gsm_core::limits` allows.
    pub fn update(&self, sides: &[Side<'_>]) -> Result<Vec<Vec<Change>>, RatingError> {
        outcome::check_size(sides)?;
        self.update_any_size(sides)
    }

    /// [`System::update`] without the server's size limits, for histories that came from elsewhere (contests of
    /// hundreds). O(sides² + players).
    ///
    /// # Errors
    /// As [`System::update`], but for the limits.
    pub fn update_any_size(&self, sides: &[Side<'_>]) -> Result<Vec<Vec<Change>>, RatingError> {
        outcome::check_shape(sides)?;
        Ok(match self {
            Self::Glicko2(settings) => glicko2::update(settings, sides),
        })
    }
}
