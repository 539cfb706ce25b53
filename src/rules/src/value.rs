//! What callers bring: players with attributes and latencies.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The value of a player's attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of strings; repeats after the first do not count.
    List(Vec<String>),
    /// Numbers by name.
    Map(BTreeMap<String, f64>),
}

/// One player of a ticket, as the rules see him.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Member {
    /// What `players[playerId]` gives.
    pub player: String,
    /// Another id of his, by which lists of `avoid` rules may name him as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Attributes by name. Those that the rule set does not declare are ignored.
    pub attributes: BTreeMap<String, Value>,
    /// Latency to each location in milliseconds.
    pub latency_ms: BTreeMap<String, u32>,
    /// How strong a model takes him to be, as a logit: the difference of two is about that of their duel. None of whom it
    /// knows nothing, and where there is no model. No recording keeps it.
    #[serde(skip)]
    pub strength: Option<f64>,
    /// His rating, for choices that the rules leave open. No recording keeps it under this name.
    #[serde(skip)]
    pub skill: Option<f64>,
}

impl Member {
    /// The ids by which others may name him.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.player).chain(&self.alias).map(String::as_str)
    }
}
