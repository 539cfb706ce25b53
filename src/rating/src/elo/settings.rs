use crate::{Entrant, Rating, SettingsError, numeric};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;

/// Settings of Elo. The defaults are those of the plainest use: K 32, 400 points for odds of ten to one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EloSettings {
    /// The most that a match moves a mean, in points, `0.0..=1e4`.
    pub k: f64,
    /// The same for players with less than `provisional_games` rated matches, `0.0..=1e4`.
    pub provisional_k: f64,
    /// How many matches count as a newcomer's; 0 (the default) turns `provisional_k` off.
    pub provisional_games: u32,
    /// The lead, in points, that makes odds of ten to one, `1.0..=1e5`.
    pub scale: f64,
    /// A newcomer's mean, in points.
    pub mean: f64,
    /// The deviation that every rating shows, in points, `1.0..=1000.0`.
    pub deviation: f64,
    /// What the advantage of the home side is worth, in points, `-1e4..=1e4`.
    pub home_advantage: f64,
}

impl Default for EloSettings {
    fn default() -> Self {
        Self {
            k: 32.0,
            provisional_k: 64.0,
            provisional_games: 0,
            scale: 400.0,
            mean: 1500.0,
            deviation: 100.0,
            home_advantage: 0.0,
        }
    }
}

impl EloSettings {
    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("k", self.k, 0.0, 1e4)?;
        check("provisional_k", self.provisional_k, 0.0, 1e4)?;
        check("scale", self.scale, 1.0, 1e5)?;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation", self.deviation, 1.0, 1000.0)?;
        check("home_advantage", self.home_advantage, -1e4, 1e4)
    }

    pub(crate) const fn newcomer(&self) -> Rating {
        Rating { mean: self.mean, deviation: self.deviation, volatility: crate::rating::VOLATILITY }
    }

    /// The mean as it counts, in points from a newcomer's.
    #[inline(always)]
    pub(crate) fn mean_of(&self, rating: Rating) -> f64 {
        numeric::mean(rating.mean, self.mean) - self.mean
    }

    /// Natural units (of the logistic function) per point.
    #[inline(always)]
    pub(crate) fn natural(&self) -> f64 {
        LN_10 / self.scale
    }

    /// How much the next match moves this player at most.
    #[inline(always)]
    pub(crate) fn k_of(&self, player: &Entrant) -> f64 {
        if player.games < self.provisional_games { self.provisional_k } else { self.k }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut EloSettings), refused: Option<&str>) {
        let mut settings = EloSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        check(|_| {}, None);
        check(|s| s.k = -1.0, Some("k"));
        check(|s| s.provisional_k = f64::NAN, Some("provisional_k"));
        check(|s| s.scale = 0.0, Some("scale"));
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation = 0.0, Some("deviation"));
        check(|s| s.home_advantage = 1e5, Some("home_advantage"));
    }
}
