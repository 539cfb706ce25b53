//! Boards: exact ranks, from memory.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Params, Query},
    players::page_size,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Label, Mode, PlayerId, limits};
use gsm_engine::BoardRow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Most buckets of a histogram.
const BUCKETS_MAX: usize = 200;
/// Usual buckets of a histogram.
const BUCKETS_DEFAULT: usize = 40;
/// Usual players on either side of the one asked for.
const RADIUS_DEFAULT: usize = 5;

/// Rating points of a board's score, which counts thousandths.
fn points(score: i64) -> f64 {
    score as f64 / 1_000.0
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ModesDto {
    modes: Vec<ModeDto>,
}

/// A board and its size.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModeDto {
    #[schema(value_type = String)]
    mode: Mode,
    players: u64,
}

/// List the boards.
#[utoipa::path(get, path = "/v1/rankings", tag = "rankings", operation_id = "list_rankings",
    responses((status = 200, body = ModesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListRankings")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn modes(State(app): State<Arc<App>>, _: Admitted) -> Answer<ModesDto> {
    let modes = app.engine.modes().into_iter().map(|(mode, players)| ModeDto { mode, players }).collect();
    Answer(ModesDto { modes })
}

/// One line of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryDto {
    /// 1 + the number of strictly better ratings.
    rank: u64,
    #[schema(value_type = String)]
    player_id: PlayerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Label>,
    /// Rounded to thousandths of a point: the board compares what it shows.
    rating: f64,
    deviation: f32,
    games_played: u32,
}

impl From<BoardRow> for EntryDto {
    fn from(row: BoardRow) -> Self {
        Self {
            rank: row.rank.get(),
            player_id: row.player,
            display_name: row.name,
            rating: points(row.score),
            deviation: row.deviation,
            games_played: row.games,
        }
    }
}

/// A piece of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardDto {
    mode: String,
    /// Players on the whole board.
    players: u64,
    entries: Vec<EntryDto>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TopQuery {
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// Places to skip; 0 if absent.
    offset: Option<u64>,
}

/// Read a board from the top.
#[utoipa::path(get, path = "/v1/rankings/{mode}", tag = "rankings", operation_id = "get_ranking",
    params(("mode" = String, Path), TopQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRanking")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn top(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<TopQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let (rows, players) = app.engine.top(&mode, query.offset.unwrap_or(0), page_size(query.limit)?).await?;
    let entries = rows.into_iter().map(Into::into).collect();
    Ok(Answer(BoardDto { mode: mode.to_string(), players, entries }))
}

/// A player's place.
#[derive(Serialize, ToSchema)]
pub(crate) struct RankDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    #[schema(value_type = String)]
    mode: Mode,
    /// 1 + the number of strictly better ratings.
    rank: u64,
    rating: f64,
    deviation: f32,
    games_played: u32,
    /// Players on the whole board.
    players: u64,
    /// Share of the others who are not better, 0 to 100.
    percentile: f64,
}

/// Read a player's rank.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}", tag = "rankings", operation_id = "get_rank",
    params(("mode" = String, Path), ("player_id" = String, Path)),
    responses((status = 200, body = RankDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRank")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn rank(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<RankDto>, ApiError> {
    let mode: Mode = params.get("mode")?;
    let view = app.engine.rank(&mode, params.get("player_id")?)?;
    Ok(Answer(RankDto {
        player_id: view.player,
        mode,
        rank: view.rank.get(),
        rating: points(view.score),
        deviation: view.deviation,
        games_played: view.games,
        players: view.players,
        percentile: view.percentile,
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AroundQuery {
    /// Players on either side, 0 to 100; 5 if absent.
    radius: Option<usize>,
}

/// Read the board around a player.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/around", tag = "rankings", operation_id = "get_ranking_around",
    params(("mode" = String, Path), ("player_id" = String, Path), AroundQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingAround")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn around(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<AroundQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let radius = query.radius.unwrap_or(RADIUS_DEFAULT);
    if radius > limits::WINDOW_RADIUS_MAX {
        return Err(ApiError::parameter(
            "radius",
            format_args!("must be 0 to {}", limits::WINDOW_RADIUS_MAX),
        ));
    }
    let mode: Mode = params.get("mode")?;
    let (rows, players) = app.engine.around(&mode, params.get("player_id")?, radius).await?;
    let entries = rows.into_iter().map(Into::into).collect();
    Ok(Answer(BoardDto { mode: mode.to_string(), players, entries }))
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
    mode: String,
    buckets: Vec<BucketDto>,
}

/// Players with a rating of at least `lower` and less than `upper` (the last one includes it).
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketDto {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: u64,
}

/// Read how the ratings of a board are spread.
#[utoipa::path(get, path = "/v1/rankings/{mode}/histogram", tag = "rankings", operation_id = "get_ranking_histogram",
    params(("mode" = String, Path), HistogramQuery),
    responses((status = 200, body = HistogramDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingHistogram")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn histogram(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<HistogramQuery>,
) -> Result<Answer<HistogramDto>, ApiError> {
    let buckets = query.buckets.unwrap_or(BUCKETS_DEFAULT);
    if !(1..=BUCKETS_MAX).contains(&buckets) {
        return Err(ApiError::parameter("buckets", format_args!("must be 1 to {BUCKETS_MAX}")));
    }
    let mode: Mode = params.get("mode")?;
    let buckets = buckets_of(&app, &mode, buckets)?;
    Ok(Answer(HistogramDto { mode: mode.to_string(), buckets }))
}

pub(crate) fn buckets_of(app: &App, mode: &Mode, buckets: usize) -> Result<Vec<BucketDto>, ApiError> {
    let found = app.engine.histogram(mode, buckets)?;
    Ok(found
        .into_iter()
        .map(|(lower, upper, count)| BucketDto { lower: points(lower), upper: points(upper), count })
        .collect())
}
