//! The door: every request passes the firewall, authentication and the table of operations, in this order, before a
//! handler sees it. What is not in the table is not served.
mod admit;

pub(crate) use admit::{Needs, bad_token, may_with_things, of_nobody};

use crate::{
    api::App,
    audit::Trail,
    firewall::{Guard, announce},
    front::{listen::Handle, strict_query},
    gamelift::{self, Protocol, X_AMZN_REQUEST_ID},
    metrics::NO_OPERATION,
    operations::Operation,
    problem::{ApiError, ErrorCode, Pending},
    proxies::{NoAddress, TrustedProxies},
    who::bearer::{Bearer, Bearers},
};
use admit::{admit, facts_of};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use gsm_core::IdSource;
use gsm_engine::Principal;
use gsm_policy::Policies;
use gsm_security::Face;
use std::{
    borrow::Cow,
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
    let trail = app.audit.begin(action, read_only, address, &parts.headers, app.engine.clock().wall());
    app.audit.read(&trail, || crate::api::operations().parameters(parts.uri.path()));
    trail
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
