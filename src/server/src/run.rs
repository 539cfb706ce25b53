//! The composition root: settings in, a running server out.
mod loops;
mod parts;

use crate::{
    api::{self, App},
    audit::{Audit, Sequencer, Shipping},
    authz,
    config::{Dashboard, Mode, Settings},
    cors::Cors,
    dev,
    door::Door,
    fatal::Fatal,
    front::{WireLimits, listen, tls::TlsError},
    gamelift::{Wire, opening},
    metrics::Metrics,
    overview::Watch,
    proxies::TrustedProxies,
    recording::Writing,
    saving::Saving,
    shedding::Shedder,
    telemetry,
    webhooks::Webhooks,
    who::{
        bearer::Bearers,
        device::Used,
        fetch::Refresher,
        jwks::JwksError,
        jwt::Issuer,
        key_file::{KeyFile, KeyFiles},
        sessions::Sessions,
        throttle::Throttle,
    },
};
use gsm_adapters::{EmbeddedStore, OpenError};
use gsm_engine::{Engine, EngineError};
use gsm_policy::{Faults, Policies};
use parts::close_quietly;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::dev::DevCredentials;
pub(crate) use parts::{open_engine, opened};

/// Why a server did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}{}", listen_hint(.source, *.addr, .by))]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
        /// What it is chosen with.
        by: &'static str,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A JWKS file cannot be used.
    #[error(transparent)]
    Jwks(#[from] JwksError),
    /// The policies cannot be used.
    #[error("the policies are not lawful:\n{0}")]
    Policy(#[from] Faults),
    /// A certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store's rows cannot be loaded.
    #[error("cannot load the data directory: {0}")]
    Load(#[from] EngineError),
    /// A file of ours cannot be read or written.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// What is asked cannot be done here.
    #[error("{0}")]
    Refused(String),
    /// The store can no longer answer for its data.
    #[error("the store failed and the server stopped: {0}")]
    Fatal(String),
    /// Somebody who works until the stop has died.
    #[error("the task `{task}` died and the server stopped: {why}")]
    Died {
        /// Who.
        task: &'static str,
        /// What it said last.
        why: String,
    },
}

/// What to do about an address that is taken.
fn listen_hint(error: &std::io::Error, addr: SocketAddr, by: &str) -> String {
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return String::new();
    }
    let left = if addr.port() >= 32_768 {
        ", or an outgoing connection was given this port, which frees it a minute after its end (ports below 32768 \
         are not given away)"
    } else {
        ""
    };
    format!("; another program listens there{left}: stop it, or choose another address with {by}")
}

/// A server that runs until it is stopped.
pub struct Running {
    addr: SocketAddr,
    app: Arc<App>,
    served: tokio::task::JoinHandle<()>,
    tasks: TaskTracker,
    fatal: Fatal,
    saving: Option<Arc<Saving>>,
    sequencer: Arc<Sequencer>,
    webhooks: Option<Arc<Webhooks>>,
    drain: Duration,
    dev: Option<DevCredentials>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The keys of a development server.
    #[must_use]
    pub fn dev_credentials(&self) -> Option<&DevCredentials> {
        self.dev.as_ref()
    }

    /// Returns when the server has begun to stop by itself: its store has failed, or one of its tasks.
    pub async fn failed(&self) {
        self.app.stop.cancelled().await;
    }

    /// Says in the log where it serves.
    pub fn announce_ready(&self) {
        tracing::info!(addr = %self.addr, "ready");
    }

    /// Says in the log that a signal asks it to stop, before [`Running::stop`] does so.
    pub fn announce_stop(&self) {
        tracing::info!("stopping; a second signal stops at once");
    }

    /// Drains and stops: no new connections, requests in flight are finished, the store is closed, events that wait are
    /// delivered.
    pub async fn stop(self) -> Result<(), StartError> {
        let until = Instant::now() + self.drain;
        self.app.stop.cancel();
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the listener ended badly");
        }
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(saving) = self.saving.as_ref().filter(|_| !self.fatal.has_come()) {
            saving.last(&self.app.engine).await;
        }
        let (app, store, sequencer) = (self.app.clone(), self.app.store.clone(), self.sequencer);
        let closed = tokio::task::spawn_blocking(move || {
            sequencer.stop();
            app.shipping.stop();
            store.close()
        });
        let closed = closed.await;
        // Last: nothing happens any more that would be an event, and nobody who loses patience here loses data.
        if let Some(webhooks) = self.webhooks {
            webhooks.finish(until).await;
        }
        if let Some(reason) = self.fatal.take() {
            return Err(reason);
        }
        match closed {
            Ok(Ok(())) => {
                tracing::info!("stopped");
                Ok(())
            }
            Ok(Err(fault)) => Err(StartError::Fatal(fault.to_string())),
            Err(error) => Err(StartError::Fatal(error.to_string())),
        }
    }
}

