//! Visible tiers, apart from ratings.
use super::{
    super::{
        App,
        answer::Answer,
        extract::{Params, Query, Viewing},
    },
    SeasonQuery,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{BoardName, PlayerId};
use gsm_engine::BoardRef;
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
