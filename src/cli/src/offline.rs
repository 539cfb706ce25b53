//! A data directory without a server: opened for one command, which has it for itself, and closed again.
use crate::output::Failure;
use gsm_adapters::{
    EmbeddedStore, Gap, OpenError, Options, State, SystemClock, SystemIds, models::beginnings,
};
use gsm_core::IdSource as _;
use gsm_engine::{Engine, EngineError, EngineOptions, store::Homes, token::TokenKey};
use std::{path::Path, sync::Arc, time::Duration};

/// The store may say that it is busy so often in a row.
const BUSY_TRIES_MAX: usize = 5_000;
/// Between those.
const BUSY_WAIT: Duration = Duration::from_millis(2);

/// Pages of the tables kept in memory: what is read and written lies all over the file.
const TABLES_CACHE_BYTES: usize = 256 << 20;

/// Refuses a directory that is not there.
pub(crate) fn existing_dir(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() { Ok(()) } else { Err(Failure::usage(format!("`{}` is no directory", dir.display()))) }
}

/// A store and the engine over it.
pub(crate) struct Offline {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) engine: Engine,
}

impl Offline {
    /// How a store is run where no server is beside it.
    pub(crate) fn options() -> Options {
        Options { tables_cache_bytes: TABLES_CACHE_BYTES, ..Options::default() }
    }

    /// Opens `dir`, which must have a store already: who only looks makes none.
    pub(crate) async fn existing(dir: &Path, who: &str) -> Result<Self, Failure> {
        if EmbeddedStore::is_at(dir) {
            return Self::open(dir, Self::options(), who).await;
        }
        let hint = "hint: name the `--data-dir` of a server that has run";
        Err(Failure::usage(format!("`{}` has no store of a server\n{hint}", dir.display())))
    }

    /// Opens `dir`, made if there is none, and loads it. `who` is told to be at it: `a replay`.
    pub(crate) async fn open(dir: &Path, options: Options, who: &str) -> Result<Self, Failure> {
        let clock = Arc::new(SystemClock::new());
        let (path, its_clock) = (dir.to_owned(), clock.clone());
        let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(&path, its_clock, options));
        let store = match opened.await.map_err(Failure::failed)? {
            Ok(store) => store,
            Err(error @ OpenError::Locked { .. }) => {
                return Err(Failure::failed(format!("{error}\nhint: {who} needs the directory for itself")));
            }
            Err(error) => return Err(Failure::failed(error)),
        };
        let mut key = [0u8; 32];
        for half in key.chunks_exact_mut(16) {
            half.copy_from_slice(&SystemIds.next_u128().to_be_bytes());
        }
        // Nothing is signed here: no token of a server is made or read.
        let options = EngineOptions { node: "gsm-offline".to_owned(), token_key: TokenKey::new(key) };
        let engine = Engine::new(Homes::one(store.clone()), clock, Arc::new(SystemIds), options);
        engine.begin_models_with(beginnings(dir));
        let offline = Self { store, engine };
        match offline.load().await {
            Ok(()) => Ok(offline),
            Err(error) => {
                offline.close().await?;
                Err(Failure::failed(error))
            }
        }
    }

    async fn load(&self) -> Result<(), EngineError> {
        if let Some(Gap { store, log }) = self.store.gap() {
            self.engine.goes_on_behind_log(store, log).await?;
        }
        self.engine.load().await.map(drop)
    }

    /// Does `work`, again while the store says that it is busy: its checkpoint is behind, and nothing was applied.
    pub(crate) async fn patiently<T>(
        &self,
        work: impl AsyncFn() -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut tries = 0;
        loop {
            match work().await {
                Err(EngineError::Refused(_))
                    if self.store.stats().state == State::Ok && tries < BUSY_TRIES_MAX =>
                {
                    tries += 1;
                    tokio::time::sleep(BUSY_WAIT).await;
                }
                done => return done,
            }
        }
    }

    /// Writes what is left and gives up the directory.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let store = self.store;
        drop(self.engine);
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed
            .map_err(Failure::failed)?
            .map_err(|e| Failure::failed(format!("the data directory did not close: {e}")))
    }
}
