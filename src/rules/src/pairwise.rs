//! What must hold between two tickets of one match, for indexes.
use crate::columns::{NumberColumn, WordColumn};

/// A condition that any two tickets of any match that a stage lets through fulfil, or one that each ticket does.
///
/// Necessary, not sufficient: an index that asks them never leaves out a match that would hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pairwise {
    /// Their numbers are at most `width` apart.
    Within {
        /// Of which numbers.
        column: NumberColumn,
        /// Not negative.
        width: f64,
        /// The rule that asks it: an index into [`RuleSet::rules`](crate::RuleSet::rules).
        rule: usize,
    },
    /// Their numbers are equal.
    SameNumber {
        /// Of which numbers.
        column: NumberColumn,
        /// The rule that asks it.
        rule: usize,
    },
    /// Their numbers differ.
    DifferentNumber {
        /// Of which numbers.
        column: NumberColumn,
        /// The rule that asks it.
        rule: usize,
    },
    /// All their players have the same string.
    SameText {
        /// Of which strings.
        column: WordColumn,
        /// The rule that asks it.
        rule: usize,
    },
    /// No two of their players have the same string.
    DifferentText {
        /// Of which strings.
        column: WordColumn,
        /// The rule that asks it.
        rule: usize,
    },
    /// Their sets have at least so many strings in common.
    Overlap {
        /// Of which sets.
        column: WordColumn,
        /// At least 1.
        at_least: u32,
        /// The rule that asks it.
        rule: usize,
    },
    /// Some location is within the latency for both, and they are near each other there.
    Region {
        /// Of which latencies.
        column: WordColumn,
        /// In milliseconds; infinite where the rule limits distances only.
        max_ms: f64,
        /// So far apart may the two be there, in milliseconds; infinite where the rule limits no distances.
        apart_ms: f64,
        /// The rule that asks it.
        rule: usize,
    },
    /// The rule judges each ticket by itself as well: [`Stage::alone`](crate::Stage::alone) tells who fails on every team.
    Unary {
        /// The rule that asks it.
        rule: usize,
    },
}

impl Pairwise {
    /// The rule that asks it: an index into [`RuleSet::rules`](crate::RuleSet::rules).
    #[must_use]
    pub const fn rule(&self) -> usize {
        match *self {
            Self::Within { rule, .. }
            | Self::SameNumber { rule, .. }
            | Self::DifferentNumber { rule, .. }
            | Self::SameText { rule, .. }
            | Self::DifferentText { rule, .. }
            | Self::Overlap { rule, .. }
            | Self::Region { rule, .. }
            | Self::Unary { rule } => rule,
        }
    }
}
