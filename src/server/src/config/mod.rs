//! The configuration: what an operator may say ([`Config`]), where it comes from ([`load`]), and what the server is
//! told once all of it was checked ([`Settings`]).
mod check;
mod firewall;
mod layers;
mod limits;
mod predictor;
mod retention;
mod risky;
mod settings;
mod shipping;
mod template;
mod who;

pub(crate) use check::is_region;
pub use check::{Checked, Problem};
pub use layers::{ConfigError, Loaded, Origin, load};
pub use predictor::{PredictorConfig, PredictorKind, PredictorSettings};
pub use retention::RetentionConfig;
pub use settings::Settings;
pub use shipping::ShipSettings;
pub use template::{markdown, template};
pub use who::{
    Asserted, ClientAuth, ClientCertificate, ClientRole, PolicyConfig, TlsConfig, TlsSettings, TrustedIssuer,
};

use crate::firewall::KEYS_MAX_DEFAULT;
use gsm_adapters::Retention;
use gsm_security::{Profile, RuleConfig};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

/// How the server is run; chosen by the command, not by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// `gsm dev`: with queues and keys to play with.
    Dev,
    /// `gsm serve`: nothing that was not asked for.
    Serve,
}

/// Everything that can be configured. Keys that are absent have their defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The audit log.
    pub audit: AuditConfig,
    /// Who callers are, and how they prove it.
    pub auth: AuthConfig,
    /// Who is told what happens.
    pub events: EventsConfig,
    /// How much one caller may ask.
    pub firewall: FirewallConfig,
    /// What AWS clients see and must prove.
    pub gamelift: GameLiftConfig,
    /// Where and how the server listens.
    pub http: HttpConfig,
    /// What the server says of itself.
    pub log: LogConfig,
    /// This process among others.
    pub node: NodeConfig,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// Who predicts matches as they are formed.
    pub predictor: PredictorConfig,
    /// Whether what comes to queues is written down, for `gsm simulate`.
    pub recording: RecordingConfig,
    /// How long each class of data is kept.
    pub retention: RetentionConfig,
    /// Where the data lies.
    pub store: StoreConfig,
    /// Encryption by the server itself.
    pub tls: TlsConfig,
}

/// The audit log, in `audit` in the data directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// File with the keys that sign its checkpoints, mode 0600; made at the first start. Absent: `audit.key` in the data
    /// directory.
    #[schema(value_type = Option<String>, example = "/etc/gsm/audit.key")]
    pub key_file: Option<PathBuf>,
    /// Records of a file, after which the next is begun (at a multiple of 256); it is at 64 MiB and after a day as well.
    pub segment_records: u64,
    /// Seconds between shipments.
    pub ship_every_s: u64,
    /// The region of the bucket in `ship_to`. Absent: that of the environment.
    #[schema(example = "eu-central-1")]
    pub ship_region: Option<String>,
    /// How what is put into a bucket is locked: `compliance`, `governance`, or `bucket` (as the bucket does by itself).
    #[schema(value_type = String)]
    pub ship_retention: Retention,
    /// Days for which it is.
    pub ship_retention_days: u32,
    /// Who is sent the checkpoints: `udp://host:port`, `tcp://host:port` or `unix:///dev/log`. Absent: nobody.
    #[schema(example = "tcp://logs.example:601")]
    pub ship_syslog: Option<String>,
    /// Where the log is copied to: a directory, or `s3://bucket/prefix` with Object Lock. Absent: nowhere.
    #[schema(example = "s3://my-audit-logs/gsm-1")]
    pub ship_to: Option<String>,
    /// An address that speaks S3, instead of the region's own.
    #[schema(example = "https://s3.example")]
    pub ship_url: Option<String>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            key_file: None,
            segment_records: 65_536,
            ship_every_s: 60,
            ship_region: None,
            ship_retention: Retention::Compliance,
            ship_retention_days: 365,
            ship_syslog: None,
            ship_to: None,
            ship_url: None,
        }
    }
}

