//! The checked form: what the server is told.
use super::{
    AuditConfig, Config, Dashboard, Loaded, LogFormat, Mode, Origin, PredictorSettings, RecordingConfig,
    RetentionConfig, Signatures, TlsSettings, TrustedIssuer, WebhookConfig, firewall, retention, who,
};
use crate::{cors, firewall::FirewallSettings};
use gsm_adapters::{CopyOptions, CopyPlace, RETENTION_DAYS_MAX, Receiver};
use gsm_core::Millis;
use gsm_security::{Network, Profile};
use std::{
    fmt,
    net::SocketAddr,
    path::{self, Path, PathBuf},
    time::Duration,
};

/// What the server is told. Made by [`Loaded::check`].
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

/// Where the audit log is shipped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipSettings {
    /// Between shipments.
    pub every: Duration,
    /// Where its copy is.
    pub copy: Option<(CopyPlace, CopyOptions)>,
    /// Who is sent the checkpoints.
    pub syslog: Option<Receiver>,
}

/// What is wrong or risky about a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`.
    pub key: &'static str,
    /// Where the value came from.
    pub origin: Origin,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.origin, self.what)
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The settings, if nothing is wrong.
    pub settings: Result<Settings, Vec<Problem>>,
    /// What is lawful and yet risky.
    pub warnings: Vec<Problem>,
}

/// What the configuration says of shipping the audit log.
fn shipping(config: &Config) -> (ShipSettings, Vec<(&'static str, String)>) {
    let (audit, mut wrong) = (&config.audit, Vec::new());
    let mut ship = ShipSettings { every: Duration::from_secs(audit.ship_every_s), copy: None, syslog: None };
    match audit.ship_syslog.as_deref().map(str::parse) {
        Some(Ok(receiver)) => ship.syslog = Some(receiver),
        Some(Err(what)) => wrong.push(("audit.ship_syslog", what)),
        None => {}
    }
    let place = audit.ship_to.as_deref().map(str::parse::<CopyPlace>);
    match place.map(|place| place.and_then(|place| place.supported().map(|()| place))) {
        Some(Ok(place)) => {
            let data_dir = &config.store.data_dir;
            let is_ours = |dir: &Path| is_same(dir, data_dir) || is_same(dir, &data_dir.join("audit"));
            if matches!(&place, CopyPlace::Dir(dir) if is_ours(dir)) {
                let what = "must be another directory than the log's own and the data directory";
                wrong.push(("audit.ship_to", what.to_owned()));
            }
            let options = CopyOptions {
                region: audit.ship_region.clone(),
                url: audit.ship_url.clone(),
                retention: audit.ship_retention,
                days: audit.ship_retention_days,
            };
            ship.copy = Some((place, options));
        }
        Some(Err(what)) => wrong.push(("audit.ship_to", what)),
        None => {}
    }
    if let Some(url) = audit.ship_url.as_ref().filter(|url| !is_url(url)) {
        wrong.push(("audit.ship_url", format!("`{url}` must be an http or https address")));
    }
    (ship, wrong)
}

/// What is said of a bucket where the audit log is copied to none.
fn idle_shipping(audit: &AuditConfig) -> Vec<&'static str> {
    let place = audit.ship_to.as_deref().map(str::parse::<CopyPlace>);
    if matches!(place, Some(Err(_) | Ok(CopyPlace::S3 { .. }))) {
        return Vec::new();
    }
    let usual = AuditConfig::default();
    let said = [
        ("audit.ship_region", audit.ship_region != usual.ship_region),
        ("audit.ship_retention", audit.ship_retention != usual.ship_retention),
        ("audit.ship_retention_days", audit.ship_retention_days != usual.ship_retention_days),
        ("audit.ship_url", audit.ship_url != usual.ship_url),
    ];
    said.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect()
}

/// Whether two paths are written for the same place; links are not followed.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}

/// Whether a text is the address of something that speaks HTTP.
pub(super) fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a text may stand in an ARN as its region.
pub(crate) fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A word of a log level that would be taken as the name of a part of the program, and silence the rest.
fn no_level(text: &str) -> Option<&str> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let word = |part: &&str| !part.contains(['=', '[']);
    let mut words = text.split(',').map(str::trim).filter(word);
    words.find(|word| !LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)))
}

