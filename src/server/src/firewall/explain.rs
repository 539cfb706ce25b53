//! Which rules would count a request, and why the others would not.
use super::{Stored, files};
use crate::{
    config::Settings,
    door::{self, Needs},
    run,
};
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
    /// The path, as it is sent.
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
        Miss::Moment => {
            "counts something else: tokens that prove bad, or calls of operations once it is known who may make them"
        }
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
pub fn explain(settings: &Settings, asked: &Asked, now: Timestamp) -> Result<Explained, files::FileError> {
    let opened = run::opened(settings);
    let settings = &settings.firewall;
    let read = settings.read()?;
    let plan = Plan {
        rules: settings.rules(&read.rules).map_err(files::FileError::of_rules)?,
        keys_max: settings.keys_max,
        deny_counts_only: settings.deny_counts_only,
        exempt_paths: settings.exempt_paths.clone(),
    };
    let firewall = Firewall::new(plan, Arc::new(settings.lists(&read, &Stored::new())), 0);
    let method = asked.method.parse().ok();
    let operation = method.and_then(|method| crate::api::operations().get(&asked.path, &method));
    let action = operation.map(|operation| operation.action.as_str());
    let path = door::compared(&asked.path);
    let header = |name: &str| {
        let found = asked.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    };
    let mut moments = vec![Moment::Arrival];
    match (Needs::of(&asked.path, operation, &opened), asked.role.as_deref()) {
        (Err(_) | Ok(Needs::Nothing), _) => {}
        (Ok(Needs::Nobody(_)), _) => moments.extend(door::of_nobody(false)),
        (Ok(Needs::Caller(operation)), Some(role)) if !asked.bad_token => {
            let caller = Caller { role, is_player: role == "player", id: Some(1) };
            moments.extend(operation.is_for(role).then_some(Moment::Known(caller)));
        }
        (Ok(Needs::Caller(_)), _) => moments.extend(door::of_nobody(asked.bad_token)),
    }
    let request = Request {
        address: asked.address,
        face: Face::Native,
        method: &asked.method,
        path: &path,
        action,
        header: &header,
        moment: Moment::Arrival,
    };
    Ok(Explained {
        action,
        denied: !settings.deny_counts_only && firewall.lists().deny.has(asked.address, now),
        exempt: firewall.is_exempt(&path) || firewall.lists().allow.has(asked.address, now),
        rules: firewall.explain(&request, &moments),
    })
}
