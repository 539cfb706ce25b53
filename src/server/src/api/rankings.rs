//! Boards as they are read: exact ranks, from memory.
mod cohorts;
mod cuts;
mod list;
mod metadata;
mod part;
mod past;
mod payouts;
mod seasons;
mod several;
mod tiers;
mod watches;

pub(crate) use cohorts::{CohortDto, SeatDto};
pub(crate) use cuts::{BucketDto, buckets_of};
pub(crate) use list::BoardLineDto;
pub(crate) use part::{InPart, PartQuery, SeasonQuery};
pub(crate) use past::PastDto;
pub(crate) use tiers::DivisionDto;
pub(crate) use watches::WatchDto;

use super::{App, answer::Answer, extract::Viewing, players::page_size};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Label, PlayerId, limits};
use gsm_engine::{BoardConfig, BoardRef, BoardRow, RankView, SeatView, Value};
use metadata::Metadata;
use part::OfBoard;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Usual players on either side of the one asked for.
const RADIUS_DEFAULT: usize = 5;

/// The operations on boards.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::modes))
        .routes(routes!(top))
        .routes(routes!(page))
        .routes(routes!(rank))
        .routes(routes!(around))
        .routes(routes!(past::past))
        .routes(routes!(several::among))
        .routes(routes!(several::ranks))
        .routes(routes!(cuts::cut))
        .routes(routes!(cuts::histogram))
        .routes(routes!(seasons::list))
        .routes(routes!(cohorts::list))
        .routes(routes!(cohorts::seasons))
        .routes(routes!(tiers::tier))
        .routes(routes!(tiers::tiers))
        .routes(routes!(payouts::begin_payout, payouts::payout))
        .routes(routes!(payouts::next_page))
        .routes(routes!(payouts::acknowledge))
        .routes(routes!(watches::get, watches::put, watches::delete))
}

/// The numbers of a board's columns, as people read them.
pub(crate) fn shown(config: &BoardConfig, keys: &[i64]) -> Vec<f64> {
    (0..config.columns.len()).zip(keys).map(|(column, key)| config.shown(column, *key)).collect()
}

/// Whether a board's first column is the rating.
fn shows_rating(config: &BoardConfig) -> bool {
    config.columns.first().is_some_and(|column| column.value == Value::Rating)
}

/// One line of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryDto {
    /// By the board's policy for ties; usually 1 + the number of strictly better players.
    rank: u64,
    /// Share of the others on the board who are not better, 0 to 100.
    percentile: f64,
    #[schema(value_type = String)]
    player_id: PlayerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Label>,
    /// Where the first column is the rating; rounded to thousandths of a point: the board compares what it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    /// A number for each column of the board.
    values: Vec<f64>,
    /// Since when the player has had them.
    reached_at: i64,
    /// Rating deviation after the last match, in points; 0 where scores are submitted.
    deviation: f32,
    /// Rated matches, or submissions taken.
    games_played: u32,
    /// Where the board has levels, the player's, from 1, the lowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// Where the board has cohorts, the player's.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort: Option<u64>,
    /// The game's own text, where `metadata` asked for it and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

impl EntryDto {
    pub(crate) fn new(config: &BoardConfig, row: BoardRow) -> Self {
        let values = shown(config, row.keys.columns());
        Self {
            rank: row.rank.get(),
            percentile: row.percentile,
            player_id: row.player,
            display_name: row.name,
            rating: values.first().copied().filter(|_| shows_rating(config)),
            values,
            reached_at: row.reached_at.as_millis(),
            deviation: row.deviation,
            games_played: row.games,
            level: row.seat.and_then(|of| of.level),
            cohort: row.seat.map(|of| of.seat.cohort),
            metadata: row.metadata,
        }
    }
}

/// A piece of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardDto {
    /// The board's name.
    mode: String,
    /// Players ranked on what was read: the board, the part or cohort of it.
    players: u64,
    entries: Vec<EntryDto>,
}

