//! Rate limits and request decisions as pure values: given what is known of a request and the time, may it pass.
//!
//! Not here: reading requests and files, answering, sharing limits between nodes (`gsm-server`).
//! Invariants: in no window of a rule's length do more than its limit pass; a refused request costs nobody anything;
//! memory is bounded, and a full table refuses newcomers rather than forget someone it blocks.
//!
//! ```
//! use gsm_security::{Face, Firewall, Moment, Now, Plan, Profile, Request, Verdict, rules};
//! let rules = rules(&Profile::Default.rules(), &[]).unwrap();
//! let plan = Plan { rules, keys_max: 1_000, deny_counts_only: false, exempt_paths: vec![] };
//! let firewall = Firewall::new(plan, Default::default(), 42);
//! let sign_in = Request {
//!     address: "192.0.2.1".parse().unwrap(),
//!     face: Face::Native,
//!     method: "POST",
//!     path: "/v1/auth/guest",
//!     action: Some("gsm:SignIn"),
//!     header: &|_| None,
//!     moment: Moment::Arrival,
//! };
//! let now = || Now { monotonic: || 0, at: gsm_core::Timestamp::EPOCH };
//! for _ in 0..5 {
//!     assert!(matches!(firewall.decide(&sign_in, now()), Verdict::Allow { .. }));
//! }
//! let Verdict::Deny { rule, status, .. } = firewall.decide(&sign_in, now()) else { panic!() };
//! assert_eq!((&*rule, status), ("sign_in", 429));
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod firewall;
mod glob;
mod key;
mod limiter;
mod lists;
mod profile;
mod rate;
mod ring;
mod rule;
mod shed;
mod tally;

pub use firewall::{DENIED_ADDRESS, Firewall, Now, Plan, Quota, RuleReport, Verdict};
pub use glob::{GLOB_BYTES_MAX, Glob, GlobError};
pub use key::{Key, address_key};
pub use limiter::{Decision, Limiter};
pub use lists::{Entry, LIST_ENTRIES_MAX, List, Lists, Network, NetworkError, NetworkSet};
pub use profile::{Profile, RULES_MAX, UnknownProfile, rules};
pub use rate::{EXACT_LIMIT_MAX, LIMIT_MAX, Rate, RateError, WINDOW_MAX};
pub use rule::{
    Action, Caller, Event, Face, KeyBy, KeyByError, Miss, Moment, ROLES, Request, Rule, RuleConfig, RuleError,
};
pub use shed::{Shedding, SheddingLimits};
pub use tally::{SAMPLES_MAX, Sample, Tally};
