//! The composition root: settings in, a running server out.
use crate::{
    api::{self, App},
    audit::{Sequencer, Shipping},
    authz,
    config::{Asserted, ClientAuth, Dashboard, Mode, PredictorSettings, Settings, TlsSettings},
    cors::Cors,
    dev,
    door::{Door, METRICS_ACTION, OVERVIEW_ACTIONS},
    emf,
    firewall::{Guard, reload},
    front::{
        WireLimits, listen,
        tls::{Tls, TlsError, TlsFiles},
    },
    gamelift::{MasterKey, Wire, opening},
    metrics::Metrics,
    overview::{self, Watch},
    proxies::TrustedProxies,
    recording::{Files, Writing},
    saving::Saving,
    shedding::{self, Shedder},
    telemetry, upkeep,
    webhooks::{Account, Secret, Webhooks},
    who::{
        bearer::Bearers,
        certificate::Clients,
        device::Used,
        fetch::Refresher,
        jwks::{JwksError, KeySet, Origin, Source},
        jwt::Issuer,
        secret,
        sessions::Sessions,
        throttle::Throttle,
    },
};
use gsm_adapters::{
    EmbeddedStore, Gap, OpenError, Options, SystemClock, SystemIds, models::beginnings, open_endpoint,
};
use gsm_core::Millis;
use gsm_engine::{Engine, EngineError, EngineOptions, store::Homes};
use gsm_policy::Faults;
use parking_lot::Mutex;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::dev::DevCredentials;

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
    fatal: Arc<Mutex<Option<String>>>,
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

    /// Returns when the server has begun to stop by itself: its store has failed.
    pub async fn failed(&self) {
        self.app.stop.cancelled().await;
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
        if let Some(saving) = self.saving.as_ref().filter(|_| self.fatal.lock().is_none()) {
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
        if let Some(reason) = self.fatal.lock().take() {
            return Err(StartError::Fatal(reason));
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
    let issuers = issuers(&settings)?;
    let policies = authz::load(settings.policy_dir.as_deref(), &opened(&settings))?;
    let tls = settings.tls.as_ref().map(|tls| encryption(tls, settings.mode)).transpose()?;
    let refresher = Refresher::new(issuers.iter().map(|issuer| issuer.keys.clone()))
        .map_err(|error| StartError::Refused(format!("keys of issuers: {error}")))?;
    let stop = CancellationToken::new();
    let fatal = Arc::new(Mutex::new(None));
    let (failing, told) = (stop.clone(), fatal.clone());
    let (store, engine) = open_engine(&settings, move |reason| {
        tracing::error!(reason, "the store has failed, the server stops");
        told.lock().get_or_insert(reason);
        failing.cancel();
    })
    .await?;
    let master = match opening::master_key(&settings, &engine).await {
        Ok(master) => master,
        Err(error) => {
            close_quietly(store).await;
            return Err(error);
        }
    };
    let prepared = match settings.mode {
        Mode::Dev => dev::prepare(&engine, &settings.data_dir).await.map(Some),
        Mode::Serve => dev::retire(&engine, &settings.data_dir).await.map(|()| None),
    };
    let dev = match prepared {
        Ok(dev) => dev,
        Err(error) => {
            close_quietly(store).await;
            return Err(error);
        }
    };
    let sessions = match Sessions::open(&engine, &settings.issuer, &settings.audience).await {
        Ok(sessions) => Arc::new(sessions),
        Err(error) => {
            close_quietly(store).await;
            return Err(error.into());
        }
    };
    let metrics = Arc::new(Metrics::new());
    if let Some(predictor) = settings.predictor.clone()
        && let Err(error) = ask_endpoint(&engine, predictor, metrics.clone()).await
    {
        close_quietly(store).await;
        return Err(error);
    }
    let guard = match guard(&settings, &engine).await {
        Ok(guard) => guard,
        Err(error) => {
            close_quietly(store).await;
            return Err(error);
        }
    };
    let proxies = TrustedProxies(settings.trusted_proxies.clone());
    let bearers = Bearers::new(sessions, issuers, refresher.clone());
    let door = Door::new(guard, proxies, bearers, policies, opened(&settings));
    let throttle = Throttle::new(settings.firewall.profile, engine.ids().next_u128() as u64);
    let tasks = TaskTracker::new();
    let prepared = hear(&engine, &settings).and_then(|webhooks| {
        let recorded = recorded(&settings)?;
        let wire = wire(&settings, master);
        let (clock, ids) = (engine.clock().clone(), engine.ids().clone());
        let (sequencer, audit) = Sequencer::start(&settings, store.clone(), clock, ids)?;
        let shipping = Shipping::start(&settings.ship, &settings.node, &audit, engine.clock());
        let shipping = shipping.inspect_err(|_| sequencer.stop())?;
        Ok((wire, sequencer, audit, shipping, webhooks, recorded))
    });
    let (wire, sequencer, audit, shipping, webhooks, recorded) = match prepared {
        Ok(done) => done,
        Err(error) => {
            close_quietly(store).await;
            return Err(error);
        }
    };
    // Last of all: a start that is refused writes nothing.
    if let Some(files) = recorded
        && let Err(error) =
            engine.record(Writing::start(files, &**engine.ids(), engine.clock(), &tasks, &stop)).await
    {
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        let threads = move || {
            sequencer.stop();
            shipping.stop();
        };
        drop(tokio::task::spawn_blocking(threads).await);
        close_quietly(store).await;
        return Err(error.into());
    }
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
        tasks: tasks.clone(),
        stop: stop.clone(),
    });
    tasks.spawn(refresher.run(stop.clone()));
    if let Some(tls) = tls.clone() {
        tasks.spawn(tls.watch(stop.clone()));
    }
    tasks.spawn(turn(app.clone()));
    tasks.spawn(jobs(app.clone()));
    tasks.spawn(tell(app.clone()));
    tasks.spawn(watch(app.clone()));
    tasks.spawn(upkeep::run(app.clone(), settings.retention.clone()));
    if let Some(every) = settings.emf_every {
        tasks.spawn(emf::run(app.clone(), every));
    }
    tasks.spawn(reload::watch(app.clone()));
    tasks.spawn(shedding::probe(app.clone()));
    let saving = Saving::new(&settings);
    if let Some(saving) = saving.clone() {
        tasks.spawn(saving.run(app.engine.clone(), stop.clone()));
    }
    let router = api::router(app.clone(), settings.dashboard != Dashboard::Off);
    #[expect(clippy::disallowed_methods, reason = "the composition root owns the listener's task")]
    let served = tokio::spawn(listen::serve(listener, tls, router, limits, gate, tasks.clone(), stop));
    tracing::info!(%addr, "ready");
    let sequencer = Arc::new(sequencer);
    let drain = settings.drain;
    Ok(Running { addr, app, served, tasks, fatal, saving, sequencer, webhooks, drain, dev })
}

