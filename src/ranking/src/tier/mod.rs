//! Visible tiers: what a player is told (Gold II, 40 points) beside the hidden rating that matches are made by.
//!
//! A [`TierConfig`] names the tiers from the worst to the best; each has divisions, each division has points. The
//! checked [`Tiers`] moves a [`TierState`] by one game at a time and says why, in [`TierEvent`]s: a win gives more
//! where the hidden rating is above the visible place ([`TierConfig::pull_permille`]), and each part of the change
//! is itemised. All points are whole numbers, so that no repetition drifts.
//!
//! A *position* is points counted from the bottom of the lowest division: `division * points_per_division +
//! points`. Hidden ratings are whole numbers in the unit of the [`Board`](crate::Board) (thousandths of a point),
//! and [`Bounds`] say at which of them each division starts.
//!
//! Not here: the hidden rating (`gsm-rating`), which decay and visible resets leave alone, and its own reset
//! ([`soft_reset`](crate::soft_reset)).
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_ranking::tier::{Game, Outcome, TierConfig, TierEvent, Tiers};
//! let config: TierConfig = serde_json::from_str(r#"{
//!     "placement_games": 0, "points_per_division": 100,
//!     "tiers": [{"name": "bronze", "divisions": 2}, {"name": "gold", "divisions": 1}],
//!     "win": {"base": 20, "least": 10, "most": 40}, "loss": {"base": 20, "least": 10, "most": 40},
//!     "pull_permille": 100, "start": {"ratings": [1000000, 1400000, 1800000]}
//! }"#).unwrap();
//! let tiers = Tiers::new(config).unwrap();
//! let (bounds, now) = (tiers.bounds(|_| 0), Timestamp::EPOCH);
//! let (state, _) = tiers.enter(&bounds, 1_400_000, now);
//! let game = Game { outcome: Outcome::Win, hidden_before: 1_600_000, hidden_after: 1_612_000 };
//! let (state, events) = tiers.apply(&bounds, state, game, now);
//! assert_eq!((state.division, state.points), (1, 25)); // 20 for the win, 5 as the rating is half a division above
//! assert!(matches!(events.as_slice(), [TierEvent::PointsChanged { points: 25, .. }]));
//! let shown = tiers.shown(&state).unwrap();
//! assert_eq!((shown.tier, shown.division, shown.points), ("bronze", 1, 25));
//! ```

mod bounds;
mod config;
mod play;
mod reset;
mod state;

pub use bounds::Bounds;
pub use config::{
    DECAY_AFTER_DAYS_MAX, DIVISION_POINTS_MAX, DIVISION_POINTS_MIN, DIVISIONS_PER_TIER_MAX, DecayConfig,
    PLACEMENT_GAMES_MAX, PointsRange, SHIELD_GAMES_MAX, StartConfig, TIER_NAME_CHARS_MAX, TIERS_MAX,
    TOP_POINTS_MAX, Tier, TierConfig, Tiers,
};
pub use reset::VisibleReset;
pub use state::{Game, Outcome, Part, Reason, Shown, TierEvent, TierState};
