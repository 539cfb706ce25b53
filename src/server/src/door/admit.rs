//! Who is let in: who asks must be known, where that matters, and the table of operations, the policies and the firewall
//! let it.
use super::{Door, client_of, compared, counted, name_of};
use crate::{
    api::{
        App,
        extract::{Caller, bearer},
    },
    audit::Trail,
    authz::{self, Asked, Subject},
    cors,
    firewall::Facts,
    front::strict_query,
    operations::{NOBODY, Operation},
    problem::ApiError,
    reason,
    who::{bearer::Bearer, certificate::Certified},
};
use axum::http::{HeaderMap, StatusCode, request::Parts};
use gsm_core::{QueueName, Timestamp};
use gsm_security::{Face, Moment, Quota};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

/// The operation that the token of an erased player is still good for.
const ERASE_ACTION: &str = "gsm:ErasePlayer";

/// Who must be known before a request that has come is served.
pub(crate) enum Needs<'o> {
    /// Pages, documents, and what will be answered 404 or 405: nobody.
    Nothing,
    /// Everybody may, and nobody is asked who it is.
    Nobody(&'o Operation),
    /// A caller of one of the operation's roles.
    Caller(&'o Operation),
}

impl<'o> Needs<'o> {
    /// Of a request by its raw path and what that means; refuses a path that cannot be read.
    pub(crate) fn of(
        path: &str,
        operation: Option<&'o Operation>,
        opened: &[&str],
    ) -> Result<Self, strict_query::PathFault> {
        strict_query::check_path(path)?;
        Ok(match operation {
            None => Self::Nothing,
            Some(open) if open.is_for(NOBODY) || opened.contains(&open.action.as_str()) => Self::Nobody(open),
            Some(other) => Self::Caller(other),
        })
    }
}

/// What is known of a request from its head.
pub(super) fn facts_of<'a>(
    address: IpAddr,
    parts: &'a Parts,
    face: Face,
    action: Option<&'a str>,
) -> Facts<'a> {
    Facts {
        address,
        face,
        method: parts.method.as_str(),
        path: compared(parts.uri.path()),
        action,
        headers: &parts.headers,
    }
}

pub(super) async fn admit(
    app: &App,
    operation: Option<&'static Operation>,
    address: IpAddr,
    parts: &mut Parts,
    request_id: &Arc<str>,
    told: &mut Option<Quota>,
) -> Result<(), ApiError> {
    let door = &app.door;
    let now = app.engine.clock().wall();
    let action = operation.map(|operation| operation.action.as_str());
    let facts = facts_of(address, parts, Face::Native, action);
    door.guard.judge(&facts, Moment::Arrival, now, told)?;
    let (operation, caller) = match Needs::of(parts.uri.path(), operation, &door.opened)? {
        Needs::Nothing => return Ok(()),
        Needs::Nobody(operation) => (operation, Bearer::nobody()),
        Needs::Caller(operation) => {
            let found = authenticate(app, &facts, parts.extensions.get(), now, told).await?;
            if let Some(trail) = parts.extensions.get::<Arc<Trail>>() {
                trail.is_by(&found.principal);
            }
            // No token, and yet a caller: a browser shows a client certificate whichever page asks.
            if operation.mutating
                && bearer(facts.headers)?.is_none()
                && cors::is_of_another_page(facts.headers)
            {
                return Err(of_another_page());
            }
            if !operation.is_for(found.role) {
                return Err(forbidden(&operation.roles, found.role));
            }
            (operation, found)
        }
    };
    door.guard.judge(&facts, Moment::Known(counted(&caller)), now, told)?;
    let asking = Asking { address: facts.address, caller };
    asking.may(door, parts, &operation.action, Subject::Path(parts.uri.path()))?;
    if operation.refuses_query {
        strict_query::parse::<NoQuery>(parts.uri.query().unwrap_or_default())?;
    }
    if operation.names_things {
        parts.extensions.insert(asking.clone());
    }
    let caller = asking.caller;
    parts.extensions.insert(Caller {
        action: &operation.action,
        principal: caller.principal,
        request_id: request_id.clone(),
        facts: caller.facts,
        until: caller.until,
    });
    Ok(())
}

/// No parameters at all.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

/// Who asks the policies. Left in the request where its body says what else is to be asked about.
#[derive(Debug, Clone)]
struct Asking {
    caller: Bearer,
    address: IpAddr,
}

impl Asking {
    /// Asks the policies, once it is clear that the operation is for callers of this kind at all.
    fn may(&self, door: &Door, parts: &Parts, action: &str, about: Subject<'_>) -> Result<(), ApiError> {
        let (reason, caller) = (given_reason(&parts.headers)?, &self.caller);
        let operations = crate::api::operations();
        let asked = Asked { action, about, address: self.address, reason };
        let decision = authz::decide(&door.policies, operations, caller, &asked);
        if let Some(trail) = parts.extensions.get::<Arc<Trail>>() {
            trail.is_decided(decision.allowed, &decision.policies, reason);
        }
        if decision.allowed {
            return Ok(());
        }
        let with_reason = Asked { reason: Some("why"), ..asked };
        if reason.is_none() && authz::decide(&door.policies, operations, caller, &with_reason).allowed {
            let detail = "this is to be done with a reason";
            return Err(ApiError::new(StatusCode::FORBIDDEN, "reason_required", detail)
                .hint("say why in the header `X-Gsm-Reason`, in 1 to 128 characters of ASCII"));
        }
        let role = caller.admin.map_or(caller.role, gsm_engine::AdminRole::as_str);
        let detail = match asked.about {
            Subject::Thing { kind, name, .. } => {
                format!("no policy lets the role `{role}` do `{action}` with {kind} `{name}`")
            }
            _ => format!("no policy lets the role `{role}` do `{action}` here"),
        };
        let principal = match caller.admin {
            Some(of) => format!("admin:{}", of.as_str()),
            None => format!("{role}:{}", name_of(&caller.principal)),
        };
        let hint = format!(
            "`gsm authz explain --principal {principal} --action {action}` names the policies that say so"
        );
        Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail).hint(hint))
    }
}

