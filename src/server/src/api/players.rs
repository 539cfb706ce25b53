//! Players, their ratings.
use super::{
    App,
    answer::Answer,
    dto::{PlayerRatingDto, RatingDto},
    extract::{Admitted, Json, Params, Query, Read, Write, given},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Label, Mode, PlayerId, limits};
use gsm_engine::{
    PlayerView,
    store::{Claim, HistoryRow, Step},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A player; what others do not see is left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    #[schema(value_type = Option<String>)]
    display_name: Option<Label>,
    /// The id under which an issuer or an import knows the player.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    created_at: i64,
    /// The live ticket, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<String>,
    /// The match that has not ended, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<String>,
}

impl From<PlayerView> for PlayerDto {
    fn from(view: PlayerView) -> Self {
        let (ticket_id, match_id) = match view.claim {
            Some(Claim::Ticket(id)) => (Some(id.to_string()), None),
            Some(Claim::Match(id)) => (None, Some(id.to_string())),
            None => (None, None),
        };
        Self {
            player_id: view.player,
            display_name: view.row.name,
            external_id: view.row.external_id.map(|id| id.to_string()),
            created_at: view.row.created_at.as_millis(),
            ticket_id,
            match_id,
        }
    }
}

/// Read a player.
///
/// Players see themselves whole; of others they see the name.
#[utoipa::path(get, path = "/v1/players/{player_id}", tag = "players", operation_id = "get_player",
    params(("player_id" = String, Path)),
    responses((status = 200, body = PlayerDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPlayer")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn player(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<PlayerDto>, ApiError> {
    Ok(Answer(app.engine.player(&read.call, params.get("player_id")?).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// 1 to 32 characters; `null` removes the name.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, required)]
    display_name: Option<Label>,
}

/// Change the display name.
#[utoipa::path(patch, path = "/v1/players/{player_id}", tag = "players", operation_id = "rename_player",
    params(("player_id" = String, Path)), request_body = Rename,
    responses((status = 200, body = PlayerDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RenamePlayer")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rename(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<Rename>>,
) -> Result<Answer<PlayerDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    Ok(Answer(app.engine.rename(&write.call, player, write.body.0.display_name).await?.into()))
}

/// Read a player's rating in a mode.
#[utoipa::path(get, path = "/v1/players/{player_id}/ratings/{mode}", tag = "players", operation_id = "get_rating",
    params(("player_id" = String, Path), ("mode" = String, Path)),
    responses((status = 200, body = PlayerRatingDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRating")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn rating(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<PlayerRatingDto>, ApiError> {
    let (player, mode): (PlayerId, Mode) = (params.get("player_id")?, params.get("mode")?);
    let row = app.engine.rating_now(&mode, player).await?;
    Ok(Answer(PlayerRatingDto::new(player, &mode, &row)))
}

/// A page of a history.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryDto {
    /// Newest first.
    entries: Vec<StepDto>,
    /// Give it as `cursor` to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// One step of a rating.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepDto {
    at: i64,
    /// `match`, `adjustment` (set by an operator), or `reset` (a soft reset).
    kind: &'static str,
    /// What follows up to `quit` is there for a match alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<String>,
    /// Place of the player's side, 1 is the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sides: Option<u32>,
    /// The score expected, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<f64>,
    /// The score reached, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quit: Option<bool>,
    before: RatingDto,
    after: RatingDto,
    /// Rated matches, this one included.
    games_played: u32,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<HistoryRow> for StepDto {
    fn from(row: HistoryRow) -> Self {
        let mut dto = Self {
            at: row.at.as_millis(),
            kind: "adjustment",
            match_id: None,
            place: None,
            sides: None,
            expected: None,
            actual: None,
            quit: None,
            before: row.before.into(),
            after: row.after.into(),
            games_played: row.games,
        };
        if let Step::Adjustment { visible: Some(_), .. } = row.step {
            dto.kind = "reset";
        }
        if let Step::Match { match_id, place, shared: _, sides, expected, actual, quit } = row.step {
            (dto.kind, dto.match_id) = ("match", Some(match_id.to_string()));
            (dto.place, dto.sides, dto.quit) = (Some(place), Some(sides), Some(quit));
            (dto.expected, dto.actual) = (Some(expected), Some(actual));
        }
        dto
    }
}

/// Read a rating's history, newest first.
#[utoipa::path(get, path = "/v1/players/{player_id}/ratings/{mode}/history", tag = "players", operation_id = "get_rating_history",
    params(("player_id" = String, Path), ("mode" = String, Path), HistoryQuery),
    responses((status = 200, body = HistoryDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRatingHistory")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn history(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<HistoryQuery>,
) -> Result<Answer<HistoryDto>, ApiError> {
    let (player, mode): (PlayerId, Mode) = (params.get("player_id")?, params.get("mode")?);
    let limit = page_size(query.limit)?;
    let place = |text: String| {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let bad = || ApiError::parameter("cursor", "not a cursor of this history");
        text.parse().ok().filter(|_| plain).ok_or_else(bad)
    };
    let after = query.cursor.map(place).transpose()?;
    let found = app.engine.history(&mode, player, after, limit).await?;
    let next_cursor = found.last().filter(|_| found.len() == limit).map(|entry| entry.depth.to_string());
    let entries = found.into_iter().map(|entry| entry.row.into()).collect();
    Ok(Answer(HistoryDto { entries, next_cursor }))
}

/// The page size asked for, or the usual one.
pub(crate) fn page_size(asked: Option<usize>) -> Result<usize, ApiError> {
    let size = asked.unwrap_or(limits::PAGE_SIZE_DEFAULT);
    if (1..=limits::PAGE_SIZE_MAX).contains(&size) {
        Ok(size)
    } else {
        Err(ApiError::parameter("limit", format_args!("must be 1 to {}", limits::PAGE_SIZE_MAX)))
    }
}
