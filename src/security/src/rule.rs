//! A rule as it is written, and as it is once checked.
mod key_by;
mod request;
#[cfg(test)]
mod tests;

pub use key_by::{KeyBy, KeyByError};
pub use request::{Caller, Miss, Moment, Request};

use crate::{Glob, Rate};
use gsm_core::Millis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Characters of a rule's name.
const NAME_CHARS_MAX: usize = 64;
/// Entries of one list of a rule.
const LIST_MAX: usize = 64;
/// The methods of HTTP (RFC 9110, section 9; RFC 5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
/// What a caller can be.
pub const ROLES: [&str; 5] = ["none", "player", "server", "match", "admin"];

/// What a rule does to a request above its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Refuses it.
    #[default]
    Block,
    /// Lets it pass, and counts it as one that would be refused.
    Count,
    /// Nothing: the rule is not there. Takes a default rule out.
    Off,
}

/// What a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A request.
    #[default]
    Request,
    /// A token that proved bad.
    BadToken,
}

/// How a caller speaks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// The API, pages and streams of the server itself.
    Native,
    /// The wire of AWS clients.
    Gamelift,
}

/// A rule as it is written. Lists that are empty say nothing; of those that are not, one entry each must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name; that of a default rule takes its place.
    pub name: String,
    /// What it counts: `request` or `bad_token`.
    #[serde(default)]
    pub on: Event,
    /// `native` or `gamelift`; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Face>,
    /// HTTP methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Patterns of paths, such as `/v1/matches/*/result`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Patterns of actions, such as `gsm:Get*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Roles of callers; `none` is nobody known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whom it counts: `address`, `player`, `api_key`, `player_action`, `caller` or `header:NAME`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The most that pass in any window.
    #[serde(default)]
    pub limit: u32,
    /// The window: 1 to 600 seconds.
    #[serde(default)]
    pub window_s: u64,
    /// `block`, `count` or `off`.
    #[serde(default)]
    pub action: Action,
    /// 429, or 403.
    #[serde(default = "too_many")]
    pub status: u16,
}

const fn too_many() -> u16 {
    429
}

/// Why a rule is none: which of its members, and what about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}`: `{member}` {what}")]
pub struct RuleError {
    /// The rule, by name.
    pub rule: String,
    /// The member.
    pub member: &'static str,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A checked rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// What it counts.
    pub on: Event,
    /// How the caller must speak, if that matters.
    pub face: Option<Face>,
    /// The method must be one of these, if there are any.
    pub methods: Box<[Box<str>]>,
    /// The path must fit one of these, if there are any.
    pub paths: Box<[Glob]>,
    /// The action must fit one of these, if there are any.
    pub actions: Box<[Glob]>,
    /// The caller must have one of these, if there are any.
    pub roles: Box<[Box<str>]>,
    /// Whom it counts.
    pub key: KeyBy,
    /// How many in which window.
    pub rate: Rate,
    /// Whether it only counts.
    pub counts_only: bool,
    /// How it refuses.
    pub status: u16,
}

impl Rule {
    /// Checks what is written; all faults at once.
    pub fn new(written: &RuleConfig) -> Result<Self, Vec<RuleError>> {
        let mut faults = Vec::new();
        let mut wrong = |member, what: String| {
            let rule = written.name.chars().take(NAME_CHARS_MAX).collect();
            faults.push(RuleError { rule, member, what });
        };
        let lawful = (1..=NAME_CHARS_MAX).contains(&written.name.len())
            && written.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !lawful {
            wrong("name", format!("must have 1 to {NAME_CHARS_MAX} letters, digits, `_` and `-`"));
        }
        for (member, list) in [
            ("methods", &written.methods),
            ("paths", &written.paths),
            ("actions", &written.actions),
            ("roles", &written.roles),
        ] {
            if list.len() > LIST_MAX {
                wrong(member, format!("has {} entries, at most {LIST_MAX} may be", list.len()));
            }
        }
        for method in &written.methods {
            if !METHODS.contains(&method.as_str()) {
                wrong("methods", format!("has `{method}`; there are {}", METHODS.join(", ")));
            }
        }
        for role in &written.roles {
            if !ROLES.contains(&role.as_str()) {
                wrong("roles", format!("has `{role}`; there are {}", ROLES.join(", ")));
            }
        }
        let mut globs = |member, list: &[String], begins: &str| -> Box<[Glob]> {
            let mut globs = Vec::new();
            for text in list {
                match Glob::new(text) {
                    Ok(_) if !text.starts_with(begins) && !text.starts_with('*') => {
                        wrong(member, format!("has `{text}`, which begins with neither `{begins}` nor `*`"));
                    }
                    Ok(glob) => globs.push(glob),
                    Err(error) => wrong(member, format!("has `{text}`: {error}")),
                }
            }
            globs.into()
        };
        let paths = globs("paths", &written.paths, "/");
        let actions = globs("actions", &written.actions, "g");
        let key = written.key.parse::<KeyBy>();
        if let Err(error) = &key {
            wrong("key", format!("is `{}`: it {error}", written.key));
        }
        let rate = Rate::new(written.limit, Millis::from_secs(written.window_s.min(1 << 32)));
        match rate {
            Err(crate::RateError::Limit(n)) => {
                wrong("limit", format!("is {n}, it must be 1 to {}", crate::LIMIT_MAX));
            }
            Err(crate::RateError::Window(_)) => {
                wrong(
                    "window_s",
                    format!("is {}, it must be 1 to {}", written.window_s, crate::WINDOW_MAX.get() / 1_000),
                );
            }
            Ok(_) => {}
        }
        if !matches!(written.status, 403 | 429) {
            wrong("status", format!("is {}, it must be 429 or 403", written.status));
        }
        if written.on == Event::BadToken {
            if !written.roles.is_empty() {
                wrong("roles", "must be empty where `on` is `bad_token`: nobody is known".to_owned());
            }
            if matches!(key, Ok(KeyBy::Player | KeyBy::PlayerAction | KeyBy::ApiKey)) {
                wrong(
                    "key",
                    "must be `address` or `header:NAME` where `on` is `bad_token`: nobody is known"
                        .to_owned(),
                );
            }
        }
        match (key, rate) {
            (Ok(key), Ok(rate)) if faults.is_empty() => Ok(Self {
                name: written.name.as_str().into(),
                on: written.on,
                face: written.face,
                methods: written.methods.iter().map(|m| m.as_str().into()).collect(),
                paths,
                actions,
                roles: written.roles.iter().map(|r| r.as_str().into()).collect(),
                key,
                rate,
                counts_only: written.action == Action::Count,
                status: written.status,
            }),
            _ => Err(faults),
        }
    }

    /// Whether it counts when it is known who asks; else before.
    #[must_use]
    pub fn needs_caller(&self) -> bool {
        !self.roles.is_empty()
            || matches!(self.key, KeyBy::Player | KeyBy::ApiKey | KeyBy::PlayerAction | KeyBy::Caller)
    }
}
