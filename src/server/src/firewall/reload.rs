//! Files are read again when they change, on SIGHUP, and when an operator asks.
use crate::api::App;
use gsm_engine::EngineError;
use std::{sync::Arc, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::MissedTickBehavior,
};

/// Between looks at whether a file has changed.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the files, until the stop.
pub(crate) async fn watch(app: Arc<App>) {
    let mut hangup = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP does not read the firewall's files again"))
        .ok();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = look.tick() => {
                if !app.door.guard.have_files_changed() {
                    continue;
                }
            }
            () = hung_up(&mut hangup) => {}
            () = app.stop.cancelled() => return,
        }
        match again(&app).await {
            Ok(None) => tracing::info!("the firewall's files were read again"),
            Ok(Some(error)) => {
                tracing::warn!(error, "the firewall's files cannot be used, the old ones stay")
            }
            // The files look as changed as before: the next look tries again.
            Err(error) => tracing::warn!(%error, "the firewall's lists cannot be read from the store"),
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Reads files and store again; tells what cannot be used of the files.
pub(crate) async fn again(app: &Arc<App>) -> Result<Option<String>, EngineError> {
    let _turn = app.door.guard.turn.lock().await;
    let listed = app.engine.listed().await?;
    let (now, reading) = (app.engine.clock().wall(), app.clone());
    let done = tokio::task::spawn_blocking(move || reading.door.guard.reload(listed, now)).await;
    Ok(done.map_or_else(|error| Some(error.to_string()), |done| done.err().map(|error| error.to_string())))
}