impl Loaded {
    /// Checks every value, and the values together.
    #[must_use]
    pub fn check(&self, mode: Mode) -> Checked {
        let config = &self.config;
        let mut errors = Vec::new();
        let mut wrong = |key, what: String| errors.push(Problem { key, origin: self.origin(key), what });
        let listen = config.http.listen.parse::<SocketAddr>();
        if listen.is_err() {
            wrong(
                "http.listen",
                format!("`{}` is not an address with a port, such as 127.0.0.1:8080", config.http.listen),
            );
        }
        for what in config.http.cors_origins.iter().filter_map(|origin| cors::fault(origin)) {
            wrong("http.cors_origins", what);
        }
        let mut within = |key, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                wrong(key, format!("`{value}` must be {least} to {most}"));
            }
        };
        within("http.drain_s", config.http.drain_s, 0, 600);
        within("log.emf_every_s", config.log.emf_every_s, 0, 3_600);
        within("http.connections_max", config.http.connections_max as u64, 1, 1_000_000);
        within(
            "http.connections_per_address_max",
            config.http.connections_per_address_max as u64,
            1,
            1_000_000,
        );
        within("audit.segment_records", config.audit.segment_records, 256, 1 << 24);
        within("audit.ship_every_s", config.audit.ship_every_s, 1, 3_600);
        let days = u64::from(config.audit.ship_retention_days);
        within("audit.ship_retention_days", days, 1, RETENTION_DAYS_MAX.into());
        within("http.queue_target_ms", config.http.queue_target_ms, 0, 10_000);
        within("firewall.keys_max", config.firewall.keys_max as u64, 1_000, 100_000_000);
        within("recording.file_mib", config.recording.file_mib as u64, 1, 1 << 14);
        within("recording.files_max", config.recording.files_max as u64, 1, 1_000);
        for (key, days) in [
            ("retention.address_keys_days", config.retention.address_keys_days),
            ("retention.bans_days", config.retention.bans_days),
            ("retention.erasures_days", config.retention.erasures_days),
            ("retention.matches_days", config.retention.matches_days),
            ("retention.penalties_days", config.retention.penalties_days),
        ] {
            within(key, days, 0, retention::DAYS_MAX);
        }
        within("retention.sweep_every_s", config.retention.sweep_every_s, 1, 86_400);
        within("store.checkpoint_every_s", config.store.checkpoint_every_s, 1, 3_600);
        within("store.journal_cache_mib", config.store.journal_cache_mib as u64, 1, 1 << 16);
        within("store.snapshot_every_s", config.store.snapshot_every_s, 0, 86_400);
        within("store.snapshot_players_min", config.store.snapshot_players_min, 1, 1 << 32);
        within("store.tables_cache_mib", config.store.tables_cache_mib as u64, 1, 1 << 20);
        for (key, days, least, why) in [
            (
                "retention.erasures_days",
                config.retention.erasures_days,
                retention::ERASURES_DAYS_MIN,
                "longer than a session of an erased player is good",
            ),
            (
                "retention.matches_days",
                config.retention.matches_days,
                retention::MATCHES_DAYS_MIN,
                "longer than the token of a match that was given up, which could be reported again",
            ),
        ] {
            if (1..least).contains(&days) {
                wrong(key, format!("`{days}` must be 0, for ever, or at least {least}: {why}"));
            }
        }
        for (key, path) in [
            ("audit.key_file", config.audit.key_file.as_ref()),
            ("auth.token_key_file", config.auth.token_key_file.as_ref()),
            ("gamelift.master_key_file", config.gamelift.master_key_file.as_ref()),
            ("recording.dir", config.recording.dir.as_ref()),
            ("store.data_dir", Some(&config.store.data_dir)),
        ] {
            if path.is_some_and(|path| path.as_os_str().is_empty()) {
                wrong(key, "must not be empty".to_owned());
            }
        }
        if config.node.name.is_empty() || config.node.name.len() > 64 {
            wrong("node.name", "must have 1 to 64 characters".to_owned());
        }
        if config.gamelift.account.len() != 12 || !config.gamelift.account.bytes().all(|b| b.is_ascii_digit())
        {
            wrong("gamelift.account", "must have 12 digits".to_owned());
        }
        if let Some(region) = config.gamelift.region.as_deref().filter(|region| !is_region(region)) {
            wrong("gamelift.region", format!("`{region}` is not a region such as eu-central-1"));
        }
        if config.auth.audience.is_empty() {
            wrong("auth.audience", "must not be empty".to_owned());
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log.level) {
            wrong("log.level", error.to_string());
        }
        if let Some(word) = no_level(&config.log.level) {
            wrong("log.level", format!("`{word}` is no level: error, warn, info, debug, trace or off"));
        }
        let mut trusted_proxies = Vec::new();
        for text in &config.firewall.trusted_proxies {
            match text.parse::<Network>() {
                Ok(network) => trusted_proxies.push(network),
                Err(error) => wrong("firewall.trusted_proxies", error.to_string()),
            }
        }
        trusted_proxies.extend(config.firewall.profile.trusted_proxies());
        let (ship, faults) = shipping(config);
        faults.into_iter().for_each(|(key, what)| wrong(key, what));
        let (predictor, faults) = config.predictor.check();
        faults.into_iter().for_each(|(key, what)| wrong(key, what));
        let firewall::Found { settings: firewall, wrong: faults, risky } =
            firewall::check(&config.firewall, mode);
        faults.into_iter().for_each(|(key, what)| wrong(key, what));
        for (key, what) in who::check(config) {
            wrong(key, what);
        }
        let mut names = std::collections::BTreeSet::new();
        for webhook in &config.events.webhooks {
            if webhook.name.is_empty() || !names.insert(&webhook.name) {
                wrong("events.webhooks", format!("`{}`: each webhook has a name of its own", webhook.name));
            }
            if !is_url(&webhook.url) {
                wrong(
                    "events.webhooks",
                    format!("`{}`: `url` must be an http or https address", webhook.name),
                );
            }
        }
        let settings = match (listen, errors.is_empty()) {
            (Ok(listen), true) => {
                Ok(Settings { predictor, ..settings(config, mode, listen, trusted_proxies, firewall, ship) })
            }
            _ => Err(errors),
        };
        let mut warnings = self.warnings(mode);
        let told = |(key, what)| Problem { key, origin: self.origin(key), what };
        warnings.extend(risky.into_iter().map(told));
        Checked { settings, warnings }
    }

    fn warnings(&self, mode: Mode) -> Vec<Problem> {
        let config = &self.config;
        let mut warnings = Vec::new();
        let mut risky = |key, what: &str| {
            warnings.push(Problem { key, origin: self.origin(key), what: what.to_owned() });
        };
        let local = config.http.listen.parse::<SocketAddr>().is_ok_and(|a| a.ip().is_loopback());
        if !local && mode == Mode::Dev {
            risky(
                "http.listen",
                "a development server listens on more than this machine: its keys are printed, and AWS clients need none",
            );
        }
        if !local && mode == Mode::Serve && config.tls.cert_file.is_none() {
            risky(
                "tls.cert_file",
                "absent, and the server listens on more than this machine: tokens travel in the clear unless a proxy encrypts",
            );
        }
        if !local && config.http.dashboard == Some(Dashboard::Open) {
            risky("http.dashboard", "names and ratings are shown to everybody who reaches the port");
        }
        if config.gamelift.signatures == Some(Signatures::Any) && (!local || mode == Mode::Serve) {
            risky(
                "gamelift.signatures",
                "whoever reaches the port may make and delete rule sets and configurations",
            );
        }
        if config.firewall.profile != Profile::Default {
            risky("firewall.profile", "a profile for tests; production wants `default`");
        }
        if config.predictor.is_idle() {
            risky("predictor.endpoint", "is not asked: `predictor.kind` is `local`");
        }
        for key in idle_shipping(&config.audit) {
            risky(key, "does nothing: `audit.ship_to` names no bucket");
        }
        let proxies = config.firewall.trusted_proxies.iter().filter_map(|text| text.parse::<Network>().ok());
        if proxies.into_iter().any(|network| network.length() == 0) {
            risky(
                "firewall.trusted_proxies",
                "trusts every address: callers choose the address they are limited by",
            );
        }
        if config.auth.player_issuer.is_some() && config.auth.player_jwks.is_none() {
            risky(
                "auth.player_issuer",
                "does nothing: `auth.player_jwks`, whose tokens are to carry it, is absent; other issuers are in `auth.trusted_issuers`",
            );
        }
        let same_keys = |issuer: &TrustedIssuer| issuer.jwks == config.auth.player_jwks;
        if config.auth.player_jwks.is_some()
            && config.auth.player_issuer.is_none()
            && !config.auth.trusted_issuers.iter().any(same_keys)
        {
            risky(
                "auth.player_issuer",
                "absent: any `iss` is taken that the keys of `auth.player_jwks` signed, but those of other issuers",
            );
        }
        warnings
    }
}

