//! Which boards there are.
use super::{
    super::{App, answer::Answer, extract::Viewing},
    cohorts::GroupingDto,
    seasons::SeasonDto,
};
use crate::problem::Problem;
use axum::extract::State;
use gsm_engine::{BoardView, Dimension};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct ModesDto {
    /// The boards that modes have by themselves.
    modes: Vec<ModeDto>,
    /// All boards, those of modes included.
    boards: Vec<BoardLineDto>,
}

/// A board and its size.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModeDto {
    mode: String,
    players: u64,
}

/// A board, its size and its parts.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardLineDto {
    board: String,
    /// The season under way, where it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<SeasonDto>,
    players: u64,
    parts: Vec<PartDto>,
    /// How it is divided into cohorts, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohorts: Option<GroupingDto>,
}

/// A part of a board and its size.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartDto {
    /// `region`, `platform` or `group`.
    #[schema(value_type = String)]
    by: Dimension,
    value: String,
    players: u64,
}

/// List the boards.
#[utoipa::path(get, path = "/v1/rankings", tag = "rankings", operation_id = "list_rankings",
    responses((status = 200, body = ModesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListRankings")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn modes(State(app): State<Arc<App>>, Viewing(viewer): Viewing) -> Answer<ModesDto> {
    let modes = app.engine.modes_seen_by(viewer).into_iter();
    let modes = modes.map(|(mode, players)| ModeDto { mode: mode.to_string(), players }).collect();
    let boards = app.engine.boards_seen_by(viewer).into_iter().map(BoardLineDto::from).collect();
    Answer(ModesDto { modes, boards })
}

impl From<BoardView> for BoardLineDto {
    fn from(view: BoardView) -> Self {
        let parts = view.parts.into_iter().map(|(by, value, players)| PartDto {
            by,
            value: value.to_string(),
            players,
        });
        Self {
            board: view.config.name.to_string(),
            season: view.season.map(Into::into),
            players: view.players,
            parts: parts.collect(),
            cohorts: view.config.grouping.as_ref().map(Into::into),
        }
    }
}
