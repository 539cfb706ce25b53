//! The seasons of a board.
use super::super::{
    App,
    answer::Answer,
    extract::{Admitted, Params, Query},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{BoardName, limits};
use gsm_engine::{SEASONS_LISTED_MAX, Season};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A season: from its first instant up to the first of the next.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeasonDto {
    /// From 1.
    number: u64,
    /// Milliseconds since 1970.
    starts_at: i64,
    /// Milliseconds since 1970; absent where no other follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<i64>,
}

impl From<Season> for SeasonDto {
    fn from(season: Season) -> Self {
        let ends_at = season.ends_at.map(|end| end.as_millis());
        Self { number: season.number, starts_at: season.starts_at.as_millis(), ends_at }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeasonsQuery {
    /// 1 to 100; 50 if absent.
    limit: Option<usize>,
    /// Only seasons before this one.
    before: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SeasonsDto {
    board: String,
    /// Those that have begun, the newest first.
    seasons: Vec<SeasonDto>,
}

/// List the seasons of a board, the newest first.
#[utoipa::path(get, path = "/v1/rankings/{mode}/seasons", tag = "rankings", operation_id = "list_seasons",
    params(("mode" = String, Path, description = "A board that has seasons"), SeasonsQuery),
    responses((status = 200, body = SeasonsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListSeasons")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<SeasonsQuery>,
) -> Result<Answer<SeasonsDto>, ApiError> {
    let name: BoardName = params.get("mode")?;
    let limit = query.limit.unwrap_or(limits::PAGE_SIZE_DEFAULT);
    if !(1..=SEASONS_LISTED_MAX).contains(&limit) {
        return Err(ApiError::parameter("limit", format_args!("must be 1 to {SEASONS_LISTED_MAX}")));
    }
    let seasons = app.engine.seasons(&name, query.before, limit)?;
    let seasons = seasons.into_iter().map(Into::into).collect();
    Ok(Answer(SeasonsDto { board: name.to_string(), seasons }))
}
