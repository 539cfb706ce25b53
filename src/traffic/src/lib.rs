//! Traffic of tickets, and what a rule set makes of it: the real matcher under a virtual clock.
//!
//! [`Synthetic`] makes traffic of a few numbers, [`Recording`] reads what a server wrote down. [`run`] puts either through
//! a [`RulePool`](gsm_matchmaking::RulePool), as a queue's pool is driven; [`Summary`] counts what came of it, and
//! [`compare`] sets two rule sets side by side on the same traffic. `docs/simulate.md` says what the figures mean.
//!
//! Not here: files, options and reports (`gsm-cli`), writing recordings down (`gsm-server`), failures of stores and
//! nodes (`gsm-sim`). Invariants: same input and seed, same output on every platform; no clock, no IO.
//!
//! ```
//! use gsm_core::Millis;
//! use gsm_rules::{Dialect, parse};
//! use gsm_traffic::{Setup, Shape, Summary, Synthetic, run};
//! let text = r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "duo", "minPlayers": 2, "maxPlayers": 2}]}"#;
//! let set = std::sync::Arc::new(parse(text, Dialect::Extended).unwrap().set);
//! let shape = Shape::of(&set, text);
//! let traffic = Synthetic { length: Millis::from_secs(60), ..Synthetic::default() }.traffic(&[&shape], 7).unwrap();
//! let ran = run(&Setup::of(set, 7), &traffic, &mut |_| {});
//! let summary = Summary::of(&[&ran]);
//! assert!(summary.tickets > 60 && summary.matched.share > 0.95);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod answers;
mod calibration;
mod compare;
mod line;
mod made;
mod patience;
mod plausible;
mod ran;
mod recorded;
mod rng;
mod run;
mod segments;
mod shape;
mod summary;
mod synthetic;
mod ticket;
mod traffic;

pub use calibration::Calibration;
pub use compare::{Difference, Estimate, compare, estimate};
pub use line::{Line, Outcome, Plain, Player, VERSION};
pub use plausible::{Choices, Spread, Values};
pub use ran::{End, Fate, Made, Ran, RolesMade, Setup};
pub use recorded::{BadLine, Recording, RecordingError, StillWaiting};
pub use run::run;
pub use segments::{Fairness, Segment, SegmentKind};
pub use shape::{Shape, skill_attribute};
pub use summary::{Quantiles, Share, StageShare, Summary};
pub use synthetic::{Rates, Regions, Synthetic, SyntheticError};
pub use ticket::{ruled_ticket, ticket_id};
pub use traffic::{Answers, Arrival, Traffic};
