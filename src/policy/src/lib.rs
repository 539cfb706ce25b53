//! May: whether a caller may do something, decided by [Cedar](https://www.cedarpolicy.com) policies.
//!
//! The table of operations makes the schema ([`schema`]): each action, who it is for at all, and the groups it is in. Policies
//! are checked against it when they are loaded ([`Policies::load`]) and refused with file and line where they do not fit.
//! What no policy permits is denied, and a `forbid` wins ([`Policies::decide`]).
//!
//! Not here: who calls (`gsm-server`), whose object it is (`gsm-engine`, which answers 404 for what is not one's own).
//! Invariant: same policies, same question, same decision. No IO, no clock.
//!
//! ```
//! use gsm_policy::{Operation, Policies, Question, Resource, Who};
//! let operations = [Operation {
//!     action: "gsm:GetRank".into(), roles: vec!["player".into()], mutating: false, needs_reason: false,
//!     resource: "Board".into(), parameters: vec!["board".into()],
//! }];
//! let text = r#"@id("all") permit (principal is Player, action in Action::"reads", resource);"#;
//! let policies = Policies::load(&operations, &[("own.cedar".into(), text.into())]).unwrap();
//! let asked = Question {
//!     who: Who { kind: "player", id: "plr-1", admin: None }, action: "gsm:GetRank",
//!     resource: Resource { kind: "Board", id: "duel" }, context: &[],
//! };
//! let decision = policies.decide(&asked);
//! assert!(decision.allowed && decision.policies[..] == ["all"]);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#![allow(
    clippy::disallowed_types,
    reason = "Cedar takes the parents of an entity as a hash set; no order of it is ever seen"
)]
mod decide;
mod depth;
mod load;
mod table;

pub use decide::{Decision, Question, Resource, Who};
pub use load::{Fault, Faults, PolicyText};
pub use table::{ADMIN_ROLES, Operation, SERVICE, context_name, schema};

/// The policies that are shipped, by file name.
pub const SHIPPED: [(&str, &str); 3] = [
    ("everyone.cedar", include_str!("../../../config/policies/everyone.cedar")),
    ("operators.cedar", include_str!("../../../config/policies/operators.cedar")),
    ("reasons.cedar", include_str!("../../../config/policies/reasons.cedar")),
];

/// Policies in force: parsed, checked, and the plain questions answered beforehand. Made by [`Policies::load`].
pub struct Policies {
    authorizer: cedar_policy::Authorizer,
    actions: std::collections::BTreeMap<String, table::Action>,
    ready: std::collections::BTreeMap<String, decide::Ready>,
    /// Answers that depend on nothing but who asks as what for which action, in the order of `decide::callers`.
    plain: std::collections::BTreeMap<String, Vec<Decision>>,
    texts: Vec<PolicyText>,
}
