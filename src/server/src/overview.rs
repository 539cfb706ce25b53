//! How things stand, for the front page: made at most once a second, however many look.
use crate::{
    api::{App, buckets_of},
    problem::{ApiError, Problem},
};
use axum::{
    body::Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use gsm_core::Timestamp;
use gsm_engine::{BoardRef, ChallengerGlance, Engine, ModelGlance, Overview, SnapshotView};
use gsm_security::{DENIED_ADDRESS, Tally};
use gsm_session::OffenceKind;
use parking_lot::Mutex;
use serde::Serialize;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use utoipa::ToSchema;

/// Between two points of the series.
pub(crate) const STEP: Duration = Duration::from_secs(1);
/// Points of the series: five minutes.
const POINTS_MAX: usize = 300;
/// Rows of a board on the page.
const TOP_ROWS: usize = 10;
/// Bars of a histogram on the page.
const BUCKETS: usize = 30;

/// Counters over time, and the page's last data.
pub(crate) struct Watch {
    started_at: Timestamp,
    series: Mutex<VecDeque<Point>>,
    made: tokio::sync::Mutex<Option<(Timestamp, Bytes)>>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at: Timestamp,
    /// Results so far.
    results: u64,
    waiting: u64,
    running: u64,
}

impl Watch {
    pub(crate) fn new(started_at: Timestamp) -> Self {
        Self { started_at, series: Mutex::default(), made: tokio::sync::Mutex::default() }
    }

    /// Adds a point to the series.
    pub(crate) fn sample(&self, engine: &Engine) {
        let counts = engine.counts();
        let mut series = self.series.lock();
        if series.len() > POINTS_MAX {
            series.pop_front();
        }
        series.push_back(Point {
            at: engine.clock().now(),
            results: counts.results,
            waiting: counts.waiting as u64,
            running: counts.running as u64,
        });
    }

    fn series(&self) -> SeriesDto {
        let series = self.series.lock();
        let pairs = series.iter().zip(series.iter().skip(1));
        SeriesDto {
            step_ms: STEP.as_millis() as u64,
            first_at: series.get(1).map_or(0, |p| p.at.as_millis()),
            results: pairs.map(|(before, p)| p.results.saturating_sub(before.results)).collect(),
            waiting: series.iter().skip(1).map(|p| p.waiting).collect(),
            running: series.iter().skip(1).map(|p| p.running).collect(),
        }
    }
}

/// How things stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewDto {
    now: i64,
    started_at: i64,
    version: &'static str,
    queues: Vec<QueueLineDto>,
    /// Matches that have not ended.
    running: usize,
    /// Results since the server started.
    results: u64,
    /// Offences since the server started, by kind.
    penalties: OverviewPenaltiesDto,
    series: SeriesDto,
    boards: Vec<OverviewBoardDto>,
    /// Boards that are saved, so that a start need not read every rating.
    snapshots: Vec<SnapshotDto>,
    /// How the predictions of each mode held up of late, where matches were judged.
    models: Vec<ModelLineDto>,
    /// The endpoint that is asked about matches as they are formed, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<EndpointDto>,
    /// Newest first.
    recent: Vec<RecentDto>,
    /// What the rules of the firewall have done since the server started; `GET /v1/admin/firewall` tells more.
    firewall: Vec<FirewallLineDto>,
    /// What was refused below the API since then: by framing, pace, handshake, or for want of a place.
    wire_refusals: u64,
    /// Share of the requests that is let in: 1 where nothing is shed.
    admitted_share: f64,
}

/// A rule of the firewall.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirewallLineDto {
    rule: String,
    passed: u64,
    /// Refused.
    blocked: u64,
    /// Above the limit of a rule that only counts.
    counted: u64,
}

