//! Boards as operators and game servers handle them: defined, submitted to, players hidden; where players belong.
use super::{
    App,
    answer::Answer,
    bans::PlayersAfter,
    extract::{Admitted, BulkJson, Json, Params, Query, Write, given},
    parts::{CohortShape, ColumnShape, EligibilityShape, LeagueShape, ScheduleShape, TiersShape},
    players::page_size,
    rankings::{SeasonQuery, shown},
    rulings::reason,
    whole,
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{BoardName, Mode, PlayerId, Timestamp};
use gsm_engine::{
    BoardConfig, BoardRef, CohortConfig, Column, Dimension, Eligibility, EngineError, Grouping, LeagueConfig,
    Places, ScheduleConfig, Source, Submission, TierConfig, Ties, Visibility,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A board.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoardSettings {
    /// The mode whose ratings it follows; absent for a board that scores are submitted to. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    mode: Option<Mode>,
    /// What it compares, the weightiest first, 1 to 5: `{"value": "rating", "direction": "descending", "operator":
    /// "last"}`. Of a mode: `rating`, `conservative` (less two deviations), `games`, `wins`, `draws`, and `place` in its tiers. Of submissions:
    /// `submitted`, with an operator: `last`, `set`, `best`, `incr`, `decr`.
    #[schema(value_type = Vec<ColumnShape>)]
    columns: Vec<Column>,
    /// `competition` (1, 2, 2, 4), `dense` (1, 2, 2, 3) or `ordinal` (the earlier first).
    #[serde(default)]
    #[schema(value_type = String)]
    ties: Ties,
    /// A board more for every `region`, `platform` or `group`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    by: Vec<Dimension>,
    /// Whom it ranks: `{"games_min": 10, "idle_days_max": 30, "deviation_max": 110}`; 0 asks for nothing. A board with a
    /// `past` that asked nothing asks nothing later.
    #[serde(default)]
    #[schema(value_type = EligibilityShape)]
    eligibility: Eligibility,
    /// When its seasons start; without, it goes on for ever: `{"cron": {"expression": "0 9 1 * *", "zone":
    /// "Europe/Paris", "from": "2026-01-01T00:00:00Z"}}`, `{"days": {"every": 14, "zone": "UTC", "from":
    /// "2026-01-05T09:00"}}` or `{"at": {"starts_at": ["2026-03-01T09:00:00Z"]}}`. A board with seasons stays as it is,
    /// but for instants to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ScheduleShape>)]
    season: Option<ScheduleConfig>,
    /// Visible tiers that matches of the mode move players through, apart from their ratings (docs/boards.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TiersShape>)]
    tiers: Option<TierConfig>,
    /// Cohorts, where it has a season: small boards on which a player stays for a season, `{"size": 50, "rule":
    /// "arrival"}`. Rules: `arrival`, `region`, `platform`, `{"rating_band": {"width": 100000}}` (thousandths of a point).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CohortShape>)]
    cohorts: Option<CohortConfig>,
    /// A league, where it has a season: cohorts on levels, `{"levels": 5, "size": 30, "promote": 7, "relegate": 5}`
    /// (docs/boards.md). Not together with `cohorts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LeagueShape>)]
    league: Option<LeagueConfig>,
    /// Of a board that scores are submitted to: whether every step is kept, so that `GET …/past` can be asked (needs ranks by
    /// `competition`, and one column or two). Cannot be changed. The boards of a mode have a past without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    past: bool,
}

impl BoardSettings {
    fn grouping(&self) -> Result<Option<Grouping>, ApiError> {
        match (self.cohorts, self.league) {
            (Some(_), Some(_)) => {
                let detail = "is a kind of cohorts: leave `cohorts` out".to_owned();
                Err(EngineError::Invalid { field: "league".to_owned(), detail }.into())
            }
            (Some(cohorts), None) => Ok(Some(Grouping::Cohorts(cohorts))),
            (None, league) => Ok(league.map(Grouping::League)),
        }
    }
}

/// A board and its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardConfigDto {
    #[schema(value_type = String)]
    board: BoardName,
    #[serde(flatten)]
    settings: BoardSettings,
}

impl From<&BoardConfig> for BoardConfigDto {
    fn from(config: &BoardConfig) -> Self {
        let (cohorts, league) = match config.grouping {
            None => (None, None),
            Some(Grouping::Cohorts(cohorts)) => (Some(cohorts), None),
            Some(Grouping::League(league)) => (None, Some(league)),
        };
        Self {
            board: config.name.clone(),
            settings: BoardSettings {
                mode: config.mode().cloned(),
                columns: config.columns.clone(),
                ties: config.ties,
                by: config.by.clone(),
                eligibility: config.eligibility,
                season: config.season.clone(),
                tiers: config.tiers.clone(),
                cohorts,
                league,
                past: config.past,
            },
        }
    }
}

/// Make a board, or change it; it is filled from what is there before the answer.
#[utoipa::path(put, path = "/v1/admin/boards/{board}", tag = "admin", operation_id = "put_board",
    params(("board" = String, Path)), request_body = BoardSettings,
    responses((status = 200, body = BoardConfigDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutBoard")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<BoardSettings>>,
) -> Result<Answer<BoardConfigDto>, ApiError> {
    let name: BoardName = params.get("board")?;
    let Json(body) = write.body;
    let grouping = body.grouping()?;
    let source = body.mode.map_or(Source::Submissions, Source::Mode);
    let config = BoardConfig {
        name,
        source,
        columns: body.columns,
        ties: body.ties,
        by: body.by,
        eligibility: body.eligibility,
        season: body.season,
        tiers: body.tiers,
        grouping,
        past: body.past,
    };
    Ok(Answer((&app.engine.put_board(&write.call, config).await?).into()))
}

/// Read how a board is defined.
#[utoipa::path(get, path = "/v1/admin/boards/{board}", tag = "admin", operation_id = "get_board",
    params(("board" = String, Path)),
    responses((status = 200, body = BoardConfigDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetBoard")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<BoardConfigDto>, ApiError> {
    Ok(Answer((&*app.engine.board_config(&params.get("board")?)?).into()))
}

/// Give up a board that was defined; what was submitted to it goes too, ratings stay.
#[utoipa::path(delete, path = "/v1/admin/boards/{board}", tag = "admin", operation_id = "delete_board",
    params(("board" = String, Path), ("X-Gsm-Reason" = String, Header, description = "Why, in 1 to 128 characters")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteBoard")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-reason" = json!(true)), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    app.engine.delete_board(&write.call, &params.get("board")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One player's scores.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmissionBody {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// A whole number for each column, -(2^53 - 1) to 2^53 - 1; `5.0` is one too. What is written with a point or an exponent is
    /// read as a double, as JSON numbers usually are, and taken if it is whole as one.
    #[serde(deserialize_with = "whole::numbers")]
    values: Vec<i64>,
    /// When they were made, in milliseconds since 1970; now if absent, or up to a second ahead of the server's clock.
    #[serde(default)]
    at: Option<i64>,
    /// A text of the game's own, shown with the entry; at most 1,024 bytes.
    #[serde(default)]
    metadata: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmissionsBody {
    /// 1 to 1,000, all or none.
    entries: Vec<SubmissionBody>,
}

/// What a board has after a submission.
#[derive(Serialize, ToSchema)]
pub(crate) struct TakenDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// A number for each column.
    values: Vec<f64>,
    /// Whether the submission changed any.
    moved: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TakenListDto {
    entries: Vec<TakenDto>,
}

/// Submit scores to a board.
#[utoipa::path(post, path = "/v1/rankings/{mode}/entries", tag = "rankings", operation_id = "submit_scores",
    params(("mode" = String, Path, description = "A board that scores are submitted to")), request_body = SubmissionsBody,
    responses((status = 200, body = TakenListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:SubmitScores")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<BulkJson<SubmissionsBody>>,
) -> Result<Answer<TakenListDto>, ApiError> {
    let name: BoardName = params.get("mode")?;
    let config = app.engine.board_config(&name)?;
    let submissions: Vec<Submission> = write
        .body
        .0
        .entries
        .into_iter()
        .map(|entry| Submission {
            player: entry.player_id,
            values: entry.values,
            at: entry.at.map(Timestamp::from_millis),
            metadata: entry.metadata,
        })
        .collect();
    let taken = app.engine.submit(&write.call, &name, &submissions).await?;
    let entries = taken.into_iter().map(|of| TakenDto {
        player_id: of.player,
        values: shown(&config, &of.values),
        moved: of.moved,
    });
    Ok(Answer(TakenListDto { entries: entries.collect() }))
}

/// A player's entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnEntryDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// A number for each column.
    values: Vec<f64>,
    reached_at: i64,
    submitted_at: i64,
    submissions: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

/// Read what was submitted for a player, with its metadata.
#[utoipa::path(get, path = "/v1/rankings/{mode}/entries/{player_id}", tag = "rankings", operation_id = "get_entry",
    params(("mode" = String, Path, description = "A board that scores are submitted to"), ("player_id" = String, Path), SeasonQuery),
    responses((status = 200, body = OwnEntryDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetEntry")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn entry(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(SeasonQuery { season }): Query<SeasonQuery>,
) -> Result<Answer<OwnEntryDto>, ApiError> {
    let (name, player_id): (BoardName, PlayerId) = (params.get("mode")?, params.get("player_id")?);
    let config = app.engine.board_config(&name)?;
    let of = BoardRef { name, part: None, season };
    let none = EngineError::Unknown { what: "entry: the player has none on this board" };
    let row = app.engine.entry(&of, player_id).await?.ok_or(none)?;
    Ok(Answer(OwnEntryDto {
        player_id,
        values: shown(&config, &row.values),
        reached_at: row.reached_at.as_millis(),
        submitted_at: row.submitted_at.as_millis(),
        submissions: row.submissions,
        metadata: row.metadata,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveEntry {
    /// Off a season of the past, where the board has seasons; off that under way if absent.
    #[serde(default)]
    season: Option<u64>,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Take a player's entry off a board that scores are submitted to.
#[utoipa::path(post, path = "/v1/admin/boards/{board}/players/{player_id}/remove", tag = "admin", operation_id = "remove_entry",
    params(("board" = String, Path), ("player_id" = String, Path)), request_body = RemoveEntry,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RemoveEntry")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<RemoveEntry>>,
) -> Result<StatusCode, ApiError> {
    let (name, player): (BoardName, PlayerId) = (params.get("board")?, params.get("player_id")?);
    let Json(body) = write.body;
    let of = BoardRef { name, part: None, season: body.season };
    app.engine.remove_entry(&write.call, &of, player, reason(&body.reason)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VisibilityDto {
    /// By everybody.
    Shown,
    /// By nobody: no rank, and not counted for anybody else's.
    Hidden,
    /// By the player alone, who sees the rank he would have.
    Shadow,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetVisibility {
    /// Who sees the player on the board.
    visibility: VisibilityDto,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Hide a player on a board, show him to himself alone, or show him again; all others' ranks are right at once.
#[utoipa::path(put, path = "/v1/admin/boards/{board}/players/{player_id}/visibility", tag = "admin", operation_id = "set_visibility",
    params(("board" = String, Path), ("player_id" = String, Path)), request_body = SetVisibility,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:SetVisibility")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn visibility(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<SetVisibility>>,
) -> Result<StatusCode, ApiError> {
    let (name, player): (BoardName, PlayerId) = (params.get("board")?, params.get("player_id")?);
    let Json(body) = write.body;
    let visibility = match body.visibility {
        VisibilityDto::Shown => Visibility::Shown,
        VisibilityDto::Hidden => Visibility::Hidden,
        VisibilityDto::Shadow => Visibility::Shadow,
    };
    let reason = reason(&body.reason)?;
    app.engine.set_visibility(&write.call, &name, player, visibility, reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A player whom not everybody sees on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct HiddenDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// By nobody (`hidden`), or by himself alone (`shadow`).
    visibility: &'static str,
    /// Why it was decided.
    reason: String,
    /// When it was decided.
    at: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AllHiddenDto {
    /// By player id.
    entries: Vec<HiddenDto>,
    /// Asks for the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<PlayerId>,
}

/// List who is hidden on a board, and who is shown to himself alone, by player id.
#[utoipa::path(get, path = "/v1/admin/boards/{board}/hidden", tag = "admin", operation_id = "list_hidden",
    params(("board" = String, Path), PlayersAfter),
    responses((status = 200, body = AllHiddenDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListHidden")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn hidden(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
    Query(query): Query<PlayersAfter>,
) -> Result<Answer<AllHiddenDto>, ApiError> {
    let (found, next) =
        app.engine.hidden(&params.get("board")?, query.after, page_size(query.limit)?).await?;
    let entries = found.into_iter().map(|(player_id, row)| HiddenDto {
        player_id,
        visibility: if row.shadow { "shadow" } else { "hidden" },
        reason: row.reason,
        at: row.at.as_millis(),
    });
    Ok(Answer(AllHiddenDto { entries: entries.collect(), next }))
}

/// Where a player belongs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlacesDto {
    /// A part of the world: letters, digits, `-`, `_` and `.`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, required)]
    region: Option<gsm_core::Attribute>,
    /// A kind of machine.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>, required)]
    platform: Option<gsm_core::Attribute>,
    /// Guilds, clans, schools; at most 16.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    groups: Vec<gsm_core::Attribute>,
}

impl From<Places> for PlacesDto {
    fn from(Places { region, platform, groups }: Places) -> Self {
        Self { region, platform, groups }
    }
}

/// Read where a player belongs.
#[utoipa::path(get, path = "/v1/players/{player_id}/places", tag = "players", operation_id = "get_places",
    params(("player_id" = String, Path)),
    responses((status = 200, body = PlacesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPlaces")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn places(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<PlacesDto>, ApiError> {
    Ok(Answer(app.engine.places(params.get("player_id")?).await?.into()))
}

/// Say where a player belongs; boards that are divided so follow at once.
#[utoipa::path(put, path = "/v1/players/{player_id}/places", tag = "players", operation_id = "set_places",
    params(("player_id" = String, Path)), request_body = PlacesDto,
    responses((status = 200, body = PlacesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:SetPlaces")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn set_places(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<PlacesDto>>,
) -> Result<Answer<PlacesDto>, ApiError> {
    let Json(PlacesDto { region, platform, groups }) = write.body;
    let places = Places { region, platform, groups };
    Ok(Answer(app.engine.set_places(&write.call, params.get("player_id")?, places).await?.into()))
}