/// Who callers are, and how they prove it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The `aud` that tokens of issuers must carry.
    pub audience: String,
    /// The `iss` of the sessions that this server issues; their public keys are at `/.well-known/jwks.json`.
    pub issuer: String,
    /// The `iss` that players' tokens must carry. Absent: that of the trusted issuer with the same key file or, if there is
    /// none, any that the keys of `player_jwks` signed but those of trusted issuers and `issuer`.
    #[schema(example = "https://accounts.example/")]
    pub player_issuer: Option<String>,
    /// File with the public keys (JWKS, Ed25519 or P-256) of the issuer that signs players in. It may name no other
    /// role.
    #[schema(value_type = Option<String>, example = "player-jwks.json")]
    pub player_jwks: Option<PathBuf>,
    /// File with the 256-bit key that signs tokens of matches and seals the keys of sessions, as 64 hexadecimal digits, mode 0600; made at the first start,
    /// replaced by `gsm key rotate --key token`.
    /// Absent: `token.key` in the data directory.
    #[schema(value_type = Option<String>, example = "/etc/gsm/token.key")]
    pub token_key_file: Option<PathBuf>,
    /// Issuers of players, back ends and operators, and the roles each may give.
    pub trusted_issuers: Vec<TrustedIssuer>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            audience: "gsm".to_owned(),
            issuer: "gsm".to_owned(),
            player_issuer: None,
            player_jwks: None,
            token_key_file: None,
            trusted_issuers: Vec::new(),
        }
    }
}

/// Who is told what happens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// Where matchmaking events are sent.
    pub webhooks: Vec<WebhookConfig>,
}

/// A destination of matchmaking events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// By this name a configuration's notification target means it: the name itself, or an ARN that ends in it.
    pub name: String,
    /// An http or https address.
    pub url: String,
    /// File with the secret that its events are signed with: `whsec_` and base64, at least 24 bytes. With more than one, each in a
    /// line of its own, each signs; read again when it changes.
    #[schema(value_type = String)]
    pub secret_file: PathBuf,
    /// `event_bridge`, or `sns`: the same as the message of a notification.
    #[serde(default)]
    #[schema(value_type = String)]
    pub shape: Shape,
    /// Whether it is told of all queues, also of those that name no target.
    #[serde(default)]
    pub all: bool,
}

/// How an event is wrapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The envelope of EventBridge.
    #[default]
    EventBridge,
    /// A notification of SNS with that envelope as its message.
    Sns,
}

/// How much one caller may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FirewallConfig {
    /// File of networks that are never limited: one a line, with `until=2027-01-31T12:00:00Z` if it ends and a reason
    /// behind `#`. Read again when it changes.
    #[schema(value_type = Option<String>, example = "/etc/gsm/allow.txt")]
    pub allow_file: Option<PathBuf>,
    /// Whether the rules of the profile hold beside those of `rules` and `rules_file`.
    pub default_rules: bool,
    /// `block`, or `count`: the deny list only counts.
    #[schema(value_type = String)]
    pub deny_action: DenyAction,
    /// File of networks from which everything is refused, likewise.
    #[schema(value_type = Option<String>, example = "/etc/gsm/deny.txt")]
    pub deny_file: Option<PathBuf>,
    /// Paths whose requests are never counted, such as `/healthz`.
    pub exempt_paths: Vec<String>,
    /// Addresses, players and so on that each rule remembers. A rule that is full refuses those it does not know, until
    /// the window of some has passed; a key takes up to 100 bytes, more where its limit is high and it is used.
    pub keys_max: usize,
    /// `default`, or one of the profiles of tests: `test-lenient`, `test-limit`.
    #[schema(value_type = String)]
    pub profile: Profile,
    /// Rules beside those of the profile; one of the same name takes its place (docs/firewall.md).
    #[schema(value_type = Vec<Object>)]
    pub rules: Vec<RuleConfig>,
    /// File of more rules, with `[[rules]]` blocks. Read again when it changes.
    #[schema(value_type = Option<String>, example = "/etc/gsm/rules.toml")]
    pub rules_file: Option<PathBuf>,
    /// Networks of proxies whose `X-Forwarded-For` is believed, as `10.0.0.0/8` or `10.1.2.3`.
    pub trusted_proxies: Vec<String>,
}

impl Default for FirewallConfig {
    fn default() -> Self {
        Self {
            allow_file: None,
            default_rules: true,
            deny_action: DenyAction::Block,
            deny_file: None,
            exempt_paths: Vec::new(),
            keys_max: KEYS_MAX_DEFAULT,
            profile: Profile::Default,
            rules: Vec::new(),
            rules_file: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// What the deny list does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DenyAction {
    /// It refuses.
    #[default]
    Block,
    /// It lets pass, and counts.
    Count,
}

/// Which signatures of AWS clients are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// Any, and none: whoever reaches the port is an operator.
    Any,
    /// Those of the access keys that were issued here.
    Verify,
}

/// What AWS clients see and must prove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GameLiftConfig {
    /// The account in ARNs: 12 digits.
    pub account: String,
    /// File with the 256-bit key under which secrets of access keys are sealed, as 64 hexadecimal digits, mode 0600; made
    /// at the first start, replaced by `gsm key rotate --key master`. Absent: `aws-master.key` in the data directory.
    #[schema(value_type = Option<String>, example = "/etc/gsm/aws-master.key")]
    pub master_key_file: Option<PathBuf>,
    /// The region in ARNs. Absent: the one that a client signs for, or `us-east-1`.
    #[schema(example = "eu-central-1")]
    pub region: Option<String>,
    /// Which signatures are taken: `any` (and none) or `verify`. Absent: `any` for `gsm dev`, `verify` for `gsm serve`, which takes nothing else.
    #[schema(value_type = Option<String>, example = "verify")]
    pub signatures: Option<Signatures>,
}

