//! Which rules would count a request, and why the others would not.
use super::{FirewallSettings, Stored, files};
use gsm_core::Timestamp;
use gsm_security::{Caller, Face, Firewall, Miss, Moment, Plan, Request, Rule};
use std::{net::IpAddr, sync::Arc};

/// A request that might be made.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who speaks.
    pub address: IpAddr,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The role of the caller; `None`: nobody known.
    pub role: Option<String>,
    /// Headers by name.
    pub headers: Vec<(String, String)>,
    /// Whether the token proves bad.
    pub bad_token: bool,
}

/// What would become of it.
#[derive(Debug)]
pub struct Explained {
    /// The action that it means, if any.
    pub action: Option<&'static str>,
    /// Whether a list of files or the profile refuses it at once.
    pub denied: bool,
    /// Whether such a list or the path says that it is never counted.
    pub exempt: bool,
    /// Every rule, in order, and why it does not count the request if it does not.
    pub rules: Vec<(Rule, Result<(), Miss>)>,
}

/// Why a rule does not count a request, in words.
#[must_use]
pub fn why_not(miss: Miss) -> &'static str {
    match miss {
        Miss::Moment => "counts something else: tokens that prove bad, or callers that are known",
        Miss::Face => "is for another face",
        Miss::Method => "is for other methods",
        Miss::Path => "is for other paths",
        Miss::Action => "is for other actions",
        Miss::Role => "is for other roles",
        Miss::Key => {
            "has nothing to count by: the caller is nobody, or of another kind, or the header is missing"
        }
    }
}

/// Says what would become of a request.
///
/// # Errors
/// Where a file or the rules cannot be used.
pub fn explain(
    settings: &FirewallSettings,
    asked: &Asked,
    now: Timestamp,
) -> Result<Explained, files::FileError> {
    let read = settings.read()?;
    let plan = Plan {
        rules: settings.rules(&read.rules).map_err(files::FileError::of_rules)?,
        keys_max: settings.keys_max,
        deny_counts_only: settings.deny_counts_only,
        exempt_paths: settings.exempt_paths.clone(),
    };
    let firewall = Firewall::new(plan, Arc::new(settings.lists(&read, &Stored::new())), 0);
    let action = asked
        .method
        .parse()
        .ok()
        .and_then(|method| crate::api::operations().get(&asked.path, &method))
        .map(|operation| operation.action.as_str());
    let header = |name: &str| {
        let found = asked.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    };
    let role = asked.role.as_deref();
    let caller =
        Caller { role: role.unwrap_or("none"), is_player: role == Some("player"), id: role.map(|_| 1) };
    let request = Request {
        address: asked.address,
        face: Face::Native,
        method: &asked.method,
        path: &asked.path,
        action,
        header: &header,
        moment: if asked.bad_token { Moment::BadToken } else { Moment::Known(caller) },
    };
    Ok(Explained {
        action,
        denied: !settings.deny_counts_only && firewall.lists().deny.has(asked.address, now),
        exempt: firewall.is_exempt(&asked.path) || firewall.lists().allow.has(asked.address, now),
        rules: firewall.explain(&request),
    })
}
