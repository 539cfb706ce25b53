//! Rows of what players report themselves, and of pairs that meet too often.
use crate::Silence;
use gsm_core::{Mode, PlayerId, QueueName, Timestamp};
use gsm_session::{Roster, Voices};
use serde::{Deserialize, Serialize};

/// What the players of a match say of its end. Kept as long as the match: whether all agreed or one was believed can be asked
/// afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportsRow {
    /// The mode it is rated in.
    pub mode: Mode,
    /// The queue that made the match.
    pub queue: QueueName,
    /// Who plays.
    pub roster: Roster,
    /// How many must say the same, as the queue had it when the first spoke.
    pub agree: u32,
    /// What becomes of it if a side stays silent, likewise.
    pub silence: Silence,
    /// When it is decided by what was said so far.
    pub deadline: Timestamp,
    /// What they say.
    pub voices: Voices,
    /// How far it has come.
    pub stage: ReportsStage,
    /// Who said otherwise than what counts; nobody while nothing does.
    pub overruled: Vec<PlayerId>,
}

/// How far reports of players have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReportsStage {
    /// They may still report.
    Open,
    /// The result is there.
    Settled,
    /// The result waits for an operator, since they did not agree.
    Disputed,
    /// An operator has ruled on what they did not agree on.
    Ruled,
}

/// Two players who met too often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlagRow {
    /// When it was first seen.
    pub raised_at: Timestamp,
    /// When the figures were taken.
    pub at: Timestamp,
    /// Matches that they played against each other within the window.
    pub meetings: u32,
    /// Meetings to expect, were opponents drawn evenly.
    pub expected: f64,
    /// Matches of each within the window.
    pub matches: [u32; 2],
    /// Meetings in which each did better.
    pub wins: [u32; 2],
    /// Players of the mode from among whom opponents might have come.
    pub players: u32,
}
