use crate::{Rating, SettingsError, numeric};
use serde::{Deserialize, Serialize};

/// How the sides of a match are thought to have come to their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WengLinModel {
    /// Every pair by the logistic distribution: O(sides²).
    BradleyTerryFull,
    /// Neighbours by the logistic distribution: O(sides · window).
    BradleyTerryPart,
    /// Every pair by the normal distribution, with a margin for draws: O(sides²).
    ThurstoneMostellerFull,
    /// Neighbours by the normal distribution, with a margin for draws: O(sides · window).
    ThurstoneMostellerPart,
    /// The best of all, then the best of the rest, and so on: O(sides · log sides).
    PlackettLuce,
}

/// Settings of the Weng-Lin models. The defaults are openskill's; of the models, the one that predicted measured
/// histories best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WengLinSettings {
    /// Which of the five.
    pub model: WengLinModel,
    /// A newcomer's mean, in points.
    pub mean: f64,
    /// A newcomer's deviation, in points, `0.01..=1e4`.
    pub deviation: f64,
    /// How far a side's performance strays from its skill, in points, `0.01..=1e4`.
    pub beta: f64,
    /// What a match leaves of a variance at least, as a part of it, `1e-9..=1.0`.
    pub kappa: f64,
    /// The deviation that each match adds before it counts (as squares are added), in points, `0.0..=1e3`.
    pub tau: f64,
    /// The margin within which the Thurstone-Mosteller models see a draw, in points, `0.0..=1e3`.
    pub epsilon: f64,
    /// How many places away the models of partial pairs look, `1..=1000`.
    pub window: u32,
    /// The deviation that a day without a match adds (as squares are added), in points, `0.0..=1e3`.
    pub growth_per_day: f64,
    /// Where idle growth stops, in points, `0.01..=1e4`.
    pub deviation_max: f64,
    /// What the advantage of the home side is worth, in points of the whole side, `-1e4..=1e4`.
    pub home_advantage: f64,
}

impl Default for WengLinSettings {
    fn default() -> Self {
        Self {
            model: WengLinModel::BradleyTerryFull,
            mean: 25.0,
            deviation: 25.0 / 3.0,
            beta: 25.0 / 6.0,
            kappa: 1e-4,
            tau: 25.0 / 300.0,
            epsilon: 0.1,
            window: 4,
            growth_per_day: 0.0,
            deviation_max: 25.0 / 3.0,
            home_advantage: 0.0,
        }
    }
}

impl WengLinSettings {
    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation", self.deviation, 0.01, 1e4)?;
        check("beta", self.beta, 0.01, 1e4)?;
        check("kappa", self.kappa, 1e-9, 1.0)?;
        check("tau", self.tau, 0.0, 1e3)?;
        check("epsilon", self.epsilon, 0.0, 1e3)?;
        check("window", f64::from(self.window), 1.0, 1000.0)?;
        check("growth_per_day", self.growth_per_day, 0.0, 1e3)?;
        check("deviation_max", self.deviation_max, 0.01, 1e4)?;
        check("home_advantage", self.home_advantage, -1e4, 1e4)
    }

    pub(crate) const fn newcomer(&self) -> Rating {
        Rating { mean: self.mean, deviation: self.deviation, volatility: crate::rating::VOLATILITY }
    }

    /// The rating's deviation as it counts, in points.
    #[inline]
    pub(crate) fn deviation_of(&self, rating: Rating) -> f64 {
        numeric::deviation(rating.deviation, self.deviation)
    }

    /// The rating's mean as it counts, in points.
    #[inline]
    pub(crate) fn mean_of(&self, rating: Rating) -> f64 {
        numeric::mean(rating.mean, self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut WengLinSettings), refused: Option<&str>) {
        let mut settings = WengLinSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        check(|_| {}, None);
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation = 0.0, Some("deviation"));
        check(|s| s.beta = 0.0, Some("beta"));
        check(|s| s.kappa = 2.0, Some("kappa"));
        check(|s| s.tau = -0.1, Some("tau"));
        check(|s| s.epsilon = f64::NAN, Some("epsilon"));
        check(|s| s.window = 0, Some("window"));
        check(|s| s.growth_per_day = -1.0, Some("growth_per_day"));
        check(|s| s.deviation_max = 1e5, Some("deviation_max"));
        check(|s| s.home_advantage = 1e5, Some("home_advantage"));
    }
}
