//! Penalties: how a player stands, and what operators lift.
use super::{
    App,
    answer::Answer,
    extract::{Json, Params, Read, Write},
    rulings::reason,
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{MatchId, Mode, PlayerId};
use gsm_engine::PenaltyView;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// How a player stands, for one kind of offence in one scope.
#[derive(Serialize, ToSchema)]
pub(crate) struct PenaltyDto {
    /// The queues that it counts in: a mode, or what the queues say.
    scope: String,
    /// `dodge`, `leave` or `afk`.
    offence: &'static str,
    /// Offences that are not forgotten, at most as many as the ladder had steps at the last one.
    step: usize,
    /// Until when the player is locked out; absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<i64>,
    /// How long the next offence would lock the player out, by the ladders as they are now: the longest, where queues of the
    /// scope have several; 0 where none has any more.
    next_lock_ms: u64,
    /// The last offences, oldest first.
    offences: Vec<OffenceDto>,
}

/// An offence.
#[derive(Serialize, ToSchema)]
pub(crate) struct OffenceDto {
    /// The match; of a dodge the one that was proposed.
    match_id: String,
    at: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PenaltiesDto {
    player_id: String,
    /// What is not forgotten; empty: the player is in good standing everywhere.
    penalties: Vec<PenaltyDto>,
}

impl From<PenaltyView> for PenaltyDto {
    fn from(view: PenaltyView) -> Self {
        Self {
            scope: view.scope.to_string(),
            offence: view.offence.as_str(),
            step: view.step,
            locked_until: view.locked_until.map(|at| at.as_millis()),
            next_lock_ms: view.next_lock.get(),
            offences: view
                .offences
                .iter()
                .map(|of| OffenceDto { match_id: of.match_id.to_string(), at: of.at.as_millis() })
                .collect(),
        }
    }
}

impl PenaltiesDto {
    fn new(player: PlayerId, views: Vec<PenaltyView>) -> Self {
        Self { player_id: player.to_string(), penalties: views.into_iter().map(Into::into).collect() }
    }
}

/// Read a player's penalties: one's own, or as a server or admin anybody's.
#[utoipa::path(get, path = "/v1/players/{player_id}/penalties", tag = "players", operation_id = "get_penalties",
    params(("player_id" = String, Path)),
    responses((status = 200, body = PenaltiesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPenalties")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn penalties(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<PenaltiesDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    Ok(Answer(PenaltiesDto::new(player, app.engine.penalties(&read.call, player).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leavers {
    /// Who has left: players of the match, each once.
    #[schema(value_type = Vec<String>)]
    players: Vec<PlayerId>,
}

/// Report who has left a match that runs.
///
/// Where the match's queue has a ladder for `leave`, the lock-out begins now, and not with the result, which may name
/// them in `quits` as well: a player leaves a match once. Doing it again changes nothing.
#[utoipa::path(post, path = "/v1/matches/{match_id}/leavers", tag = "matches", operation_id = "report_leavers",
    params(("match_id" = String, Path)), request_body = Leavers,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReportLeavers")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn leavers(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<Leavers>>,
) -> Result<StatusCode, ApiError> {
    let id: MatchId = params.get("match_id")?;
    let players = write.body.0.players;
    if players.is_empty() {
        return Err(ApiError::value("players", "names nobody"));
    }
    app.engine.report_leavers(&write.call, id, &players).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftPenalties {
    /// Where: a mode, or the scope that the queues name.
    #[schema(value_type = String)]
    scope: Mode,
    /// Only what the player did in this match; absent: all offences in the scope.
    #[schema(value_type = Option<String>)]
    match_id: Option<MatchId>,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Lift a player's penalties: the offences are taken back, as if they had not been. Doing it again changes nothing.
#[utoipa::path(post, path = "/v1/admin/players/{player_id}/penalties/lift", tag = "admin", operation_id = "lift_penalties",
    params(("player_id" = String, Path)), request_body = LiftPenalties,
    responses((status = 200, body = PenaltiesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:LiftPenalties")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn lift(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<LiftPenalties>>,
) -> Result<Answer<PenaltiesDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let Json(body) = write.body;
    let why = reason(&body.reason)?;
    let after = app.engine.lift_penalties(&write.call, player, &body.scope, body.match_id, why).await?;
    Ok(Answer(PenaltiesDto::new(player, after)))
}
