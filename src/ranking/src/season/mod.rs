//! Seasons: which interval of time is season `k`, whoever asks and whenever.
//!
//! A [`ScheduleConfig`] says when seasons start: by a cron expression, at given instants, or every few days. The
//! checked [`Schedule`] answers which season an instant belongs to. Seasons are numbered from 1, each ends where
//! the next starts, and numbers depend on the configuration alone.
//!
//! Wall-clock times map to instants so that their order is kept: a time that a clock change skips is the instant
//! of the change, a time that comes twice is its first coming. Time zones are those of the bundled IANA database,
//! never the system's, so that two machines with the same build agree.
//!
//! Not here: what happens at the turn of a season (`soft_reset`, `league`, `payout`).
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_ranking::season::{Schedule, ScheduleConfig};
//! let monthly = ScheduleConfig::Cron {
//!     expression: "0 9 1 * *".into(),
//!     zone: "Europe/Paris".into(),
//!     from: "2026-01-01T00:00:00Z".into(),
//! };
//! let schedule = Schedule::new(&monthly).unwrap();
//! let season = schedule.season_at(Timestamp::from_millis(1_775_000_000_000)).unwrap(); // 31 March 2026
//! assert_eq!(season.number, 3);
//! assert_eq!(season.ends_at, Some(Timestamp::from_millis(1_775_026_800_000))); // 1 April, 9:00 in Paris
//! ```

mod cron;
mod schedule;
mod zone;

pub use cron::CRON_CHARS_MAX;
pub use schedule::{
    SEASON_DAYS_MAX, SEASON_HORIZON_YEARS, SEASON_INSTANTS_MAX, SEASON_STARTS_PER_DAY_MAX, Schedule,
    ScheduleConfig, Season,
};
