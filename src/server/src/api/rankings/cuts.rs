//! How a board is spread: what a place takes, and the histogram.
use super::{
    super::{App, answer::Answer, extract::Viewing},
    part::{OfBoard, PartQuery},
    shown,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::Rank;
use gsm_engine::{Cut, OpenBoard};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Most buckets of a histogram.
const BUCKETS_MAX: usize = 200;

/// Usual buckets of a histogram.
const BUCKETS_DEFAULT: usize = 40;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CutQuery {
    /// What it takes to be among the best so many, from 1; on a board with `dense` ties what it takes to have this rank, so
    /// that it counts different scores. Either this or `top_percent`.
    rank: Option<u64>,
    /// What it takes to be among the best percent, above 0 to 100.
    top_percent: Option<f64>,
}

/// What a place takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutDto {
    /// The board's name.
    mode: String,
    /// Players ranked on the whole board.
    players: u64,
    /// A number for each column; absent where the board has fewer players, with `dense` ties fewer different scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f64>>,
}

/// Read what it takes to be among the best so many, or the best percent.
#[utoipa::path(get, path = "/v1/rankings/{mode}/cut", tag = "rankings", operation_id = "get_ranking_cut",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), PartQuery, CutQuery),
    responses((status = 200, body = CutDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingCut")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn cut(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, query, .. }: OfBoard<CutQuery>,
) -> Result<Answer<CutDto>, ApiError> {
    let cut = match (query.rank, query.top_percent) {
        (Some(rank), None) if rank > 0 => Cut::Rank(Rank::after(rank - 1)),
        (Some(_), None) => return Err(ApiError::parameter("rank", "must be at least 1")),
        (None, Some(percent)) if percent > 0.0 && percent <= 100.0 => Cut::TopPercent(percent),
        (None, Some(_)) => return Err(ApiError::parameter("top_percent", "must be above 0 and at most 100")),
        _ => return Err(ApiError::parameter("rank", "name either rank or top_percent")),
    };
    let (keys, players) = app.engine.open_board(&of).await?.seen_by(viewer).cut(cut)?;
    let values = keys.map(|keys| shown(&config, keys.columns()));
    Ok(Answer(CutDto { mode: config.name.to_string(), players, values }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramQuery {
    /// 1 to 200; 40 if absent.
    buckets: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HistogramDto {
    /// The board's name.
    mode: String,
    buckets: Vec<BucketDto>,
}

/// Players with a first column from `lower` to `upper`, both included. Boards compare whole numbers, of ratings thousandths
/// of a point: the next bucket begins with the next one.
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketDto {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: u64,
}

/// Read how the first column of a board is spread.
#[utoipa::path(get, path = "/v1/rankings/{mode}/histogram", tag = "rankings", operation_id = "get_ranking_histogram",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), PartQuery, HistogramQuery),
    responses((status = 200, body = HistogramDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingHistogram")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn histogram(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, query, .. }: OfBoard<HistogramQuery>,
) -> Result<Answer<HistogramDto>, ApiError> {
    let buckets = query.buckets.unwrap_or(BUCKETS_DEFAULT);
    if !(1..=BUCKETS_MAX).contains(&buckets) {
        return Err(ApiError::parameter("buckets", format_args!("must be 1 to {BUCKETS_MAX}")));
    }
    let buckets = buckets_of(&app.engine.open_board(&of).await?.seen_by(viewer), buckets)?;
    Ok(Answer(HistogramDto { mode: config.name.to_string(), buckets }))
}

pub(crate) fn buckets_of(board: &OpenBoard, buckets: usize) -> Result<Vec<BucketDto>, ApiError> {
    let points = |key| board.config().shown(0, key);
    Ok(board
        .histogram(buckets)?
        .into_iter()
        .map(|(lower, upper, count)| BucketDto { lower: points(lower), upper: points(upper), count })
        .collect())
}
