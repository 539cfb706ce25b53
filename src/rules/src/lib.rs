//! Rule sets: the language of FlexMatch, checked, compiled, and asked whether a candidate match holds.
//!
//! [`parse`] reads a text and names every fault with its place. The [`RuleSet`] has one [`Stage`] for each age at which
//! its expansions change something. A ticket is prepared once ([`RuleSet::prepare`]) and then judged as a [`Party`]: a
//! number of players and a few cells. Texts, choices and examples: `docs/rule-sets.md`.
//!
//! Not here: looking for matches (`gsm-matchmaking`), tickets and their life. Invariants: no clock, no randomness;
//! judging reads parties only and allocates nothing in the common cases; no text makes it panic.
//!
//! ```
//! use gsm_rules::{Dialect, Member, Seat, parse};
//! let text = r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "duo", "minPlayers": 2, "maxPlayers": 2}]}"#;
//! let set = parse(text, Dialect::Strict).unwrap().set;
//! let mut symbols = set.symbols();
//! let party = set.prepare(&[Member::default(), Member::default()], &mut symbols).unwrap();
//! assert!(set.stages()[0].holds(&[Seat { team: 0, party: &party }]));
//!
//! let faults = parse(&text.replace("maxPlayers", "maxPlayer"), Dialect::Strict).unwrap_err();
//! assert_eq!(faults[0].path, "$.teams[0]");
//! assert_eq!(faults[1].message, "unknown member `maxPlayer`, did you mean `maxPlayers`?");
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod columns;
mod expression;
mod fault;
mod json;
mod judge;
mod need;
mod objective;
mod pairwise;
mod party;
mod plan;
mod prepare;
mod read;
mod rule_set;
mod seat;
mod stage;
mod symbols;
mod value;
mod weight;

pub use columns::{Aggregation, NumberColumn, NumberSource, SetAggregation, WordColumn, WordSource};
pub use fault::Fault;
pub use judge::{
    roles::Taken,
    versus::{Reserve, VERSUS_COLUMNS_MAX, Versus},
};
pub use need::Need;
pub use objective::{HoldBack, Line, Measure, Objective, Term, rating_logit};
pub use pairwise::Pairwise;
pub use party::{Never, Party};
pub use plan::{Answer, AnsweredBy};
pub use prepare::Unfit;
pub use read::{Dialect, Parsed, TEXT_CHARS_MAX, parse};
pub use rule_set::{
    Algorithm, Attribute, AttributeKind, BackfillPriority, Batching, EvenBy, ExpansionAge, Rule, RuleKind,
    RuleSet, SortBy, Strategy, Supplied, Team, TeamSize,
};
pub use seat::Seat;
pub use stage::{Deviation, STAGES_MAX, SortKey, Stage, Verdict};
pub use symbols::{Symbol, Symbols};
pub use value::{Member, Value};
