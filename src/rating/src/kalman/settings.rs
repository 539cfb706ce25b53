use super::{Learnt, POINTS};
use crate::{Rating, SettingsError, numeric};
use gsm_core::Millis;
use serde::{Deserialize, Serialize};

/// How two scores become a margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// Scores are not looked at.
    Ignored,
    /// `(a - b) / sqrt(a + b + 1)`: points and goals, whose spread grows with their number.
    #[default]
    Scaled,
    /// `ln((a + 0.5) / (b + 0.5))`: games or rounds won, where 3:0 says much more than 3:1.
    Ratio,
    /// `a - b`.
    Difference,
    /// `(a - b) / (a + b + 1)`.
    Share,
}

/// Settings of the Kalman system. The defaults are one choice for all games, made on the histories that
/// docs/prediction.md names; `gsm eval --tune` finds better ones for a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KalmanSettings {
    /// A newcomer's mean before anything is learnt about newcomers, in points.
    pub mean: f64,
    /// A newcomer's deviation, in points, `1.0..=3000.0`.
    pub deviation: f64,
    /// The deviation that a day without a match adds (as squares are added), in points, `0.0..=350.0`.
    pub growth_per_day: f64,
    /// The same for every match, `0.0..=350.0`.
    pub growth_per_match: f64,
    /// A side of `n` is worth the sum of its players times `n^-this`, `0.0..=1.0`.
    pub team_exponent: f64,
    /// How margins are made of scores.
    pub margin: Margin,
    /// The margin's noise is the measured one times this, `0.1..=1e6`: more trusts margins less.
    pub margin_noise: f64,
    /// The deviation of a newcomer's offset in a variant, in points, `0.0..=1000.0`; 0 turns variants off.
    pub variant_deviation: f64,
    /// How far newcomers may stand from the others, in points, `0.0..=3000.0`; 0 turns their learning off.
    pub newcomer_deviation: f64,
    /// How far their place wanders in a match, in points, `0.0..=100.0`.
    pub newcomer_wander: f64,
    /// How much of what newcomers lack is theirs for being new, and goes with experience, `0.0..=2.0`; the rest is a
    /// prior like any other, that only results move.
    pub newcomer_fade: f64,
    /// The home advantage before any is learnt, in points, `-1e4..=1e4`.
    pub home_advantage: f64,
    /// How unsure that is, in points, `0.0..=1000.0`; 0 keeps it as it is.
    pub home_deviation: f64,
    /// What the duels of a free-for-all weigh, `0.01..=10.0`; see the module.
    pub field_weight: f64,
    /// See [`KalmanSettings::field_weight`], `0.0..=1.0`.
    pub field_exponent: f64,
    /// What is known already, such as from an earlier season; nothing if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<Learnt>,
}

impl Default for KalmanSettings {
    fn default() -> Self {
        Self {
            mean: 1500.0,
            deviation: 155.0,
            growth_per_day: 2.0,
            growth_per_match: 4.3,
            team_exponent: 0.75,
            margin: Margin::Scaled,
            margin_noise: 0.7,
            variant_deviation: 39.0,
            newcomer_deviation: 123.0,
            newcomer_wander: 0.02,
            newcomer_fade: 0.75,
            home_advantage: 0.0,
            home_deviation: 39.0,
            field_weight: 1.4,
            field_exponent: 0.5,
            learnt: None,
        }
    }
}

/// The least and the largest deviation that counts, in points.
const DEVIATION_MIN: f64 = 0.5;
const DEVIATION_MAX: f64 = 3_000.0;