/// The queues and the rule set that a body names, whatever else it says.
#[derive(serde::Deserialize)]
struct Named {
    queue: Option<String>,
    queues: Option<Vec<String>>,
    rule_set: Option<String>,
}

/// Asks the policies about each thing that the body of a call names; all must be allowed. The body was read as what the operation
/// takes.
///
/// Of a list those that there are: it may name any number, and there are few.
pub(crate) fn may_with_things(app: &App, parts: &Parts, action: &str, body: &[u8]) -> Result<(), ApiError> {
    let Some(asking) = parts.extensions.get::<Asking>() else { return Ok(()) };
    if authz::known(&app.door.policies, &asking.caller, action).is_some() {
        // That was asked already.
        return Ok(());
    }
    let named: Named = serde_json::from_slice(body).map_err(|error| ApiError::value("queue", error))?;
    let is_there = |name: &String| QueueName::new(name).is_ok_and(|name| app.engine.queue(&name).is_ok());
    let listed = named.queues.unwrap_or_default().into_iter().filter(is_there);
    let queues: BTreeSet<String> = named.queue.into_iter().chain(listed).collect();
    let queues = queues.iter().map(|name| (authz::QUEUE, authz::QUEUE_PARAMETER, name));
    let rule_set = named.rule_set.iter().map(|name| (authz::RULE_SET, authz::RULE_SET_PARAMETER, name));
    for (kind, parameter, name) in queues.chain(rule_set) {
        let path = Some(parts.uri.path());
        asking.may(&app.door, parts, action, Subject::Thing { kind, name, parameter, path })?;
    }
    Ok(())
}

/// Why an operator does what he does.
fn given_reason(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut all = headers.get_all(authz::REASON_HEADER).iter();
    let Some(first) = all.next() else { return Ok(None) };
    match (first.to_str().ok().and_then(reason::checked), all.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(ApiError::parameter("X-Gsm-Reason", "must come once, with 1 to 128 characters of ASCII")),
    }
}

fn of_another_page() -> ApiError {
    let detail = "a page of another origin asks, and a client certificate alone does not say that its holder wants this";
    ApiError::new(StatusCode::FORBIDDEN, "cross_site", detail)
        .hint("send a bearer token, or call from a page of the server's own origin")
}

fn forbidden(roles: &[String], role: &str) -> ApiError {
    let detail = format!("this needs one of the roles {}; the caller is `{role}`", roles.join(", "));
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail)
        .hint("send a token or key of such a role; the operations and their roles are in /openapi.json")
}

/// Counts a token that a body brought and that proved bad, as one of the head; refuses who tries too many.
pub(crate) fn bad_token(app: &App, parts: &Parts, now: Timestamp) -> Result<(), ApiError> {
    let operation = crate::api::operations().get(parts.uri.path(), &parts.method);
    let action = operation.map(|operation| operation.action.as_str());
    let facts = facts_of(client_of(&app.door, parts)?, parts, Face::Native, action);
    app.door.guard.judge(&facts, Moment::BadToken, now, &mut None)
}

/// The moments of a request that is refused because it needs a caller and nobody is known: with a token that proved bad, by
/// which whoever tries tokens is slowed down by address, or without any.
pub(crate) fn of_nobody<'a>(is_bad: bool) -> impl Iterator<Item = Moment<'a>> {
    let bad = is_bad.then_some(Moment::BadToken);
    bad.into_iter().chain([Moment::Known(counted(&Bearer::nobody()))])
}

async fn authenticate(
    app: &App,
    facts: &Facts<'_>,
    certified: Option<&Certified>,
    now: Timestamp,
    told: &mut Option<Quota>,
) -> Result<Bearer, ApiError> {
    let mut unknown = |is_bad: bool, error: ApiError| {
        let mut refusals = of_nobody(is_bad).map(|moment| app.door.guard.judge(facts, moment, now, told));
        refusals.find_map(Result::err).unwrap_or(error)
    };
    let Some(token) = bearer(facts.headers).map_err(|error| unknown(true, error))? else {
        // Without a token, a client certificate speaks for whom the configuration says.
        if let Some(certified) = certified {
            return Ok(certified.bearer());
        }
        let error = ApiError::new(StatusCode::UNAUTHORIZED, "unauthenticated", "this needs a bearer token")
            .hint("sign in with POST /v1/auth/guest, then send `Authorization: Bearer <token>`");
        return Err(unknown(false, error));
    };
    let found = app.door.bearers.identify(&app.engine, token, now).await?;
    // Nobody is behind the token of an erased player; whoever asked for that may ask again, and gets the receipt.
    let is_nobody = |of: &Bearer| of.principal.player().is_some_and(|player| app.engine.is_erased(player));
    let found = found.filter(|of| facts.action == Some(ERASE_ACTION) || !is_nobody(of));
    found.ok_or_else(|| {
        let detail = "the bearer token is not valid here, or has expired";
        let error = ApiError::new(StatusCode::UNAUTHORIZED, "invalid_token", detail);
        unknown(true, error.hint("sign in again"))
    })
}
