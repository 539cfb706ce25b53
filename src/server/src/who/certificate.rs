//! Client certificates (mutual TLS): the subject of one speaks for whom the configuration says.
use super::bearer::Bearer;
use crate::config::{ClientCertificate, ClientRole};
use gsm_engine::{AdminRole, Principal, Role};
use std::sync::Arc;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Whom the certificate of a connection speaks for; an extension of each of its requests.
#[derive(Debug, Clone)]
pub(crate) struct Certified(Arc<Bearer>);

impl Certified {
    pub(crate) fn bearer(&self) -> Bearer {
        (*self.0).clone()
    }
}

/// The clients of the configuration, by the subject of their certificate.
#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<(String, Certified)>);

impl Clients {
    pub(crate) fn new(clients: &[ClientCertificate]) -> Self {
        let one = |client: &ClientCertificate| {
            let name = client.name.clone();
            let (principal, role, admin) = match client.role {
                ClientRole::Server => (Principal::Server(name), Role::Server, None),
                ClientRole::Admin(role) => (Principal::Admin(name), Role::Admin, Some(role)),
            };
            let bearer = Bearer { principal, role: role.as_str(), admin, facts: None, until: None };
            (client.subject.clone(), Certified(Arc::new(bearer)))
        };
        Self(clients.iter().map(one).collect())
    }

    /// Whom a certificate, which was verified, speaks for.
    pub(crate) fn of(&self, certificate: &[u8]) -> Option<Certified> {
        let subject = subject(certificate)?;
        self.0.iter().find(|(known, _)| *known == subject).map(|(_, certified)| certified.clone())
    }
}

/// The subject of a certificate as text, as `C=DE, O=Studio, CN=game-1`.
fn subject(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.subject().to_string())
}

/// A role in the words of the configuration.
pub(crate) fn role_named(text: &str) -> Option<ClientRole> {
    match text {
        "server" => Some(ClientRole::Server),
        "admin" => Some(ClientRole::Admin(AdminRole::Owner)),
        other => AdminRole::named(other).map(ClientRole::Admin),
    }
}
