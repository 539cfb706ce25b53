//! What the configuration says of who callers are and what they may: issuers, certificates, policies.
use crate::who::{fetch::has_user, jwks::shown};
use gsm_engine::{AdminRole, Role};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

/// A role that an issuer may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asserted {
    /// A player.
    Player,
    /// A game server or back end.
    Server,
    /// Any role of operators.
    Admin,
    /// An operator who looks.
    Viewer,
    /// An operator who helps players.
    Support,
    /// An operator who runs the service.
    Operator,
    /// An operator who reads what was done.
    Auditor,
    /// An operator who may do everything.
    Owner,
}

impl Asserted {
    /// Whether this lets an issuer give that role.
    #[must_use]
    pub fn covers(self, role: Role, admin: Option<AdminRole>) -> bool {
        match self {
            Self::Player => role == Role::Player,
            Self::Server => role == Role::Server,
            Self::Admin => role == Role::Admin,
            Self::Viewer => admin == Some(AdminRole::Viewer),
            Self::Support => admin == Some(AdminRole::Support),
            Self::Operator => admin == Some(AdminRole::Operator),
            Self::Auditor => admin == Some(AdminRole::Auditor),
            Self::Owner => admin == Some(AdminRole::Owner),
        }
    }
}

/// An issuer of players, back ends or operators. Its keys come from one of `jwks`, `jwks_url` and `discovery`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedIssuer {
    /// The `iss` of its tokens; without `#`.
    pub iss: String,
    /// The `aud` of its tokens; absent: `auth.audience`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// File with its public keys (JWKS, Ed25519 or P-256); read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub jwks: Option<PathBuf>,
    /// Address of its public keys: https, or http on this machine; without user name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// Whether the address of its public keys is in its OpenID Connect discovery document (below `iss`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discovery: bool,
    /// Roles that it may give: `player`, `server`, `admin` (any of operators), or single ones of operators: `viewer`,
    /// `support`, `operator`, `auditor`, `owner`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Asserted>,
    /// The claim that names the role.
    #[serde(default = "role_claim")]
    pub role_claim: String,
}

fn role_claim() -> String {
    "role".to_owned()
}

/// Who may do what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Directory with policies (files `*.cedar`) that take the place of the shipped ones (config/policies). Checked at the
    /// start; `gsm authz check DIR` checks it too.
    #[schema(value_type = Option<String>, example = "/etc/gsm/policies")]
    pub dir: Option<PathBuf>,
}

/// What clients must show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// A certificate is looked at if there is one.
    #[default]
    Optional,
    /// Nobody connects without one.
    Required,
}

/// Encryption by the server itself. Without it, something before the server has to encrypt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// File with the certificate chain (PEM), the server's own first; read again when it changes.
    #[schema(value_type = Option<String>, example = "/etc/gsm/tls.crt")]
    pub cert_file: Option<PathBuf>,
    /// File with the certificates (PEM) of who signs client certificates; with it, clients may show one (mutual TLS).
    #[schema(value_type = Option<String>, example = "/etc/gsm/clients-ca.crt")]
    pub client_ca_file: Option<PathBuf>,
    /// `optional`, or `required`: then nobody connects without a client certificate.
    #[schema(value_type = String)]
    pub client_certificates: ClientAuth,
    /// Whom client certificates speak for, where no bearer token comes.
    pub clients: Vec<ClientCertificate>,
    /// File with the private key (PEM) of the certificate, mode 0600.
    #[schema(value_type = Option<String>, example = "/etc/gsm/tls.key")]
    pub key_file: Option<PathBuf>,
}

/// What a client certificate gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRole {
    /// A game server or back end.
    Server,
    /// An operator.
    Admin(AdminRole),
}

/// Whom a client certificate speaks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The subject of the certificate, as `O=Studio, CN=game-1`; special characters of values escaped as in RFC 4514.
    pub subject: String,
    /// The name of the caller, in the log and as the owner of what it makes.
    pub name: String,
    /// `server`, or a role of operators.
    #[schema(value_type = String)]
    pub role: ClientRole,
}

impl Serialize for ClientRole {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Server => "server",
            Self::Admin(role) => role.as_str(),
        })
    }
}

impl<'de> Deserialize<'de> for ClientRole {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::who::certificate::role_named(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no role; there are server, viewer, support, operator, auditor and owner"
            ))
        })
    }
}