fn settings(
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(change: impl FnOnce(&mut Config)) -> Checked {
        let mut config = Config::default();
        change(&mut config);
        Loaded { config, origins: BTreeMap::new() }.check(Mode::Serve)
    }

    #[test]
    fn the_defaults_are_lawful_and_not_risky() {
        let checked = check(|_| {});
        assert_eq!(checked.settings.unwrap().dashboard, Dashboard::Admin);
        assert_eq!(checked.warnings, []);
    }

    #[test]
    fn where_the_audit_log_is_shipped_to_is_checked() {
        let refused = |change: fn(&mut super::super::AuditConfig)| {
            let problems = check(|config| change(&mut config.audit)).settings.unwrap_err();
            problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        assert_eq!(refused(|audit| audit.ship_to = Some(String::new())), ["audit.ship_to"]);
        assert_eq!(refused(|audit| audit.ship_to = Some("s3://a".to_owned())), ["audit.ship_to"]);
        for ours in ["gsm-data/audit", "gsm-data", "./gsm-data/"] {
            let problems = check(|config| config.audit.ship_to = Some(ours.to_owned())).settings.unwrap_err();
            assert_eq!(problems[0].key, "audit.ship_to", "{ours}");
        }
        assert_eq!(refused(|audit| audit.ship_syslog = Some("logs:514".to_owned())), ["audit.ship_syslog"]);
        assert_eq!(refused(|audit| audit.ship_url = Some("s3.example".to_owned())), ["audit.ship_url"]);
        assert_eq!(refused(|audit| audit.ship_every_s = 0), ["audit.ship_every_s"]);
        assert_eq!(refused(|audit| audit.ship_retention_days = 0), ["audit.ship_retention_days"]);
        let settings = check(|config| config.audit.ship_to = Some("/mnt/copy".to_owned())).settings.unwrap();
        assert_eq!(settings.ship.copy.unwrap().0, CopyPlace::Dir("/mnt/copy".into()));
    }

    /// Callers are named issuer`#`subject: with a `#` in an issuer one name could be of two.
    #[test]
    fn an_issuer_has_no_hash_in_its_name() {
        let with = |iss: &str| {
            let issuer = TrustedIssuer {
                iss: iss.into(),
                jwks: Some("a.json".into()),
                roles: vec![crate::config::Asserted::Server],
                ..TrustedIssuer::default()
            };
            check(|c| c.auth.trusted_issuers = vec![issuer]).settings
        };
        assert!(with("https://studio.example/").is_ok());
        let problems = with("https://studio.example/#eu").unwrap_err();
        assert_eq!(problems[0].key, "auth.trusted_issuers");
        assert!(problems[0].what.contains("#eu` has a `#`"), "{}", problems[0].what);
        let problems = check(|c| c.auth.player_issuer = Some("a#b".into())).settings.unwrap_err();
        assert_eq!(problems[0].key, "auth.player_issuer");
    }

    /// Docker's variable without a value; no token would ever fit.
    #[test]
    fn an_issuer_has_a_name() {
        let problems = check(|c| {
            c.auth.player_issuer = Some(String::new());
            c.auth.trusted_issuers = vec![TrustedIssuer {
                jwks: Some("a.json".into()),
                roles: vec![crate::config::Asserted::Server],
                ..TrustedIssuer::default()
            }];
        });
        let problems = problems.settings.unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["auth.player_issuer", "auth.trusted_issuers"], "{problems:?}");
    }

    #[test]
    fn what_does_nothing_is_warned_of() {
        let warned = |change: fn(&mut Config)| {
            let checked = check(change);
            assert!(checked.settings.is_ok(), "{checked:?}");
            checked.warnings.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        let issuer = |c: &mut Config| c.auth.player_issuer = Some("https://accounts.example/".into());
        assert_eq!(warned(issuer), ["auth.player_issuer"]);
        assert_eq!(warned(|c| c.predictor.endpoint = Some("gsm-quality".into())), ["predictor.endpoint"]);
        let ship = |c: &mut Config| {
            c.audit.ship_region = Some("eu-central-1".into());
            c.audit.ship_retention = gsm_adapters::Retention::Governance;
            c.audit.ship_retention_days = 7;
            c.audit.ship_url = Some("https://s3.example".into());
        };
        let keys = ["ship_region", "ship_retention", "ship_retention_days", "ship_url"];
        let keys = keys.map(|key| format!("audit.{key}"));
        let with = |to: Option<&str>| {
            let checked = check(|c| {
                ship(c);
                c.audit.ship_to = to.map(str::to_owned);
            });
            checked.warnings.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
        };
        assert_eq!(with(None), keys);
        assert_eq!(with(Some("/mnt/copy")), keys, "a directory locks nothing");
        assert!(with(Some("s3://bucket/gsm")).is_empty());
    }

    /// It would be in the log, and in the name of each caller.
    #[test]
    fn an_issuer_has_no_password_in_its_addresses() {
        let with = |iss: &str, jwks_url: Option<&str>| {
            let issuer = TrustedIssuer {
                iss: iss.into(),
                jwks_url: jwks_url.map(str::to_owned),
                discovery: jwks_url.is_none(),
                roles: vec![crate::config::Asserted::Server],
                ..TrustedIssuer::default()
            };
            check(|c| c.auth.trusted_issuers = vec![issuer]).settings
        };
        let keys = Some("https://keys.example/jwks?v=1");
        assert!(
            with("https://studio.example/", keys).is_ok() && with("https://studio.example/", None).is_ok()
        );
        assert!(with("mailto:ann@studio.example", keys).is_ok());
        for (iss, keys) in [
            ("https://studio.example/", Some("https://svc:hunter2@keys.example/jwks")),
            ("https://studio.example/", Some("http://svc@127.0.0.1:9/jwks")),
            ("https://svc:hunter2@studio.example/", None),
            ("https://:hunter2@studio.example/", keys),
        ] {
            let problems = with(iss, keys).unwrap_err();
            let [problem] = problems.as_slice() else { panic!("{problems:?}") };
            assert_eq!(problem.key, "auth.trusted_issuers");
            let what = &problem.what;
            assert!(what.starts_with("`https://studio.example/` must have no user name"), "{what}");
        }
        let problems =
            check(|c| c.auth.player_issuer = Some("https://a:hunter2@b/".into())).settings.unwrap_err();
        assert_eq!(problems[0].key, "auth.player_issuer");
        assert!(!problems[0].what.contains("hunter2"), "{}", problems[0].what);
    }

    #[test]
    fn a_path_that_is_empty_is_refused() {
        let checked = check(|c| {
            c.store.data_dir = "".into();
            c.recording.dir = Some("".into());
            c.gamelift.master_key_file = Some("".into());
            c.auth.token_key_file = Some("".into());
            c.audit.key_file = Some("".into());
        });
        let keys: Vec<_> = checked.settings.unwrap_err().iter().map(|p| p.key).collect();
        let paths = ["audit.key_file", "auth.token_key_file", "gamelift.master_key_file", "recording.dir"];
        assert_eq!(keys, [&paths[..], &["store.data_dir"]].concat());
    }

    #[test]
    fn a_level_that_would_silence_the_log_is_refused() {
        for level in ["warning", "inof", "", "info,", "gsm_server=debug,warning"] {
            let checked = check(|c| c.log.level = level.into());
            assert_eq!(checked.settings.unwrap_err()[0].key, "log.level", "{level:?}");
        }
        for level in ["warn", "INFO", "warn,gsm_server=debug", "info,gsm_engine=trace", "gsm_server=debug"] {
            assert!(check(|c| c.log.level = level.into()).settings.is_ok(), "{level:?}");
        }
    }

    #[test]
    fn what_is_refused_is_known_as_long_as_it_is_asked_for() {
        let kept = |erasures_days, matches_days| {
            let checked = check(|c| {
                c.retention.erasures_days = erasures_days;
                c.retention.matches_days = matches_days;
            });
            let problems = checked.settings.err().unwrap_or_default();
            problems.into_iter().map(|problem| problem.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(kept(0, 0), [""; 0]);
        assert_eq!(kept(7, 4), [""; 0]);
        let both = kept(6, 3);
        let [erasures, matches] = &both[..] else { panic!("{both:?}") };
        assert!(erasures.starts_with("retention.erasures_days (default): `6` must be 0,"), "{erasures}");
        assert!(
            matches.contains("matches_days (default): `3` must be 0, for ever, or at least 4"),
            "{matches}"
        );
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let checked = check(|c| {
            c.http.listen = "8080".into();
            c.http.cors_origins = vec!["https://game.example".into(), "https://game.example/".into()];
            c.retention.erasures_days = 6;
            c.retention.matches_days = 40_000;
            c.retention.sweep_every_s = 0;
            c.gamelift.account = "12".into();
            c.gamelift.region = Some("EU".into());
            c.log.level = "a=b=c".into();
            c.firewall.trusted_proxies = vec!["10.0.0.0/33".into(), "::/0".into()];
        });
        let keys: Vec<_> = checked.settings.unwrap_err().iter().map(|p| p.key).collect();
        assert_eq!(
            keys,
            [
                "http.listen",
                "http.cors_origins",
                "retention.matches_days",
                "retention.sweep_every_s",
                "retention.erasures_days",
                "gamelift.account",
                "gamelift.region",
                "log.level",
                "firewall.trusted_proxies"
            ]
        );
        assert!(checked.warnings.iter().any(|p| p.key == "firewall.trusted_proxies"));
    }
}
