//! Results: how a match ended.
use super::{
    App,
    answer::Answer,
    dto::ResultDto,
    extract::{Json, Params, Read, Write},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{MatchId, Millis, PlayerId, Variant};
use gsm_engine::Principal;
use gsm_session::{PlayerReport, Report, SideReport, Standings};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportDto {
    /// One entry for every player, in any order.
    pub(super) placements: Option<Vec<PlacementDto>>,
    /// Or one entry for every side, in the match's order.
    pub(super) sides: Option<Vec<SidePlaceDto>>,
    /// Players who left before the end.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(super) quits: Vec<PlayerId>,
    /// Players who were there and did not play. No part of how the match ended: a repeat that says otherwise is the same
    /// report, and the first counts.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(super) afk: Vec<PlayerId>,
    /// How long the match was played.
    pub(super) duration_ms: Option<u64>,
    /// The variant of the mode that was played (map, surface), 1 to 32 characters of `A-Za-z0-9-._`; that of the match if
    /// absent.
    #[schema(value_type = Option<String>)]
    pub(super) variant: Option<Variant>,
}

/// Where a player came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlacementDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The place of the player's side: 1 is the best, equal places are a draw.
    place: u32,
    /// What the player added to the side's score.
    score: Option<f64>,
    /// Whether the player left before the end.
    #[serde(default)]
    quit: bool,
    /// Whether the player was there and did not play.
    #[serde(default)]
    afk: bool,
    /// The part of the match that the player played, 0 to 1; 1 if absent.
    share: Option<f64>,
}

/// Where a side came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SidePlaceDto {
    /// 1 is the best, equal places are a draw.
    place: u32,
    score: Option<f64>,
}

/// The report of a body, in either of its forms.
pub(super) fn to_report(body: ReportDto) -> Result<Report, ApiError> {
    let mut afk = body.afk;
    for player in body.placements.iter().flatten().filter(|placement| placement.afk) {
        if !afk.contains(&player.player_id) {
            afk.push(player.player_id);
        }
    }
    let standings = match (body.placements, body.sides) {
        (Some(players), None) => Standings::Players(
            players
                .into_iter()
                .map(|p| PlayerReport {
                    player: p.player_id,
                    place: p.place,
                    score: p.score,
                    quit: p.quit,
                    share: p.share,
                })
                .collect(),
        ),
        (None, Some(sides)) => Standings::Sides(
            sides.into_iter().map(|s| SideReport { place: s.place, score: s.score }).collect(),
        ),
        _ => return Err(ApiError::value("placements", "give either `placements` or `sides`")),
    };
    let duration = body.duration_ms.map(Millis::new);
    Ok(Report { standings, quits: body.quits, afk, duration, variant: body.variant })
}

/// Report a result: the moment a match counts.
///
/// The answer comes once the result, the ratings, their history and the boards are on disk, in one commit. The same
/// result again gives it as it stands, under its `Idempotency-Key` the first answer; another one is 409.
#[utoipa::path(post, path = "/v1/matches/{match_id}/result", tag = "matches", operation_id = "report_result",
    params(("match_id" = String, Path)), request_body = ReportDto,
    responses((status = 200, body = ResultDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReportResult")), ("x-gsm-roles" = json!(["server", "admin", "match"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<ReportDto>>,
) -> Result<Answer<ResultDto>, ApiError> {
    let id: MatchId = params.get("match_id")?;
    if matches!(write.call.principal, Principal::Match(own) if own != id) {
        return Err(gsm_engine::EngineError::Unknown { what: "match" }.into());
    }
    let report = to_report(write.body.0)?;
    Ok(Answer(app.engine.report_result(&write.call, id, write.facts.as_deref(), &report).await?.into()))
}

/// Read a match's result.
#[utoipa::path(get, path = "/v1/matches/{match_id}/result", tag = "matches", operation_id = "get_result",
    params(("match_id" = String, Path)),
    responses((status = 200, body = ResultDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetResult")), ("x-gsm-roles" = json!(["player", "server", "admin", "match"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn result(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<ResultDto>, ApiError> {
    let view = app.engine.match_view(&read.call, params.get("match_id")?).await?;
    let result = view.result.ok_or(gsm_engine::EngineError::Unknown { what: "result yet" })?;
    Ok(Answer(result.into()))
}
