//! The messages of a player's stream.
use super::cursor::cursor_text;
use crate::api::{
    dto::{EstimatedWaitDto, PredictionDto, RatingDto, RoleDto},
    tickets::ShortWhyDto,
};
use gsm_engine::{
    PushItem,
    store::{Cursor, PushKind, RankNews},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A message of the stream.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum EventDto {
    /// The first message: where the stream stands.
    Hello { cursor: String },
    /// Before all others where events after the cursor that was given are kept no longer: some may have been missed, so what
    /// matters (the ticket, the match, ratings) is to be read anew. What follows is whole.
    Missed { cursor: String },
    /// A ticket of the player changed its state.
    Ticket {
        cursor: String,
        at: i64,
        ticket_id: String,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        proposal_id: Option<String>,
        /// Until when the player must have accepted. Who plays in the match already is not asked and has none.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer_by: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        match_id: Option<String>,
        /// The player's role in the match, where the rule set gives one.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<RoleDto>,
        /// What was predicted of the match, once it is formed.
        #[serde(skip_serializing_if = "Option::is_none")]
        prediction: Option<PredictionDto>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// While it waits, once enough others have ended; on a stream, not on a page.
        #[serde(skip_serializing_if = "Option::is_none")]
        estimated_wait: Option<EstimatedWaitDto>,
    },
    /// The player's ticket still waits: how long it will, or why, has changed since that was told last. Not kept: the cursor is
    /// that of the last event.
    Wait {
        cursor: String,
        at: i64,
        ticket_id: String,
        /// Once enough others have ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        estimated_wait: Option<EstimatedWaitDto>,
        /// What stands in the way of a match; of a ticket in several queues in the first of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<ShortWhyDto>,
    },
    /// A match of the player changed its state.
    Match {
        cursor: String,
        at: i64,
        match_id: String,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        connection: Option<String>,
        /// What was predicted of it, until it has ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        prediction: Option<PredictionDto>,
    },
    /// The player's rating moved.
    Rating {
        cursor: String,
        at: i64,
        mode: String,
        match_id: String,
        /// What about the match moved it: `result`, `void` or `correction`.
        cause: &'static str,
        before: RatingDto,
        after: RatingDto,
    },
    /// The player has spoiled a match for others, or that was taken back (`lifted`).
    Penalty {
        cursor: String,
        at: i64,
        /// The queues that it counts in: a mode, or what the queues say.
        scope: String,
        /// `dodge`, `leave` or `afk`.
        offence: &'static str,
        /// Absent where all offences of the kind were taken back.
        #[serde(skip_serializing_if = "Option::is_none")]
        match_id: Option<String>,
        lifted: bool,
        /// Until when the player is locked out for this kind of offence; absent: not at all.
        #[serde(skip_serializing_if = "Option::is_none")]
        locked_until: Option<i64>,
    },
    /// The players of a match of the player do not agree how it ended; an operator will say.
    Dispute { cursor: String, at: i64, match_id: String, reason: String },
    /// The player is among the best `top` of a board that is watched, and was not; so he is in all larger tops that he
    /// watches, and in no smaller one. Several that are entered at once are told by this one event.
    EnteredTop {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        top: u32,
    },
    /// The player is no longer among the best `top` of a board that is watched, nor in any smaller top; he is in all
    /// larger ones that he watches. Several that are left at once are told by this one event.
    LeftTop {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        top: u32,
    },
    /// Friends are ahead of the player on a board that is watched, and were not.
    Overtaken {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        /// How many friends.
        friends: u32,
        /// The best 16 of them, best first.
        by: Vec<AheadDto>,
    },
    /// The player has more in the first column of a board than ever before; less, where less is better.
    PersonalBest {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        value: f64,
        /// The best before.
        before: f64,
    },
}

/// Where the player stands on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardPlace {
    board: String,
    rank: u64,
    /// Players ranked on the board.
    players: u64,
    /// Share of the others who are not better, 0 to 100.
    percentile: f64,
}