fn firewall(app: &App) -> Vec<FirewallLineDto> {
    let firewall = app.door.guard.current();
    let line = |rule: &str, tally: &Tally| FirewallLineDto {
        rule: rule.to_owned(),
        passed: tally.passed(),
        blocked: tally.blocked(),
        counted: tally.counted(),
    };
    let denied = line(DENIED_ADDRESS, &firewall.denied().0);
    firewall.report().iter().map(|one| line(&one.rule.name, &one.tally)).chain([denied]).collect()
}

/// A challenger at a glance: figures over about the last thousand matches that it predicted.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChallengerLineDto {
    model: String,
    /// In nats.
    log_loss: f64,
    /// The champion's over the same matches.
    champion_log_loss: f64,
}

/// The model of a mode at a glance: figures over about the last thousand matches.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelLineDto {
    mode: String,
    /// Matches that were judged, in all.
    matches: u64,
    /// The share of decided matches whose winner was predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// In nats: less is better, a coin has 0.693.
    log_loss: f64,
    /// That of the queue's rating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating_log_loss: Option<f64>,
    /// Versions of the registry that predict the same matches in the shadow, the newest first.
    challengers: Vec<ChallengerLineDto>,
    /// Whether results have become less predictable than the model believes.
    is_drifting: bool,
}

impl ChallengerLineDto {
    fn new(of: ChallengerGlance) -> Self {
        Self { model: of.model, log_loss: of.own.log_loss, champion_log_loss: of.champion.log_loss }
    }
}

impl ModelLineDto {
    fn new((mode, of): (gsm_core::Mode, ModelGlance)) -> Option<Self> {
        let champion = of.champion?;
        Some(Self {
            mode: mode.to_string(),
            matches: of.matches,
            accuracy: champion.accuracy,
            log_loss: champion.log_loss,
            rating_log_loss: of.rating.map(|rating| rating.log_loss),
            challengers: of.challengers.into_iter().map(ChallengerLineDto::new).collect(),
            is_drifting: of.is_drifting,
        })
    }
}

/// An endpoint that predicts, since the server started.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointDto {
    /// Matches of which it spoke.
    spoke: u64,
    /// Those of which it was to, and the mode's own model spoke for it.
    missed: u64,
    /// Whether it is left alone, because it failed too often.
    is_resting: bool,
}

impl EndpointDto {
    fn new(app: &App) -> Self {
        let (spoke, missed, is_resting) = app.metrics.of_endpoint();
        Self { spoke, missed, is_resting }
    }
}

/// Offences by kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewPenaltiesDto {
    dodge: u64,
    leave: u64,
    afk: u64,
}

/// The snapshot of a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotDto {
    board: String,
    /// Players in it.
    players: u64,
    /// Ratings of all modes that have changed, and results, since: what a start takes in beside it.
    changes: u64,
    /// How old it is; absent, as is the next, where a process before this one saved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u64>,
    /// How long it took to save.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
}

impl SnapshotDto {
    fn new(view: SnapshotView, now: Timestamp) -> Self {
        Self {
            board: view.board.to_string(),
            players: view.players,
            changes: view.changes,
            age_ms: view.saved.map(|(at, _)| now.since(at).get()),
            took_ms: view.saved.map(|(_, took)| took.get()),
        }
    }
}

