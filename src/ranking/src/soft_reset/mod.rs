//! The soft reset of hidden ratings at the turn of a season, and its preview.
//!
//! A mean keeps a share of its distance to a target: `keep * mean + (1 - keep) * target`. That keeps everybody in
//! order (who was not ahead is not ahead after it), makes the field closer, and lets uncertainty grow so that the
//! new season's games count more. [`SoftReset::preview`] shows what it would do before it runs.
//!
//! Not here: when a season turns (`season`), storing ratings (`engine`).
//!
//! ```
//! use gsm_ranking::soft_reset::{ResetConfig, Skill, SoftReset};
//! let config: ResetConfig = serde_json::from_str(r#"{
//!     "target": "initial_mean", "keep": 0.5, "deviation": {"at_least": 120.0},
//!     "restart_games": true, "visible": {"lower": {"divisions": 3}}
//! }"#).unwrap();
//! let reset = SoftReset::new(config).unwrap();
//! let initial = Skill { mean: 1500.0, deviation: 350.0, games: 0 };
//! let after = reset.apply(initial, Skill { mean: 2100.0, deviation: 60.0, games: 420 });
//! assert_eq!(after, Skill { mean: 1800.0, deviation: 120.0, games: 0 });
//! ```

mod formula;
mod preview;

pub use formula::{
    DeviationReset, RESET_DEVIATION_MAX, RESET_LOWER_DIVISIONS_MAX, RESET_MEAN_ABS_MAX, ResetConfig, Skill,
    SoftReset, Target,
};
pub use preview::{
    PREVIEW_BUCKETS, PREVIEW_PERCENTILES, Preview, PreviewBucket, PreviewPercentile, PreviewPlayer,
    PreviewTier,
};
