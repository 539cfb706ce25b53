//! A board for the dashboard's page: all that it shows, in one answer.
use crate::{
    api::{
        App, BoardLineDto, BucketDto, CohortDto, DivisionDto, EntryDto, InPart, PartQuery, PastDto, RankDto,
        buckets_of, extract::Viewing, shown,
    },
    problem::{ApiError, Problem},
};
use axum::{Json, extract::State};
use gsm_core::{BoardName, PlayerId, Rank, limits};
use gsm_engine::{
    BoardConfig, BoardRef, BoardRow, Column, Cut, Direction, EngineError, OpenBoard, Ties, Value, Viewer,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Bars of the histogram.
const BUCKETS: usize = 40;
/// Rows where the caller names no number.
const ROWS_DEFAULT: usize = 25;
/// Most rows of the page.
const ROWS_MAX: usize = 200;
/// Players on either side of the one looked for.
const RADIUS: usize = 3;
/// Cohorts to choose from.
const COHORTS_MAX: usize = 500;
/// Instants of a player's past.
const PAST_POINTS: i64 = 60;
/// Most days of a player's past.
const PAST_DAYS_MAX: i64 = 3_650;
/// Lines across the board: to be among the best so many, and among the best percent.
const CUT_RANKS: [u64; 4] = [1, 10, 100, 1_000];
const CUT_PERCENTS: [f64; 4] = [1.0, 5.0, 10.0, 50.0];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardQuery {
    /// Which board; absent: the one with most players.
    #[param(value_type = Option<String>)]
    board: Option<BoardName>,
    /// Rows, 1 to 200; 25 if absent.
    limit: Option<usize>,
    /// A player to look for: an id, or a name or part of one among the best 1,000.
    player: Option<String>,
    /// Days of the player's past, 1 to 3,650, where the board has one.
    past_days: Option<i64>,
}

/// The boards, and one of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardOverviewDto {
    now: i64,
    boards: Vec<BoardLineDto>,
    /// Absent where there is no board.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<ShownDto>,
}

/// A column of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct ColumnDto {
    /// `rating`, `conservative`, `games`, `wins`, `draws` or `submitted`.
    #[schema(value_type = String)]
    value: Value,
    /// `descending`: the greater is better; `ascending`: the smaller is.
    #[schema(value_type = String)]
    direction: Direction,
}

/// A board.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownDto {
    board: String,
    /// The mode it follows, if it follows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    columns: Vec<ColumnDto>,
    /// `competition`, `dense` or `ordinal`.
    #[schema(value_type = String)]
    ties: Ties,
    /// Players ranked on the board, or the part.
    players: u64,
    /// From the top.
    entries: Vec<EntryDto>,
    histogram: Vec<BucketDto>,
    cuts: Vec<CutLineDto>,
    /// The first cohorts of the season by number, where the board has any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cohorts: Vec<CohortDto>,
    /// Where its visible tiers start, from the lowest; absent where it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<DivisionDto>,
    /// The player looked for; absent where none is ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<FoundDto>,
}

/// What a place takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutLineDto {
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_percent: Option<f64>,
    /// A number for each column.
    values: Vec<f64>,
}

/// A player who was looked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundDto {
    #[serde(flatten)]
    rank: RankDto,
    /// The player and those on either side.
    around: Vec<EntryDto>,
    /// Where the player stood, oldest first; empty where it was not asked for or is not known yet.
    past: Vec<PastDto>,
}