/// The last five minutes, a point a second, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeriesDto {
    step_ms: u64,
    first_at: i64,
    /// Results in each step.
    results: Vec<u64>,
    /// Tickets waiting at its end.
    waiting: Vec<u64>,
    /// Matches running at its end.
    running: Vec<u64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct QueueLineDto {
    queue: String,
    mode: String,
    /// Tickets.
    waiting: usize,
    /// Players of these tickets; those of backfills play already.
    players: usize,
    wait_ms_max: u64,
    proposals: usize,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewBoardDto {
    mode: String,
    players: u64,
    top: Vec<crate::api::EntryDto>,
    histogram: Vec<crate::api::BucketDto>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecentDto {
    match_id: String,
    mode: String,
    at: i64,
    sides: Vec<RecentSideDto>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecentSideDto {
    place: u32,
    players: Vec<RecentPlayerDto>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecentPlayerDto {
    player_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// Rating before the match.
    before: f64,
    /// Rating after it.
    after: f64,
}

fn recent(overview: &Overview) -> Vec<RecentDto> {
    let one = |played: &gsm_engine::RecentMatch| {
        let mut sides: Vec<RecentSideDto> = Vec::new();
        let mut last = None;
        for (player, name, side, place, before, after) in &played.players {
            if last != Some(*side) {
                sides.push(RecentSideDto { place: *place, players: Vec::new() });
                last = Some(*side);
            }
            if let Some(side) = sides.last_mut() {
                side.players.push(RecentPlayerDto {
                    player_id: player.to_string(),
                    display_name: name.as_ref().map(ToString::to_string),
                    before: *before,
                    after: *after,
                });
            }
        }
        RecentDto {
            match_id: played.match_id.to_string(),
            mode: played.mode.to_string(),
            at: played.at.as_millis(),
            sides,
        }
    };
    overview.recent.iter().map(one).collect()
}

async fn make(app: &App) -> Result<OverviewDto, ApiError> {
    let overview = app.engine.overview().await?;
    let mut boards = Vec::with_capacity(overview.modes.len());
    for (mode, players) in &overview.modes {
        let of = BoardRef::from(mode);
        let board = app.engine.open_board(&of).await?;
        let (top, _) = app.engine.top(&of, 0, TOP_ROWS).await?;
        boards.push(OverviewBoardDto {
            mode: mode.to_string(),
            players: *players,
            top: top.into_iter().map(|row| crate::api::EntryDto::new(board.config(), row)).collect(),
            histogram: buckets_of(&board, BUCKETS)?,
        });
    }
    let queue = |q: &gsm_engine::QueueOverview| QueueLineDto {
        queue: q.queue.to_string(),
        mode: q.mode.to_string(),
        waiting: q.waiting,
        players: q.players,
        wait_ms_max: q.wait_ms_max.get(),
        proposals: q.proposals,
    };
    Ok(OverviewDto {
        now: app.engine.clock().now().as_millis(),
        started_at: app.watch.started_at.as_millis(),
        version: env!("CARGO_PKG_VERSION"),
        queues: overview.queues.iter().map(queue).collect(),
        running: overview.running,
        results: overview.results,
        penalties: {
            let of = |kind| overview.penalties.get(&kind).copied().unwrap_or(0);
            OverviewPenaltiesDto {
                dodge: of(OffenceKind::Dodge),
                leave: of(OffenceKind::Leave),
                afk: of(OffenceKind::Afk),
            }
        },
        series: app.watch.series(),
        boards,
        snapshots: {
            let now = app.engine.clock().now();
            app.engine.snapshots().into_iter().map(|view| SnapshotDto::new(view, now)).collect()
        },
        models: app.engine.model_glances().into_iter().filter_map(ModelLineDto::new).collect(),
        endpoint: app.asks_endpoint.then(|| EndpointDto::new(app)),
        recent: recent(&overview),
        firewall: firewall(app),
        wire_refusals: app.gate.refused().total(),
        admitted_share: app.shedder.share(),
    })
}

/// Read how things stand.
///
/// Made at most once a second. For everybody where the configuration says so (`http.dashboard = "open"`), else for
/// admins.
#[utoipa::path(get, path = "/v1/overview", tag = "server", operation_id = "get_overview",
    responses((status = 200, body = OverviewDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security((), ("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetOverview")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn overview(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let mut made = app.watch.made.lock().await;
    let now = app.engine.clock().now();
    let bytes = match &*made {
        Some((at, bytes)) if now.since(*at).as_duration() < STEP => bytes.clone(),
        _ => {
            let fresh = Bytes::from(serde_json::to_vec(&make(&app).await?).unwrap_or_default());
            *made = Some((now, fresh.clone()));
            fresh
        }
    };
    drop(made);
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}
