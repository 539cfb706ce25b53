//! What is wrong with a rule set, and where.
use serde::Serialize;
use std::fmt;

/// One thing that is wrong (or, as a warning, doubtful) in the text of a rule set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where in the document: `$.rules[2].maxDistance`.
    pub path: String,
    /// Line of the text, from 1.
    pub line: u32,
    /// Character of the line, from 1.
    pub column: u32,
    /// The rule that it is about, where it is about one with a name.
    pub rule: Option<String>,
    /// What is wrong, and where it helps, what to write instead.
    pub message: String,
}

impl fmt::Display for Fault {
    /// One line: `line 3, column 7: $.rules[2].maxDistance (rule `Near`): must be a number`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.path)?;
        if let Some(rule) = &self.rule {
            write!(f, " (rule `{rule}`)")?;
        }
        write!(f, ": {}", self.message)
    }
}