/// Read the boards and one of them, as the dashboard shows it.
///
/// For everybody where the configuration says so (`http.dashboard = "open"`), else for admins.
#[utoipa::path(get, path = "/v1/overview/boards", tag = "server", operation_id = "get_board_overview",
    params(BoardQuery, PartQuery),
    responses((status = 200, body = BoardOverviewDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security((), ("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetBoardOverview")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn boards(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    InPart(part, query): InPart<BoardQuery>,
) -> Result<Json<BoardOverviewDto>, ApiError> {
    let limit = query.limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(ApiError::parameter("limit", format_args!("must be 1 to {ROWS_MAX}")));
    }
    if query.past_days.is_some_and(|days| !(1..=PAST_DAYS_MAX).contains(&days)) {
        return Err(ApiError::parameter("past_days", format_args!("must be 1 to {PAST_DAYS_MAX}")));
    }
    let boards = app.engine.boards_seen_by(viewer);
    // Of boards of one size the first by name.
    let most = boards.iter().rev().max_by_key(|board| board.players);
    let most = most.map(|board| board.config.name.clone());
    let boards = boards.into_iter().map(BoardLineDto::from).collect();
    let shown = match query.board.or(most) {
        Some(name) => {
            Some(board(&app, &part.of(name)?, limit, viewer, query.player.as_deref(), query.past_days).await?)
        }
        None => None,
    };
    Ok(Json(BoardOverviewDto { now: app.engine.clock().now().as_millis(), boards, shown }))
}

async fn board(
    app: &App,
    of: &BoardRef,
    limit: usize,
    viewer: Viewer,
    player: Option<&str>,
    past_days: Option<i64>,
) -> Result<ShownDto, ApiError> {
    let board = app.engine.open_board(of).await?.seen_by(viewer);
    let config = board.config();
    let (rows, players) = app.engine.top_seen_by(viewer, of, 0, limit).await?;
    let found = match player {
        Some(text) => find(app, of, text, viewer).await?,
        None => None,
    };
    let found = match found {
        Some(player) => found_player(app, &board, of, player, viewer, past_days).await?,
        None => None,
    };
    let column = |column: &Column| ColumnDto { value: column.value, direction: column.direction };
    Ok(ShownDto {
        board: of.name.to_string(),
        mode: config.mode().map(ToString::to_string),
        columns: config.columns.iter().map(column).collect(),
        ties: config.ties,
        players,
        entries: entries(config, rows),
        histogram: buckets_of(&board, BUCKETS)?,
        cuts: cuts(&board)?,
        cohorts: if config.grouping.is_some() {
            let found = app.engine.cohorts(of, None, 0, COHORTS_MAX, viewer).await?;
            found.into_iter().map(Into::into).collect()
        } else {
            Vec::new()
        },
        tiers: tiers(app, config, of).await?,
        found,
    })
}

fn entries(config: &BoardConfig, rows: Vec<BoardRow>) -> Vec<EntryDto> {
    rows.into_iter().map(|row| EntryDto::new(config, row)).collect()
}

fn cuts(board: &OpenBoard) -> Result<Vec<CutLineDto>, ApiError> {
    let ranks = CUT_RANKS.map(|rank| (Some(rank), None, Cut::Rank(Rank::after(rank - 1))));
    let percents = CUT_PERCENTS.map(|percent| (None, Some(percent), Cut::TopPercent(percent)));
    let mut lines = Vec::new();
    for (rank, top_percent, cut) in ranks.into_iter().chain(percents) {
        if let (Some(keys), _) = board.cut(cut)? {
            lines.push(CutLineDto { rank, top_percent, values: shown(board.config(), keys.columns()) });
        }
    }
    Ok(lines)
}

async fn tiers(app: &App, config: &BoardConfig, of: &BoardRef) -> Result<Vec<DivisionDto>, ApiError> {
    if config.tiers.is_none() {
        return Ok(Vec::new());
    }
    let found = app.engine.tier_starts(of).await?;
    Ok(found.divisions.into_iter().map(Into::into).collect())
}

/// The player whom a text means: by id, else by the whole name, else by a part of it, the best first.
async fn find(app: &App, of: &BoardRef, text: &str, viewer: Viewer) -> Result<Option<PlayerId>, ApiError> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return Ok(None);
    }
    let (rows, _) = app.engine.top_seen_by(viewer, of, 0, limits::PAGE_SIZE_MAX).await?;
    let named = rows.iter().filter_map(|row| Some((row.player, row.name.as_ref()?.as_str().to_lowercase())));
    let named: Vec<(PlayerId, String)> = named.collect();
    let whole = named.iter().find(|(_, name)| *name == wanted);
    Ok(whole.or_else(|| named.iter().find(|(_, name)| name.contains(&wanted))).map(|(player, _)| *player))
}

async fn found_player(
    app: &App,
    board: &OpenBoard,
    of: &BoardRef,
    player: PlayerId,
    viewer: Viewer,
    past_days: Option<i64>,
) -> Result<Option<FoundDto>, ApiError> {
    let config = board.config();
    let ranked = board.rank(player, viewer);
    let around = app.engine.around(of, player, RADIUS, viewer).await;
    // Between the two the player may have left the board.
    let (rank, around) = match (ranked, around) {
        (Ok(rank), Ok((around, _))) => (rank, around),
        (Err(EngineError::Unknown { .. }), _) | (_, Err(EngineError::Unknown { .. })) => return Ok(None),
        (Err(error), _) | (_, Err(error)) => return Err(error.into()),
    };
    let past = match past_days {
        Some(days) => past(app, config, of, player, days).await?,
        None => Vec::new(),
    };
    let rank = RankDto::new(config, rank).with_seat(app.engine.seat(board, player, viewer).await?);
    Ok(Some(FoundDto { rank, around: entries(config, around), past }))
}

/// Where the player stood on the board, up to now; nothing where it has no past.
async fn past(
    app: &App,
    config: &BoardConfig,
    of: &BoardRef,
    player: PlayerId,
    days: i64,
) -> Result<Vec<PastDto>, ApiError> {
    // In cohorts the rank is that in the own cohort, and its past is asked for by it.
    if config.grouping.is_some() && of.part.is_none() {
        return Ok(Vec::new());
    }
    let (now, span) = (app.engine.clock().now().as_millis(), days * 86_400_000);
    let instants: Vec<_> = (0..PAST_POINTS)
        .map(|nth| now.saturating_sub(span - span * nth / (PAST_POINTS - 1)))
        .map(gsm_core::Timestamp::from_millis)
        .collect();
    match app.engine.rank_at(of, player, &instants, gsm_engine::Viewer::Other).await {
        Ok(found) => Ok(found.into_iter().map(|at| PastDto::new(config, at)).collect()),
        // It is being made: the page asks again. Boards of scores have none.
        Err(EngineError::BoardFilling { .. } | EngineError::Contended | EngineError::Invalid { .. }) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error.into()),
    }
}
