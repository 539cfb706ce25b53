//! May, over every face: the tables of operations as the policies' schema, the policies of the settings, and the question
//! that a request is.
use crate::{api, door, front::strict_query, gamelift, operations::Operations, who::bearer::Bearer};
use gsm_policy::{Decision, Fault, Faults, Operation, Policies, Question, Resource, SHIPPED, Who};
use serde_json::Value;
use std::{borrow::Cow, fs, net::IpAddr, path::Path};

/// The header by which an operator says why.
pub(crate) const REASON_HEADER: &str = "x-gsm-reason";
/// Files of a directory of policies.
const FILES_MAX: usize = 100;
/// What is about nothing in particular.
const SERVICE: (&str, &str) = ("Service", gsm_policy::SERVICE);
/// The type of queues, and what the name of one is called in the context.
pub(crate) const QUEUE: &str = "Queue";
pub(crate) const QUEUE_PARAMETER: &str = "queue";
/// Likewise of rule sets.
pub(crate) const RULE_SET: &str = "RuleSet";
pub(crate) const RULE_SET_PARAMETER: &str = "rule_set";

/// What an operation is about: the type that the first parameter of its path names.
pub(crate) fn resource_of(path: &str) -> &'static str {
    match parameters(path).next() {
        Some("player_id") => "Player",
        Some("ticket_id") => "Ticket",
        Some("match_id") => "Match",
        Some("proposal_id") => "Proposal",
        Some("queue") => "Queue",
        Some("mode") => "Mode",
        Some("board") => "Board",
        Some("rule_set") => "RuleSet",
        Some("key_id") => "Key",
        Some(_) => "Object",
        None => SERVICE.0,
    }
}

/// Members of a body that name things, one or a list: with the type of these, and what the name of one is called in the context.
const NAMING: [(&[&str], &str, &str); 2] =
    [(&["queue", "queues"], QUEUE, QUEUE_PARAMETER), (&["rule_set"], RULE_SET, RULE_SET_PARAMETER)];

/// The things that the body of an operation names, as the document describes it: it is about each of them too. By their types, with
/// what the name of one is called in the context.
pub(crate) fn named_things(document: &Value, operation: &Value) -> Vec<(&'static str, &'static str)> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named = schema["$ref"].as_str().and_then(|place| document.pointer(place.strip_prefix('#')?));
    let members = &named.unwrap_or(schema)["properties"];
    let there = NAMING.iter().filter(|(names, ..)| names.iter().any(|name| members.get(name).is_some()));
    there.map(|(_, kind, parameter)| (*kind, *parameter)).collect()
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The operations of every face: those of a document, and the targets of the GameLift wire.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for operation in methods.as_object().into_iter().flatten().map(|(_, operation)| operation) {
            all.extend(read(operation, resource_of(path), parameters(path)));
            for (kind, parameter) in named_things(document, operation) {
                all.extend(read(operation, kind, parameters(path).chain([parameter])));
            }
        }
    }
    for (name, operation) in document["x-gsm-gamelift"].as_object().into_iter().flatten() {
        for (kind, parameter) in gamelift::about(name) {
            all.extend(read(operation, kind, parameter.iter().copied()));
        }
    }
    all
}

fn read<'a>(
    operation: &Value,
    resource: &str,
    parameters: impl Iterator<Item = &'a str>,
) -> Option<Operation> {
    let roles = operation["x-gsm-roles"].as_array()?;
    Some(Operation {
        action: operation["x-gsm-action"].as_str()?.to_owned(),
        roles: roles.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect(),
        mutating: operation["x-gsm-mutating"].as_bool()?,
        needs_reason: operation["x-gsm-reason"].as_bool().unwrap_or(false),
        resource: resource.to_owned(),
        parameters: parameters.map(str::to_owned).collect(),
    })
}

/// The schema of all policies.
#[must_use]
pub fn schema() -> String {
    gsm_policy::schema(&operations(&api::described(&[])))
}

/// The policies of a directory (its files `*.cedar`, by name), or those that are shipped.
///
/// # Errors
/// Every fault, with file and line.
pub fn policies(dir: Option<&Path>) -> Result<Policies, Faults> {
    load(dir, &[])
}

/// The same, for a server that opens these actions to everybody.
pub(crate) fn load(dir: Option<&Path>, opened: &[&str]) -> Result<Policies, Faults> {
    let files = match dir {
        Some(dir) => files_of(dir)?,
        None => SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    };
    Policies::load(&operations(&api::described(opened)), &files)
}

