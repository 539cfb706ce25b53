//! What the server is told.
use super::{
    Config, Dashboard, LogFormat, Mode, PredictorSettings, RecordingConfig, RetentionConfig, ShipSettings,
    Signatures, TlsSettings, TrustedIssuer, WebhookConfig,
};
use crate::firewall::FirewallSettings;
use gsm_core::Millis;
use gsm_security::{Network, Profile};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// What the server is told. Made by [`super::Loaded::check`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// How it is run.
    pub mode: Mode,
    /// Its name among others.
    pub node: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What requests in flight are given at the stop.
    pub drain: Duration,
    /// Connections in all.
    pub connections_max: usize,
    /// Connections of one address.
    pub connections_per_address_max: usize,
    /// Origins whose pages may call.
    pub cors_origins: Vec<String>,
    /// Who sees the dashboard.
    pub dashboard: Dashboard,
    /// Who sees the metrics.
    pub metrics: Dashboard,
    /// Where the data lies.
    pub data_dir: PathBuf,
    /// Between checkpoints.
    pub checkpoint_every: Duration,
    /// Between looks at whether boards should be saved; zero: they are not.
    pub snapshot_every: Duration,
    /// Players from which on a board is saved.
    pub snapshot_players_min: u64,
    /// For pages of the journal.
    pub journal_cache_bytes: usize,
    /// For pages of the tables.
    pub tables_cache_bytes: usize,
    /// The `aud` of tokens.
    pub audience: String,
    /// The `iss` of players' tokens.
    pub player_issuer: Option<String>,
    /// The `iss` of sessions of our own.
    pub issuer: String,
    /// The keys that sign players in.
    pub player_jwks: Option<PathBuf>,
    /// Issuers of back ends and operators.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// The file of the key that signs sessions.
    pub token_key_file: PathBuf,
    /// Policies in place of the shipped ones.
    pub policy_dir: Option<PathBuf>,
    /// Encryption by the server itself.
    pub tls: Option<TlsSettings>,
    /// The file of the keys that sign the audit log.
    pub audit_key_file: PathBuf,
    /// Records of a file of the audit log.
    pub audit_segment_records: u64,
    /// Where the audit log is shipped to.
    pub ship: ShipSettings,
    /// What work may wait for its turn before requests are shed; zero: for ever.
    pub queue_target: Millis,
    /// The limits of callers.
    pub firewall: FirewallSettings,
    /// Networks of proxies.
    pub trusted_proxies: Vec<Network>,
    /// The region in ARNs; `None`: as the client says.
    pub region: Option<String>,
    /// The account in ARNs.
    pub account: String,
    /// Which signatures of AWS clients are taken.
    pub signatures: Signatures,
    /// The file of the key that access keys' secrets are sealed under.
    pub aws_master_key_file: PathBuf,
    /// Where matchmaking events are sent.
    pub webhooks: Vec<WebhookConfig>,
    /// Whether traffic is written down.
    pub recording: RecordingConfig,
    /// The endpoint that is asked about formed matches; none where nobody is.
    pub predictor: Option<PredictorSettings>,
    /// How long each class of data is kept.
    pub retention: RetentionConfig,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are.
    pub log_level: String,
    /// How often metrics for CloudWatch are written, if at all.
    pub emf_every: Option<Duration>,
}

/// The settings of a configuration that is lawful; nobody predicts yet.
pub(super) fn settings(
    config: &Config,
    mode: Mode,
    listen: SocketAddr,
    trusted_proxies: Vec<Network>,
    firewall: FirewallSettings,
    ship: ShipSettings,
) -> Settings {
    let signed = if mode == Mode::Dev { Signatures::Any } else { Signatures::Verify };
    let usual = if mode == Mode::Dev { Dashboard::Open } else { Dashboard::Admin };
    let mib = |n: usize| n.saturating_mul(1 << 20);
    let data_dir = config.store.data_dir.clone();
    Settings {
        mode,
        node: config.node.name.clone(),
        listen,
        drain: Duration::from_secs(config.http.drain_s),
        connections_max: config.http.connections_max,
        connections_per_address_max: config.http.connections_per_address_max,
        cors_origins: config.http.cors_origins.clone(),
        dashboard: config.http.dashboard.unwrap_or(usual),
        metrics: config.http.metrics.unwrap_or(usual),
        checkpoint_every: Duration::from_secs(config.store.checkpoint_every_s),
        snapshot_every: Duration::from_secs(config.store.snapshot_every_s),
        snapshot_players_min: config.store.snapshot_players_min,
        journal_cache_bytes: mib(config.store.journal_cache_mib),
        tables_cache_bytes: mib(config.store.tables_cache_mib),
        audience: config.auth.audience.clone(),
        issuer: config.auth.issuer.clone(),
        player_issuer: config.auth.player_issuer.clone(),
        player_jwks: config.auth.player_jwks.clone(),
        trusted_issuers: config.auth.trusted_issuers.clone(),
        token_key_file: config.auth.token_key_file.clone().unwrap_or_else(|| data_dir.join("token.key")),
        region: config.gamelift.region.clone(),
        account: config.gamelift.account.clone(),
        signatures: config.gamelift.signatures.unwrap_or(signed),
        aws_master_key_file: config
            .gamelift
            .master_key_file
            .clone()
            .unwrap_or_else(|| data_dir.join("aws-master.key")),
        audit_key_file: config.audit.key_file.clone().unwrap_or_else(|| data_dir.join("audit.key")),
        audit_segment_records: config.audit.segment_records,
        ship,
        data_dir,
        policy_dir: config.policy.dir.clone(),
        tls: config.tls.settings(),
        // What tests the limiter counts every answer but a refusal of the limiter.
        queue_target: match config.firewall.profile {
            Profile::TestLimit => Millis::ZERO,
            _ => Millis::new(config.http.queue_target_ms),
        },
        firewall,
        trusted_proxies,
        webhooks: config.events.webhooks.clone(),
        recording: config.recording.clone(),
        predictor: None,
        retention: config.retention.clone(),
        log_format: config.log.format,
        log_level: config.log.level.clone(),
        emf_every: (config.log.emf_every_s > 0).then(|| Duration::from_secs(config.log.emf_every_s)),
    }
}
