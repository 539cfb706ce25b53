//! Checks every value, and the values together.
use super::{
    Config, Loaded, Mode, Origin, Settings, Signatures, firewall, retention, settings::settings, shipping,
    who,
};
use crate::cors;
use gsm_adapters::RETENTION_DAYS_MAX;
use gsm_security::Network;
use std::{collections::BTreeSet, fmt, net::SocketAddr};

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

/// Keys with what is wrong about them.
type Wrong = Vec<(&'static str, String)>;

impl Loaded {
    /// Checks every value, and the values together.
    #[must_use]
    pub fn check(&self, mode: Mode) -> Checked {
        let config = &self.config;
        let mut wrong = Wrong::new();
        let listen = config.http.listen.parse::<SocketAddr>();
        if listen.is_err() {
            let what =
                format!("`{}` is not an address with a port, such as 127.0.0.1:8080", config.http.listen);
            wrong.push(("http.listen", what));
        }
        let origins = config.http.cors_origins.iter().filter_map(|origin| cors::fault(origin));
        wrong.extend(origins.map(|what| ("http.cors_origins", what)));
        if mode == Mode::Serve && config.gamelift.signatures == Some(Signatures::Any) {
            let what = "`any` is for `gsm dev`: whoever reaches the port could start matchmaking, and make and delete rule sets and \
                        configurations; leave it out, and give AWS clients access keys (POST /v1/aws-keys)";
            wrong.push(("gamelift.signatures", what.to_owned()));
        }
        wrong.extend(numbers(config));
        wrong.extend(paths(config));
        wrong.extend(names(config));
        let mut trusted_proxies = Vec::new();
        for text in &config.firewall.trusted_proxies {
            match text.parse::<Network>() {
                Ok(network) => trusted_proxies.push(network),
                Err(error) => wrong.push(("firewall.trusted_proxies", error.to_string())),
            }
        }
        trusted_proxies.extend(config.firewall.profile.trusted_proxies());
        let (ship, faults) = shipping::check(config);
        wrong.extend(faults);
        let (predictor, faults) = config.predictor.check();
        wrong.extend(faults);
        let firewall::Found { settings: firewall, wrong: faults, risky } =
            firewall::check(&config.firewall, mode);
        wrong.extend(faults);
        wrong.extend(who::check(config));
        wrong.extend(webhooks(config));
        let told = |(key, what)| Problem { key, origin: self.origin(key), what };
        let settings = match (listen, wrong.is_empty()) {
            (Ok(listen), true) => {
                Ok(Settings { predictor, ..settings(config, mode, listen, trusted_proxies, firewall, ship) })
            }
            _ => Err(wrong.into_iter().map(told).collect()),
        };
        let mut warnings = self.warnings(mode);
        warnings.extend(risky.into_iter().map(told));
        Checked { settings, warnings }
    }
}

/// Numbers out of their bounds.
fn numbers(config: &Config) -> Wrong {
    let mut wrong = Wrong::new();
    let mut within = |key, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            wrong.push((key, format!("`{value}` must be {least} to {most}")));
        }
    };
    within("http.drain_s", config.http.drain_s, 0, 600);
    within("log.emf_every_s", config.log.emf_every_s, 0, 3_600);
    within("http.connections_max", config.http.connections_max as u64, 1, 1_000_000);
    within("http.connections_per_address_max", config.http.connections_per_address_max as u64, 1, 1_000_000);
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
            wrong.push((key, format!("`{days}` must be 0, for ever, or at least {least}: {why}")));
        }
    }
    wrong
}

/// Paths that lead nowhere.
fn paths(config: &Config) -> Wrong {
    let mut wrong = Wrong::new();
    for (key, path) in [
        ("audit.key_file", config.audit.key_file.as_ref()),
        ("auth.token_key_file", config.auth.token_key_file.as_ref()),
        ("gamelift.master_key_file", config.gamelift.master_key_file.as_ref()),
        ("recording.dir", config.recording.dir.as_ref()),
        ("store.data_dir", Some(&config.store.data_dir)),
    ] {
        if path.is_some_and(|path| path.as_os_str().is_empty()) {
            wrong.push((key, "must not be empty".to_owned()));
        }
    }
    wrong
}

/// Names and words that nothing has.
fn names(config: &Config) -> Wrong {
    let mut wrong = Wrong::new();
    let mut bad = |key, what: String| wrong.push((key, what));
    if config.node.name.is_empty() || config.node.name.len() > 64 {
        bad("node.name", "must have 1 to 64 characters".to_owned());
    }
    if config.gamelift.account.len() != 12 || !config.gamelift.account.bytes().all(|b| b.is_ascii_digit()) {
        bad("gamelift.account", "must have 12 digits".to_owned());
    }
    if let Some(region) = config.gamelift.region.as_deref().filter(|region| !is_region(region)) {
        bad("gamelift.region", format!("`{region}` is not a region such as eu-central-1"));
    }
    if config.auth.audience.is_empty() {
        bad("auth.audience", "must not be empty".to_owned());
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log.level) {
        bad("log.level", error.to_string());
    }
    if let Some(word) = no_level(&config.log.level) {
        bad("log.level", format!("`{word}` is no level: error, warn, info, debug, trace or off"));
    }
    wrong
}

/// What is wrong about where matchmaking events are sent.
fn webhooks(config: &Config) -> Wrong {
    let mut wrong = Wrong::new();
    let mut bad = |what: String| wrong.push(("events.webhooks", what));
    let mut names = BTreeSet::new();
    for webhook in &config.events.webhooks {
        if webhook.name.is_empty() || !names.insert(&webhook.name) {
            bad(format!("`{}`: each webhook has a name of its own", webhook.name));
        }
        if !is_url(&webhook.url) {
            bad(format!("`{}`: `url` must be an http or https address", webhook.name));
        }
    }
    wrong
}

#[cfg(test)]
mod tests;