/// The firewall, with what operators have put into lists.
async fn guard(settings: &Settings, engine: &Engine) -> Result<Guard, StartError> {
    let (listed, seed) = (engine.listed().await?, engine.ids().next_u128() as u64);
    let guard = Guard::new(settings.firewall.clone(), listed, seed, engine.clock().wall());
    guard.map_err(|error| StartError::Refused(error.to_string()))
}

/// The actions that the settings open to everybody.
pub(crate) fn opened(settings: &Settings) -> Vec<&'static str> {
    let overview = OVERVIEW_ACTIONS.into_iter().filter(|_| settings.dashboard == Dashboard::Open);
    overview.chain((settings.metrics == Dashboard::Open).then_some(METRICS_ACTION)).collect()
}

/// Sends matchmaking events to the destinations of the settings, if there are any.
fn hear(engine: &Engine, settings: &Settings) -> Result<Option<Arc<Webhooks>>, StartError> {
    if settings.webhooks.is_empty() {
        return Ok(None);
    }
    let mut destinations = Vec::with_capacity(settings.webhooks.len());
    for webhook in &settings.webhooks {
        let secret = Secret::fit(&webhook.secret_file, settings.mode).map_err(|why| {
            let file = webhook.secret_file.display();
            StartError::Refused(format!("webhook `{}`: its secret `{file}` {why}", webhook.name))
        })?;
        destinations.push((webhook.clone(), secret));
    }
    let account = Account { region: settings.region.clone(), id: settings.account.clone() };
    let webhooks = Webhooks::start(destinations, account, engine.clock())
        .map_err(|error| StartError::Refused(format!("webhooks: {error}")))?;
    engine.listen(webhooks.clone());
    Ok(Some(webhooks))
}

/// Asks an endpoint about matches as they are formed.
async fn ask_endpoint(
    engine: &Engine,
    of: PredictorSettings,
    metrics: Arc<Metrics>,
) -> Result<(), StartError> {
    let PredictorSettings { endpoint, modes } = of;
    tracing::info!(endpoint = endpoint.endpoint, "an endpoint is asked about matches as they are formed");
    let told = Arc::new(move |news| metrics.endpoint(news));
    let model = open_endpoint(endpoint, modes, told).await;
    engine.ask_elsewhere(model.map_err(|what| StartError::Refused(format!("predictor.kind: {what}")))?);
    Ok(())
}

/// The files in which is written down what comes to queues, if that is set.
fn recorded(settings: &Settings) -> Result<Option<Files>, StartError> {
    let Some(dir) = &settings.recording.dir else { return Ok(None) };
    let failed = |error| StartError::Refused(format!("recording.dir: `{}`: {error}", dir.display()));
    let files = Files::open(dir, &settings.recording).map_err(failed)?;
    tracing::info!(dir = %dir.display(), "what comes to queues is written down");
    Ok(Some(files))
}

