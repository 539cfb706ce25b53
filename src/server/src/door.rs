//! The door: every request passes the firewall, authentication and the table of operations, in this order, before a
//! handler sees it. What is not in the table is not served.
use crate::{
    api::{
        App,
        extract::{Caller, bearer},
    },
    authz::{self, Asked},
    front::{listen::Handle, strict_query},
    gamelift::{self, Protocol},
    metrics::{Metrics, NO_OPERATION},
    problem::{ApiError, Pending},
    who::{
        bearer::{Bearer, Bearers},
        certificate::Certified,
    },
};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use gsm_core::IdSource;
use gsm_engine::{Principal, Role};
use gsm_policy::Policies;
use gsm_security::{Firewall, Profile, RequestFacts, Scope, Verdict};
use parking_lot::Mutex;
use serde_json::Value;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

/// Keys that one rule of one shard remembers.
const KEYS_PER_SHARD_MAX: usize = 65_536;
/// Firewalls beside each other, so that requests seldom wait for one another.
const SHARDS: usize = 16;
/// Characters of a caller's request id.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 128;
/// The operations of the dashboard, whose roles the configuration decides.
pub(crate) const OVERVIEW_ACTIONS: [&str; 2] = ["gsm:GetOverview", "gsm:GetBoardOverview"];
/// The operation of the metrics, likewise.
pub(crate) const METRICS_ACTION: &str = "gsm:GetMetrics";
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An operation, as the document describes it.
pub(crate) struct Operation {
    pub(crate) action: String,
    /// Who may; `none` means everybody.
    pub(crate) roles: Vec<String>,
    /// What it is about, in the words of policies.
    pub(crate) resource: &'static str,
}

/// Every operation by path template and method.
pub(crate) struct Operations(matchit::Router<Vec<(Method, Operation)>>);

impl Operations {
    /// Reads the table from the OpenAPI document, so that there is one truth.
    pub(crate) fn of(document: &Value) -> Self {
        let mut all: HashMap<String, Vec<(Method, Operation)>> = HashMap::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let (Ok(method), Some(action)) =
                    (method.to_ascii_uppercase().parse::<Method>(), operation["x-gsm-action"].as_str())
                else {
                    continue;
                };
                let roles = operation["x-gsm-roles"].as_array().into_iter().flatten();
                let roles = roles.filter_map(|role| role.as_str().map(str::to_owned)).collect();
                let resource = authz::resource_of(path);
                let operation = Operation { action: action.to_owned(), roles, resource };
                all.entry(path.clone()).or_default().push((method, operation));
            }
        }
        let mut table = matchit::Router::new();
        for (path, methods) in all {
            if let Err(error) = table.insert(path.clone(), methods) {
                // Then it is not in the table, and what is not in the table is not served.
                tracing::error!(path, %error, "operation left out");
            }
        }
        Self(table)
    }

    /// The parameters of a path by name, as they came.
    pub(crate) fn parameters<'a>(&'a self, path: &'a str) -> Vec<(&'a str, &'a str)> {
        self.0.at(path).map(|found| found.params.iter().collect()).unwrap_or_default()
    }

    /// What the operations of a path are about.
    pub(crate) fn resource(&self, path: &str) -> Option<&'static str> {
        self.0.at(path).ok()?.value.first().map(|(_, operation)| operation.resource)
    }

    fn get(&self, path: &str, method: &Method) -> Option<&Operation> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.0.at(path).ok()?.value.iter().find(|(known, _)| known == method).map(|(_, operation)| operation)
    }
}

/// The networks of proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(pub(crate) Vec<(IpAddr, u8)>);

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        let bits = |ip: IpAddr| match ip.to_canonical() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
        };
        self.0.iter().any(|(network, prefix)| {
            let wide = if network.is_ipv4() { u32::from(*prefix) + 96 } else { u32::from(*prefix) };
            let mask = u128::MAX.checked_shl(128 - wide.min(128)).unwrap_or(0);
            bits(address) & mask == bits(*network) & mask
        })
    }

    /// Who speaks: the peer or, behind trusted proxies, the last address of the chain that no trusted proxy has.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.0.is_empty() || !self.has(peer) {
            return peer;
        }
        let chain: Vec<&str> = headers
            .get_all(X_FORWARDED_FOR)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let mut client = peer;
        for hop in chain.into_iter().rev() {
            let Ok(address) = hop.parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !self.has(client) {
                break;
            }
        }
        client
    }
}

