//! Rate limits and request decisions as pure values: given what is known of a request and the time, may it pass.
//!
//! Not here: reading requests, answering them, sharing limits between nodes, counting refusals (`gsm-server`).
//! Invariants: in no window of a rule's length do more than its limit pass; a refused request costs nobody anything;
//! memory is bounded, and a full table refuses newcomers rather than forget someone it blocks.
//!
//! ```
//! use gsm_security::{Firewall, Profile, RequestFacts, Scope, Verdict};
//! let mut firewall = Firewall::new(Profile::Default, 1_000, 42);
//! let address = "192.0.2.1".parse().unwrap();
//! let sign_in = RequestFacts { address, scope: Some(Scope::SignIn), principal: None, exempt: false };
//! for _ in 0..5 {
//!     assert!(matches!(firewall.decide(&sign_in, 0), Verdict::Allow { .. }));
//! }
//! let refused = Verdict::Deny { rule: "sign_in", status: 429, retry_after_ms: 10_001 };
//! assert_eq!(firewall.decide(&sign_in, 0), refused);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod firewall;
mod key;
mod limiter;
mod profile;
mod ring;
mod rule;

pub use firewall::{Firewall, Quota, RequestFacts, Verdict};
pub use key::{Key, address_key};
pub use limiter::{Decision, Limiter};
pub use profile::{Profile, Scope, UnknownProfile};
pub use rule::{EXACT_LIMIT_MAX, LIMIT_MAX, Rule, RuleError, WINDOW_MAX};
