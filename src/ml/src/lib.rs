//! Match prediction: who will win, how surely, by how much, and how close a match is to be, learnt from every result.
//!
//! Five rating systems run side by side ([`gsm_rating`]); they and what is remembered of each player (experience, form,
//! schedule, company) make the [`Features`] of a match; a Bayesian logistic regression that is moved by every result
//! makes a chance of them ([`Model`]). It is its own calibration, and nothing has to be tuned for a new game: several
//! regressions compete, and those that predicted best so far speak loudest. O(1) for each player of a match.
//!
//! A model, with or without the players it knows, is written as a [`ModelFile`].
//!
//! Not here: keeping such files, reading histories. Invariants: same input, same bits, on every
//! platform; no clock, no randomness, no IO; chances are never 0 or 1; exchanging the sides of a match mirrors its
//! prediction exactly.
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_ml::{Meeting, Model, Outcome};
//! let mut model = Model::new();
//! let meeting = Meeting::new(Timestamp::EPOCH, &[0], &[1]);
//! for _ in 0..20 {
//!     let features = model.features(&meeting)?;
//!     model.learn(&meeting, &features, &Outcome::places(1, 2))?;
//! }
//! let features = model.features(&meeting)?;
//! let prediction = model.predict(&features);
//! assert!(prediction.win > 0.7 && prediction.win > prediction.low);
//! # Ok::<(), gsm_ml::MlError>(())
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod blr;
mod bounded;
mod closeness;
mod company;
mod draws;
mod drift;
mod error;
mod experts;
mod features;
mod field;
mod file;
mod forecaster;
mod margin;
mod meeting;
mod model;
mod motion;
mod numeric;
mod oracle;
mod person;
mod portrait;
mod prediction;
mod premade;
mod prior;
mod record;
mod schema;
mod shadow;
mod sheet;
mod stack;
mod training;
mod trees;
mod variants;

pub use closeness::{evenness, upset};
pub use drift::{ALARM_AT, Drift, TOLERATED, excess, log_loss};
pub use error::MlError;
pub use features::{FEATURES, Features, NAMES, PARTS, SEEN};
pub use field::{Entry, Field, Shares, reached};
pub use file::{About, Compared, Figures, FileError, Kept, Metrics, ModelFile, Names, Window, data_hash};
pub use forecaster::Forecaster;
pub use meeting::{Meeting, Outcome};
pub use model::{CONTENDERS, Model, PLAYERS_MAX};
pub use oracle::{Home, Oracle, Query, Told, Who};
pub use person::{Guest, Person, Question};
pub use portrait::Portrait;
pub use prediction::{Contribution, Prediction};
pub use premade::Premade;
pub use schema::schema;
pub use training::{Judged, Plan, Refusal, Trained, better, constant, judge, rating_alone, train};
pub use trees::{TREES_MATCHES_MIN, TREES_MAX};