fn wire(settings: &Settings, master: MasterKey) -> Wire {
    Wire::new(settings.region.clone(), settings.account.clone(), settings.signatures, master)
}

fn issuers(settings: &Settings) -> Result<Vec<Issuer>, JwksError> {
    let mut all = Vec::new();
    if let Some(jwks) = &settings.player_jwks {
        // The same keys are the same issuer.
        let same = settings.trusted_issuers.iter().find(|trusted| trusted.jwks.as_ref() == Some(jwks));
        let trusted = settings.trusted_issuers.iter().map(|trusted| &trusted.iss);
        all.push(Issuer {
            iss: settings.player_issuer.clone().or_else(|| same.map(|trusted| trusted.iss.clone())),
            others: trusted.chain([&settings.issuer]).cloned().collect(),
            audience: settings.audience.clone(),
            roles: vec![Asserted::Player],
            role_claim: "role".to_owned(),
            keys: Source::file(jwks)?,
        });
    }
    for trusted in &settings.trusted_issuers {
        let url = |text: &str| reqwest::Url::parse(text).map_err(|e| JwksError::new(text, e));
        let keys = match (&trusted.jwks, &trusted.jwks_url) {
            (Some(file), _) => Source::file(file)?,
            (None, Some(at)) => Source::new(Origin::Url(url(at)?), KeySet::default()),
            (None, None) => Source::new(Origin::Discovery(url(&trusted.iss)?), KeySet::default()),
        };
        all.push(Issuer {
            iss: Some(trusted.iss.clone()),
            others: Vec::new(),
            audience: trusted.aud.clone().unwrap_or_else(|| settings.audience.clone()),
            roles: trusted.roles.clone(),
            role_claim: trusted.role_claim.clone(),
            keys,
        });
    }
    Ok(all)
}

fn encryption(settings: &TlsSettings, mode: Mode) -> Result<Arc<Tls>, TlsError> {
    let files = TlsFiles {
        cert: settings.cert_file.clone(),
        key: settings.key_file.clone(),
        client_ca: settings.client_ca_file.clone(),
        client_required: settings.client_certificates == ClientAuth::Required,
        key_private: mode == Mode::Serve,
    };
    let clients = Clients::new(&settings.clients);
    let identify = move |certificate: &[u8], carried: &mut axum::http::Extensions| {
        if let Some(certified) = clients.of(certificate) {
            carried.insert(certified);
        }
    };
    Tls::open(files, Box::new(identify))
}

/// The store of the data directory and the engine over it, loaded.
pub(crate) async fn open_engine(
    settings: &Settings,
    on_fatal: impl Fn(String) + Send + Sync + 'static,
) -> Result<(Arc<EmbeddedStore>, Arc<Engine>), StartError> {
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());
    let options = Options {
        journal_cache_bytes: settings.journal_cache_bytes,
        tables_cache_bytes: settings.tables_cache_bytes,
        checkpoint_every: Millis::new(
            u64::try_from(settings.checkpoint_every.as_millis()).unwrap_or(u64::MAX),
        ),
        on_fatal: Arc::new(on_fatal),
        ..Options::default()
    };
    let (dir, store_clock) = (settings.data_dir.clone(), clock.clone());
    let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(&dir, store_clock, options)).await;
    let store = opened.map_err(|error| StartError::Fatal(error.to_string()))??;
    let ids = Arc::new(SystemIds);
    let loaded = async {
        // The directory is ours alone from here on.
        let token_key = secret::token_key(&settings.token_key_file, settings.mode, &*ids)?;
        let options = EngineOptions { node: settings.node.clone(), token_key };
        let engine = Arc::new(Engine::new(Homes::one(store.clone()), clock, ids.clone(), options));
        if let Some(Gap { store, log }) = store.gap() {
            engine.goes_on_behind_log(store, log).await?;
        }
        engine.begin_models_with(beginnings(&settings.data_dir));
        let saving = Saving::new(settings);
        let (boards, models) = saving.as_ref().map(|saving| saving.snapshots()).unzip();
        let report = engine.load_from(boards, models).await?;
        tracing::info!(?report, "loaded");
        Ok::<_, StartError>(engine)
    };
    match loaded.await {
        Ok(engine) => Ok((store, engine)),
        Err(error) => {
            close_quietly(store).await;
            Err(error)
        }
    }
}

/// After a first cause that is told: that closing fails as well would add nothing.
async fn close_quietly(store: Arc<EmbeddedStore>) {
    drop(tokio::task::spawn_blocking(move || store.close()).await);
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
