//! Boards: exact ranks, from memory.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, BulkJson, Params, Query, Viewing, Write, viewer},
    players::page_size,
    seasons::SeasonDto,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Attribute, BoardName, Label, Mode, PlayerId, Rank, Timestamp, limits};
use gsm_engine::{
    BoardConfig, BoardRef, BoardRow, BoardView, Cut, Dimension, Part, PastRank, RankView, SERIES_MAX, Value,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Most buckets of a histogram.
const BUCKETS_MAX: usize = 200;
/// Usual buckets of a histogram.
const BUCKETS_DEFAULT: usize = 40;
/// Usual players on either side of the one asked for.
const RADIUS_DEFAULT: usize = 5;

/// Which season of a board, and which part; at most one part.
#[derive(Default)]
pub(crate) struct PartQuery {
    pub(crate) season: Option<u64>,
    pub(crate) region: Option<Attribute>,
    pub(crate) platform: Option<Attribute>,
    pub(crate) group: Option<Attribute>,
}

/// The board, or part of it, that a call names: there, and ready to be read.
pub(crate) async fn board(
    app: &App,
    name: BoardName,
    query: PartQuery,
) -> Result<(BoardRef, Arc<BoardConfig>), ApiError> {
    let of = board_ref(name, query)?;
    app.engine.open_board(&of).await?;
    let config = app.engine.board_config(&of.name)?;
    Ok((of, config))
}

fn board_ref(name: BoardName, query: PartQuery) -> Result<BoardRef, ApiError> {
    let named = [
        (Dimension::Region, query.region),
        (Dimension::Platform, query.platform),
        (Dimension::Group, query.group),
    ];
    let mut parts =
        named.into_iter().filter_map(|(dimension, value)| Some(Part { dimension, value: value? }));
    let part = parts.next();
    if parts.next().is_some() {
        return Err(ApiError::parameter("region", "name one of region, platform and group"));
    }
    Ok(BoardRef { name, part, season: query.season })
}

/// The numbers of a board's columns, as people read them.
pub(crate) fn shown(config: &BoardConfig, keys: &[i64]) -> Vec<f64> {
    (0..config.columns.len()).zip(keys).map(|(column, key)| config.shown(column, *key)).collect()
}

/// Whether a board's first column is the rating.
fn shows_rating(config: &BoardConfig) -> bool {
    config.columns.first().is_some_and(|column| column.value == Value::Rating)
}

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
pub(crate) async fn modes(State(app): State<Arc<App>>, _: Admitted) -> Answer<ModesDto> {
    let modes = app.engine.modes().into_iter();
    let modes = modes.map(|(mode, players)| ModeDto { mode: mode.to_string(), players }).collect();
    let boards = app.engine.boards().into_iter().map(BoardLineDto::from).collect();
    Answer(ModesDto { modes, boards })
}

impl From<BoardView> for BoardLineDto {
    fn from(view: BoardView) -> Self {
        let parts = view.parts.into_iter().map(|(part, players)| PartDto {
            by: part.dimension,
            value: part.value.to_string(),
            players,
        });
        Self {
            board: view.config.name.to_string(),
            season: view.season.map(Into::into),
            players: view.players,
            parts: parts.collect(),
        }
    }
}

/// One line of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryDto {
    /// By the board's policy for ties; usually 1 + the number of strictly better players.
    rank: u64,
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
    deviation: f32,
    /// Rated matches, or submissions taken.
    games_played: u32,
}

impl EntryDto {
    pub(crate) fn new(config: &BoardConfig, row: BoardRow) -> Self {
        let values = shown(config, row.keys.columns());
        Self {
            rank: row.rank.get(),
            player_id: row.player,
            display_name: row.name,
            rating: values.first().copied().filter(|_| shows_rating(config)),
            values,
            reached_at: row.reached_at.as_millis(),
            deviation: row.deviation,
            games_played: row.games,
        }
    }
}

/// A piece of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardDto {
    /// The board's name.
    mode: String,
    /// Players ranked on the whole board.
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
    /// Only players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Only players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Only players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    group: Option<Attribute>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
}

