//! What the server counts, as Prometheus reads it at `GET /metrics`.
//!
//! Labels come from closed sets: operations, statuses, names of rules and queues; never a player or an address. What is
//! counted elsewhere (the store, the engine, the gate, the firewall) is copied when somebody looks.
mod families;
mod models;
mod page;
mod store;

pub use page::metrics_markdown;

use crate::{
    api::App,
    problem::{ApiError, Problem},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use families::{Answered, ByClass, ByKind, ByOutcome, ByQueue, ByReason, ByRule, ByWay, Families, Of};
use gsm_adapters::EndpointNews;
use gsm_engine::Miss;
use models::Models;
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use store::Store;
use tokio::sync::Mutex;

/// What the text is, as Prometheus asks for it.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds of the latency histogram, in seconds: from a read out of memory to a slow disk.
const LATENCY_BUCKETS_S: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// The operation of a request that means none.
pub(crate) const NO_OPERATION: &str = "none";

/// Every family.
pub(crate) struct Metrics {
    families: Families,
    looked_at: Mutex<()>,
    requests: Family<Answered, Counter>,
    seconds: Family<Of, Histogram, fn() -> Histogram>,
    waf_blocks: Family<ByRule, Counter>,
    wire_refusals: Family<ByReason, Counter>,
    signatures: Family<ByKind, Counter>,
    shed: Counter,
    admitted_share: Gauge<f64, std::sync::atomic::AtomicU64>,
    connections: Gauge,
    results: Counter,
    running: Gauge,
    waiting: Family<ByQueue, Gauge>,
    players: Family<ByQueue, Gauge>,
    proposals: Family<ByQueue, Gauge>,
    oldest: Family<ByQueue, Gauge<f64, std::sync::atomic::AtomicU64>>,
    models: Models,
    endpoint: Endpoint,
    dropped: Family<ByClass, Counter>,
    erasing: Gauge,
    shipping: Shipping,
    store: Store,
}

/// How far what is shipped of the audit log is behind it.
struct Shipping {
    seconds: Family<ByWay, Gauge<f64, std::sync::atomic::AtomicU64>>,
    records: Family<ByWay, Gauge>,
    failures: Family<ByWay, Counter>,
}

impl Shipping {
    fn new(all: &mut Families) -> Self {
        Self {
            seconds: all.add(
                "gsm_audit_ship_lag_seconds",
                "to",
                "Since the copy of the audit log (or syslog) last had all of it; 0 where it has",
                "",
                Family::default(),
            ),
            records: all.add(
                "gsm_audit_ship_lag_records",
                "to",
                "Records of the audit log that are not shipped yet",
                "",
                Family::default(),
            ),
            failures: all.add(
                "gsm_audit_ship_failures",
                "to",
                "Shipments of the audit log that failed",
                "",
                Family::default(),
            ),
        }
    }

    fn copy(&self, app: &App) {
        for lag in app.shipping.lags() {
            let of = ByWay { to: lag.to };
            self.seconds.get_or_create(&of).set(lag.since.as_secs_f64());
            self.records.get_or_create(&of).set(i64::try_from(lag.records).unwrap_or(i64::MAX));
            self.failures.get_or_create(&of).inner().store(lag.failures, Ordering::Relaxed);
        }
    }
}

/// What the calls to an endpoint that predicts came to.
struct Endpoint {
    calls: Family<ByOutcome, Counter>,
    matches: Family<ByOutcome, Counter>,
    seconds: Histogram,
    is_open: Gauge,
}

impl Endpoint {
    fn new(all: &mut Families) -> Self {
        Self {
            calls: all.add(
                "gsm_endpoint_calls",
                "outcome",
                "Calls to the endpoint that predicts: `answered`, or why it did not; `resting` are calls that were not made",
                "",
                Family::default(),
            ),
            matches: all.add(
                "gsm_endpoint_matches",
                "outcome",
                "The matches that they asked about",
                "",
                Family::default(),
            ),
            seconds: all.add(
                "gsm_endpoint_seconds",
                "",
                "How long calls took that were made, up to the budget",
                "",
                Histogram::new(LATENCY_BUCKETS_S),
            ),
            is_open: all.add(
                "gsm_endpoint_breaker_open",
                "",
                "Whether the endpoint is left alone because it failed too often: 1 or 0",
                "",
                Gauge::default(),
            ),
        }
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut all = Families { registry: Registry::default(), described: Vec::new() };
        let histogram: fn() -> Histogram = || Histogram::new(LATENCY_BUCKETS_S);
        Self {
            requests: all.add(
                "gsm_requests",
                "operation, status",
                "Requests answered",
                "",
                Family::default(),
            ),
            seconds: all.add(
                "gsm_request_seconds",
                "operation",
                "From the head of a request to the head of its answer",
                "",
                Family::new_with_constructor(histogram),
            ),
            waf_blocks: all.add(
                "gsm_waf_blocks",
                "rule",
                "Requests that the firewall refused",
                "`Security` / `WAFBlocks`",
                Family::default(),
            ),
            wire_refusals: all.add(
                "gsm_wire_refusals",
                "reason",
                "What was refused below the API: requests by their framing, size or pace (those whose body was at fault are answered by \
                 an operation as well), TLS handshakes that failed, connections for which there was no place, those that gave way \
                 to others, and those that read nothing",
                "",
                Family::default(),
            ),
            signatures: all.add(
                "gsm_signatures_checked",
                "of",
                "Signatures that were checked: of `token`s that were not known yet, of `request`s of AWS clients",
                "",
                Family::default(),
            ),
            shed: all.add(
                "gsm_requests_shed",
                "",
                "Requests refused with 503, because work waits too long",
                "",
                Counter::default(),
            ),
            admitted_share: all.add(
                "gsm_admitted_share",
                "",
                "Share of the requests that is let in: 1 where nothing is shed",
                "`GSM` / `AdmittedShare`",
                Gauge::default(),
            ),
            connections: all.add(
                "gsm_connections",
                "",
                "Connections open now",
                "`GSM` / `Connections`",
                Gauge::default(),
            ),
            results: all.add(
                "gsm_results",
                "",
                "Results since the start",
                "`GSM` / `Results`",
                Counter::default(),
            ),
            running: all.add(
                "gsm_matches_running",
                "",
                "Matches that have not ended",
                "`GSM` / `MatchesRunning`",
                Gauge::default(),
            ),
            waiting: all.add(
                "gsm_tickets_waiting",
                "queue",
                "Tickets waiting",
                "`GSM` / `TicketsWaiting`",
                Family::default(),
            ),
            players: all.add(
                "gsm_players_waiting",
                "queue",
                "Players of tickets that wait, but those who play already (backfills)",
                "`GSM` / `PlayersWaiting`",
                Family::default(),
            ),
            proposals: all.add(
                "gsm_proposals_open",
                "queue",
                "Proposals that wait for answers",
                "",
                Family::default(),
            ),
            oldest: all.add(
                "gsm_ticket_wait_seconds_max",
                "queue",
                "How long the oldest ticket has waited",
                "`GSM` / `TicketWaitMax`",
                Family::default(),
            ),
            models: Models::new(&mut all),
            endpoint: Endpoint::new(&mut all),
            dropped: all.add(
                "gsm_retention_dropped",
                "class",
                "What was deleted because it had been kept long enough",
                "",
                Family::default(),
            ),
            erasing: all.add(
                "gsm_erasures_open",
                "",
                "Erased players of whom something may be left, or who are to be looked at once more",
                "",
                Gauge::default(),
            ),
            shipping: Shipping::new(&mut all),
            store: Store::new(&mut all),
            families: all,
            looked_at: Mutex::default(),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, operation: &'static str, status: StatusCode, took: Duration) {
        self.requests.get_or_create(&Answered { operation, status: status.as_u16() }).inc();
        self.seconds.get_or_create(&Of { operation }).observe(took.as_secs_f64());
    }

    /// Counts a request that was shed.
    pub(crate) fn shed(&self) {
        self.shed.inc();
    }

    /// Takes in what a call to the endpoint came to.
    pub(crate) fn endpoint(&self, news: EndpointNews) {
        let of = &self.endpoint;
        match news {
            EndpointNews::Opened => drop(of.is_open.set(1)),
            EndpointNews::Closed => drop(of.is_open.set(0)),
            EndpointNews::Asked { matches, missed, took } => {
                let outcome = ByOutcome { outcome: missed.map_or("answered", Miss::as_str) };
                of.calls.get_or_create(&outcome).inc();
                of.matches.get_or_create(&outcome).inc_by(matches as u64);
                if missed != Some(Miss::Resting) {
                    of.seconds.observe(took.as_secs_f64());
                }
            }
        }
    }

    /// Matches of which the endpoint spoke, those of which it did not, and whether it is left alone.
    pub(crate) fn of_endpoint(&self) -> (u64, u64, bool) {
        let of = |outcome| self.endpoint.matches.get_or_create(&ByOutcome { outcome }).get();
        let missed = Miss::ALL.into_iter().map(|miss| of(miss.as_str())).sum();
        (of("answered"), missed, self.endpoint.is_open.get() == 1)
    }

    /// Counts what was kept long enough.
    pub(crate) fn dropped(&self, class: &'static str, rows: usize) {
        self.dropped.get_or_create(&ByClass { class }).inc_by(rows as u64);
    }

    /// How many erasures are under way.
    pub(crate) fn erasing(&self, open: usize) {
        self.erasing.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// The text, with what is counted elsewhere as it stands now.
    async fn text(&self, app: &App) -> String {
        // Lines are cleared and copied: another who looks meanwhile would miss them. A look may wait for a step of the matcher,
        // and who waits for that look leaves the thread to others.
        let _one_looks = self.looked_at.lock().await;
        self.connections.set(i64::try_from(app.gate.open()).unwrap_or(i64::MAX));
        for (rule, blocks) in app.door.guard.current().blocks() {
            self.waf_blocks
                .get_or_create(&ByRule { rule: rule.to_string() })
                .inner()
                .store(blocks, Ordering::Relaxed);
        }
        for (reason, count) in app.gate.refused().counts() {
            self.wire_refusals.get_or_create(&ByReason { reason }).inner().store(count, Ordering::Relaxed);
        }
        for (of, count) in [("token", app.door.bearers().checks()), ("request", app.wire.checks())] {
            self.signatures.get_or_create(&ByKind { of }).inner().store(count, Ordering::Relaxed);
        }
        self.admitted_share.set(app.shedder.share());
        let counts = app.engine.counts();
        self.results.inner().store(counts.results, Ordering::Relaxed);
        self.running.set(i64::try_from(counts.running).unwrap_or(i64::MAX));
        // Queues that are gone leave no line.
        for family in [&self.waiting, &self.players, &self.proposals] {
            family.clear();
        }
        self.oldest.clear();
        for line in app.engine.queue_overviews() {
            let of = ByQueue { queue: line.queue.to_string() };
            self.waiting.get_or_create(&of).set(i64::try_from(line.waiting).unwrap_or(i64::MAX));
            self.players.get_or_create(&of).set(i64::try_from(line.players).unwrap_or(i64::MAX));
            self.proposals.get_or_create(&of).set(i64::try_from(line.proposals).unwrap_or(i64::MAX));
            self.oldest.get_or_create(&of).set(line.wait_ms_max.get() as f64 / 1e3);
        }
        self.models.copy(app.engine.model_glances());
        self.shipping.copy(app);
        self.store.copy(app);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = text::encode(&mut text, &self.families.registry);
        text
    }
}

/// Read the metrics, as Prometheus does.
///
/// For everybody where the configuration says so (`http.metrics = "open"`), else for admins.
#[utoipa::path(get, path = "/metrics", tag = "server", operation_id = "get_metrics",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security((), ("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetMetrics")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    if !app.shows_metrics {
        return Err(ApiError::not_found());
    }
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.text(&app).await).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Mode;
    use gsm_engine::ModelGlance;
    use gsm_engine::{ChallengerGlance, RecentFigures};

    #[test]
    fn names_are_of_one_kind_and_each_is_explained_once() {
        let metrics = Metrics::new();
        let described = &metrics.families.described;
        for family in described {
            assert!(family.name.starts_with("gsm_") && !family.help.is_empty(), "{}", family.name);
            assert_eq!(
                described.iter().filter(|other| other.name == family.name).count(),
                1,
                "{}",
                family.name
            );
            assert!(metrics_markdown().contains(&format!("`{}`", family.name)));
        }
    }

    #[test]
    fn answers_and_what_is_shed_are_counted_by_their_labels() {
        let metrics = Metrics::new();
        metrics.answered("gsm:GetRank", StatusCode::OK, Duration::from_millis(2));
        metrics.answered("gsm:GetRank", StatusCode::OK, Duration::from_millis(20));
        metrics.shed();
        let mut text = String::new();
        text::encode(&mut text, &metrics.families.registry).unwrap();
        for line in [
            "gsm_requests_total{operation=\"gsm:GetRank\",status=\"200\"} 2",
            "gsm_request_seconds_bucket{le=\"0.0025\",operation=\"gsm:GetRank\"} 1",
            "gsm_requests_shed_total 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn challengers_and_modes_that_are_gone_leave_no_line() {
        let metrics = Metrics::new();
        let figures = RecentFigures { accuracy: Some(0.5), log_loss: 0.6, brier: 0.2, ece: 0.03 };
        let one = ChallengerGlance { model: String::new(), own: figures, champion: figures };
        let glance = |challengers| ModelGlance {
            matches: 1,
            champion: Some(figures),
            rating: None,
            closeness_error: Some(0.02),
            challengers,
            is_drifting: false,
        };
        let lines = |glances: Vec<ModelGlance>| {
            metrics.models.copy(glances.into_iter().map(|of| (Mode::new("duel").unwrap(), of)).collect());
            let mut text = String::new();
            text::encode(&mut text, &metrics.families.registry).unwrap();
            let of = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
            [of("gsm_prediction_challenger_"), of("gsm_prediction")]
        };
        assert_eq!(lines(vec![glance(vec![one.clone(), one.clone()])]), [4, 11]);
        assert_eq!(lines(vec![glance(vec![one])]), [2, 9]);
        assert_eq!(lines(vec![glance(vec![])]), [0, 7]);
        assert_eq!(lines(vec![]), [0, 0]);
    }
}