fn piece(config: &BoardConfig, rows: Vec<BoardRow>, players: u64) -> BoardDto {
    let entries = rows.into_iter().map(|row| EntryDto::new(config, row)).collect();
    BoardDto { mode: config.name.to_string(), players, entries }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TopQuery {
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// Places to skip; 0 if absent.
    offset: Option<u64>,
    /// Whether each entry comes with its metadata, on a board that scores are submitted to; at most 256 entries then.
    metadata: Option<bool>,
}

/// Read a board from the top.
#[utoipa::path(get, path = "/v1/rankings/{mode}", tag = "rankings", operation_id = "get_ranking",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), PartQuery, TopQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRanking")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn top(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, query, .. }: OfBoard<TopQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let (limit, asked) = (page_size(query.limit)?, Metadata::asked(query.metadata));
    let of = asked.season_of(&app, of, "limit", limit)?;
    let (rows, players) = app.engine.top_seen_by(viewer, &of, query.offset.unwrap_or(0), limit).await?;
    Ok(Answer(piece(&config, asked.add_to(&app, &of, rows).await?, players)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// What the page before gave as `next`; the first page without.
    after: Option<String>,
    /// Whether each entry comes with its metadata, on a board that scores are submitted to; at most 256 entries then.
    metadata: Option<bool>,
}

/// A page of a board in which everybody comes once.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageDto {
    #[serde(flatten)]
    piece: BoardDto,
    /// Asks for the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Read a whole board page by page, everybody once however it moves meanwhile.
///
/// Ranks are those of the moment the page is read. A listing that nobody reads on for 15 minutes is given up (409
/// `page_gone`), as is the oldest where a board has 256 of them.
#[utoipa::path(get, path = "/v1/rankings/{mode}/pages", tag = "rankings", operation_id = "get_ranking_page",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), PartQuery, PageQuery),
    responses((status = 200, body = PageDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingPage")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, query, .. }: OfBoard<PageQuery>,
) -> Result<Answer<PageDto>, ApiError> {
    let (limit, asked) = (page_size(query.limit)?, Metadata::asked(query.metadata));
    asked.check("limit", limit)?;
    let page = app.engine.board_page_seen_by(viewer, &of, query.after.as_deref(), limit).await?;
    // A listing stays in the season it was begun in.
    let rows = asked.add_to(&app, &BoardRef { season: page.season, ..of }, page.rows).await?;
    Ok(Answer(PageDto { piece: piece(&config, rows, page.players), next: page.next }))
}

/// A player's place.
#[derive(Serialize, ToSchema)]
pub(crate) struct RankDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The board's name.
    mode: String,
    /// By the board's policy for ties; usually 1 + the number of strictly better players.
    rank: u64,
    /// Where the first column is the rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    /// A number for each column of the board.
    values: Vec<f64>,
    /// Rating deviation after the last match, in points; 0 where scores are submitted.
    deviation: f32,
    /// Rated matches, or submissions taken.
    games_played: u32,
    /// Players ranked on the whole board; in the cohort where the board has cohorts.
    players: u64,
    /// Share of the others who are not better, 0 to 100.
    percentile: f64,
    /// The player's seat, where the board has cohorts: the rank is that in his cohort.
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<SeatDto>,
}

impl RankDto {
    pub(crate) fn new(config: &BoardConfig, view: RankView) -> Self {
        let values = shown(config, view.keys.columns());
        Self {
            player_id: view.player,
            mode: config.name.to_string(),
            rank: view.rank.get(),
            rating: values.first().copied().filter(|_| shows_rating(config)),
            values,
            deviation: view.deviation,
            games_played: view.games,
            players: view.players,
            percentile: view.percentile,
            seat: None,
        }
    }

    /// The same with the player's seat, where there is one.
    pub(crate) fn with_seat(self, seat: Option<SeatView>) -> Self {
        Self { seat: seat.map(Into::into), ..self }
    }
}

/// No parameters but the part.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Read a player's rank; on a board with cohorts that in the player's own.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}", tag = "rankings", operation_id = "get_rank",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), ("player_id" = String, Path), PartQuery),
    responses((status = 200, body = RankDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRank")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn rank(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, params, query: Nothing {} }: OfBoard<Nothing>,
) -> Result<Answer<RankDto>, ApiError> {
    let (board, player) = (app.engine.open_board(&of).await?, params.get("player_id")?);
    let view = RankDto::new(&config, board.rank(player, viewer)?);
    Ok(Answer(view.with_seat(app.engine.seat(&board, player, viewer).await?)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AroundQuery {
    /// Players on either side, 0 to 100; 5 if absent.
    radius: Option<usize>,
    /// Whether each entry comes with its metadata, on a board that scores are submitted to; at most 256 entries then.
    metadata: Option<bool>,
}

/// Read the board around a player; where it has cohorts, the player's own.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/around", tag = "rankings", operation_id = "get_ranking_around",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), ("player_id" = String, Path), PartQuery, AroundQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingAround")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn around(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    OfBoard { of, config, params, query }: OfBoard<AroundQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let radius = query.radius.unwrap_or(RADIUS_DEFAULT);
    if radius > limits::WINDOW_RADIUS_MAX {
        return Err(ApiError::parameter(
            "radius",
            format_args!("must be 0 to {}", limits::WINDOW_RADIUS_MAX),
        ));
    }
    let asked = Metadata::asked(query.metadata);
    let of = asked.season_of(&app, of, "radius", radius)?;
    let (rows, players) = app.engine.around(&of, params.get("player_id")?, radius, viewer).await?;
    Ok(Answer(piece(&config, asked.add_to(&app, &of, rows).await?, players)))
}