/// Read a board from the top.
#[utoipa::path(get, path = "/v1/rankings/{mode}", tag = "rankings", operation_id = "get_ranking",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), TopQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRanking")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn top(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<TopQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let TopQuery { limit, offset, region, platform, group, season } = query;
    let (of, config) =
        board(&app, params.get("mode")?, PartQuery { season, region, platform, group }).await?;
    let (rows, players) = app.engine.top(&of, offset.unwrap_or(0), page_size(limit)?).await?;
    Ok(Answer(piece(&config, rows, players)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// What the page before gave as `next`; the first page without.
    after: Option<String>,
    /// Only players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Only players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Only players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    group: Option<Attribute>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
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
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), PageQuery),
    responses((status = 200, body = PageDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingPage")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<PageQuery>,
) -> Result<Answer<PageDto>, ApiError> {
    let PageQuery { limit, after, region, platform, group, season } = query;
    let (of, config) =
        board(&app, params.get("mode")?, PartQuery { season, region, platform, group }).await?;
    let page = app.engine.board_page(&of, after.as_deref(), page_size(limit)?).await?;
    Ok(Answer(PageDto { piece: piece(&config, page.rows, page.players), next: page.next }))
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
    deviation: f32,
    /// Rated matches, or submissions taken.
    games_played: u32,
    /// Players ranked on the whole board.
    players: u64,
    /// Share of the others who are not better, 0 to 100.
    percentile: f64,
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
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RankQuery {
    /// Among the players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Among the players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Among the players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    group: Option<Attribute>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
}

impl From<RankQuery> for PartQuery {
    fn from(query: RankQuery) -> Self {
        Self { season: query.season, region: query.region, platform: query.platform, group: query.group }
    }
}

/// Read a player's rank.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}", tag = "rankings", operation_id = "get_rank",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), ("player_id" = String, Path), RankQuery),
    responses((status = 200, body = RankDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRank")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn rank(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    params: Params,
    Query(query): Query<RankQuery>,
) -> Result<Answer<RankDto>, ApiError> {
    let (of, config) = board(&app, params.get("mode")?, query.into()).await?;
    let view = app.engine.rank(&of, params.get("player_id")?, viewer)?;
    Ok(Answer(RankDto::new(&config, view)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AroundQuery {
    /// Players on either side, 0 to 100; 5 if absent.
    radius: Option<usize>,
    /// Among the players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Among the players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Among the players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    group: Option<Attribute>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
}

/// Read the board around a player.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/around", tag = "rankings", operation_id = "get_ranking_around",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), ("player_id" = String, Path), AroundQuery),
    responses((status = 200, body = BoardDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingAround")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn around(
    State(app): State<Arc<App>>,
    Viewing(viewer): Viewing,
    params: Params,
    Query(query): Query<AroundQuery>,
) -> Result<Answer<BoardDto>, ApiError> {
    let AroundQuery { radius, region, platform, group, season } = query;
    let radius = radius.unwrap_or(RADIUS_DEFAULT);
    if radius > limits::WINDOW_RADIUS_MAX {
        return Err(ApiError::parameter(
            "radius",
            format_args!("must be 0 to {}", limits::WINDOW_RADIUS_MAX),
        ));
    }
    let (of, config) =
        board(&app, params.get("mode")?, PartQuery { season, region, platform, group }).await?;
    let (rows, players) = app.engine.around(&of, params.get("player_id")?, radius, viewer).await?;
    Ok(Answer(piece(&config, rows, players)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PastQuery {
    /// One instant, in milliseconds since 1970. Either this, or `from`, `to` and `points`.
    at: Option<i64>,
    /// The first instant of a series.
    from: Option<i64>,
    /// The last instant of a series.
    to: Option<i64>,
    /// Instants of a series, evenly spread: 2 to 500; 50 if absent.
    points: Option<usize>,
}

/// Usual instants of a series.
const POINTS_DEFAULT: usize = 50;

impl PastQuery {
    fn instants(&self, now: Timestamp) -> Result<Vec<Timestamp>, ApiError> {
        let instants = match (self.at, self.from, self.to) {
            (Some(at), None, None) if self.points.is_none() => vec![at],
            (None, Some(from), Some(to)) => {
                let points = self.points.unwrap_or(POINTS_DEFAULT);
                if !(2..=SERIES_MAX).contains(&points) {
                    return Err(ApiError::parameter("points", format_args!("must be 2 to {SERIES_MAX}")));
                }
                if from >= to {
                    return Err(ApiError::parameter("to", "must be after from"));
                }
                let (from, span) = (i128::from(from), i128::from(to) - i128::from(from));
                let last = points as i128 - 1;
                (0..=last).map(|nth| (from + span * nth / last) as i64).collect()
            }
            _ => return Err(ApiError::parameter("at", "name either at, or from and to")),
        };
        if instants.last().is_some_and(|last| *last > now.as_millis()) {
            return Err(ApiError::parameter(if self.at.is_some() { "at" } else { "to" }, "is in the future"));
        }
        Ok(instants.into_iter().map(Timestamp::from_millis).collect())
    }
}

/// Where a player stood at an instant.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastDto {
    at: i64,
    /// 1 + the number of strictly better ratings; absent if the player was not rated yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    /// Players rated by then.
    players: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PastListDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    mode: String,
    /// In the order of the instants.
    entries: Vec<PastDto>,
}

/// Read where a player stood in a mode at a past instant, or at many.
///
/// Exact, as ratings stand now: results voided since have never been. The first question of a mode reads all its
/// histories, and others of it are answered 503 `board_filling` meanwhile.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/past", tag = "rankings", operation_id = "get_past_rank",
    params(("mode" = String, Path), ("player_id" = String, Path), PastQuery),
    responses((status = 200, body = PastListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPastRank")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn past(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<PastQuery>,
) -> Result<Answer<PastListDto>, ApiError> {
    let (mode, player_id): (Mode, PlayerId) = (params.get("mode")?, params.get("player_id")?);
    let instants = query.instants(app.engine.clock().now())?;
    let found = app.engine.rank_at(&mode, player_id, &instants).await?;
    let entries = found.into_iter().map(PastDto::from).collect();
    Ok(Answer(PastListDto { player_id, mode: mode.to_string(), entries }))
}

impl From<PastRank> for PastDto {
    fn from(at: PastRank) -> Self {
        Self {
            at: at.at.as_millis(),
            rank: at.place.map(|(rank, _)| rank.get()),
            rating: at.place.map(|(_, score)| score as f64 / 1_000.0),
            players: at.players,
        }
    }
}

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
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    #[serde(default)]
    season: Option<u64>,
}

impl PlayersBody {
    async fn checked(
        self,
        app: &App,
        name: BoardName,
    ) -> Result<(BoardRef, Arc<BoardConfig>, Vec<PlayerId>), ApiError> {
        if !(1..=limits::PAGE_SIZE_MAX).contains(&self.player_ids.len()) {
            return Err(ApiError::value(
                "player_ids",
                format_args!("must be 1 to {}", limits::PAGE_SIZE_MAX),
            ));
        }
        let Self { player_ids, region, platform, group, season } = self;
        let (of, config) = board(app, name, PartQuery { season, region, platform, group }).await?;
        Ok((of, config, player_ids))
    }
}

/// One of some players.
#[derive(Serialize, ToSchema)]
pub(crate) struct AmongDto {
    /// The rank among these players.
    rank_among: u64,
    /// The line; its rank is that on the whole board.
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
    params(("mode" = String, Path, description = "A board, or a mode for its own board")), request_body = PlayersBody,
    responses((status = 200, body = AmongListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RankAmong")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn among(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<BulkJson<PlayersBody>>,
) -> Result<Answer<AmongListDto>, ApiError> {
    let (of, config, players) = write.body.0.checked(&app, params.get("mode")?).await?;
    let (found, players) = app.engine.among(&of, &players).await?;
    let entries = found
        .into_iter()
        .map(|line| AmongDto { rank_among: line.rank.get(), entry: EntryDto::new(&config, line.row) })
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
    let (of, config, players) = write.body.0.checked(&app, params.get("mode")?).await?;
    let found = app.engine.ranks(&of, &players, viewer(&write.call.principal))?;
    Ok(Answer(RanksDto {
        ranks: found.into_iter().flatten().map(|view| RankDto::new(&config, view)).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CutQuery {
    /// What it takes to be among the best so many, from 1. Either this or `top_percent`.
    rank: Option<u64>,
    /// What it takes to be among the best percent, above 0 to 100.
    top_percent: Option<f64>,
    /// Among the players of this region, where the board is divided so.
    #[param(value_type = Option<String>)]
    region: Option<Attribute>,
    /// Among the players of this platform, where the board is divided so.
    #[param(value_type = Option<String>)]
    platform: Option<Attribute>,
    /// Among the players of this group, where the board is divided so.
    #[param(value_type = Option<String>)]
    group: Option<Attribute>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
}

/// What a place takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutDto {
    /// The board's name.
    mode: String,
    /// Players ranked on the whole board.
    players: u64,
    /// A number for each column; absent where the board has fewer players.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f64>>,
}

/// Read what it takes to be among the best so many, or the best percent.
#[utoipa::path(get, path = "/v1/rankings/{mode}/cut", tag = "rankings", operation_id = "get_ranking_cut",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), CutQuery),
    responses((status = 200, body = CutDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetRankingCut")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn cut(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<CutQuery>,
) -> Result<Answer<CutDto>, ApiError> {
    let CutQuery { rank, top_percent, region, platform, group, season } = query;
    let cut = match (rank, top_percent) {
        (Some(rank), None) if rank > 0 => Cut::Rank(Rank::after(rank - 1)),
        (Some(_), None) => return Err(ApiError::parameter("rank", "must be at least 1")),
        (None, Some(percent)) if percent > 0.0 && percent <= 100.0 => Cut::TopPercent(percent),
        (None, Some(_)) => return Err(ApiError::parameter("top_percent", "must be above 0 and at most 100")),
        _ => return Err(ApiError::parameter("rank", "name either rank or top_percent")),
    };
    let (of, config) =
        board(&app, params.get("mode")?, PartQuery { season, region, platform, group }).await?;
    let (keys, players) = app.engine.cut(&of, cut)?;
    let values = keys.map(|keys| shown(&config, keys.columns()));
    Ok(Answer(CutDto { mode: config.name.to_string(), players, values }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistogramQuery {
    /// 1 to 200; 40 if absent.
    buckets: Option<usize>,
    /// A season of the past, from 1, where the board has seasons; that under way if absent.
    season: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HistogramDto {
    /// The board's name.
    mode: String,
    buckets: Vec<BucketDto>,
}

/// Players with a first column of at least `lower` and less than `upper` (the last one includes it).
#[derive(Serialize, ToSchema)]
pub(crate) struct BucketDto {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: u64,
}

/// Read how the first column of a board is spread.
#[utoipa::path(get, path = "/v1/rankings/{mode}/histogram", tag = "rankings", operation_id = "get_ranking_histogram",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), HistogramQuery),
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
    let part = PartQuery { season: query.season, ..PartQuery::default() };
    let (of, config) = board(&app, params.get("mode")?, part).await?;
    let buckets = buckets_of(&app, &config, &of, buckets)?;
    Ok(Answer(HistogramDto { mode: config.name.to_string(), buckets }))
}

pub(crate) fn buckets_of(
    app: &App,
    config: &BoardConfig,
    of: &BoardRef,
    buckets: usize,
) -> Result<Vec<BucketDto>, ApiError> {
    let found = app.engine.histogram(of, buckets)?;
    let points = |key| config.shown(0, key);
    Ok(found
        .into_iter()
        .map(|(lower, upper, count)| BucketDto { lower: points(lower), upper: points(upper), count })
        .collect())
}
