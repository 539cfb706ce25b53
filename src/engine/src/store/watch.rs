//! Rows of who wants to be told what about a board.
use gsm_core::{PlayerId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a player wants to be told about a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRow {
    /// Whom the player wants to stay ahead of: sorted, each once.
    pub friends: Vec<PlayerId>,
    /// Tops to be told of: the best so many; ascending, each once.
    pub top: Vec<u32>,
    /// Whether the player's own bests are told.
    pub personal_best: bool,
    /// Since when.
    pub since: Timestamp,
    /// When the watch ends by itself.
    pub until: Timestamp,
}

/// How things stood when the watcher was last told: what is told next is the difference to it. Written in one change
/// set with the events, so that each is told once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldRow {
    /// Hash of the board's settings: under others it says nothing.
    pub of: u64,
    /// A bit for each friend of the watch, the lowest of the first byte first: is ahead. `None` while the watcher is
    /// not ranked.
    pub ahead: Option<Vec<u8>>,
    /// The smallest of the watched tops that the watcher is in.
    pub top: Option<u32>,
    /// The watcher's best so far; `None` before the first and where bests are not told.
    pub best: Option<Best>,
}

/// The best that a player has had in the first column of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// The number.
    pub value: i64,
    /// The step of the player's history ([`super::Key::History`]) that reached it; 0 where scores are submitted.
    pub depth: u64,
    /// Steps up to this one have been told of, or came before the watch.
    pub told: u64,
}
