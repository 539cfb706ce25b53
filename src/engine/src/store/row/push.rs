//! What players and operators are told.
use super::super::Forecast;
use super::RatingCause;
use gsm_core::{BoardName, MatchId, Mode, PlayerId, ProposalId, Rank, TicketId, Timestamp};
use gsm_matchmaking::Role;
use gsm_rating::Rating;
use gsm_session::{MatchState, OffenceKind, TicketState};
use serde::{Deserialize, Serialize};

/// Something a player is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: PushKind,
}

/// What a player can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PushKind {
    /// A ticket of the player changed its state.
    Ticket {
        /// Which.
        ticket: TicketId,
        /// To what.
        state: TicketState,
        /// The proposal to answer, if any.
        proposal: Option<ProposalId>,
        /// Until when it must be answered.
        answer_by: Option<Timestamp>,
        /// The match, if any.
        match_id: Option<MatchId>,
        /// The role that the player has in it, where the rules give one.
        role: Option<Role>,
        /// What was predicted of it, as players see it, once it is formed.
        prediction: Option<Box<Forecast>>,
        /// Why, for people.
        reason: Option<String>,
    },
    /// A match of the player changed its state.
    Match {
        /// Which.
        match_id: MatchId,
        /// To what.
        state: MatchState,
        /// Where to connect, once known.
        connection: Option<String>,
        /// What was predicted of it, as players see it, until it has ended.
        prediction: Option<Box<Forecast>>,
    },
    /// The player's rating moved.
    Rating {
        /// In which mode.
        mode: Mode,
        /// Because of which match.
        match_id: MatchId,
        /// Because of what about it.
        cause: RatingCause,
        /// From.
        before: Rating,
        /// To.
        after: Rating,
    },
    /// Something happened on a board that the player watches.
    Rank {
        /// On which.
        board: BoardName,
        /// The player's rank now.
        rank: Rank,
        /// Players ranked on the board.
        players: u64,
        /// Share of the others who are not better, `0.0..=100.0`.
        percentile: f64,
        /// What.
        news: RankNews,
    },
    /// The player has spoiled a match, or that was taken back.
    Penalty {
        /// The queues that it counts in.
        scope: Mode,
        /// How.
        offence: OffenceKind,
        /// Which match; `None` where all were taken back.
        match_id: Option<MatchId>,
        /// Whether it was taken back.
        lifted: bool,
        /// Until when the player is locked out for this kind of offence, if so.
        locked_until: Option<Timestamp>,
    },
    /// The players of a match of the player do not agree how it ended.
    Dispute {
        /// Which.
        match_id: MatchId,
        /// Why it is one, for people.
        reason: String,
    },
}

/// What can happen to a player on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RankNews {
    /// The player is among the best so many, and was not.
    EnteredTop {
        /// How many: the smallest of the watched tops that the player is in.
        top: u32,
    },
    /// The player is no longer among the best so many.
    LeftTop {
        /// How many: the greatest of the watched tops that the player was in and is not.
        top: u32,
    },
    /// Friends are ahead of the player, and were not.
    Overtaken {
        /// The best of them with their ranks, best first.
        by: Vec<(PlayerId, Rank)>,
        /// How many they are.
        friends: u32,
    },
    /// The player has more in the first column of the board than ever before; less, where less is better.
    PersonalBest {
        /// The number, as people read it.
        value: f64,
        /// The best before.
        before: f64,
    },
}
