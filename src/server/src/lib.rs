//! The server: HTTP and push over the engine, the front door, configuration, and the composition root [`start`].
//!
//! Not here: rules of the game (below), command lines (`gsm-cli`). Invariants: no request reaches a handler that the
//! door (`door`) did not let through; the table of operations that the door asks is the OpenAPI document itself, so
//! that what is not described is not served; an error of a caller is never a 5xx.
#![allow(
    clippy::disallowed_types,
    reason = "hash maps decide nothing here: no order of theirs is ever shown"
)]
mod api;
mod audit;
pub mod authz;
mod board_page;
mod bootstrap;
pub mod config;
mod cors;
mod dashboard;
mod dev;
mod door;
mod echo;
mod emf;
mod fatal;
pub mod firewall;
#[allow(unreachable_pub, reason = "written like a library of its own, whose surface is what others may use")]
mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gamelift;
mod gate;
pub mod inspect;
mod metrics;
mod operations;
mod overview;
mod problem;
mod proxies;
mod reason;
pub mod receipt;
mod recording;
mod run;
pub mod sagemaker;
mod saving;
mod shedding;
mod telemetry;
mod upkeep;
mod webhooks;
mod who;

/// The OpenAPI document of a server whose policies open nothing to strangers.
#[must_use]
pub fn openapi() -> serde_json::Value {
    api::described(&[])
}

pub use audit::{
    Looked as LookedAudit, address_key_gone, key_fault as audit_key_fault, key_gone as audit_key_gone,
    look as look_at_audit,
};
pub use bootstrap::bootstrap;
pub use echo::echo;
pub use gate::Gate;
pub use metrics::metrics_markdown;
pub use problem::codes_markdown;
pub use run::{DevCredentials, Running, StartError, start};
pub use telemetry::log_warnings;
pub use who::{fetch::is_fit as is_private_way, key_file::fault as key_file_fault, secret::key_fault};
