//! Matches, game sessions and player sessions.
use super::{
    App,
    answer::Answer,
    dto::MatchDto,
    extract::{Json, Params, Query, Read, Write},
    players::page_size,
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{MatchId, PlayerId, QueueName, Variant};
use gsm_engine::NewMatch;
use gsm_session::{MatchState, PlayerSessionState};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMatchDto {
    /// Names the mode and the rating system.
    #[schema(value_type = String)]
    queue: QueueName,
    /// Everyone for themselves: each of these players is a side.
    #[schema(value_type = Option<Vec<String>>)]
    players: Option<Vec<PlayerId>>,
    /// Or the sides, each with its players.
    #[schema(value_type = Option<Vec<Vec<String>>>)]
    sides: Option<Vec<Vec<PlayerId>>>,
    /// Who came together, for modes in which a party counts: lists of players of this match.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    parties: Vec<Vec<PlayerId>>,
    /// The side, from 0, that has the advantage of the game (white, the home team), where one has it.
    home: Option<usize>,
    /// The variant of the mode that is to be played (map, surface), 1 to 32 characters of `A-Za-z0-9-._`; the queue's if
    /// absent.
    #[schema(value_type = Option<String>)]
    variant: Option<Variant>,
}

/// Create a match outside the matcher.
///
/// For custom games and back ends with a matchmaker of their own. Only its creator and admins report it.
#[utoipa::path(post, path = "/v1/matches", tag = "matches", operation_id = "create_match",
    request_body = NewMatchDto,
    responses((status = 201, body = MatchDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:CreateMatch")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    write: Write<Json<NewMatchDto>>,
) -> Result<(StatusCode, Answer<MatchDto>), ApiError> {
    let Json(body) = write.body;
    let sides = match (body.sides, body.players) {
        (Some(sides), None) => sides,
        (None, Some(players)) => players.into_iter().map(|player| vec![player]).collect(),
        _ => return Err(ApiError::value("sides", "give either `sides` or `players`")),
    };
    let new =
        NewMatch { queue: body.queue, sides, parties: body.parties, home: body.home, variant: body.variant };
    Ok((StatusCode::CREATED, Answer(app.engine.create_match(&write.call, &new).await?.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunningQuery {
    /// Of this queue alone.
    #[param(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<MatchId>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RunningDto {
    matches: Vec<MatchDto>,
    /// Give it as `cursor` to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// List the matches that have not ended, in no particular order.
#[utoipa::path(get, path = "/v1/matches", tag = "matches", operation_id = "list_matches",
    params(RunningQuery),
    responses((status = 200, body = RunningDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListMatches")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn running(
    State(app): State<Arc<App>>,
    read: Read,
    Query(query): Query<RunningQuery>,
) -> Result<Answer<RunningDto>, ApiError> {
    let limit = page_size(query.limit)?;
    let (found, next) =
        app.engine.running_matches(&read.call, query.queue.as_ref(), query.cursor, limit).await?;
    Ok(Answer(RunningDto {
        matches: found.into_iter().map(Into::into).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

/// Read a match and, once it counts, its result.
///
/// Servers and admins also get the match's own token, with which the match's host reports the result.
#[utoipa::path(get, path = "/v1/matches/{match_id}", tag = "matches", operation_id = "get_match",
    params(("match_id" = String, Path)),
    responses((status = 200, body = MatchDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetMatch")), ("x-gsm-roles" = json!(["player", "server", "admin", "match"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn view(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<MatchDto>, ApiError> {
    Ok(Answer(app.engine.match_view(&read.call, params.get("match_id")?).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewState {
    /// `allocating`, `running`, `reporting`, `finished` or `abandoned`.
    #[schema(value_type = String)]
    state: MatchState,
    /// Where players connect, 1 to 256 characters; pushed to them.
    connection: Option<String>,
}

/// Move a match to another state.
///
/// Legal moves: created → allocating → running → reporting → finished, running → finished, and abandoned from any state
/// but finished. Ending a match without a result leaves it unrated.
#[utoipa::path(post, path = "/v1/matches/{match_id}/state", tag = "matches", operation_id = "move_match",
    params(("match_id" = String, Path)), request_body = NewState,
    responses((status = 200, body = MatchDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:MoveMatch")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn change_state(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<NewState>>,
) -> Result<Answer<MatchDto>, ApiError> {
    let Json(body) = write.body;
    let id = params.get("match_id")?;
    Ok(Answer(app.engine.move_match(&write.call, id, body.state, body.connection).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSessionState {
    /// `active`, `completed` or `timed_out`.
    #[schema(value_type = String)]
    state: PlayerSessionState,
}

/// One player's place in a game session.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerSessionDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// `reserved`, `active`, `completed` or `timed_out`.
    state: &'static str,
    changed_at: i64,
}

/// Move a player's session: connected, left, did not come.
#[utoipa::path(post, path = "/v1/matches/{match_id}/player-sessions/{player_id}", tag = "matches", operation_id = "move_player_session",
    params(("match_id" = String, Path), ("player_id" = String, Path)), request_body = NewSessionState,
    responses((status = 200, body = PlayerSessionDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:MovePlayerSession")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn player_session(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<NewSessionState>>,
) -> Result<Answer<PlayerSessionDto>, ApiError> {
    let (id, player) = (params.get("match_id")?, params.get("player_id")?);
    let session = app.engine.move_player_session(&write.call, id, player, write.body.0.state).await?;
    Ok(Answer(PlayerSessionDto {
        player_id: session.player,
        state: session.state.as_str(),
        changed_at: session.changed_at.as_millis(),
    }))
}
