//! The rule-set language.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
    /// Numbers by name.
    Map(BTreeMap<String, f64>),
}
