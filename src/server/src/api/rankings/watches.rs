//! What players wish to be told about boards.
use super::super::{
    App,
    answer::Answer,
    extract::{BulkJson, Params, Read, Write},
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{Call, EngineError, WatchWish, store::WatchRow};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What to be told about; at least one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchBody {
    /// Players to stay ahead of, at most 1,000: `overtaken` is told when some are ahead and were not.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    friends: Vec<PlayerId>,
    /// Tops, each 1 to 1,000, at most 8: `entered_top` (the smallest that is entered, all larger ones with it) and
    /// `left_top` (the greatest that is left, all smaller ones with it) are told.
    #[serde(default)]
    top: Vec<u32>,
    /// Whether `personal_best` is told: more than ever before in the board's first column.
    #[serde(default)]
    personal_best: bool,
}

/// What a player watches on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct WatchDto {
    #[schema(value_type = String)]
    board: BoardName,
    /// Sorted, each once.
    #[schema(value_type = Vec<String>)]
    friends: Vec<PlayerId>,
    /// Ascending, each once.
    top: Vec<u32>,
    personal_best: bool,
    since: i64,
    /// When it ends unless it is put again.
    expires_at: i64,
}

impl WatchDto {
    pub(in super::super) fn new(board: BoardName, row: WatchRow) -> Self {
        Self {
            board,
            friends: row.friends,
            top: row.top,
            personal_best: row.personal_best,
            since: row.since.as_millis(),
            expires_at: row.until.as_millis(),
        }
    }
}

fn player(call: &Call) -> Result<PlayerId, ApiError> {
    Ok(call.principal.player().ok_or(EngineError::Forbidden)?)
}

/// Read what one watches on a board.
#[utoipa::path(get, path = "/v1/rankings/{mode}/watch", tag = "push", operation_id = "get_watch",
    params(("mode" = String, Path, description = "A board")),
    responses((status = 200, body = WatchDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetWatch")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    params: Params,
    read: Read,
) -> Result<Answer<WatchDto>, ApiError> {
    let board: BoardName = params.get("mode")?;
    let row = app.engine.watch(&board, player(&read.call)?).await?;
    Ok(Answer(WatchDto::new(board, row)))
}

/// Watch a board: what happens there comes over one's stream within a second.
///
/// Told is what happens from now on, compared with how things stand now. Putting a watch again renews it for 30 days;
/// what is watched as before goes on without a gap. At most 16 boards a player. Only whole boards are watched, and
/// of a board with cohorts the player's own.
#[utoipa::path(put, path = "/v1/rankings/{mode}/watch", tag = "push", operation_id = "put_watch",
    params(("mode" = String, Path, description = "A board")), request_body = WatchBody,
    responses((status = 200, body = WatchDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutWatch")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<BulkJson<WatchBody>>,
) -> Result<Answer<WatchDto>, ApiError> {
    let board: BoardName = params.get("mode")?;
    let WatchBody { friends, top, personal_best } = write.body.0;
    let wish = WatchWish { friends, top, personal_best };
    let row = app.engine.put_watch(&write.call, &board, player(&write.call)?, wish).await?;
    Ok(Answer(WatchDto::new(board, row)))
}

/// End a watch.
#[utoipa::path(delete, path = "/v1/rankings/{mode}/watch", tag = "push", operation_id = "delete_watch",
    params(("mode" = String, Path, description = "A board")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteWatch")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    app.engine.delete_watch(&write.call, &params.get("mode")?, player(&write.call)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