impl Default for GameLiftConfig {
    fn default() -> Self {
        Self { account: "000000000000".to_owned(), master_key_file: None, region: None, signatures: None }
    }
}

/// Who sees a page of the server itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dashboard {
    /// Everybody.
    Open,
    /// Whoever has an admin's key.
    Admin,
    /// Nobody: the page is not there.
    Off,
}

/// Where and how the server listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Connections in all; above, new ones are answered 503.
    pub connections_max: usize,
    /// Connections of one IPv4 address or IPv6 /64.
    pub connections_per_address_max: usize,
    /// Origins whose pages may call the API with a token of their own, as `https://game.example`; `*`: every page may read what needs no token. Proofs of the audit log and the keys of sessions every page may read.
    pub cors_origins: Vec<String>,
    /// Who sees the dashboard: `open`, `admin` or `off`. Absent: `open` for `gsm dev`, `admin` for `gsm serve`.
    #[schema(value_type = Option<String>, example = "admin")]
    pub dashboard: Option<Dashboard>,
    /// Seconds that requests in flight, and events that wait for webhooks, are given when the server stops.
    pub drain_s: u64,
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// Who sees `/metrics`: `open`, `admin` or `off`. Absent: `open` for `gsm dev`, `admin` for `gsm serve`.
    #[schema(value_type = Option<String>, example = "admin")]
    pub metrics: Option<Dashboard>,
    /// Milliseconds that work may wait for its turn; above, a share of the requests is answered 503. 0: never.
    pub queue_target_ms: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 256,
            cors_origins: Vec::new(),
            dashboard: None,
            drain_s: 20,
            listen: "127.0.0.1:8080".to_owned(),
            metrics: None,
            queue_target_ms: 20,
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` or `json`, on standard error.
    #[schema(value_type = String)]
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,gsm_engine=debug`.
    pub level: String,
    /// Metrics for CloudWatch, as lines of its Embedded Metric Format on standard output, every so many seconds. 0: none.
    pub emf_every_s: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned(), emf_every_s: 0 }
    }
}

/// This process among others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Its name, the same after a restart: it holds the leases of the queues.
    pub name: String,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self { name: "gsm-1".to_owned() }
    }
}

/// Whether what comes to queues is written down, for `gsm simulate`. Players and tickets are hashed under a key that is
/// drawn at each start and kept nowhere; names are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingConfig {
    /// The directory of the files; made if there is none. Absent: nothing is written.
    #[schema(value_type = Option<String>, example = "traffic")]
    pub dir: Option<PathBuf>,
    /// Files kept: `tickets.jsonl`, which is written, and the older `tickets.1.jsonl`, `tickets.2.jsonl`, ..
    pub files_max: usize,
    /// Size at which the next file is begun, in MiB.
    pub file_mib: usize,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { dir: None, files_max: 8, file_mib: 64 }
    }
}

/// Where the data lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Seconds between checkpoints, which bound the time of a restart.
    pub checkpoint_every_s: u64,
    /// The data directory; one server at a time.
    #[schema(value_type = String)]
    pub data_dir: PathBuf,
    /// Memory for pages of the journal, in MiB.
    pub journal_cache_mib: usize,
    /// Seconds between looks at whether a board has changed so much that it should be saved again: a start reads saved
    /// boards and what changed since, instead of every rating. 0: boards are neither saved nor read.
    pub snapshot_every_s: u64,
    /// Players from which on a board is saved. Smaller ones are read from their ratings as fast.
    pub snapshot_players_min: u64,
    /// Memory for pages of the tables, in MiB.
    pub tables_cache_mib: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            checkpoint_every_s: 5,
            data_dir: PathBuf::from("gsm-data"),
            journal_cache_mib: 8,
            snapshot_every_s: 60,
            snapshot_players_min: 100_000,
            tables_cache_mib: 32,
        }
    }
}
