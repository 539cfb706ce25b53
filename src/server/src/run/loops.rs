//! What a server does by itself, again and again until the stop.
use crate::{
    api::App, config::Settings, emf, fatal::Fatal, firewall::reload, front::tls::Tls, overview,
    saving::Saving, shedding, upkeep, who::fetch::Refresher,
};
use gsm_core::Millis;
use std::sync::Arc;

/// The matcher looks at its clocks at least so often, also when nothing happens.
const TURN_AT_LEAST: Millis = Millis::new(100);
/// Between a turn of the matcher and the next, so that tickets which come together are looked at together.
const TURN_REST: Millis = Millis::new(5);
/// Between two turns over long work, nearly all of which find nothing to do.
const JOBS_REST: Millis = Millis::new(100);
/// Watches that have ended are looked for at least so often.
const TELL_AT_LEAST: Millis = Millis::from_secs(60);
/// Between two turns of rank events, so that moves which come together are told as one.
const TELL_REST: Millis = Millis::new(50);

/// Starts all of them: each is missed where it dies, and stops the server.
pub(super) fn spawn_all(
    app: &Arc<App>,
    settings: &Settings,
    fatal: &Fatal,
    refresher: Arc<Refresher>,
    tls: Option<Arc<Tls>>,
    saving: Option<Arc<Saving>>,
) {
    let (tasks, stop) = (&app.tasks, &app.stop);
    tasks.spawn(fatal.clone().task("keys of issuers", refresher.run(stop.clone())));
    if let Some(tls) = tls {
        tasks.spawn(fatal.clone().task("certificate", tls.watch(stop.clone())));
    }
    tasks.spawn(fatal.clone().task("matcher", turn(app.clone())));
    tasks.spawn(fatal.clone().task("jobs", jobs(app.clone())));
    tasks.spawn(fatal.clone().task("rank events", tell(app.clone())));
    tasks.spawn(fatal.clone().task("overview", watch(app.clone())));
    tasks.spawn(fatal.clone().task("upkeep", upkeep::run(app.clone(), settings.retention.clone())));
    if let Some(every) = settings.emf_every {
        tasks.spawn(fatal.clone().task("metrics for CloudWatch", emf::run(app.clone(), every)));
    }
    tasks.spawn(fatal.clone().task("files of the firewall", reload::watch(app.clone())));
    tasks.spawn(fatal.clone().task("load shedding", shedding::probe(app.clone())));
    if let Some(saving) = saving {
        tasks.spawn(fatal.clone().task("snapshots", saving.run(app.engine.clone(), stop.clone())));
    }
}

/// The matcher's turns, until the stop.
async fn turn(app: Arc<App>) {
    let mut more = false;
    while !app.stop.is_cancelled() {
        if !more {
            let work = app.engine.wait_for_work(TURN_AT_LEAST);
            tokio::select! {
                () = work => {}
                () = app.stop.cancelled() => return,
            }
        }
        let report = app.engine.tick_queues().await;
        more = report.more;
        if report.matches + report.proposals > 0 {
            tracing::debug!(?report, "turn");
        }
        tokio::time::sleep(TURN_REST.as_duration()).await;
    }
}

/// Jobs that were left behind, and boards that are not filled yet; beside them, as these may take minutes, matches that players
/// report and whose time is up. Until the stop.
async fn jobs(app: Arc<App>) {
    let jobs = async {
        loop {
            tokio::time::sleep(JOBS_REST.as_duration()).await;
            app.engine.tick_jobs().await;
        }
    };
    let reports = async {
        loop {
            tokio::time::sleep(JOBS_REST.as_duration()).await;
            app.engine.tick_reports().await;
        }
    };
    tokio::select! {
        () = jobs => {}
        () = reports => {}
        () = app.stop.cancelled() => {}
    }
}

/// Rank events, until the stop.
async fn tell(app: Arc<App>) {
    while !app.stop.is_cancelled() {
        let moves = app.engine.wait_for_moves(TELL_AT_LEAST);
        tokio::select! {
            () = moves => {}
            () = app.stop.cancelled() => return,
        }
        if let Err(error) = app.engine.tell_ranks().await {
            tracing::warn!(%error, "rank events are not told yet");
        }
        tokio::time::sleep(TELL_REST.as_duration()).await;
    }
}

/// The points of the overview's series, until the stop.
async fn watch(app: Arc<App>) {
    let mut step = tokio::time::interval(overview::STEP);
    step.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = step.tick() => app.watch.sample(&app.engine),
            () = app.stop.cancelled() => return,
        }
    }
}
