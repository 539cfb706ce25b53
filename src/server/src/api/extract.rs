//! What handlers take: the call they serve, its body, query and path, all checked.
use super::App;
use crate::{
    audit::{Sent, Trail},
    door,
    front::{
        strict_json::{self, JsonLimits},
        strict_query,
    },
    problem::ApiError,
};
use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use gsm_core::{RequestKey, Timestamp};
use gsm_engine::{Call, Fingerprint, MatchFacts, Principal, Viewer, store::Origin};
use serde::de::DeserializeOwned;
use std::{str::FromStr, sync::Arc};

/// The header under which a write may be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Who asks for what: left in the request by the door.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) action: &'static str,
    pub(crate) principal: Principal,
    pub(crate) request_id: Arc<str>,
    /// What a match's own token says of its match.
    pub(crate) facts: Option<Arc<MatchFacts>>,
    /// When the token ends, if it does.
    pub(crate) until: Option<Timestamp>,
}

/// A call that changes nothing.
pub(crate) struct Read {
    pub(crate) call: Call,
    /// When the caller's token ends, if it does.
    pub(crate) until: Option<Timestamp>,
    trail: Option<Arc<Trail>>,
}

impl Read {
    /// The call opens a stream: the audit log tells of it.
    pub(crate) fn opens_stream(&self) {
        if let Some(trail) = &self.trail {
            trail.opens();
        }
    }

    /// The call reads the first part of something: the audit log tells of each beginning.
    pub(crate) fn begins(&self) {
        if let Some(trail) = &self.trail {
            trail.begins();
        }
    }
}

/// A call that changes nothing and whose answer depends on nobody: the door let it through, that is all.
pub(crate) struct Admitted;

/// A call that changes something, and its body. `T` is `()` for calls without one.
pub(crate) struct Write<T> {
    pub(crate) call: Call,
    pub(crate) facts: Option<Arc<MatchFacts>>,
    pub(crate) body: T,
}

/// Reads a member that must be there, if as `null`: a call whose body says nothing at all is a mistake.
pub(crate) fn given<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde::Deserialize::deserialize(from)
}

/// A query.
pub(crate) struct Query<T>(pub(crate) T);

/// The parts of a path that its template names, decoded.
pub(crate) struct Params(RawPathParams);

fn caller(parts: &Parts) -> Result<&Caller, ApiError> {
    // The door leaves a caller in each request it lets through; without one nothing is let through.
    parts.extensions.get::<Caller>().ok_or_else(ApiError::not_found)
}

fn call(caller: &Caller, app: &App, once: Option<Fingerprint>, origin: Origin) -> Call {
    Call {
        action: caller.action,
        principal: caller.principal.clone(),
        request_id: caller.request_id.to_string(),
        once,
        now: app.engine.clock().now(),
        origin,
    }
}

impl FromRequestParts<Arc<App>> for Read {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        Ok(Self {
            call: call(caller, app, None, Origin::default()),
            until: caller.until,
            trail: parts.extensions.get().cloned(),
        })
    }
}

/// A call that changes nothing and whose answer depends on who looks.
pub(crate) struct Viewing(pub(crate) Viewer);

pub(crate) fn viewer(principal: &Principal) -> Viewer {
    match principal {
        Principal::Admin(_) | Principal::System => Viewer::All,
        Principal::Player(player) => Viewer::Player(*player),
        Principal::Server(_) | Principal::Match(_) | Principal::Anonymous => Viewer::Other,
    }
}

/// What the door saw of a request, for an operation that looks at a second token.
pub(crate) struct Head(pub(crate) Parts);

impl FromRequestParts<Arc<App>> for Head {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(parts.clone()))
    }
}

impl FromRequestParts<Arc<App>> for Viewing {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(viewer(&caller(parts)?.principal)))
    }
}

impl FromRequestParts<Arc<App>> for Admitted {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        caller(parts).map(|_| Self)
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(strict_query::parse(parts.uri.query().unwrap_or_default())?))
    }
}

impl FromRequestParts<Arc<App>> for Params {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        RawPathParams::from_request_parts(parts, app).await.map(Self).map_err(|_| ApiError::not_found())
    }
}

impl Params {
    /// The parameter `name`, read as what it is.
    pub(crate) fn get<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, ApiError> {
        self.text(name)?.parse().map_err(|error| ApiError::parameter(name, error))
    }
    /// The parameter `name` as it came.
    pub(crate) fn text(&self, name: &str) -> Result<&str, ApiError> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text).ok_or_else(ApiError::not_found)
    }
}

