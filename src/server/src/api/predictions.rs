//! Predictions: asked for, looked up, and how they held up.
use super::{
    App,
    answer::Answer,
    dto::PredictionDto,
    extract::{Admitted, Json, Params, Read, Write},
    parts::{FairnessShape, ModelShape},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{MatchId, Mode, PlayerId, Variant};
use gsm_engine::{Ask, FairnessLine, ModelView, store::Forecast};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskDto {
    /// The mode that would be played.
    #[schema(value_type = String)]
    mode: Mode,
    /// Who would play with whom: 2 to 100 sides. Players whom nobody knows are taken for newcomers.
    #[schema(value_type = Vec<Vec<String>>)]
    sides: Vec<Vec<PlayerId>>,
    /// Who would come together: lists of players of this match.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    parties: Vec<Vec<PlayerId>>,
    /// The side, from 0, that has the advantage of the game, where one has it.
    home: Option<usize>,
    /// The variant of the mode that would be played, where one is named.
    #[schema(value_type = Option<String>)]
    variant: Option<Variant>,
}

/// What a feature adds.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContributionDto {
    /// See docs/prediction.md.
    feature: &'static str,
    /// To the logit of the first side's expected score.
    logit: f64,
}

/// What is predicted, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainedDto {
    #[serde(flatten)]
    prediction: PredictionDto,
    /// Players of whom nothing is known yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    unknown: Vec<PlayerId>,
    /// What each feature adds to the logit of the first side's expected score, of a match of two sides; the sum is that
    /// logit: of `local`, where an endpoint spoke. Features that add nothing are left out.
    contributions: Vec<ContributionDto>,
}

fn explained(forecast: Forecast, unknown: Vec<PlayerId>, parts: &[gsm_engine::Contribution]) -> ExplainedDto {
    let contributions =
        parts.iter().map(|part| ContributionDto { feature: part.name, logit: part.logit }).collect();
    ExplainedDto { prediction: forecast.into(), unknown, contributions }
}

/// Predict a match.
///
/// From what the mode has taught so far. Nothing changes: asking makes nobody known.
#[utoipa::path(post, path = "/v1/predictions", tag = "matches", operation_id = "predict",
    request_body = AskDto,
    responses((status = 200, body = ExplainedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:Predict")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    write: Write<Json<AskDto>>,
) -> Result<Answer<ExplainedDto>, ApiError> {
    let Json(AskDto { mode, sides, parties, home, variant }) = write.body;
    let asked = app.engine.predict(&write.call, &Ask { mode, sides, parties, home, variant }).await?;
    Ok(Answer(explained(asked.forecast, asked.unknown, &asked.contributions)))
}

/// Read what was predicted of a match when it was formed, and why.
#[utoipa::path(get, path = "/v1/matches/{match_id}/prediction", tag = "matches", operation_id = "get_match_prediction",
    params(("match_id" = String, Path)),
    responses((status = 200, body = ExplainedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetMatchPrediction")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn of_match(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<ExplainedDto>, ApiError> {
    let match_id: MatchId = params.get("match_id")?;
    let found = app.engine.match_prediction(&read.call, match_id).await?;
    Ok(Answer(explained(found.forecast, Vec::new(), &found.contributions)))
}

/// The models of all modes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelsDto {
    /// By mode: `model`, how many results it has `learnt` from and up to which `sequence` of the journal, the `contenders`
    /// with their figures over all matches, of late and by part (region, party, experience), the `challengers` of the
    /// registry with theirs beside the champion's over the same matches, and the `drift` alarm.
    #[schema(value_type = Vec<ModelShape>)]
    models: Vec<ModelView>,
}

/// Read how the predictions of all modes held up.
///
/// Every match that was predicted when it was formed is judged by its result: the champion, whose predictions are shown and
/// used, and in its shadow the contenders, and the newest versions of the registry that are not champion.
#[utoipa::path(get, path = "/v1/admin/models", tag = "admin", operation_id = "list_models",
    responses((status = 200, body = ModelsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListModels")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn models(State(app): State<Arc<App>>, _: Admitted) -> Answer<ModelsDto> {
    Answer(ModelsDto { models: app.engine.models() })
}

/// How the parts of a mode's players fare.
#[derive(Serialize, ToSchema)]
pub(crate) struct FairnessDto {
    mode: String,
    /// Everybody, then each part (`by` region, party or experience, and its `value`): players' `matches`, mean `score`, by
    /// how much the model `overrated` them, `accuracy` and `log_loss`, mean `quality`, waits, `losing_streaks` (the share of
    /// matches after which the player had lost three or more in a row) and `losing_streak_max`, the longest row.
    #[schema(value_type = Vec<FairnessShape>)]
    parts: Vec<FairnessLine>,
}

/// Read whether all parts of a mode's players are treated alike.
#[utoipa::path(get, path = "/v1/admin/modes/{mode}/fairness", tag = "admin", operation_id = "get_fairness",
    params(("mode" = String, Path)),
    responses((status = 200, body = FairnessDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetFairness")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn fairness(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<FairnessDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let parts = app.engine.fairness(&mode)?;
    Ok(Answer(FairnessDto { mode: mode.to_string(), parts }))
}
