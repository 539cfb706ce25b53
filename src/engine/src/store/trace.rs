//! The trace that a store keeps: which rows were written since when, so that what was saved earlier can catch up.
use super::{ChangeSet, Key, Op};
use crate::sum::step;
use serde::{Deserialize, Serialize};

impl Key {
    /// Whether stores keep a trace of the writes of this row: ratings, which the large boards are made
    /// of, and lessons, which models are learnt from.
    #[must_use]
    pub fn is_traced(&self) -> bool {
        matches!(self, Self::Rating(..) | Self::Lesson(..))
    }
}

/// A place among the commits that write [traced](Key::is_traced) rows. Two stores, or two histories of one of which a
/// backup was put back, have none in common (by chance, one in 2^64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Sequence of the last such commit; 0 before the first.
    pub sequence: u64,
    /// Traced rows that were written up to it, in all.
    pub rows: u64,
    /// A sum over key, time and sequence of every such commit up to it.
    pub chain: u64,
}

impl Position {
    /// The position after a change set, and the traced rows that it writes or removes; `None` if there are none.
    #[must_use]
    pub fn after(self, sequence: u64, changes: &ChangeSet) -> Option<(Self, Vec<&Key>)> {
        let writes = changes.writes.iter().chain(&changes.folds);
        let written = writes.filter(|write| write.key.is_traced() && !matches!(write.op, Op::Check));
        let keys: Vec<&Key> = written.map(|write| &write.key).collect();
        if keys.is_empty() {
            return None;
        }
        let (key, at) = (changes.key.as_u128(), changes.at.as_millis() as u64);
        let words = [sequence, key as u64, (key >> 64) as u64, at];
        let chain = words.into_iter().fold(self.chain, step);
        Some((Self { sequence, rows: self.rows + keys.len() as u64, chain }, keys))
    }
}
