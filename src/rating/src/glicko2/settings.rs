use crate::{Rating, SettingsError, numeric};
use gsm_core::Millis;
use serde::{Deserialize, Serialize};

/// The least volatility; below it the volatility step would take the logarithm of nothing.
pub const VOLATILITY_MIN: f64 = 1e-4;
/// The most volatility: a whole unit of the Glicko-2 scale (174 points) per period.
pub const VOLATILITY_MAX: f64 = 1.0;

/// Settings of Glicko-2. The defaults were chosen by log loss on the TUNE windows of ten public match histories
/// (1v1, 2v2 to 6v6, free-for-all); the optimum is flat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Glicko2Settings {
    /// How fast volatility changes, `0.01..=2.0`; the paper calls 0.3 to 1.2 reasonable.
    pub tau: f64,
    /// A newcomer's mean, in points.
    pub mean: f64,
    /// A newcomer's deviation, in points, `deviation_min..=deviation_max`.
    pub deviation: f64,
    /// A newcomer's volatility, [`VOLATILITY_MIN`]`..=`[`VOLATILITY_MAX`].
    pub volatility: f64,
    /// No match makes a rating surer than this, in points, at least 1: skill of people always moves.
    pub deviation_min: f64,
    /// Nobody is less sure than this, in points, at most 1000: idle players stop at it.
    pub deviation_max: f64,
    /// The idle time that grows the variance by one squared volatility, in milliseconds, at least 1 s. Default
    /// 3 days: with volatility 0.06 a deviation of 50 is 125 after a year away. One day predicted team games
    /// worse, a week large duel and contest histories.
    pub period_ms: Millis,
    /// With `n` sides a pair weighs `1/(n-1)^this`, `0.0..=1.0`: 1 makes any match worth one duel, 0 makes it
    /// worth `n-1` duels. Two sides are not affected.
    pub field_exponent: f64,
    /// What the advantage of the home side is worth, in points, `-1e4..=1e4`.
    pub home_advantage: f64,
}

impl Default for Glicko2Settings {
    fn default() -> Self {
        Self {
            tau: 0.5,
            mean: 1500.0,
            deviation: 350.0,
            volatility: 0.06,
            deviation_min: 30.0,
            deviation_max: 350.0,
            period_ms: Millis::from_secs(3 * 24 * 3600),
            field_exponent: 0.8,
            home_advantage: 0.0,
        }
    }
}

impl Glicko2Settings {
    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("tau", self.tau, 0.01, 2.0)?;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation_max", self.deviation_max, 1.0, 1000.0)?;
        check("deviation_min", self.deviation_min, 1.0, self.deviation_max)?;
        check("deviation", self.deviation, self.deviation_min, self.deviation_max)?;
        check("volatility", self.volatility, VOLATILITY_MIN, VOLATILITY_MAX)?;
        check("period_ms", self.period_ms.get() as f64, 1_000.0, u64::MAX as f64)?;
        check("field_exponent", self.field_exponent, 0.0, 1.0)?;
        check("home_advantage", self.home_advantage, -1e4, 1e4)
    }

    pub(crate) const fn newcomer(&self) -> Rating {
        Rating { mean: self.mean, deviation: self.deviation, volatility: self.volatility }
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
    /// The rating's mean as it counts, in points from a newcomer's; NaN counts as a newcomer's.
    #[inline]
    pub(crate) fn mean_of(&self, rating: Rating) -> f64 {
        numeric::mean(rating.mean, self.mean) - self.mean
    }
    /// The rating's volatility as it counts: a newcomer's, where another system left something else ([`Rating::volatility`]).
    #[inline]
    pub(crate) fn volatility_of(&self, rating: Rating) -> f64 {
        let volatility = rating.volatility;
        if (VOLATILITY_MIN..=VOLATILITY_MAX).contains(&volatility) { volatility } else { self.volatility }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut Glicko2Settings), refused: Option<&str>) {
        let mut settings = Glicko2Settings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn the_defaults_are_valid() {
        check(|_| {}, None);
    }
    #[test]
    fn settings_out_of_range_are_named() {
        check(|s| s.tau = 0.0, Some("tau"));
        check(|s| s.tau = f64::NAN, Some("tau"));
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation_max = 1e4, Some("deviation_max"));
        check(|s| s.deviation_min = 351.0, Some("deviation_min"));
        check(|s| s.deviation = 29.0, Some("deviation"));
        check(|s| s.volatility = 0.0, Some("volatility"));
        check(|s| s.period_ms = Millis::ZERO, Some("period_ms"));
        check(|s| s.field_exponent = 1.5, Some("field_exponent"));
        check(|s| s.home_advantage = 1e5, Some("home_advantage"));
    }
    #[test]
    fn a_refusal_says_what_would_be_taken() {
        let error = Glicko2Settings { tau: 9.0, ..Glicko2Settings::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "`tau` is `9`, it must be from 0.01 to 2");
    }
}
