//! Many players in one call: among themselves, and on the whole board.
use super::{
    super::{
        App,
        answer::Answer,
        extract::{BulkJson, Params, Write, viewer},
    },
    EntryDto, PartQuery, RankDto,
    metadata::Metadata,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Attribute, BoardName, PlayerId, Rank, limits};
use gsm_engine::BoardRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlayersBody {
    /// 1 to 1,000.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1000)]
    player_ids: Vec<PlayerId>,
    /// Among the players of this region, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Among the players of this platform, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Among the players of this group, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    group: Option<Attribute>,
    /// Among the players of this cohort of the season, where the board has cohorts.
    #[serde(default)]
    cohort: Option<u64>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    #[serde(default)]
    season: Option<u64>,
}

impl PlayersBody {
    fn checked(self, name: BoardName) -> Result<(BoardRef, Vec<PlayerId>), ApiError> {
        if !(1..=limits::PAGE_SIZE_MAX).contains(&self.player_ids.len()) {
            return Err(ApiError::value(
                "player_ids",
                format_args!("must be 1 to {}", limits::PAGE_SIZE_MAX),
            ));
        }
        let Self { player_ids, region, platform, group, cohort, season } = self;
        Ok((PartQuery { season, region, platform, group, cohort }.of(name)?, player_ids))
    }
}

/// Some players, to be ranked among themselves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AmongBody {
    /// 1 to 1,000; with metadata at most 256.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1000)]
    player_ids: Vec<PlayerId>,
    /// Among the players of this region, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Among the players of this platform, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Among the players of this group, where the board is divided so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    group: Option<Attribute>,
    /// Among the players of this cohort of the season, where the board has cohorts.
    #[serde(default)]
    cohort: Option<u64>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    #[serde(default)]
    season: Option<u64>,
    /// Whether each entry comes with its metadata, on a board that scores are submitted to.
    #[serde(default)]
    metadata: bool,
}

/// One of some players.
#[derive(Serialize, ToSchema)]
pub(crate) struct AmongDto {
    /// The rank among these players.
    rank_among: u64,
    /// The line; its rank and percentile are those on the whole board.
    #[serde(flatten)]
    entry: EntryDto,
}

/// Some players alone.
#[derive(Serialize, ToSchema)]
pub(crate) struct AmongListDto {
    /// The board's name.
    mode: String,
    /// Players ranked on the whole board.
    players: u64,
    entries: Vec<AmongDto>,
}

/// Rank some players, such as friends, among themselves and on the whole board.
///
/// Players who are not ranked are left out.
#[utoipa::path(post, path = "/v1/rankings/{mode}/among", tag = "rankings", operation_id = "rank_among",
    params(("mode" = String, Path, description = "A board, or a mode for its own board")), request_body = AmongBody,
    responses((status = 200, body = AmongListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RankAmong")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn among(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<BulkJson<AmongBody>>,
) -> Result<Answer<AmongListDto>, ApiError> {
    let AmongBody { player_ids, region, platform, group, cohort, season, metadata } = write.body.0;
    let body = PlayersBody { player_ids, region, platform, group, cohort, season };
    let (of, players) = body.checked(params.get("mode")?)?;
    let config = app.engine.board_config(&of.name)?;
    let asked = Metadata::asked(Some(metadata));
    let of = asked.season_of(&app, of, "player_ids", players.len())?;
    let (found, players) = app.engine.among_seen_by(viewer(&write.call.principal), &of, &players).await?;
    let (ranks, rows): (Vec<Rank>, Vec<_>) = found.into_iter().map(|line| (line.rank, line.row)).unzip();
    let rows = asked.add_to(&app, &of, rows).await?;
    let entries = ranks
        .into_iter()
        .zip(rows)
        .map(|(rank, row)| AmongDto { rank_among: rank.get(), entry: EntryDto::new(&config, row) })
        .collect();
    Ok(Answer(AmongListDto { mode: config.name.to_string(), players, entries }))
}

/// The ranks of many players.
#[derive(Serialize, ToSchema)]
pub(crate) struct RanksDto {
    /// In the order asked for; players who are not ranked are left out.
    ranks: Vec<RankDto>,
}

/// Read the ranks of up to 1,000 players at once.
#[utoipa::path(post, path = "/v1/rankings/{mode}/ranks", tag = "rankings", operation_id = "get_ranks",
    params(("mode" = String, Path, description = "A board, or a mode for its own board")), request_body = PlayersBody,
    responses((status = 200, body = RanksDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRanks")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn ranks(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<BulkJson<PlayersBody>>,
) -> Result<Answer<RanksDto>, ApiError> {
    let (of, players) = write.body.0.checked(params.get("mode")?)?;
    let board = app.engine.open_board(&of).await?;
    let found = board.ranks(&players, viewer(&write.call.principal))?.into_iter().flatten();
    Ok(Answer(RanksDto { ranks: found.map(|view| RankDto::new(board.config(), view)).collect() }))
}
