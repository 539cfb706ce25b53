//! The serving half of SageMaker's container contract: `GET /ping`, `POST /invocations` on port 8080, the model unpacked
//! in a directory (docs/models.md).
//!
//! The listener is there before the model is; until it is loaded, both answer 503. A model that cannot be used ends the
//! process, so that the platform says why the endpoint did not come up.
mod answer;
mod body;
mod http;
mod oracle;
mod people;
mod render;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod work;

use crate::{
    config::LogFormat,
    front::{WireLimits, listen},
    run::StartError,
    telemetry,
};
use gsm_adapters::SystemClock;
use http::Endpoint;
use oracle::Oracle;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The version of the request's and the answer's shape: `sagemaker/models/inference.schema.json`.
pub const SCHEMA_VERSION: u64 = 1;
/// Bytes of one request's body: what SageMaker lets through.
pub const BODY_BYTES_MAX: usize = 25 << 20;
/// After its last name: what a model file is called.
pub const MODEL_SUFFIX: &str = "gsmmodel";
/// From SIGTERM to the end; the platform kills after 30 seconds.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// Header bytes: the platform adds custom attributes and traces of its own.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Where the container listens, and with which model.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Address and port.
    pub listen: SocketAddr,
    /// The directory with the one model.
    pub model_dir: PathBuf,
    /// An answer that takes longer is given up.
    pub deadline: Duration,
}

/// Serves until `stop`; `listening` hears of the address as soon as there is one. A model that is still being read then is read on
/// by a thread of the runtime, for which nobody has to wait.
///
/// # Errors
/// An address that cannot be listened on, or a model that cannot be used.
pub async fn serve_model(
    serving: Serving,
    stop: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    telemetry::init(LogFormat::Json, "info");
    let failed = |source| StartError::Listen { addr: serving.listen, source, by: "--host and --port" };
    let listener = TcpListener::bind(serving.listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    listening(addr);
    let endpoint = Arc::new(Endpoint::new(Arc::new(SystemClock::new()), serving.deadline));
    let limits = WireLimits {
        drain_max: DRAIN_MAX,
        header_bytes_max: HEADER_BYTES_MAX,
        // All requests come from the platform's one address.
        connections_per_address_max: WireLimits::default().connections_max,
        ..WireLimits::default()
    };
    let tasks = TaskTracker::new();
    let gate = limits.gate();
    let served = listen::serve(listener, None, endpoint.clone(), limits, gate, tasks.clone(), stop.clone());
    let served = tasks.spawn(served);
    let dir = serving.model_dir;
    let loading = tokio::task::spawn_blocking(move || load(&dir));
    let loaded = tokio::select! {
        loaded = loading => loaded.map_err(|error| StartError::Fatal(error.to_string())).and_then(|loaded| loaded.map(Some)),
        // Nobody waits for a model that comes slowly, or never.
        () = stop.cancelled() => Ok(None),
    };
    let outcome = match loaded {
        Ok(None) => Ok(()),
        Ok(Some(oracle)) => {
            tracing::info!(%addr, model = oracle.name(), hash = oracle.hash(), "the model is loaded");
            endpoint.is_ready(oracle);
            stop.cancelled().await;
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, "the model cannot be used");
            stop.cancel();
            Err(error)
        }
    };
    tasks.close();
    if let Err(error) = served.await {
        tracing::error!(%error, "the listener ended badly");
    }
    tasks.wait().await;
    outcome
}

/// The one model of a directory.
fn load(dir: &Path) -> Result<Oracle, StartError> {
    let unusable = |path: &Path, source| StartError::File { path: path.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| unusable(dir, error))? {
        let path = entry.map_err(|error| unusable(dir, error))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && path.extension().is_some_and(|suffix| suffix == MODEL_SUFFIX) {
            found.push(path);
        }
    }
    let [path] = found.as_slice() else {
        let (n, dir) = (found.len(), dir.display());
        return Err(StartError::Refused(format!("`{dir}` has {n} files *.{MODEL_SUFFIX}, it must have one")));
    };
    let bytes = std::fs::read(path).map_err(|error| unusable(path, error))?;
    Oracle::read(&bytes).map_err(|error| StartError::Refused(format!("`{}`: {error}", path.display())))
}
