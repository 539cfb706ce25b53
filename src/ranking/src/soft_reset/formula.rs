use crate::{Invalid, tier::VisibleReset};
use serde::{Deserialize, Serialize};

/// Absolute bound of [`Target::Mean`].
pub const RESET_MEAN_ABS_MAX: f64 = 1e6;
/// Bound of the numbers of [`DeviationReset`].
pub const RESET_DEVIATION_MAX: f64 = 1e6;
/// Bound of the divisions of [`VisibleReset::Lower`]: all that there can be.
pub const RESET_LOWER_DIVISIONS_MAX: u16 = 200;

/// What a new season makes of ratings and places. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetConfig {
    /// Where means go.
    pub target: Target,
    /// The share of a mean's distance to the target that stays, `0.0..=1.0`: 1 leaves means alone, 0 makes all
    /// equal.
    pub keep: f64,
    /// What becomes of uncertainty.
    pub deviation: DeviationReset,
    /// Whether the count of games starts at 0 again.
    pub restart_games: bool,
    /// What becomes of visible places; [`Tiers::begin_season`](crate::tier::Tiers::begin_season) does it.
    #[serde(default)]
    pub visible: VisibleReset,
}

/// Where means go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To the mean of a new player.
    InitialMean,
    /// To this mean, up to [`RESET_MEAN_ABS_MAX`] in either direction.
    Mean(f64),
}

/// What becomes of a deviation. It never falls, and never rises above that of a new player.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationReset {
    /// It becomes at least this, 0 to [`RESET_DEVIATION_MAX`].
    AtLeast(f64),
    /// It grows by this, 0 to [`RESET_DEVIATION_MAX`].
    Add(f64),
}

/// A hidden rating as far as a reset touches it, in rating points; both numbers finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// The best guess.
    pub mean: f64,
    /// Its uncertainty, not negative.
    pub deviation: f64,
    /// Games played.
    pub games: u32,
}

/// A checked [`ResetConfig`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftReset {
    pub(super) config: ResetConfig,
}

impl SoftReset {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed (numbers that are none included), with its path and what is allowed.
    pub fn new(config: ResetConfig) -> Result<Self, Invalid> {
        Invalid::unless_within("keep", config.keep, 0.0..=1.0)?;
        if let Target::Mean(mean) = config.target {
            Invalid::unless_within("target.mean", mean, -RESET_MEAN_ABS_MAX..=RESET_MEAN_ABS_MAX)?;
        }
        let (path, deviation) = match config.deviation {
            DeviationReset::AtLeast(deviation) => ("deviation.at_least", deviation),
            DeviationReset::Add(deviation) => ("deviation.add", deviation),
        };
        Invalid::unless_within(path, deviation, 0.0..=RESET_DEVIATION_MAX)?;
        if let VisibleReset::Lower { divisions } = config.visible {
            Invalid::unless_within("visible.lower.divisions", divisions, 0..=RESET_LOWER_DIVISIONS_MAX)?;
        }
        Ok(Self { config })
    }

    /// A rating in the new season; `initial` is that of a new player of the same mode.
    ///
    /// Means stay in order: who was not ahead of another is not ahead after it, rounding included. A `keep` of 1
    /// gives the same mean, bit for bit.
    #[must_use]
    pub fn apply(&self, initial: Skill, skill: Skill) -> Skill {
        let ResetConfig { target, keep, deviation, restart_games, .. } = self.config;
        let target = match target {
            Target::InitialMean => initial.mean,
            Target::Mean(mean) => mean,
        };
        let wanted = match deviation {
            DeviationReset::AtLeast(least) => least,
            DeviationReset::Add(more) => skill.deviation + more,
        };
        Skill {
            // Each step is monotone in the mean even where it rounds.
            mean: keep * skill.mean + (1.0 - keep) * target,
            deviation: wanted.min(initial.deviation).max(skill.deviation),
            games: if restart_games { 0 } else { skill.games },
        }
    }

    /// What a new season makes of visible places.
    #[must_use]
    pub const fn visible(&self) -> VisibleReset {
        self.config.visible
    }
}
