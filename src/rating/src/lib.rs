//! Skill ratings: given ratings before a match and its outcome, the ratings after it; and how well the
//! predictions made from ratings hold up ([`evaluation`]).
//!
//! Whole histories are rated in memory by [`batch::Ladder`]. What a mode may add to its system are [`options`]; who
//! rates with them, and why a rating moved as it did, is [`explained`].
//!
//! Not here: storing ratings (`gsm-engine`), ordering players (`gsm-ranking`), reading match histories.
//! Invariants: same input, same output, on every platform (floating-point functions are our own or `libm`'s); no
//! clock, no randomness, no IO. For any input that is accepted, what comes out is finite. The order of sides,
//! and of players within a side, does not matter beyond rounding (`1e-9`).
//!
//! A caller knows only [`System`]; which system it is, is configuration: [`elo`], [`glicko`], [`glicko2`], [`weng_lin`]
//! (five models), [`true_skill`], and our own, [`kalman`].
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_rating::{Entrant, Game, Side, System};
//! let system = System::default();
//! let now = Timestamp::from_millis(1_767_225_600_000);
//! let ann = system.at(system.initial(), None, now);
//! let bob = ann;
//! assert_eq!(system.expected_pair(&[ann], &[bob], None).get(), 0.5);
//! let (a, b) = ([Entrant::new(ann)], [Entrant::new(bob)]);
//! let changes = system.update(&Game::new(&[Side::new(1, &a), Side::new(2, &b)]))?;
//! assert!(changes[0][0].after.mean > 1500.0 && changes[1][0].after.mean < 1500.0);
//! # Ok::<(), gsm_rating::RatingError>(())
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod batch;
pub mod elo;
mod error;
pub mod evaluation;
mod exp;
pub mod explained;
mod field;
mod gaussian;
pub mod glicko;
pub mod glicko2;
pub mod history;
pub mod kalman;
mod lead;
mod learning;
mod ln;
mod model;
mod numeric;
pub mod options;
mod outcome;
mod rating;
mod scratch;
mod system;
pub mod true_skill;
pub mod tuning;
pub mod weng_lin;

pub use elo::EloSettings;
pub use error::{RatingError, SettingsError};
pub use exp::exp;
pub use glicko::GlickoSettings;
pub use glicko2::Glicko2Settings;
pub use kalman::{KalmanSettings, Learnt, Offsets};
pub use lead::Lead;
pub use ln::ln;
pub use numeric::score;
pub use outcome::{Change, Entrant, Game, Offset, Side};
pub use rating::{RatedState, Rating};
pub use scratch::Scratch;
pub use system::System;
pub use true_skill::TrueSkillSettings;
pub use weng_lin::{WengLinModel, WengLinSettings};