/// A friend who is ahead.
#[derive(Serialize, ToSchema)]
pub(crate) struct AheadDto {
    player_id: String,
    rank: u64,
}

fn rank_event(cursor: String, at: i64, place: BoardPlace, news: RankNews) -> EventDto {
    match news {
        RankNews::EnteredTop { top } => EventDto::EnteredTop { cursor, at, place, top },
        RankNews::LeftTop { top } => EventDto::LeftTop { cursor, at, place, top },
        RankNews::Overtaken { by, friends } => {
            let ahead = |(player, rank): (gsm_core::PlayerId, gsm_core::Rank)| AheadDto {
                player_id: player.to_string(),
                rank: rank.get(),
            };
            EventDto::Overtaken { cursor, at, place, friends, by: by.into_iter().map(ahead).collect() }
        }
        RankNews::PersonalBest { value, before } => {
            EventDto::PersonalBest { cursor, at, place, value, before }
        }
    }
}

/// What is told first where events may have been missed.
pub(super) fn missed(gap: Option<Cursor>) -> Option<EventDto> {
    gap.map(|gone| EventDto::Missed { cursor: cursor_text(gone) })
}

impl EventDto {
    /// Where the stream stands after it.
    pub(super) fn cursor(&self) -> &str {
        match self {
            Self::Hello { cursor }
            | Self::Missed { cursor }
            | Self::Ticket { cursor, .. }
            | Self::Wait { cursor, .. }
            | Self::Match { cursor, .. }
            | Self::Rating { cursor, .. }
            | Self::Penalty { cursor, .. }
            | Self::Dispute { cursor, .. }
            | Self::EnteredTop { cursor, .. }
            | Self::LeftTop { cursor, .. }
            | Self::Overtaken { cursor, .. }
            | Self::PersonalBest { cursor, .. } => cursor,
        }
    }
}

impl From<PushItem> for EventDto {
    fn from(item: PushItem) -> Self {
        let (cursor, at) = (cursor_text(item.cursor), item.event.at.as_millis());
        match item.event.kind {
            PushKind::Ticket { ticket, state, proposal, answer_by, match_id, role, prediction, reason } => {
                Self::Ticket {
                    cursor,
                    at,
                    ticket_id: ticket.to_string(),
                    state: state.as_str(),
                    proposal_id: proposal.map(|id| id.to_string()),
                    answer_by: answer_by.map(|at| at.as_millis()),
                    match_id: match_id.map(|id| id.to_string()),
                    role: role.map(Into::into),
                    prediction: prediction.map(|of| (*of).into()),
                    reason,
                    estimated_wait: None,
                }
            }
            PushKind::Match { match_id, state, connection, prediction } => Self::Match {
                cursor,
                at,
                match_id: match_id.to_string(),
                state: state.as_str(),
                connection,
                prediction: prediction.map(|of| (*of).into()),
            },
            PushKind::Rating { mode, match_id, cause, before, after } => Self::Rating {
                cursor,
                at,
                mode: mode.to_string(),
                match_id: match_id.to_string(),
                cause: cause.as_str(),
                before: before.into(),
                after: after.into(),
            },
            PushKind::Penalty { scope, offence, match_id, lifted, locked_until } => Self::Penalty {
                cursor,
                at,
                scope: scope.to_string(),
                offence: offence.as_str(),
                match_id: match_id.map(|id| id.to_string()),
                lifted,
                locked_until: locked_until.map(|at| at.as_millis()),
            },
            PushKind::Dispute { match_id, reason } => {
                Self::Dispute { cursor, at, match_id: match_id.to_string(), reason }
            }
            PushKind::Rank { board, rank, players, percentile, news } => {
                let place = BoardPlace { board: board.to_string(), rank: rank.get(), players, percentile };
                rank_event(cursor, at, place, news)
            }
        }
    }
}