/// A body that a write can have.
pub(crate) trait WriteBody: Sized + Send {
    fn read(
        headers: &HeaderMap,
        request: Request,
    ) -> impl Future<Output = Result<(Self, Bytes), ApiError>> + Send;
}

impl WriteBody for () {
    async fn read(_: &HeaderMap, request: Request) -> Result<(Self, Bytes), ApiError> {
        strict_json::forget(request.into_body(), JsonLimits::NATIVE.bytes_max).await?;
        Ok(((), Bytes::new()))
    }
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body with a thousand of something in it.
pub(crate) struct BulkJson<T>(pub(crate) T);

/// A JSON body with a rule set in it.
pub(crate) struct RuleSetJson<T>(pub(crate) T);

async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    request: Request,
    limits: JsonLimits,
) -> Result<(T, Bytes), ApiError> {
    strict_json::check_headers(headers, &limits)?;
    let bytes = strict_json::read(request.into_body(), limits.bytes_max).await?;
    Ok((strict_json::parse(&bytes, &limits)?, bytes))
}

impl<T: DeserializeOwned + Send> WriteBody for Json<T> {
    async fn read(headers: &HeaderMap, request: Request) -> Result<(Self, Bytes), ApiError> {
        json(headers, request, JsonLimits::NATIVE).await.map(|(body, bytes)| (Self(body), bytes))
    }
}

impl<T: DeserializeOwned + Send> WriteBody for BulkJson<T> {
    async fn read(headers: &HeaderMap, request: Request) -> Result<(Self, Bytes), ApiError> {
        json(headers, request, JsonLimits::BULK).await.map(|(body, bytes)| (Self(body), bytes))
    }
}

impl<T: DeserializeOwned + Send> WriteBody for RuleSetJson<T> {
    async fn read(headers: &HeaderMap, request: Request) -> Result<(Self, Bytes), ApiError> {
        json(headers, request, JsonLimits::RULE_SET).await.map(|(body, bytes)| (Self(body), bytes))
    }
}

impl<T: WriteBody> FromRequest<Arc<App>> for Write<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let caller = caller(&parts)?;
        let key = idempotency_key(&parts.headers)?;
        let (read, bytes) = T::read(&parts.headers, Request::new(body)).await.inspect_err(|_| {
            // Of a body that is refused nothing is written down.
            origin(app, &parts, Sent::NOTHING);
        })?;
        if let Err(error) = door::may_with_things(app, &parts, caller.action, &bytes) {
            origin(app, &parts, Sent::json(&bytes));
            return Err(error);
        }
        let origin = origin(app, &parts, Sent::json(&bytes));
        let once = key.map(|key| {
            let body: [&[u8]; 2] = [parts.uri.path().as_bytes(), &bytes];
            Fingerprint::new(&caller.principal, caller.action, key.as_str(), &body)
        });
        Ok(Self { call: call(caller, app, once, origin), facts: caller.facts.clone(), body: read })
    }
}

/// What the audit log is told of a write.
fn origin(app: &App, parts: &Parts, body: Sent<'_>) -> Origin {
    let Some(trail) = parts.extensions.get::<Arc<Trail>>() else { return Origin::default() };
    let path = super::operations().parameters(parts.uri.path());
    app.audit.origin(trail, path.into_iter(), body)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<RequestKey>, ApiError> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(ApiError::parameter("Idempotency-Key", "the header comes twice"));
    }
    let text = first.to_str().map_err(|_| ApiError::parameter("Idempotency-Key", "not ASCII"))?;
    RequestKey::new(text).map(Some).map_err(|error| ApiError::parameter("Idempotency-Key", error))
}

/// The bearer token of a request. A WebSocket of a browser, which can set no header, sends it as a subprotocol.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let bad = || {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "the token does not come once, as `Authorization: Bearer <token>` or in a WebSocket's subprotocol",
        )
    };
    let is_websocket =
        headers.get(header::UPGRADE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter(move |_| is_websocket);
    let protocols = protocols.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let mut offered = protocols.filter_map(|p| p.trim().strip_prefix("bearer."));
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(first) = all.next() {
        if all.next().is_some() || offered.next().is_some() {
            return Err(bad());
        }
        let text = first.to_str().map_err(|_| bad())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(bad)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
            return Err(bad());
        }
        return Ok(Some(token));
    }
    match (offered.next(), offered.next()) {
        (token, None) => Ok(token),
        _ => Err(bad()),
    }
}