/// What the door asks.
pub(crate) struct Door {
    profile: Profile,
    shards: Vec<Mutex<Firewall>>,
    seed: u64,
    started: Instant,
    proxies: TrustedProxies,
    bearers: Bearers,
    pub(crate) policies: Policies,
    /// Actions that the configuration opens to everybody.
    opened: Vec<&'static str>,
    metrics: Arc<Metrics>,
}

impl Door {
    #[expect(
        clippy::disallowed_methods,
        reason = "the limiter counts by the monotonic clock and decides nothing else"
    )]
    pub(crate) fn new(
        profile: Profile,
        proxies: TrustedProxies,
        bearers: Bearers,
        policies: Policies,
        ids: &dyn IdSource,
        opened: Vec<&'static str>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let seed = ids.next_u128() as u64;
        let shards =
            (0..SHARDS).map(|_| Mutex::new(Firewall::new(profile, KEYS_PER_SHARD_MAX, seed))).collect();
        Self { profile, shards, seed, started: Instant::now(), proxies, bearers, policies, opened, metrics }
    }

    pub(crate) fn bearers(&self) -> &Bearers {
        &self.bearers
    }

    pub(crate) fn opened(&self) -> &[&'static str] {
        &self.opened
    }

    /// The limiter's clock.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts a request, or refuses it.
    pub(crate) fn judge(&self, facts: &RequestFacts) -> Result<(), ApiError> {
        let now = self.now_ms();
        let shard = facts.subject().shard(SHARDS, self.seed);
        let Some(firewall) = self.shards.get(shard) else { return Ok(()) };
        let verdict = firewall.lock().decide(facts, now);
        let Verdict::Deny { rule, status, retry_after_ms } = verdict else { return Ok(()) };
        self.metrics.blocked(rule);
        if status == 403 {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "denied_address",
                "this address is on the deny list",
            ));
        }
        tracing::debug!(rule, address = %facts.address, "request limited");
        Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("the limit `{rule}` is reached"),
        )
        .hint("come back after the seconds in Retry-After")
        .retry_after(retry_after_ms.div_ceil(1_000).max(1)))
    }
}