fn files_of(dir: &Path) -> Result<Vec<(String, String)>, Faults> {
    let fault = |path: &Path, what: String| {
        let help = Some(
            "name a directory with files *.cedar; config/policies is the one that is shipped".to_owned(),
        );
        Faults(vec![Fault { file: path.display().to_string(), line: 1, column: 1, what, help }])
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| fault(dir, e.to_string()))? {
        let path = entry.map_err(|e| fault(dir, e.to_string()))?.path();
        if path.extension().is_some_and(|end| end == "cedar") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() || paths.len() > FILES_MAX {
        return Err(fault(dir, format!("it has {} files *.cedar, not 1 to {FILES_MAX}", paths.len())));
    }
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).map_err(|e| fault(&path, e.to_string()))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

/// Where it is said what a request is about.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// In the path, for an operation of the API.
    Path(&'a str),
    /// In the input: the type of a resource, its name, and what that is called in the context. What the path names, for an
    /// operation of the API, is there as well.
    Thing { kind: &'static str, name: &'a str, parameter: &'static str, path: Option<&'a str> },
    /// It is about nothing in particular.
    Service,
}

/// What is asked, beside who asks.
pub(crate) struct Asked<'a> {
    pub(crate) action: &'a str,
    pub(crate) about: Subject<'a>,
    pub(crate) address: IpAddr,
    pub(crate) reason: Option<&'a str>,
}

/// Decides about a request, and writes the decision to the log.
pub(crate) fn decide<'p>(
    policies: &'p Policies,
    operations: &Operations,
    bearer: &Bearer,
    asked: &Asked<'_>,
) -> Cow<'p, Decision> {
    let (kind, admin) = (bearer.role, bearer.admin.map(gsm_engine::AdminRole::as_str));
    let decision = match known(policies, bearer, asked.action) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(in_full(policies, operations, bearer, asked)),
    };
    let (allowed, by) = (decision.allowed, &decision.policies);
    tracing::debug!(action = asked.action, kind, admin, allowed, policies = ?by, "decided");
    if !decision.errors.is_empty() {
        tracing::warn!(action = asked.action, errors = ?decision.errors, "a policy could not be evaluated and was passed over");
    }
    decision
}

/// The decision where it depends on nothing but the caller's role and the action: then it is the same about everything.
pub(crate) fn known<'p>(policies: &'p Policies, bearer: &Bearer, action: &str) -> Option<&'p Decision> {
    let who = Who { kind: bearer.role, id: "", admin: bearer.admin.map(gsm_engine::AdminRole::as_str) };
    policies.known(&Question {
        who,
        action,
        resource: Resource { kind: SERVICE.0, id: SERVICE.1 },
        context: &[],
    })
}

fn in_full(policies: &Policies, operations: &Operations, bearer: &Bearer, asked: &Asked<'_>) -> Decision {
    let name = door::name_of(&bearer.principal);
    let address = asked.address.to_canonical().to_string();
    let params = match asked.about {
        Subject::Path(path) | Subject::Thing { path: Some(path), .. } => operations.parameters(path),
        Subject::Thing { path: None, .. } | Subject::Service => Vec::new(),
    };
    // As handlers read it: a name in percent-encoding is the same name.
    let mut context: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(params.len() + 2);
    for (name, text) in &params {
        let Some(text) = strict_query::segment(text) else { return Decision::default() };
        context.push((gsm_policy::context_name(name), text));
    }
    let (kind, id) = match (asked.about, context.first()) {
        (Subject::Path(path), Some((_, id))) => (operations.resource(path).unwrap_or(SERVICE.0), id.clone()),
        (Subject::Thing { kind, name, parameter, .. }, _) => {
            context.push((parameter, Cow::Borrowed(name)));
            (kind, Cow::Borrowed(name))
        }
        _ => (SERVICE.0, Cow::Borrowed(SERVICE.1)),
    };
    context.push(("address", Cow::Borrowed(&address)));
    context.extend(asked.reason.map(|reason| ("reason", Cow::Borrowed(reason))));
    let context: Vec<(&str, &str)> = context.iter().map(|(name, text)| (*name, &**text)).collect();
    let who = Who { kind: bearer.role, id: &name, admin: bearer.admin.map(gsm_engine::AdminRole::as_str) };
    let question =
        Question { who, action: asked.action, resource: Resource { kind, id: &id }, context: &context };
    policies.decide(&question).into_owned()
}
