use crate::{Rating, SettingsError, numeric};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_10;

/// Settings of Glicko.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GlickoSettings {
    /// A newcomer's mean, in points.
    pub mean: f64,
    /// A newcomer's deviation, in points, `deviation_min..=deviation_max`.
    pub deviation: f64,
    /// No match makes a rating surer than this, in points, at least 1: skill of people always moves.
    pub deviation_min: f64,
    /// Nobody is less sure than this, in points, at most 1000: idle players stop at it.
    pub deviation_max: f64,
    /// The deviation that a day without a match adds (as squares are added), in points, `0.0..=350.0`. The paper's
    /// `c` for a period of a day; its example, 50 to 350 in a hundred periods of a month, is 6.3.
    pub growth_per_day: f64,
    /// With `n` sides a pair weighs `1/(n-1)^this`, `0.0..=1.0`: 1 makes any match worth one duel, 0 makes it
    /// worth `n-1` duels. Two sides are not affected.
    pub field_exponent: f64,
    /// What the advantage of the home side is worth, in points, `-1e4..=1e4`.
    pub home_advantage: f64,
}

impl Default for GlickoSettings {
    fn default() -> Self {
        Self {
            mean: 1500.0,
            deviation: 350.0,
            deviation_min: 30.0,
            deviation_max: 350.0,
            growth_per_day: 6.3,
            field_exponent: 0.8,
            home_advantage: 0.0,
        }
    }
}

impl GlickoSettings {
    /// Points per natural unit: the inverse of the paper's `q`.
    pub(crate) const POINTS: f64 = 400.0 / LN_10;

    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation_max", self.deviation_max, 1.0, 1000.0)?;
        check("deviation_min", self.deviation_min, 1.0, self.deviation_max)?;
        check("deviation", self.deviation, self.deviation_min, self.deviation_max)?;
        check("growth_per_day", self.growth_per_day, 0.0, 350.0)?;
        check("field_exponent", self.field_exponent, 0.0, 1.0)?;
        check("home_advantage", self.home_advantage, -1e4, 1e4)
    }

    pub(crate) const fn newcomer(&self) -> Rating {
        Rating { mean: self.mean, deviation: self.deviation, volatility: crate::rating::VOLATILITY }
    }

    /// In points; NaN counts as nothing known.
    #[inline]
    pub(crate) fn in_range(&self, deviation: f64) -> f64 {
        numeric::kept(deviation, self.deviation_min, self.deviation_max, self.deviation_max)
    }
    /// The rating's deviation as it counts, in points.
    #[inline]
    pub(crate) fn deviation_of(&self, rating: Rating) -> f64 {
        self.in_range(rating.deviation)
    }
    /// The rating's mean as it counts, in points from a newcomer's.
    #[inline]
    pub(crate) fn mean_of(&self, rating: Rating) -> f64 {
        numeric::mean(rating.mean, self.mean) - self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut GlickoSettings), refused: Option<&str>) {
        let mut settings = GlickoSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        check(|_| {}, None);
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation_max = 1e4, Some("deviation_max"));
        check(|s| s.deviation_min = 351.0, Some("deviation_min"));
        check(|s| s.deviation = 29.0, Some("deviation"));
        check(|s| s.growth_per_day = -1.0, Some("growth_per_day"));
        check(|s| s.field_exponent = 1.5, Some("field_exponent"));
        check(|s| s.home_advantage = f64::NAN, Some("home_advantage"));
    }
}
