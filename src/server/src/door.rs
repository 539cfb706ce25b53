//! The door: every request passes the firewall, authentication and the table of operations, in this order, before a
//! handler sees it. What is not in the table is not served.
use crate::{
    api::{
        App,
        extract::{Caller, bearer},
    },
    audit::Trail,
    authz::{self, Asked, Subject},
    cors,
    firewall::{Facts, Guard, announce},
    front::{listen::Handle, strict_query},
    gamelift::{self, Protocol, X_AMZN_REQUEST_ID},
    metrics::NO_OPERATION,
    operations::{NOBODY, Operation},
    problem::{ApiError, ErrorCode, Pending},
    proxies::{NoAddress, TrustedProxies},
    reason,
    who::{
        bearer::{Bearer, Bearers},
        certificate::Certified,
    },
};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use gsm_core::{IdSource, QueueName, Timestamp};
use gsm_engine::Principal;
use gsm_policy::Policies;
use gsm_security::{Face, Moment, Quota};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Whether the server lives, and how it does, is told whatever the load.
const NEVER_SHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Characters of a caller's request id.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// The operations of the dashboard, whose roles the configuration decides.
pub(crate) const OVERVIEW_ACTIONS: [&str; 2] = ["gsm:GetOverview", "gsm:GetBoardOverview"];
/// The operation of the metrics, likewise.
pub(crate) const METRICS_ACTION: &str = "gsm:GetMetrics";
/// The operation that the token of an erased player is still good for.
const ERASE_ACTION: &str = "gsm:ErasePlayer";
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the door asks.
pub(crate) struct Door {
    pub(crate) guard: Guard,
    proxies: TrustedProxies,
    bearers: Bearers,
    pub(crate) policies: Policies,
    /// Actions that the configuration opens to everybody.
    opened: Vec<&'static str>,
}

impl Door {
    pub(crate) fn new(
        guard: Guard,
        proxies: TrustedProxies,
        bearers: Bearers,
        policies: Policies,
        opened: Vec<&'static str>,
    ) -> Self {
        Self { guard, proxies, bearers, policies, opened }
    }

    pub(crate) fn bearers(&self) -> &Bearers {
        &self.bearers
    }

    pub(crate) fn opened(&self) -> &[&'static str] {
        &self.opened
    }
}

/// A caller, as the firewall counts it.
fn counted(caller: &Bearer) -> gsm_security::Caller<'static> {
    gsm_security::Caller {
        role: caller.role,
        is_player: caller.principal.player().is_some(),
        id: principal_bits(&caller.principal),
    }
}

/// The bits by which the limiter counts a caller.
fn principal_bits(principal: &Principal) -> Option<u128> {
    match principal {
        Principal::Player(id) => Some(id.as_u128()),
        Principal::Match(id) => Some(id.as_u128()),
        Principal::Server(name) | Principal::Admin(name) => {
            let mut bits = [0u8; 16];
            bits.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
            Some(u128::from_be_bytes(bits))
        }
        Principal::Anonymous | Principal::System => None,
    }
}

/// The name of a caller, for policies.
pub(crate) fn name_of(principal: &Principal) -> String {
    match principal {
        Principal::Player(id) => id.to_string(),
        Principal::Match(id) => id.to_string(),
        Principal::Server(name) | Principal::Admin(name) => name.clone(),
        Principal::Anonymous | Principal::System => String::new(),
    }
}

/// The caller's own request id if it is a plain one, or a new one.
fn request_id(headers: &HeaderMap, ids: &dyn IdSource) -> Arc<str> {
    let plain = |text: &&str| {
        (1..=REQUEST_ID_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain) {
        Some(text) => text.into(),
        None => fresh_id(ids),
    }
}

/// A new request id: 64 random bits are enough to find a request in a log.
fn fresh_id(ids: &dyn IdSource) -> Arc<str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = *b"req-0000000000000000";
    let mut bits = ids.next_u128() as u64;
    for place in text.iter_mut().skip(4) {
        *place = DIGITS[(bits & 15) as usize];
        bits >>= 4;
    }
    str::from_utf8(&text).unwrap_or("req-").into()
}

/// The door with what is behind it.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
}

