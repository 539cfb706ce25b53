//! Boards and models are saved while the server runs and when it stops, so that a start need not read every rating and result.
use crate::config::Settings;
use gsm_adapters::SnapshotFiles;
use gsm_engine::{Engine, SnapshotRules, Snapshots};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Changed ratings that make it worth to save a board again: taking them in at a start takes well under a second.
const CHANGES_MIN: u64 = 65_536;
/// The same when the server stops: less than writing a large board takes.
const CHANGES_MIN_AT_STOP: u64 = 8_192;
/// Results that make it worth to save the models again: learning from them at a start takes about a second, when the
/// server stops about a tenth.
const LESSONS_MIN: u64 = 50_000;
const LESSONS_MIN_AT_STOP: u64 = 5_000;
/// Of the directory of snapshots, where models lie.
const MODELS: &str = "models";

/// Where, when and which.
pub(crate) struct Saving {
    files: SnapshotFiles,
    models: SnapshotFiles,
    every: Duration,
    players_min: u64,
}

impl Saving {
    /// As it is set; `None` where boards are not to be saved.
    pub(crate) fn new(settings: &Settings) -> Option<Arc<Self>> {
        (!settings.snapshot_every.is_zero()).then(|| {
            Arc::new(Self {
                files: SnapshotFiles::new(&settings.data_dir.join("snapshots")),
                models: SnapshotFiles::new(&settings.data_dir.join("snapshots").join(MODELS)),
                every: settings.snapshot_every,
                players_min: settings.snapshot_players_min,
            })
        })
    }

    /// What a start reads: boards, and models.
    pub(crate) fn snapshots(&self) -> (&dyn Snapshots, &dyn Snapshots) {
        (&self.files, &self.models)
    }

    /// Saves again and again, until the stop.
    pub(crate) async fn run(self: Arc<Self>, engine: Arc<Engine>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.every) => self.save(&engine, CHANGES_MIN, LESSONS_MIN).await,
                () = stop.cancelled() => return,
            }
        }
    }

    /// Saves once more; nobody changes anything any longer.
    pub(crate) async fn last(self: &Arc<Self>, engine: &Arc<Engine>) {
        self.save(engine, CHANGES_MIN_AT_STOP, LESSONS_MIN_AT_STOP).await;
    }

    async fn save(self: &Arc<Self>, engine: &Arc<Engine>, changes_min: u64, lessons_min: u64) {
        let (own, engine) = (self.clone(), engine.clone());
        let rules = SnapshotRules { players_min: self.players_min, changes_min };
        let saved = tokio::task::spawn_blocking(move || {
            if let Err(error) = engine.save_models(&own.models, lessons_min) {
                tracing::warn!(%error, "models cannot be saved");
            }
            engine.save_boards(&own.files, rules)
        });
        match saved.await {
            Ok(Ok(report)) => tracing::debug!(?report, "boards looked through for saving"),
            Ok(Err(error)) => tracing::warn!(%error, "boards cannot be saved"),
            Err(error) => tracing::error!(%error, "saving boards ended badly"),
        }
    }
}
