//! Cohorts of a board: all of a season, a player's seat, and where a player ended season by season.
use super::super::{
    App,
    answer::Answer,
    extract::{Params, Query, Viewing},
    players::page_size,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{BoardRef, CohortView, Fate, Grouping, PAST_SEATS_MAX, PastSeat, SeatView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A player's seat in a cohort.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeatDto {
    /// The number of the cohort within its season: `?cohort=` reads it.
    cohort: u64,
    /// The number of the seat within the cohort, from 1: who came first.
    seat: u32,
    /// From 1, the lowest; absent where the board has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// Seats of the cohort that are taken.
    seats_taken: u32,
    /// What the present place leads to when the season ends like this: `promoted`, `stays` or `relegated`; absent where
    /// the board has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    fate: Option<Fate>,
}

impl From<SeatView> for SeatDto {
    fn from(view: SeatView) -> Self {
        Self {
            cohort: view.seat.cohort,
            seat: view.seat.number,
            level: view.level,
            seats_taken: view.taken,
            fate: view.fate,
        }
    }
}

/// How a board is divided into cohorts.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupingDto {
    /// Seats of a full cohort.
    size: u32,
    /// How many levels a league has; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    levels: Option<u8>,
}

impl From<&Grouping> for GroupingDto {
    fn from(grouping: &Grouping) -> Self {
        match grouping {
            Grouping::Cohorts(config) => Self { size: config.size, levels: None },
            Grouping::League(config) => Self { size: config.size, levels: Some(config.levels) },
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CohortsQuery {
    /// A season of the past, from 1; that under way if absent.
    season: Option<u64>,
    /// Only cohorts of this level, where the board has levels.
    level: Option<u8>,
    /// Only cohorts after this one.
    after: Option<u64>,
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
}

/// A cohort and its size.
#[derive(Serialize, ToSchema)]
pub(crate) struct CohortDto {
    /// Its number within the season: `?cohort=` reads it.
    cohort: u64,
    /// From 1, the lowest; absent where the board has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// Seats that are taken.
    seats_taken: u32,
    /// Players ranked in it.
    players: u64,
}

impl From<CohortView> for CohortDto {
    fn from(view: CohortView) -> Self {
        let CohortView { cohort, level, taken, players } = view;
        Self { cohort, level, seats_taken: taken, players }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CohortsDto {
    board: String,
    /// By number.
    cohorts: Vec<CohortDto>,
}

/// List the cohorts of a season by number.
#[utoipa::path(get, path = "/v1/rankings/{mode}/cohorts", tag = "rankings", operation_id = "list_cohorts",
    params(("mode" = String, Path, description = "A board that has cohorts"), CohortsQuery),
    responses((status = 200, body = CohortsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListCohorts")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    params: Params,
    Query(query): Query<CohortsQuery>,
) -> Result<Answer<CohortsDto>, ApiError> {
    let name: BoardName = params.get("mode")?;
    let of = BoardRef { season: query.season, ..BoardRef::whole(name) };
    let limit = page_size(query.limit)?;
    let found = app.engine.cohorts(&of, query.level, query.after.unwrap_or(0), limit, viewer).await?;
    let cohorts = found.into_iter().map(Into::into).collect();
    Ok(Answer(CohortsDto { board: of.name.to_string(), cohorts }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PastSeatsQuery {
    /// 1 to 20; 10 if absent.
    limit: Option<usize>,
    /// Only seasons before this one.
    before: Option<u64>,
}

/// Usual seasons of an answer.
const SEASONS_DEFAULT: usize = 10;

/// Where a player ended in a season, or stands in that under way.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastSeatDto {
    season: u64,
    /// Whether the season is over.
    over: bool,
    #[serde(flatten)]
    seat: SeatDto,
    /// The rank in the cohort; absent for who is hidden, not eligible or has no entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    /// Share of the others in the cohort who are not better, 0 to 100; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<f64>,
    /// Players ranked in the cohort.
    players: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PastSeatsDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    board: String,
    /// Those that the player has a seat in, the newest first.
    seasons: Vec<PastSeatDto>,
}

impl From<PastSeat> for PastSeatDto {
    fn from(of: PastSeat) -> Self {
        Self {
            season: of.season,
            over: of.is_over,
            rank: of.seat.rank.map(|rank| rank.get()),
            percentile: of.seat.percentile,
            players: of.seat.players,
            seat: of.seat.into(),
        }
    }
}

/// List where a player ended season by season, on a board that has cohorts, that under way included.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/seasons", tag = "rankings", operation_id = "list_player_seasons",
    params(("mode" = String, Path, description = "A board that has cohorts"), ("player_id" = String, Path), PastSeatsQuery),
    responses((status = 200, body = PastSeatsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListPlayerSeasons")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn seasons(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    params: Params,
    Query(query): Query<PastSeatsQuery>,
) -> Result<Answer<PastSeatsDto>, ApiError> {
    let (name, player_id): (BoardName, PlayerId) = (params.get("mode")?, params.get("player_id")?);
    let limit = query.limit.unwrap_or(SEASONS_DEFAULT);
    if !(1..=PAST_SEATS_MAX).contains(&limit) {
        return Err(ApiError::parameter("limit", format_args!("must be 1 to {PAST_SEATS_MAX}")));
    }
    let found = app.engine.past_seats(&name, player_id, query.before, limit, viewer).await?;
    let seasons = found.into_iter().map(Into::into).collect();
    Ok(Answer(PastSeatsDto { player_id, board: name.to_string(), seasons }))
}
