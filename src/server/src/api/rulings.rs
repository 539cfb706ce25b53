//! For operators: results voided, corrected and let out of quarantine, ratings rebuilt.
use super::{
    App,
    answer::Answer,
    dto::ResultDto,
    extract::{Admitted, Json, Params, Query, Write},
    players::page_size,
    results::{PlacementDto, ReportDto, SidePlaceDto, to_report},
};
use crate::{
    problem::{ApiError, Problem},
    reason,
};
use axum::extract::State;
use gsm_core::{MatchId, Mode, PlayerId, Variant};
use gsm_engine::RebuildReport;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A reason for the audit log, without the blanks around it.
pub(super) fn reason(text: &str) -> Result<&str, ApiError> {
    reason::checked(text).ok_or_else(|| ApiError::value("reason", reason::WANTED))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoidResult {
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Take a result back: ratings, history and boards end as if the match had never been played.
///
/// What was reported is kept. All that was rated since is rated again, so a long one may answer 503 `rerating` to
/// results of its mode meanwhile. Doing it again changes nothing; a correction makes the match count again.
#[utoipa::path(post, path = "/v1/admin/matches/{match_id}/void", tag = "admin", operation_id = "void_result",
    params(("match_id" = String, Path)), request_body = VoidResult,
    responses((status = 200, body = ResultDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:VoidMatch")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn void(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<VoidResult>>,
) -> Result<Answer<ResultDto>, ApiError> {
    let id: MatchId = params.get("match_id")?;
    let Json(body) = write.body;
    Ok(Answer(app.engine.void_result(&write.call, id, reason(&body.reason)?).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectResult {
    /// One entry for every player, in any order.
    placements: Option<Vec<PlacementDto>>,
    /// Or one entry for every side, in the match's order.
    sides: Option<Vec<SidePlaceDto>>,
    /// Players who left before the end.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    quits: Vec<PlayerId>,
    /// Players who were there and did not play.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    afk: Vec<PlayerId>,
    /// How long the match was played.
    duration_ms: Option<u64>,
    /// The variant of the mode that was played; as it is in the result if absent.
    #[schema(value_type = Option<String>)]
    variant: Option<Variant>,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Correct a result: ratings, history and boards end as if the match had always ended like this.
///
/// What was reported is kept beside it. All that was rated since is rated again, so a long one may answer 503
/// `rerating` to results of its mode meanwhile. A voided match counts again, in its old place.
#[utoipa::path(post, path = "/v1/admin/matches/{match_id}/correct", tag = "admin", operation_id = "correct_result",
    params(("match_id" = String, Path)), request_body = CorrectResult,
    responses((status = 200, body = ResultDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:CorrectResult")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn correct(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<CorrectResult>>,
) -> Result<Answer<ResultDto>, ApiError> {
    let id: MatchId = params.get("match_id")?;
    let Json(CorrectResult { placements, sides, quits, afk, duration_ms, variant, reason: why }) = write.body;
    let report = to_report(ReportDto { placements, sides, quits, afk, duration_ms, variant })?;
    Ok(Answer(app.engine.correct_result(&write.call, id, &report, reason(&why)?).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RebuildRatings {
    /// Whether to put right what differs; else it is only counted.
    repair: bool,
}

/// What a rebuild found.
#[derive(Serialize, ToSchema)]
pub(crate) struct RebuildDto {
    mode: String,
    /// Players who were ever rated in the mode.
    players: u64,
    /// Results, voided ones included.
    results: u64,
    /// Ratings set by hand.
    adjustments: u64,
    /// Stored rows that are not what the results give; 0 is as it should be.
    differing: u64,
    /// Whether those were put right.
    repaired: bool,
}

/// Rebuild all ratings of a mode from its results, and compare bit for bit.
///
/// With `repair` what differs is put right, and the mode takes no results meanwhile (503 `rerating`). A void or a
/// correction during a rebuild without `repair` shows as rows that differ. With it, a mode of the system `kalman` learns
/// of the game as a whole anew, from the results that count.
#[utoipa::path(post, path = "/v1/admin/modes/{mode}/rebuild", tag = "admin", operation_id = "rebuild_ratings",
    params(("mode" = String, Path)), request_body = RebuildRatings,
    responses((status = 200, body = RebuildDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RebuildRatings")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rebuild(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<RebuildRatings>>,
) -> Result<Answer<RebuildDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let Json(body) = write.body;
    let RebuildReport { players, results, adjustments, differing, repaired } =
        app.engine.rebuild(&write.call, &mode, body.repair).await?;
    Ok(Answer(RebuildDto { mode: mode.to_string(), players, results, adjustments, differing, repaired }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseResult {
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Let a result in quarantine count as it was reported, in its place. Any other result stays as it is.
#[utoipa::path(post, path = "/v1/admin/matches/{match_id}/release", tag = "admin", operation_id = "release_result",
    params(("match_id" = String, Path)), request_body = ReleaseResult,
    responses((status = 200, body = ResultDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReleaseResult")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<ReleaseResult>>,
) -> Result<Answer<ResultDto>, ApiError> {
    let id: MatchId = params.get("match_id")?;
    let Json(body) = write.body;
    Ok(Answer(app.engine.release_result(&write.call, id, reason(&body.reason)?).await?.into()))
}

/// A result in quarantine.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuarantinedDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    mode: String,
    /// When it was reported.
    at: i64,
    /// What is not believed.
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QuarantineDto {
    entries: Vec<QuarantinedDto>,
    /// Asks for the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<MatchId>,
}

/// Which page of a list by match id.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MatchesAfter {
    /// 1 to 1,000; 50 if absent.
    pub(super) limit: Option<usize>,
    /// What the page before gave as `next`; the first page without.
    #[param(value_type = Option<String>)]
    pub(super) after: Option<MatchId>,
}

/// List results that are not believed, by match id: let them count, correct them, or void them.
#[utoipa::path(get, path = "/v1/admin/quarantine", tag = "admin", operation_id = "list_quarantine",
    params(MatchesAfter),
    responses((status = 200, body = QuarantineDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListQuarantine")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn quarantine(
    State(app): State<Arc<App>>,
    _: Admitted,
    Query(query): Query<MatchesAfter>,
) -> Result<Answer<QuarantineDto>, ApiError> {
    let limit = page_size(query.limit)?;
    let found = app.engine.quarantine(query.after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|of| of.match_id);
    let one = |of: gsm_engine::Quarantined| QuarantinedDto {
        match_id: of.match_id,
        mode: of.row.mode.to_string(),
        at: of.row.at.as_millis(),
        reason: of.row.reason,
    };
    Ok(Answer(QuarantineDto { entries: found.into_iter().map(one).collect(), next }))
}