impl KalmanSettings {
    /// Refuses the first setting outside its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        check("mean", self.mean, -1e6, 1e6)?;
        check("deviation", self.deviation, 1.0, DEVIATION_MAX)?;
        check("growth_per_day", self.growth_per_day, 0.0, 350.0)?;
        check("growth_per_match", self.growth_per_match, 0.0, 350.0)?;
        check("team_exponent", self.team_exponent, 0.0, 1.0)?;
        check("margin_noise", self.margin_noise, 0.1, 1e6)?;
        check("variant_deviation", self.variant_deviation, 0.0, 1e3)?;
        check("newcomer_deviation", self.newcomer_deviation, 0.0, DEVIATION_MAX)?;
        check("newcomer_wander", self.newcomer_wander, 0.0, 100.0)?;
        check("newcomer_fade", self.newcomer_fade, 0.0, 2.0)?;
        check("home_advantage", self.home_advantage, -1e4, 1e4)?;
        check("home_deviation", self.home_deviation, 0.0, 1e3)?;
        check("field_weight", self.field_weight, 0.01, 10.0)?;
        check("field_exponent", self.field_exponent, 0.0, 1.0)?;
        match &self.learnt {
            Some(learnt) if !learnt.makes_sense() => check("learnt", f64::NAN, 0.0, 1.0),
            _ => Ok(()),
        }
    }

    /// What is known before a match, where nobody knows better.
    pub(crate) fn known(&self) -> Learnt {
        self.learnt.unwrap_or_else(|| Learnt::new(self))
    }

    /// A newcomer: all of the mean is prior.
    pub(crate) const fn initial(&self) -> Rating {
        let lack = if let Some(learnt) = &self.learnt { learnt.newcomers() } else { 0.0 };
        Rating { mean: self.mean + lack, deviation: self.deviation, volatility: -1.0 }
    }

    /// Time widens the belief up to a newcomer's, and never narrows it.
    pub(crate) fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        let before = self.deviation_of(rating);
        let grown = numeric::grown(before, self.growth_per_day, idle);
        Rating { deviation: grown.min(self.deviation.max(before)), ..rating }
    }

    /// In points; NaN counts as a newcomer's.
    pub(crate) fn deviation_of(&self, rating: Rating) -> f64 {
        numeric::kept(rating.deviation, DEVIATION_MIN, DEVIATION_MAX, self.deviation)
    }

    /// The variance at a match, in natural units.
    pub(crate) fn variance_of(&self, rating: Rating) -> f64 {
        let (deviation, growth) = (self.deviation_of(rating) / POINTS, self.growth_per_match / POINTS);
        deviation * deviation + growth * growth
    }

    /// The deviation of a variance in natural units, in points.
    pub(crate) fn deviation_from(&self, variance: f64) -> f64 {
        numeric::kept(variance.sqrt() * POINTS, DEVIATION_MIN, DEVIATION_MAX, self.deviation)
    }

    /// The mean as it counts, in natural units from a newcomer's.
    pub(crate) fn mean_of(&self, rating: Rating) -> f64 {
        (numeric::mean(rating.mean, self.mean) - self.mean) / POINTS
    }

    /// How much of the mean is still prior, `0.0..=1.0`. It is kept with a minus, so that Glicko-2 takes it for no volatility;
    /// earlier versions kept it without.
    pub(crate) fn prior_of(rating: Rating) -> f64 {
        numeric::kept(rating.volatility.abs(), 0.0, 1.0, 1.0)
    }

    /// A newcomer's offset in any variant.
    pub(crate) fn offset(&self) -> crate::Offset {
        crate::Offset { mean: 0.0, deviation: self.variant_deviation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut KalmanSettings), refused: Option<&str>) {
        let mut settings = KalmanSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().err().map(|e| e.setting), refused);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        check(|_| {}, None);
        check(|s| s.mean = f64::INFINITY, Some("mean"));
        check(|s| s.deviation = 0.0, Some("deviation"));
        check(|s| s.growth_per_day = -1.0, Some("growth_per_day"));
        check(|s| s.growth_per_match = 400.0, Some("growth_per_match"));
        check(|s| s.team_exponent = 1.5, Some("team_exponent"));
        check(|s| s.margin_noise = 0.0, Some("margin_noise"));
        check(|s| s.variant_deviation = f64::NAN, Some("variant_deviation"));
        check(|s| s.newcomer_deviation = -1.0, Some("newcomer_deviation"));
        check(|s| s.newcomer_wander = 101.0, Some("newcomer_wander"));
        check(|s| s.newcomer_fade = 2.5, Some("newcomer_fade"));
        check(|s| s.home_advantage = 1e5, Some("home_advantage"));
        check(|s| s.home_deviation = -0.1, Some("home_deviation"));
        check(|s| s.field_weight = 0.0, Some("field_weight"));
        check(|s| s.field_exponent = 1.1, Some("field_exponent"));
    }
}
