//! Client certificates (mutual TLS): the subject of one speaks for whom the configuration says.
use super::bearer::Bearer;
use crate::config::{ClientCertificate, ClientRole};
use gsm_engine::{AdminRole, Principal, Role};
use std::sync::Arc;
use x509_parser::{
    objects::{oid_registry, oid2abbrev},
    prelude::{FromDer as _, X509Certificate},
    x509::AttributeTypeAndValue,
};

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

/// The subject of a certificate as text, as `C=DE, O=Studio, CN=game-1`: in the order of the certificate, with values
/// escaped as RFC 4514 (2.4) has it, so that no value looks like two.
fn subject(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let parts = certificate.subject().iter_rdn().map(|part| {
        let attributes: Vec<String> = part.iter().map(attribute).collect();
        attributes.join(" + ")
    });
    Some(parts.collect::<Vec<_>>().join(", "))
}

fn attribute(of: &AttributeTypeAndValue<'_>) -> String {
    let kind = of.attr_type();
    let kind = oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
    match of.as_str() {
        Ok(text) => format!("{kind}={}", escaped(text)),
        // A value that is no text, or in an encoding of old, is told by its bytes.
        Err(_) => {
            let hex: String = of.as_slice().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{kind}=#{hex}")
        }
    }
}

/// A value with what has a meaning in a subject escaped.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', c]),
            '#' if at == 0 => text.push_str("\\#"),
            ' ' if at == 0 || at == last => text.push_str("\\ "),
            c if c.is_ascii_control() => text.push_str(&format!("\\{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// Whether a text can be the subject of a certificate: between commas that are not escaped stands `TYPE=VALUE`.
pub(crate) fn is_subject(text: &str) -> bool {
    let (mut parts, mut is_escaped) = (vec![String::new()], false);
    for c in text.chars() {
        if c == ',' && !is_escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.iter().all(|part| part.split_once('=').is_some_and(|(kind, _)| !kind.trim().is_empty()))
}

/// A role in the words of the configuration.
pub(crate) fn role_named(text: &str) -> Option<ClientRole> {
    match text {
        "server" => Some(ClientRole::Server),
        "admin" => Some(ClientRole::Admin(AdminRole::Owner)),
        other => AdminRole::named(other).map(ClientRole::Admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_looks_like_two() {
        let check = |value, text| assert_eq!(escaped(value), text);
        check("game-1", "game-1");
        check("Studio, CN=game-1", "Studio\\, CN=game-1");
        check("a + CN=b", "a \\+ CN=b");
        check("a\\, b", "a\\\\\\, b");
        check(" #a ", "\\ #a\\ ");
        check("#61", "\\#61");
        check("a\nb", "a\\0ab");
        check("Müller", "Müller");
    }

    #[test]
    fn a_comma_of_a_value_is_escaped_in_the_settings_too() {
        assert!(is_subject("O=Studio, CN=game-1") && is_subject("O=Studio\\, Inc., CN=game-1"));
        assert!(is_subject("O=Studio\\, Inc. + OU=x, 1.2.3=#0c01"));
        assert!(!is_subject("O=Studio, Inc., CN=game-1") && !is_subject("game-1") && !is_subject(""));
        assert!(!is_subject("O=Studio\\\\, Inc.") && !is_subject("O=Studio, =x"));
    }
}
