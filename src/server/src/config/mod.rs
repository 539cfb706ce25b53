//! (stub until the real one is merged)
#![allow(missing_docs)]
use gsm_engine::Role;
use gsm_security::Profile;
use std::{net::{IpAddr, SocketAddr}, path::PathBuf, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode { Dev, Serve }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat { Text, Json }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dashboard { Open, Admin, Off }

#[derive(Debug, Clone)]
pub struct TrustedIssuer { pub iss: String, pub aud: Option<String>, pub jwks: PathBuf, pub roles: Vec<Role>, pub role_claim: String }

#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub node: String,
    pub listen: SocketAddr,
    pub drain: Duration,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub dashboard: Dashboard,
    pub data_dir: PathBuf,
    pub checkpoint_every: Duration,
    pub journal_cache_bytes: usize,
    pub tables_cache_bytes: usize,
    pub audience: String,
    pub player_issuer: Option<String>,
    pub player_jwks: Option<PathBuf>,
    pub trusted_issuers: Vec<TrustedIssuer>,
    pub token_key: [u8; 32],
    pub firewall: Profile,
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    pub log_format: LogFormat,
    pub log_level: String,
}
