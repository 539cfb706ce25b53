//! What a server is put together of, each made from the settings.
use crate::{
    StartError,
    config::{Asserted, ClientAuth, Dashboard, Mode, PredictorSettings, Settings, TlsSettings},
    door::{METRICS_ACTION, OVERVIEW_ACTIONS},
    firewall::Guard,
    front::tls::{Tls, TlsError, TlsFiles},
    gamelift::{MasterKeys, Wire},
    metrics::Metrics,
    recording::Files,
    saving::Saving,
    webhooks::{Account, SecretFile, Webhooks},
    who::{
        certificate::Clients,
        jwks::{JwksError, KeySet, Origin, Source},
        jwt::Issuer,
        key_file::KeyFile,
    },
};
use gsm_adapters::{EmbeddedStore, Gap, Options, SystemClock, SystemIds, models::beginnings, open_endpoint};
use gsm_core::Millis;
use gsm_engine::{Engine, EngineOptions, store::Homes};
use std::sync::Arc;

/// The firewall, with what operators have put into lists.
pub(super) async fn guard(settings: &Settings, engine: &Engine) -> Result<Guard, StartError> {
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
pub(super) fn hear(engine: &Engine, settings: &Settings) -> Result<Option<Arc<Webhooks>>, StartError> {
    if settings.webhooks.is_empty() {
        return Ok(None);
    }
    let mut destinations = Vec::with_capacity(settings.webhooks.len());
    for webhook in &settings.webhooks {
        let secret = SecretFile::open(&webhook.secret_file, settings.mode).map_err(|why| {
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
pub(super) async fn ask_endpoint(
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
pub(super) fn recorded(settings: &Settings) -> Result<Option<Files>, StartError> {
    let Some(dir) = &settings.recording.dir else { return Ok(None) };
    let failed = |error| StartError::Refused(format!("recording.dir: `{}`: {error}", dir.display()));
    let files = Files::open(dir, &settings.recording).map_err(failed)?;
    tracing::info!(dir = %dir.display(), "what comes to queues is written down");
    Ok(Some(files))
}

pub(super) fn wire(settings: &Settings, master: MasterKeys) -> Wire {
    Wire::new(settings.region.clone(), settings.account.clone(), settings.signatures, master)
}

pub(super) fn issuers(settings: &Settings) -> Result<Vec<Issuer>, JwksError> {
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

pub(super) fn encryption(settings: &TlsSettings, mode: Mode) -> Result<Arc<Tls>, TlsError> {
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

/// The store of the data directory and the engine over it, loaded; and its keys of tokens.
pub(crate) async fn open_engine(
    settings: &Settings,
    on_fatal: impl Fn(String) + Send + Sync + 'static,
) -> Result<(Arc<EmbeddedStore>, Arc<Engine>, KeyFile), StartError> {
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
        let tokens = KeyFile::load(&settings.token_key_file, settings.mode, &*ids)?;
        let keys = tokens.token_keys();
        let options = EngineOptions { node: settings.node.clone(), token_key: keys.signing.clone() };
        let engine = Arc::new(Engine::new(Homes::one(store.clone()), clock, ids.clone(), options));
        engine.take_token_keys(keys);
        if let Some(Gap { store, log }) = store.gap() {
            engine.goes_on_behind_log(store, log).await?;
        }
        engine.begin_models_with(beginnings(&settings.data_dir));
        let saving = Saving::new(settings);
        let (boards, models) = saving.as_ref().map(|saving| saving.snapshots()).unzip();
        let report = engine.load_from(boards, models).await?;
        tracing::info!(?report, "loaded");
        Ok::<_, StartError>((engine, tokens))
    };
    match loaded.await {
        Ok((engine, tokens)) => Ok((store, engine, tokens)),
        Err(error) => {
            close_quietly(store).await;
            Err(error)
        }
    }
}

/// After a first cause that is told: that closing fails as well would add nothing.
pub(super) async fn close_quietly(store: Arc<EmbeddedStore>) {
    drop(tokio::task::spawn_blocking(move || store.close()).await);
}