/// Starts a server; it is ready when this returns.
///
/// # Errors
/// Where a setting, the address or the data directory cannot be used; nothing is left running.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    telemetry::init(settings.log_format, &settings.log_level);
    let listen_error = |source| StartError::Listen { addr: settings.listen, source, by: "--listen" };
    let listener = TcpListener::bind(settings.listen).await.map_err(listen_error)?;
    let addr = listener.local_addr().map_err(listen_error)?;
    let issuers = parts::issuers(&settings)?;
    let policies = authz::load(settings.policy_dir.as_deref(), &opened(&settings))?;
    let tls = settings.tls.as_ref().map(|tls| parts::encryption(tls, settings.mode)).transpose()?;
    let refresher = Refresher::new(issuers.iter().map(|issuer| issuer.keys.clone()))
        .map_err(|error| StartError::Refused(format!("keys of issuers: {error}")))?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let fatal = Fatal::new(stop.clone());
    let failing = fatal.clone();
    let (store, engine, tokens) = open_engine(&settings, move |reason| {
        tracing::error!(reason, "the store has failed, the server stops");
        failing.stop_for(StartError::Fatal(reason));
    })
    .await?;
    let callers = Callers { issuers, policies, refresher: refresher.clone(), tokens };
    let assembled = match assemble(&settings, &engine, &store, callers, &tasks, &fatal).await {
        Ok(assembled) => assembled,
        Err(error) => {
            close_quietly(store).await;
            return Err(error);
        }
    };
    let Assembled { dev, wire, key_files, metrics, door, throttle, sequencer, audit, shipping, webhooks } =
        assembled;
    let started_at = engine.clock().now();
    let limits = WireLimits {
        connections_max: settings.connections_max,
        connections_per_address_max: settings.connections_per_address_max,
        drain_max: settings.drain,
        ..WireLimits::default()
    };
    let gate = limits.gate();
    let used = Used::new(engine.ids().next_u128() as u64);
    let app = Arc::new(App {
        engine,
        store,
        door,
        watch: Watch::new(started_at),
        wire,
        audit,
        shipping,
        gate: gate.clone(),
        metrics,
        shedder: Shedder::new(settings.queue_target),
        cors: Cors::new(&settings.cors_origins),
        shows_metrics: settings.metrics != Dashboard::Off,
        asks_endpoint: settings.predictor.is_some(),
        throttle,
        used,
        key_files,
        tasks: tasks.clone(),
        stop: stop.clone(),
    });
    let saving = Saving::new(&settings);
    loops::spawn_all(&app, &settings, &fatal, refresher, tls.clone(), saving.clone());
    let router = api::router(app.clone(), settings.dashboard != Dashboard::Off);
    #[expect(clippy::disallowed_methods, reason = "the composition root owns the listener's task")]
    let served = tokio::spawn(
        fatal
            .clone()
            .task("listener", listen::serve(listener, tls, router, limits, gate, tasks.clone(), stop)),
    );
    let sequencer = Arc::new(sequencer);
    let drain = settings.drain;
    Ok(Running { addr, app, served, tasks, fatal, saving, sequencer, webhooks, drain, dev })
}

/// What the door goes by, as far as no store is needed for it.
struct Callers {
    issuers: Vec<Issuer>,
    policies: Policies,
    refresher: Arc<Refresher>,
    tokens: KeyFile,
}

/// What is put together over an open store.
struct Assembled {
    dev: Option<DevCredentials>,
    wire: Wire,
    key_files: KeyFiles,
    metrics: Arc<Metrics>,
    door: Door,
    throttle: Throttle,
    sequencer: Sequencer,
    audit: Arc<Audit>,
    shipping: Shipping,
    webhooks: Option<Arc<Webhooks>>,
}

/// Puts it together. Where that fails, what it has started has ended again; the store is left open.
async fn assemble(
    settings: &Settings,
    engine: &Arc<Engine>,
    store: &Arc<EmbeddedStore>,
    callers: Callers,
    tasks: &TaskTracker,
    fatal: &Fatal,
) -> Result<Assembled, StartError> {
    let (aws_master, master) = opening::master_key(settings, engine).await?;
    let dev = match settings.mode {
        Mode::Dev => Some(dev::prepare(engine, &settings.data_dir).await?),
        Mode::Serve => {
            dev::retire(engine, &settings.data_dir).await?;
            None
        }
    };
    let sessions = Arc::new(Sessions::open(engine, &settings.issuer, &settings.audience).await?);
    let mut tokens = callers.tokens;
    tokens.finish(engine, sessions.seal_anew(engine).await);
    engine.take_token_keys(tokens.token_keys());
    let key_files = KeyFiles { token: tokens.into(), aws_master: aws_master.into() };
    let metrics = Arc::new(Metrics::new());
    if let Some(predictor) = settings.predictor.clone() {
        parts::ask_endpoint(engine, predictor, metrics.clone()).await?;
    }
    let guard = parts::guard(settings, engine).await?;
    let proxies = TrustedProxies(settings.trusted_proxies.clone());
    let bearers = Bearers::new(sessions, callers.issuers, callers.refresher);
    let door = Door::new(guard, proxies, bearers, callers.policies, opened(settings));
    let throttle = Throttle::new(settings.firewall.profile, engine.ids().next_u128() as u64);
    let webhooks = parts::hear(engine, settings)?;
    let recorded = parts::recorded(settings)?;
    let wire = parts::wire(settings, master);
    let (clock, ids) = (engine.clock().clone(), engine.ids().clone());
    let (sequencer, audit) = Sequencer::start(settings, store.clone(), clock, ids, fatal.clone())?;
    let shipping = Shipping::start(&settings.ship, &settings.node, &audit, engine.clock())
        .inspect_err(|_| sequencer.stop())?;
    // Last of all: a start that is refused writes nothing.
    if let Some(files) = recorded
        && let Err(error) =
            engine.record(Writing::start(files, &**engine.ids(), engine.clock(), tasks, fatal.stop())).await
    {
        fatal.stop().cancel();
        tasks.close();
        tasks.wait().await;
        let threads = move || {
            sequencer.stop();
            shipping.stop();
        };
        drop(tokio::task::spawn_blocking(threads).await);
        return Err(error.into());
    }
    Ok(Assembled { dev, wire, key_files, metrics, door, throttle, sequencer, audit, shipping, webhooks })
}
