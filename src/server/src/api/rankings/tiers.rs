//! Visible tiers, apart from ratings.
use super::{
    super::{
        App,
        answer::Answer,
        extract::{Admitted, Params, Query, Viewing},
    },
    SeasonQuery,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{BoardRef, DivisionStart};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A player's place in visible tiers.
#[derive(Serialize, ToSchema)]
pub(crate) struct TierDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    board: String,
    /// Games until the player gets a place.
    placement_left: u8,
    /// Games for which the player cannot be demoted.
    shield_left: u8,
    /// The name of the tier; absent before the end of placement, as are the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    /// The division within it, 1 for the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    division: Option<u8>,
    /// Points within the division.
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<u32>,
}

/// Read a player's place in the visible tiers of a board.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/tier", tag = "rankings", operation_id = "get_tier",
    params(("mode" = String, Path, description = "A board that has tiers"), ("player_id" = String, Path), SeasonQuery),
    responses((status = 200, body = TierDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetTier")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn tier(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    params: Params,
    Query(SeasonQuery { season }): Query<SeasonQuery>,
) -> Result<Answer<TierDto>, ApiError> {
    let (name, player_id): (BoardName, PlayerId) = (params.get("mode")?, params.get("player_id")?);
    let of = BoardRef { season, ..BoardRef::whole(name) };
    let found = app.engine.tier(&of, player_id, viewer).await?;
    let place = found.place;
    Ok(Answer(TierDto {
        player_id,
        board: of.name.to_string(),
        placement_left: found.placement_left,
        shield_left: found.shield_left,
        division: place.as_ref().map(|place| place.division),
        points: place.as_ref().map(|place| place.points),
        tier: place.map(|place| place.tier),
    }))
}

/// Where a division starts.
#[derive(Serialize, ToSchema)]
pub(crate) struct DivisionDto {
    tier: String,
    /// Within the tier, 1 for the best.
    division: u8,
    /// The rating, in points; absent before it is worked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<f64>,
}

impl From<DivisionStart> for DivisionDto {
    fn from(start: DivisionStart) -> Self {
        let DivisionStart { tier, division, rating } = start;
        Self { tier, division, from: rating.map(|thousandths| thousandths as f64 / 1_000.0) }
    }
}

/// Where the visible tiers of a board start.
#[derive(Serialize, ToSchema)]
pub(crate) struct TiersDto {
    board: String,
    /// When that was worked out, where it is said by shares of the players, in milliseconds since 1970: of a season that had
    /// results before the board was defined, when its first result was.
    #[serde(skip_serializing_if = "Option::is_none")]
    worked_out_at: Option<i64>,
    /// By how many players it was worked out; 0 where there were too few, and a newcomer's rating said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    players: Option<u64>,
    /// From the lowest.
    divisions: Vec<DivisionDto>,
}

/// Read where the visible tiers of a board start.
///
/// Where shares of the players say it, that is known from the first result of the season on.
#[utoipa::path(get, path = "/v1/rankings/{mode}/tiers", tag = "rankings", operation_id = "get_tiers",
    params(("mode" = String, Path, description = "A board that has tiers"), SeasonQuery),
    responses((status = 200, body = TiersDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetTiers")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn tiers(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(SeasonQuery { season }): Query<SeasonQuery>,
) -> Result<Answer<TiersDto>, ApiError> {
    let of = BoardRef { season, ..BoardRef::whole(params.get("mode")?) };
    let found = app.engine.tier_starts(&of).await?;
    Ok(Answer(TiersDto {
        board: of.name.to_string(),
        worked_out_at: found.fixed.map(|(at, _)| at.as_millis()),
        players: found.fixed.map(|(_, players)| players),
        divisions: found.divisions.into_iter().map(Into::into).collect(),
    }))
}
