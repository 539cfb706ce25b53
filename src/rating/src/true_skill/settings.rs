use crate::{Rating, SettingsError, numeric};
use serde::{Deserialize, Serialize};

/// Settings of TrueSkill. The defaults are those of the paper (section 5) and of the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrueSkillSettings {
    /// A newcomer's mean, in points.
    pub mean: f64,
    /// A newcomer's deviation, in points, `0.01..=1e4`.
    pub deviation: f64,
    /// How far a player's performance strays from the skill, in points, `0.01..=1e4`.
    pub beta: f64,
    /// The deviation that each match adds before it counts (as squares are added), in points, `0.0..=1e3`.
    pub tau: f64,
    /// How often two equal sides draw, `0.0..=0.99`. With 0 a draw still counts, as exact equality.
    pub draw_probability: f64,
    /// The deviation that a day without a match adds (as squares are added), in points, `0.0..=1e3`.
    pub growth_per_day: f64,
    /// Where idle growth stops, in points, `0.01..=1e4`.
    pub deviation_max: f64,
    /// What the advantage of the home side is worth, in points of the whole side, `-1e4..=1e4`.
    pub home_advantage: f64,
}

impl Default for TrueSkillSettings {
    fn default() -> Self {
        Self {
            mean: 25.0,
            deviation: 25.0 / 3.0,
            beta: 25.0 / 6.0,
            tau: 25.0 / 300.0,
            draw_probability: 0.1,
            growth_per_day: 0.0,
            deviation_max: 25.0 / 3.0,
            home_advantage: 0.0,
        }
    }
}

impl TrueSkillSettings {
    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation", self.deviation, 0.01, 1e4)?;
        check("beta", self.beta, 0.01, 1e4)?;
        check("tau", self.tau, 0.0, 1e3)?;
        check("draw_probability", self.draw_probability, 0.0, 0.99)?;
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

    fn check(change: impl Fn(&mut TrueSkillSettings), refused: Option<&str>) {
        let mut settings = TrueSkillSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        check(|_| {}, None);
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation = 0.0, Some("deviation"));
        check(|s| s.beta = 0.0, Some("beta"));
        check(|s| s.tau = -0.1, Some("tau"));
        check(|s| s.draw_probability = 1.0, Some("draw_probability"));
        check(|s| s.growth_per_day = -1.0, Some("growth_per_day"));
        check(|s| s.deviation_max = 1e5, Some("deviation_max"));
        check(|s| s.home_advantage = 1e5, Some("home_advantage"));
    }
}