/// The limiter's scope of an action, where it has one of its own.
fn scope_of(action: &str) -> Option<Scope> {
    match action {
        "gsm:SignIn" => Some(Scope::SignIn),
        "gsm:CreateTicket" => Some(Scope::TicketCreate),
        "gsm:GetRank"
        | "gsm:GetRanking"
        | "gsm:GetRankingAround"
        | "gsm:GetRankingHistogram"
        | "gsm:GetBoardOverview"
        | "gsm:ListRankings" => Some(Scope::RankRead),
        "gsm:ReportResult" => Some(Scope::Result),
        _ => None,
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
    async fn handle(&self, mut request: Request) -> Response {
        let begun = tokio::time::Instant::now();
        let (parts, body) = request.into_parts();
        if let Some((protocol, name)) = Protocol::of(&parts) {
            let action = gamelift::action(name).unwrap_or(NO_OPERATION);
            let facts = facts_of(&self.app.door, &parts.headers, &parts.extensions, None);
            let response =
                gamelift::serve(&self.app, Request::from_parts(parts, body), protocol, facts).await;
            self.app.metrics.answered(action, response.status(), begun.elapsed());
            return hardened(response);
        }
        request = Request::from_parts(parts, body);
        let operation = crate::api::operations().get(request.uri().path(), request.method());
        let request_id = request_id(request.headers(), &**self.app.engine.ids());
        let response = match admit(&self.app, operation, &mut request, &request_id).await {
            Ok(()) => self.router.handle(request).await,
            Err(error) => error.render(&request_id),
        };
        let response = finish(response, &request_id);
        let action = operation.map_or(NO_OPERATION, |operation| &operation.action);
        self.app.metrics.answered(action, response.status(), begun.elapsed());
        response
    }
}

/// Renders what a handler left to be told, and adds what every answer has.
fn finish(mut response: Response, request_id: &str) -> Response {
    if let Some(Pending(error)) = response.extensions_mut().remove::<Pending>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = error.render(request_id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
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

/// Who speaks, as the limiter sees it.
fn facts_of(door: &Door, headers: &HeaderMap, extensions: &Extensions, scope: Option<Scope>) -> RequestFacts {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    RequestFacts { address: door.proxies.client(peer, headers), scope, principal: None, exempt: false }
}

async fn admit(
    app: &App,
    operation: Option<&'static Operation>,
    request: &mut Request,
    request_id: &Arc<str>,
) -> Result<(), ApiError> {
    let door = &app.door;
    let scope = operation.and_then(|operation| scope_of(&operation.action));
    let exempt = door.profile.is_exempt(request.uri().path());
    let facts = RequestFacts { exempt, ..facts_of(door, request.headers(), request.extensions(), scope) };
    door.judge(&facts)?;
    strict_query::check_path(request.uri().path())?;
    // Pages, documents, and what will be answered 404 or 405, need nobody.
    let Some(operation) = operation else { return Ok(()) };
    let open =
        operation.roles.iter().any(|role| role == "none") || door.opened.contains(&operation.action.as_str());
    let caller = if open {
        Bearer::nobody()
    } else {
        let found = authenticate(app, request.headers(), request.extensions().get(), &facts).await?;
        if !operation.roles.iter().any(|role| role == found.role) {
            return Err(forbidden(&operation.roles, found.role));
        }
        let counted = found.role == Role::Player.as_str() || scope == Some(Scope::Result);
        if counted && let Some(bits) = principal_bits(&found.principal) {
            door.judge(&RequestFacts { principal: Some(bits), ..facts })?;
        }
        found
    };
    may(door, request, &caller, &operation.action, facts.address)?;
    request.extensions_mut().insert(Caller {
        action: &operation.action,
        principal: caller.principal,
        request_id: request_id.clone(),
        facts: caller.facts,
    });
    Ok(())
}

/// Asks the policies, once it is clear that the operation is for callers of this kind at all.
fn may(
    door: &Door,
    request: &Request,
    caller: &Bearer,
    action: &str,
    address: IpAddr,
) -> Result<(), ApiError> {
    let reason = reason(request.headers())?;
    let operations = crate::api::operations();
    let asked = Asked { action, path: Some(request.uri().path()), address, reason };
    let decision = authz::decide(&door.policies, operations, caller, &asked);
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
    let detail = format!("no policy lets the role `{role}` do `{action}` here");
    Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// Why an operator does what he does.
fn reason(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut all = headers.get_all(authz::REASON_HEADER).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().map(str::trim).filter(|text| (1..=REASON_CHARS_MAX).contains(&text.len()));
    match (text, all.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(ApiError::parameter("X-Gsm-Reason", "must come once, with 1 to 128 characters of ASCII")),
    }
}

fn forbidden(roles: &[String], role: &str) -> ApiError {
    let detail = format!("this needs one of the roles {}; the caller is `{role}`", roles.join(", "));
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    certified: Option<&Certified>,
    facts: &RequestFacts,
) -> Result<Bearer, ApiError> {
    let bad = |error: ApiError| {
        // Whoever tries tokens is slowed down by address.
        let guess = RequestFacts { scope: Some(Scope::BadToken), principal: None, ..*facts };
        app.door.judge(&guess).err().unwrap_or(error)
    };
    let Some(token) = bearer(headers).map_err(bad)? else {
        // Without a token, a client certificate speaks for whom the configuration says.
        if let Some(certified) = certified {
            return Ok(certified.bearer());
        }
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthenticated", "this needs a bearer token")
            .hint("sign in with POST /v1/auth/guest, then send `Authorization: Bearer <token>`"));
    };
    let now = app.engine.clock().now();
    let found = app.door.bearers.identify(&app.engine, token, now).await?;
    found.ok_or_else(|| {
        bad(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "the bearer token is not valid here, or has expired",
        )
        .hint("sign in again"))
    })
}