/// Encryption as it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsSettings {
    /// The certificate chain.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Who signs client certificates.
    pub client_ca_file: Option<PathBuf>,
    /// What clients must show.
    pub client_certificates: ClientAuth,
    /// Whom client certificates speak for.
    pub clients: Vec<ClientCertificate>,
}

/// Checks the parts of the configuration that are described here; what is wrong, by key.
pub(super) fn check(config: &super::Config) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if config.auth.issuer.is_empty() || config.auth.issuer.len() > 256 {
        wrong.push(("auth.issuer", "must have 1 to 256 characters".to_owned()));
    }
    if config.auth.player_issuer.as_ref().is_some_and(String::is_empty) {
        wrong.push(("auth.player_issuer", "must not be empty: no token has such an `iss`".to_owned()));
    }
    if config.auth.player_issuer.as_ref().is_some_and(|iss| iss.contains('#')) {
        let what = "has a `#`, which stands between issuer and subject where callers are named";
        wrong.push(("auth.player_issuer", what.to_owned()));
    }
    const USER: &str = "must have no user name and no password in an address: keys of issuers are public, and names stand in logs";
    let own = [
        ("auth.issuer", Some(&config.auth.issuer)),
        ("auth.player_issuer", config.auth.player_issuer.as_ref()),
    ];
    for (key, iss) in own {
        if iss.is_some_and(|iss| has_user(iss)) {
            wrong.push((key, USER.to_owned()));
        }
    }
    for issuer in &config.auth.trusted_issuers {
        let name = match reqwest::Url::parse(&issuer.iss) {
            Ok(url) if has_user(&issuer.iss) => shown(&url),
            _ => issuer.iss.clone(),
        };
        let mut bad = |what: &str| wrong.push(("auth.trusted_issuers", format!("`{name}` {what}")));
        if has_user(&issuer.iss) || issuer.jwks_url.as_deref().is_some_and(has_user) {
            bad(USER);
        }
        if issuer.iss.is_empty() {
            bad("is no `iss`: it must not be empty");
        }
        if issuer.roles.is_empty() {
            bad("may give no role; name them: player, server, admin");
        }
        if issuer.iss.contains('#') {
            bad("has a `#`, which stands between issuer and subject where callers are named");
        }
        let ways = [issuer.jwks.is_some(), issuer.jwks_url.is_some(), issuer.discovery];
        if ways.iter().filter(|way| **way).count() != 1 {
            bad("needs one of `jwks` (a file), `jwks_url` and `discovery = true` for its keys");
        }
        if issuer.iss == config.auth.issuer {
            bad("is the name of this server's own issuer (auth.issuer)");
        }
        let address = issuer.jwks_url.as_deref().or(issuer.discovery.then_some(issuer.iss.as_str()));
        let fit = |text: &str| reqwest::Url::parse(text).is_ok_and(|url| crate::who::fetch::is_fit(&url));
        if address.is_some_and(|text| !fit(text)) {
            bad("must be reached over https (http only on this machine)");
        }
    }
    let tls = &config.tls;
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        wrong.push(("tls.cert_file", "comes with `tls.key_file`, or neither does".to_owned()));
    }
    if tls.client_ca_file.is_some() && tls.cert_file.is_none() {
        wrong.push(("tls.client_ca_file", "needs `tls.cert_file` and `tls.key_file`".to_owned()));
    }
    let asks = tls.client_certificates == ClientAuth::Required || !tls.clients.is_empty();
    if asks && tls.client_ca_file.is_none() {
        wrong.push(("tls.client_ca_file", "is missing: it says who signs client certificates".to_owned()));
    }
    let mut subjects = std::collections::BTreeSet::new();
    for client in &tls.clients {
        if client.name.is_empty() || client.name.len() > 128 || !subjects.insert(&client.subject) {
            let what = format!("`{}`: each client has a subject of its own, and a name", client.subject);
            wrong.push(("tls.clients", what));
        }
        if !crate::who::certificate::is_subject(&client.subject) {
            let what = format!(
                "`{}`: write the subject as `O=Studio, CN=game-1`, a comma within a value as `\\,` (in TOML: '...' or `\\\\,`)",
                client.subject
            );
            wrong.push(("tls.clients", what));
        }
    }
    wrong
}

impl TlsConfig {
    /// Encryption, if it is wanted.
    pub(super) fn settings(&self) -> Option<TlsSettings> {
        Some(TlsSettings {
            cert_file: self.cert_file.clone()?,
            key_file: self.key_file.clone()?,
            client_ca_file: self.client_ca_file.clone(),
            client_certificates: self.client_certificates,
            clients: self.clients.clone(),
        })
    }
}
