//! What is lawful and yet risky, and what does nothing.
use super::{Dashboard, Loaded, Mode, Problem, Signatures, TrustedIssuer, shipping};
use gsm_security::{Network, Profile};
use std::net::SocketAddr;

impl Loaded {
    /// Warnings, by the key that is risky or does nothing.
    pub(super) fn warnings(&self, mode: Mode) -> Vec<Problem> {
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
        if config.gamelift.signatures == Some(Signatures::Any) && !local && mode == Mode::Dev {
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
        for key in shipping::idle(&config.audit) {
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
