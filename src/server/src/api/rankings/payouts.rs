//! Final tables of seasons, paid out page by page.
use super::{
    super::{
        App,
        answer::Answer,
        extract::{Admitted, Json, Params, Write},
    },
    SeatDto, shown,
};
use crate::problem::{ApiError, Problem};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{PayoutConfig, PayoutView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// How a final table is paid out.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutSettings {
    /// Rows of a page, 1 to 1,000.
    page_size: u32,
    /// Pages on their way at once, 1 to 64; 1 if absent.
    #[serde(default = "one")]
    in_flight_max: u16,
    /// When a page that nobody has acknowledged comes again, in milliseconds, a second to a day; 60,000 if absent.
    #[serde(default = "minute")]
    retry_after_ms: u64,
}

fn one() -> u16 {
    1
}

fn minute() -> u64 {
    60_000
}

/// How far a payout is.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayoutDto {
    board: String,
    season: u64,
    #[serde(flatten)]
    settings: PayoutSettings,
    /// Players in the final table.
    rows: u64,
    /// Pages of it.
    pages: u64,
    /// Pages acknowledged.
    acknowledged: u64,
    /// Pages on their way.
    in_flight: u64,
    /// Whether all pages are acknowledged.
    done: bool,
}

impl PayoutDto {
    fn new(board: &BoardName, season: u64, view: &PayoutView) -> Self {
        let PayoutConfig { page_size, in_flight_max, retry_after_ms } = view.config;
        Self {
            board: board.to_string(),
            season,
            settings: PayoutSettings { page_size, in_flight_max, retry_after_ms },
            rows: view.rows,
            pages: view.pages,
            acknowledged: view.acknowledged,
            in_flight: view.in_flight,
            done: view.done,
        }
    }
}

/// Begin to pay out a season that is over.
///
/// From here on the season stays as it is: no ruling and no late score moves it. Begun before, it goes on as it was.
#[utoipa::path(post, path = "/v1/rankings/{mode}/seasons/{season}/payout", tag = "rankings", operation_id = "begin_payout",
    params(("mode" = String, Path, description = "A board that has seasons"), ("season" = u64, Path)), request_body = PayoutSettings,
    responses((status = 200, body = PayoutDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:BeginPayout")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn begin_payout(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<PayoutSettings>>,
) -> Result<Answer<PayoutDto>, ApiError> {
    let (name, season): (BoardName, u64) = (params.get("mode")?, params.get("season")?);
    let Json(PayoutSettings { page_size, in_flight_max, retry_after_ms }) = write.body;
    let config = PayoutConfig { page_size, in_flight_max, retry_after_ms };
    let view = app.engine.begin_payout(&write.call, &name, season, config).await?;
    Ok(Answer(PayoutDto::new(&name, season, &view)))
}

/// Read how far a season has been paid out.
#[utoipa::path(get, path = "/v1/rankings/{mode}/seasons/{season}/payout", tag = "rankings", operation_id = "get_payout",
    params(("mode" = String, Path, description = "A board that has seasons"), ("season" = u64, Path)),
    responses((status = 200, body = PayoutDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPayout")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn payout(
    State(app): State<Arc<App>>,
    _: Admitted,
    params: Params,
) -> Result<Answer<PayoutDto>, ApiError> {
    let (name, season): (BoardName, u64) = (params.get("mode")?, params.get("season")?);
    let view = app.engine.payout(&name, season).await?;
    Ok(Answer(PayoutDto::new(&name, season, &view)))
}

/// A row of a final table.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayoutRowDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The final rank; absent for who was hidden when the payout began, and who is not eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    /// Share of the others who are not better, 0 to 100; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<f64>,
    /// A number for each column.
    values: Vec<f64>,
    /// Since when the player had them.
    reached_at: i64,
    /// Where the player sat, on a board with cohorts.
    #[serde(flatten)]
    seat: Option<SeatDto>,
    /// The final rank in the cohort; absent for who was hidden when the payout began, and who is not eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort_rank: Option<u64>,
    /// Players ranked in the cohort.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort_players: Option<u64>,
    /// Share of the others in the cohort who are not better, 0 to 100; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    cohort_percentile: Option<f64>,
}

/// A page of a final table.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayoutPageDto {
    board: String,
    season: u64,
    /// Its number, from 0: what is acknowledged.
    page: u64,
    /// How many rows come before it.
    first_row: u64,
    /// Players ranked on the board at the end of the season.
    players: u64,
    rows: Vec<PayoutRowDto>,
}

/// Take the page to pay now: one that nobody has acknowledged in time, else the next.
///
/// 204 where nothing is to be done now: all pages are acknowledged, or as many as may be are on their way. Each player
/// is on one page, and a page has the same players however often it comes: pay it, then acknowledge it; a page that
/// comes again has been paid if its number is known.
#[utoipa::path(post, path = "/v1/rankings/{mode}/seasons/{season}/payout/next", tag = "rankings", operation_id = "next_payout_page",
    params(("mode" = String, Path, description = "A board that has seasons"), ("season" = u64, Path)),
    responses((status = 200, body = PayoutPageDto), (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:NextPayoutPage")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn next_page(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<Response, ApiError> {
    let (name, season): (BoardName, u64) = (params.get("mode")?, params.get("season")?);
    let Some(found) = app.engine.next_payout_page(&write.call, &name, season).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let config = app.engine.board_config(&name)?;
    let rows = found.rows.into_iter().map(|row| PayoutRowDto {
        player_id: row.player,
        rank: row.rank.map(|rank| rank.get()),
        percentile: row.percentile,
        values: shown(&config, row.keys.columns()),
        reached_at: row.reached_at.as_millis(),
        cohort_rank: row.seat.and_then(|seat| seat.rank).map(|rank| rank.get()),
        cohort_players: row.seat.map(|seat| seat.players),
        cohort_percentile: row.seat.and_then(|seat| seat.percentile),
        seat: row.seat.map(Into::into),
    });
    let page = PayoutPageDto {
        board: name.to_string(),
        season,
        page: found.page.number,
        first_row: found.page.first_row,
        players: found.players,
        rows: rows.collect(),
    };
    Ok(Answer(page).into_response())
}

/// Whether a page was acknowledged for the first time.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcknowledgedDto {
    /// Said once for each page, whatever is repeated.
    first: bool,
}

/// Say that a page has been paid, in any order and however often.
#[utoipa::path(post, path = "/v1/rankings/{mode}/seasons/{season}/payout/pages/{page}/acknowledge", tag = "rankings", operation_id = "acknowledge_payout",
    params(("mode" = String, Path, description = "A board that has seasons"), ("season" = u64, Path), ("page" = u64, Path)),
    responses((status = 200, body = AcknowledgedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:AcknowledgePayout")), ("x-gsm-roles" = json!(["server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn acknowledge(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<Answer<AcknowledgedDto>, ApiError> {
    let (name, season): (BoardName, u64) = (params.get("mode")?, params.get("season")?);
    let page: u64 = params.get("page")?;
    let first = app.engine.acknowledge_payout(&write.call, &name, season, page).await?;
    Ok(Answer(AcknowledgedDto { first }))
}
