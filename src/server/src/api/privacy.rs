//! What is kept of a player, shown to him, and deleted.
mod items;

use super::{
    App,
    answer::Answer,
    audit::read,
    extract::{Json, Params, Query, Read, Write},
    parts::StatementShape,
    rulings::reason,
};
use crate::{
    audit::Filter,
    problem::{ApiError, Problem},
    receipt,
};
use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::PlayerId;
use gsm_engine::{EngineError, Erasure, ExportCursor, Principal};
use items::ExportItemDto;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Records of the audit log on one page.
const RECORDS_MAX: usize = 200;

/// Where a page of an export begins: in the store, or in the audit log before a record.
enum From {
    Store(ExportCursor),
    Log(u64),
}

impl From {
    fn encode(&self) -> String {
        let bytes = match self {
            Self::Store(cursor) => [&[0][..], &cursor.encode()].concat(),
            Self::Log(before) => [&[1][..], &before.to_be_bytes()].concat(),
        };
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        match bytes.split_first()? {
            (0, cursor) => ExportCursor::decode(cursor).map(Self::Store),
            (1, before) => before.try_into().ok().map(u64::from_be_bytes).map(Self::Log),
            _ => None,
        }
    }
}

/// A page of what is kept of a player.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExportDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    items: Vec<ExportItemDto>,
    /// Give it as `cursor` to read on; absent at the end. A page may have no items and yet not be the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Export all that is kept of a player: one's own, or as an operator anybody's.
///
/// Page by page: account, bans, penalties, watches, ratings with their histories, entries of boards, matches, tickets, what
/// predictions have learnt, and the records of the audit log that name the player as their caller. Secrets are not in it, nor what others brought.
#[utoipa::path(get, path = "/v1/players/{player_id}/export", tag = "players", operation_id = "export_player",
    params(("player_id" = String, Path), ExportQuery),
    responses((status = 200, body = ExportDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ExportPlayer")), ("x-gsm-roles" = json!(["player", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn export(
    State(app): State<Arc<App>>,
    read_call: Read,
    params: Params,
    Query(query): Query<ExportQuery>,
) -> Result<Answer<ExportDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let from = match query.cursor {
        None => {
            read_call.begins();
            From::Store(ExportCursor::default())
        }
        Some(text) => {
            From::decode(&text).ok_or_else(|| ApiError::parameter("cursor", "not a cursor of this export"))?
        }
    };
    let call = read_call.call;
    let (items, next) = match from {
        From::Store(from) => {
            let page = app.engine.export_player(&call, player, &from).await?;
            let with_names = call.principal.player().is_none();
            let items =
                page.items.into_iter().map(|item| ExportItemDto::new(player, item, with_names)).collect();
            (items, Some(page.next.map_or(From::Log(u64::MAX), From::Store)))
        }
        From::Log(before) => {
            // Whoever may read the rest may read this.
            app.engine.may_export(&call, player).await?;
            let filter = Filter { principal: Some(player.to_string()), ..Filter::default() };
            let page = read(&app, move |log| log.list(&filter, Some(before), RECORDS_MAX)).await?;
            let items = page.records.into_iter().map(ExportItemDto::AuditRecord).collect();
            (items, page.before.map(From::Log))
        }
    };
    let next_cursor = next.map(|next| next.encode());
    Ok(Answer(ExportDto { player_id: player, items, next_cursor }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasePlayer {
    /// The id of the player once more: there is no way back.
    // Whether the caller may ask at all is said before what is wrong with it.
    #[serde(default)]
    #[schema(required = true)]
    confirm: String,
    /// Of operators: why, for the audit log, 1 to 128 characters that name nobody.
    reason: Option<String>,
}

/// A receipt: what was erased and when, signed with the keys of the audit log (`gsm privacy verify`).
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptDto {
    /// What is stated, for reading.
    #[schema(value_type = StatementShape)]
    statement: serde_json::Value,
    /// The same as a signed note.
    note: String,
}

/// An erasure as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// `erased`; or `erasing`: the identity is gone, and what the player gave elsewhere is still being looked for.
    state: &'static str,
    /// When the identity was deleted.
    erased_at: i64,
    /// When all else was gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
    /// Once all is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptDto>,
}

impl ErasureDto {
    fn new(app: &App, of: &Erasure) -> Self {
        let receipt = receipt::statement(of).map(|statement| {
            let note = receipt::signed(&statement, &app.audit.signing_keys());
            ReceiptDto { statement, note }
        });
        Self {
            player_id: of.player,
            state: if receipt.is_some() { "erased" } else { "erasing" },
            erased_at: of.row.at.as_millis(),
            finished_at: of.row.finished_at.map(|at| at.as_millis()),
            receipt,
        }
    }
}

/// Erase a player: one's own account, or as an operator anybody's.
///
/// The name, outside ids and every way to sign in are deleted at once, tokens are refused from then on, and a ticket that
/// waits ends; a match goes on. What the player gave to tickets and boards is deleted behind it. Ratings, results and ranks
/// stay under the random id, so that those of others stay what they are. Whoever signs in with the same secret or account
/// afterwards is a new player. Doing it again changes nothing and gives the receipt, also with the player's old token.
#[utoipa::path(post, path = "/v1/players/{player_id}/erase", tag = "players", operation_id = "erase_player",
    params(("player_id" = String, Path)), request_body = ErasePlayer,
    responses((status = 200, body = ErasureDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ErasePlayer")), ("x-gsm-roles" = json!(["player", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn erase(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<ErasePlayer>>,
) -> Result<Answer<ErasureDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let Json(body) = write.body;
    if write.call.principal.player().is_some_and(|caller| caller != player) {
        return Err(EngineError::Unknown { what: "player" }.into());
    }
    if body.confirm != player.to_string() {
        return Err(ApiError::value("confirm", "must be the id of the player who is to be erased"));
    }
    let why = body.reason.as_deref().map(reason).transpose()?;
    match (&write.call.principal, why) {
        (Principal::Player(_), Some(_)) => {
            return Err(ApiError::value("reason", "is for operators to give"));
        }
        (Principal::Admin(_), None) => {
            return Err(ApiError::value("reason", "must be given: why the player is erased"));
        }
        _ => {}
    }
    let done = app.engine.erase_player(&write.call, player, why).await?;
    Ok(Answer(ErasureDto::new(&app, &done)))
}

/// Read how far an erasure is, and its receipt.
#[utoipa::path(get, path = "/v1/admin/players/{player_id}/erasure", tag = "admin", operation_id = "get_erasure",
    params(("player_id" = String, Path)),
    responses((status = 200, body = ErasureDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetErasure")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn erasure(
    State(app): State<Arc<App>>,
    _: super::extract::Admitted,
    params: Params,
) -> Result<Answer<ErasureDto>, ApiError> {
    let found = app.engine.erasure(params.get("player_id")?).await?;
    Ok(Answer(ErasureDto::new(&app, &found)))
}
