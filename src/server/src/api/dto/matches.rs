//! Matches.
use super::{PredictionDto, ResultDto, RoleDto};
use gsm_core::{MatchId, PlayerId, TicketId};
use gsm_engine::MatchView;
use serde::Serialize;
use utoipa::ToSchema;

/// A match as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    mode: String,
    /// `created`, `allocating`, `running`, `reporting`, `finished` or `abandoned`.
    state: &'static str,
    sides: Vec<SideDto>,
    /// What the learnt model predicted when the match was formed.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<PredictionDto>,
    created_at: i64,
    changed_at: i64,
    /// When it is abandoned if no result has come.
    expires_at: i64,
    /// The tickets it came from; none if a server created it.
    #[schema(value_type = Vec<String>)]
    tickets: Vec<TicketId>,
    /// The side with the advantage of the game, from 0, where one has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    home: Option<usize>,
    /// The variant of the mode that is to be played, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// The longest wait among them.
    wait_ms_max: u64,
    /// Between the best and the worst ticket, in rating points.
    spread: f64,
    /// Where players connect, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// For game servers and who made the match: the token that reports this match and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultDto>,
}

/// A side of a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SideDto {
    /// Its name, where the queue's rule set gives it one.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    players: Vec<MatchSeatDto>,
    /// What the rating system of the queue expected of the side when the match was made, 0 to 1: of two sides the score; of
    /// more the share of all pairings won, so that four equals have 0.25 each. By the ratings alone: what `rating_options`
    /// make of them (the points of a party) counts in the `expected` of `why` and of the result, not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
}

/// A player of a side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchSeatDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// `reserved`, `active`, `completed` or `timed_out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'static str>,
    /// Where the rule set gives roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleDto>,
}

impl From<MatchView> for MatchDto {
    fn from(view: MatchView) -> Self {
        let row = view.row;
        let session = |player: PlayerId| {
            row.player_sessions.iter().find(|s| s.player == player).map(|s| s.state.as_str())
        };
        let seat = |player: &PlayerId| MatchSeatDto {
            player_id: *player,
            session: session(*player),
            role: row.roles.get(player).cloned().map(Into::into),
        };
        let sides = row
            .roster
            .sides()
            .iter()
            .enumerate()
            .map(|(at, side)| SideDto {
                team: row.teams.get(at).cloned(),
                players: side.iter().map(seat).collect(),
                expected: row.prediction.expected.get(at).copied(),
            })
            .collect();
        Self {
            match_id: view.id,
            queue: row.queue.as_ref().map(ToString::to_string),
            mode: row.mode.to_string(),
            state: row.state.as_str(),
            home: row.roster.home(),
            variant: row.roster.variant().map(ToString::to_string),
            sides,
            prediction: row.prediction.forecast.map(|forecast| (*forecast).into()),
            created_at: row.created_at.as_millis(),
            changed_at: row.changed_at.as_millis(),
            expires_at: row.expires_at.as_millis(),
            wait_ms_max: row.wait_ms_max.get(),
            spread: row.spread,
            connection: row.connection.clone(),
            tickets: row.tickets,
            server_token: view.server_token,
            result: view.result.map(Into::into),
        }
    }
}
