//! The soft reset of a mode, and its preview.
use super::{
    App,
    answer::Answer,
    extract::{Json, Params, Write},
    parts::{PreviewShape, ResetShape},
    rulings::reason,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{BoardName, Mode};
use gsm_engine::{Preview, ResetConfig};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SoftResetBody {
    /// `{"target": "initial_mean", "keep": 0.5, "deviation": {"at_least": 120.0}, "restart_games": true, "visible": {"lower":
    /// {"divisions": 3}}}`. Means go to `"initial_mean"` or `{"mean": 1500.0}` and `keep` their share of the distance, 0 to
    /// 1; a deviation becomes `at_least` so much or grows by `{"add": 40.0}`, at most to that of a new player; places are
    /// lowered, or left to `"placement"` if absent.
    #[schema(value_type = ResetShape)]
    formula: ResetConfig,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    /// As for the soft reset itself.
    #[schema(value_type = ResetShape)]
    formula: ResetConfig,
    /// A board of the mode with tiers: how many players each has, and is left with.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    board: Option<BoardName>,
}

/// What a soft reset did.
#[derive(Serialize, ToSchema)]
pub(crate) struct SoftResetDto {
    mode: String,
    /// Ratings that were reset.
    players: u64,
}

/// Draw all ratings of a mode towards a target, at once.
///
/// A mean keeps a share of its distance to the target: `keep * mean + (1 - keep) * target`, so that nobody overtakes anybody.
/// It is a step of every rating's history; a result voided later moves what the reset makes of it. The mode takes no results
/// meanwhile (503 `rerating`).
#[utoipa::path(post, path = "/v1/admin/modes/{mode}/soft-reset", tag = "admin", operation_id = "soft_reset",
    params(("mode" = String, Path)), request_body = SoftResetBody,
    responses((status = 200, body = SoftResetDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:SoftReset")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn soft_reset(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<SoftResetBody>>,
) -> Result<Answer<SoftResetDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let Json(body) = write.body;
    let reason = reason(&body.reason)?;
    let done = app.engine.soft_reset(&write.call, &mode, body.formula, reason).await?;
    Ok(Answer(SoftResetDto { mode: mode.to_string(), players: done.players }))
}

/// What a soft reset would do: pairs of numbers are before and after.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewDto {
    mode: String,
    /// `players`, `buckets` of means, `percentiles`, mean deviations, and where a board was named `tiers`: how many players
    /// each has `before` and `after`, exactly as the reset leaves them, and whose new ratings belong there (`belong_after`).
    #[serde(flatten)]
    #[schema(value_type = PreviewShape)]
    preview: Preview,
}

/// Tell what a soft reset would do to a mode now. Nothing changes; reads all ratings of the mode.
#[utoipa::path(post, path = "/v1/admin/modes/{mode}/soft-reset/preview", tag = "admin", operation_id = "preview_soft_reset",
    params(("mode" = String, Path)), request_body = PreviewBody,
    responses((status = 200, body = PreviewDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PreviewSoftReset")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<PreviewBody>>,
) -> Result<Answer<PreviewDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let Json(PreviewBody { formula, board }) = write.body;
    let preview = app.engine.preview_soft_reset(&mode, formula, board.as_ref()).await?;
    Ok(Answer(PreviewDto { mode: mode.to_string(), preview }))
}