impl Handle for Entrance {
    async fn handle(&self, request: Request) -> Response {
        let begun = tokio::time::Instant::now();
        let (parts, body) = request.into_parts();
        let (address, unclear) = match client_of(&self.app.door, &parts) {
            Ok(address) => (address, None),
            // The proxy's own: that much is certain.
            Err(NoAddress) => (peer_of(&parts), Some(NoAddress)),
        };
        let (action, response) = match Protocol::of(&parts) {
            Some((protocol, name)) => {
                let action = gamelift::action(name);
                let facts = facts_of(address, &parts, Face::Gamelift, action);
                let response =
                    gamelift::serve(&self.app, &parts, body, protocol, &facts, unclear.map(Into::into)).await;
                (action, hardened(response))
            }
            None => {
                let grant = self.app.cors.grant(&parts);
                let request = Request::from_parts(parts, body);
                let (action, mut response) = self.native(request, address, unclear).await;
                grant.say(response.headers_mut());
                (action, response)
            }
        };
        let (action, took) = (action.unwrap_or(NO_OPERATION), begun.elapsed());
        self.app.metrics.answered(action, response.status(), took);
        let headers = response.headers();
        let request_id = headers.get(X_REQUEST_ID).or_else(|| headers.get(X_AMZN_REQUEST_ID));
        let request_id = request_id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let (status, took_us) = (response.status().as_u16(), took.as_micros() as u64);
        tracing::debug!(request_id, action, status, took_us, "request answered");
        response
    }
}

impl Entrance {
    /// Serves a request of the native face; tells its action too. Where it is `unclear` who speaks it is refused.
    async fn native(
        &self,
        request: Request,
        address: IpAddr,
        unclear: Option<NoAddress>,
    ) -> (Option<&'static str>, Response) {
        let operation = crate::api::operations().get(request.uri().path(), request.method());
        let action = operation.map(|operation| operation.action.as_str());
        let request_id = request_id(request.headers(), &**self.app.engine.ids());
        let (mut parts, body) = request.into_parts();
        let trail = trail_of(&self.app, operation, address, &parts);
        parts.extensions.insert(trail.clone());
        let mut told = None;
        let let_in = match self.shed(&parts).and_then(|()| unclear.map_or(Ok(()), |no| Err(no.into()))) {
            Ok(()) => admit(&self.app, operation, address, &mut parts, &request_id, &mut told).await,
            refused => refused,
        };
        let response = match let_in {
            Ok(()) => match self.app.cors.preflight(&parts) {
                Some(answer) => answer,
                None => self.router.handle(Request::from_parts(parts, body)).await,
            },
            Err(error) => error.render(&request_id),
        };
        let mut response = finish(response, &request_id);
        if let Some(quota) = &told {
            announce(response.headers_mut(), quota);
        }
        let code = response.extensions().get::<ErrorCode>().map(|code| code.0);
        self.app.audit.answered(&trail, &request_id, response.status(), code);
        (action, response)
    }

    /// Refuses a share of the requests where more is asked than can be served in time.
    fn shed(&self, parts: &Parts) -> Result<(), ApiError> {
        if NEVER_SHED.contains(&parts.uri.path()) {
            return Ok(());
        }
        self.app.shedder.admit().inspect_err(|_| self.app.metrics.shed())
    }
}

/// What the audit log is told of a request that comes in.
fn trail_of(app: &App, operation: Option<&'static Operation>, address: IpAddr, parts: &Parts) -> Arc<Trail> {
    let action = operation.map(|operation| operation.action.as_str());
    let read_only = operation.is_none_or(|operation| !operation.mutating);
    app.audit.begin(action, read_only, address, &parts.headers, app.engine.clock().wall())
}

/// Renders what a handler left to be told, and adds what every answer has.
fn finish(mut response: Response, request_id: &str) -> Response {
    if let Some(Pending(error)) = response.extensions_mut().remove::<Pending>() {
        let said = [header::ALLOW, header::SEC_WEBSOCKET_VERSION]
            .map(|name| response.headers_mut().remove(&name).map(|value| (name, value)));
        response = error.render(request_id);
        response.headers_mut().extend(said.into_iter().flatten());
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
    hardened(response)
}

/// Adds what every answer of every face has.
fn hardened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Who speaks.
fn client_of(door: &Door, parts: &Parts) -> Result<IpAddr, NoAddress> {
    door.proxies.client(peer_of(parts), &parts.headers)
}

/// The other end of the connection.
fn peer_of(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip().to_canonical())
}

/// A path as rules see it. One that cannot be decoded is refused later; until then it is what it is.
pub(crate) fn compared(path: &str) -> Cow<'_, str> {
    strict_query::decoded_path(path).unwrap_or(Cow::Borrowed(path))
}

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
fn facts_of<'a>(address: IpAddr, parts: &'a Parts, face: Face, action: Option<&'a str>) -> Facts<'a> {
    Facts {
        address,
        face,
        method: parts.method.as_str(),
        path: compared(parts.uri.path()),
        action,
        headers: &parts.headers,
    }
}

async fn admit(
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
