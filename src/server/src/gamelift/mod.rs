//! The GameLift wire: what unmodified AWS clients speak, over the same engine as the native API.
//!
//! A face of its own: its route profile, its media types, its shapes of errors. Each operation is done once, over one
//! form of input and answer ([`tree`]), whichever protocol it came by.
mod arn;
mod cbor;
mod configurations;
mod fault;
mod json;
mod master;
mod operations;
mod page;
mod protocol;
mod replays;
mod rule_sets;
mod shape;
mod shapes;
mod sigv4;
mod tags;
mod tickets;
mod tree;
mod verify;

pub(crate) use master::MasterKey;
pub(crate) use operations::described;
pub(crate) use protocol::Protocol;
pub(crate) use tickets::{TIMED_OUT, cancelled};
pub(crate) use verify::access_key;

use crate::{
    api::App,
    authz::{self, Asked as Question},
    config::Signatures,
    front::strict_json,
    problem::ApiError,
    who::bearer::Bearer,
};
use arn::Place;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, request::Parts},
    response::Response,
};
use bytes::Bytes;
use fault::Fault;
use gsm_core::{IdSource, Timestamp};
use gsm_engine::{AdminRole, Call, Engine, Principal, Role};
use gsm_security::{RequestFacts, Scope};
use operations::Operation;
use protocol::BODY_BYTES_MAX;
use replays::Replays;
use tree::Tree;

const X_AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The region where neither the settings nor the client name one.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";

/// What the wire has of its own.
pub(crate) struct Wire {
    pub(crate) region: Option<String>,
    pub(crate) account: String,
    pub(crate) signatures: Signatures,
    pub(crate) master: MasterKey,
    replays: Replays,
}

impl Wire {
    pub(crate) fn new(
        region: Option<String>,
        account: String,
        signatures: Signatures,
        master: MasterKey,
    ) -> Self {
        Self { region, account, signatures, master, replays: Replays::default() }
    }

    /// Where things are, for a caller who speaks of this region.
    fn place(&self, spoken: Option<&str>) -> Place {
        let spoken = spoken.filter(|region| crate::config::is_region(region));
        let region = self.region.as_deref().or(spoken).unwrap_or(REGION_DEFAULT);
        Place { region: region.to_owned(), account: self.account.clone() }
    }
}

/// A call and where its things are.
pub(crate) struct Asked<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) call: Call,
    pub(crate) place: Place,
}

/// Who calls.
struct Who {
    principal: Principal,
    role: Role,
    region: Option<String>,
    /// The signature that was verified.
    signature: Option<[u8; 32]>,
    /// By which the limiter counts; without them it does by address.
    bits: Option<u128>,
}

impl Who {
    /// As policies see it. An access key of an operator is an owner's.
    fn bearer(&self) -> Bearer {
        let admin = (self.role == Role::Admin).then_some(AdminRole::Owner);
        Bearer { principal: self.principal.clone(), role: self.role.as_str(), admin, facts: None }
    }
}

/// The action of the operation that clients call by this name.
pub(crate) fn action(name: &str) -> Option<&'static str> {
    Operation::named(name).map(|operation| operation.action)
}

/// Serves a request of the wire.
pub(crate) async fn serve(app: &App, request: Request, protocol: Protocol, facts: RequestFacts) -> Response {
    let request_id = uuid(&**app.engine.ids());
    let (parts, body) = request.into_parts();
    let mut response = match done(app, &parts, body, facts, &request_id).await {
        Ok(tree) => protocol.answer(&tree),
        Err(fault) => protocol.refusal(&shown(fault, &request_id)),
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(X_AMZN_REQUEST_ID, value);
    }
    response
}

async fn done(
    app: &App,
    parts: &Parts,
    body: Body,
    facts: RequestFacts,
    request_id: &str,
) -> Result<Tree, Fault> {
    // The list of addresses alone: the rest is counted when it is known who calls.
    app.door.judge(&RequestFacts { exempt: true, ..facts }).map_err(limited)?;
    let now = app.engine.clock().now();
    let known = known(app, parts, body, now).await;
    let Known { protocol, operation, who, body } = known.map_err(|fault| suspect(app, &facts, fault))?;
    let counted = RequestFacts { scope: Some(Scope::AwsClient), principal: who.bits, ..facts };
    app.door.judge(&counted).map_err(limited)?;
    if !operation.roles.contains(&who.role) {
        let (role, name) = (who.role.as_str(), operation.name());
        return Err(Fault::denied(format!("a key of the role `{role}` may not call {name}")));
    }
    let asked = Question { action: operation.action, path: None, address: facts.address, reason: None };
    let bearer = who.bearer();
    if !authz::decide(&app.door.policies, crate::api::operations(), &bearer, &asked).allowed {
        return Err(Fault::denied(format!("no policy lets this key call {}", operation.name())));
    }
    let input = protocol.read(&body)?;
    shape::check(operation.takes, &input)?;
    if operation.mutating
        && let Some(signature) = who.signature
    {
        app.wire.replays.first(signature, &parts.headers, now)?;
    }
    let place = app.wire.place(who.region.as_deref());
    let call = Call {
        action: operation.action,
        principal: who.principal,
        request_id: request_id.to_owned(),
        once: None,
        now,
    };
    operation.run(&Asked { engine: &app.engine, call, place }, &input).await
}

/// A request of which it is known who asks for what.
struct Known {
    protocol: Protocol,
    operation: &'static Operation,
    who: Who,
    body: Bytes,
}

/// Finds out who asks for what. What costs nothing is looked at first, so that who is nobody costs little.
async fn known(app: &App, parts: &Parts, body: Body, now: Timestamp) -> Result<Known, Fault> {
    let (protocol, name) = Protocol::of(parts).ok_or_else(Fault::unknown_operation)?;
    let operation = Operation::named(name).ok_or_else(Fault::unknown_operation)?;
    let signed = match app.wire.signatures {
        Signatures::Any => None,
        Signatures::Verify => Some(verify::Signed::of(app, parts, now).await?),
    };
    let body = strict_json::read(body, BODY_BYTES_MAX).await.map_err(unread)?;
    let who = signed.map_or_else(|| Ok(anybody(parts)), |signed| signed.proved(parts, &body))?;
    Ok(Known { protocol, operation, who, body })
}

/// What is refused before its caller is known counts against the address, and who tries keys is slowed down more.
fn suspect(app: &App, facts: &RequestFacts, fault: Fault) -> Fault {
    if fault.status.is_server_error() {
        return fault;
    }
    let tries_keys = fault.status == StatusCode::FORBIDDEN && fault.name != verify::UNSIGNED;
    let scope = tries_keys.then_some(Scope::BadToken);
    app.door.judge(&RequestFacts { scope, ..*facts }).err().map_or(fault, limited)
}

/// The caller where signatures are not looked at.
fn anybody(parts: &Parts) -> Who {
    let region = sigv4::Authorization::of(parts).ok().flatten().map(|found| found.region.to_owned());
    let principal = Principal::Admin("unsigned".to_owned());
    Who { principal, role: Role::Admin, region, signature: None, bits: None }
}

fn limited(error: ApiError) -> Fault {
    match error.status {
        StatusCode::TOO_MANY_REQUESTS => Fault::throttled(error.detail),
        status => Fault { status, ..Fault::denied(error.detail) },
    }
}

fn unread(fault: strict_json::JsonFault) -> Fault {
    match fault {
        strict_json::JsonFault::TooLarge { bytes_max } => Fault::too_large(bytes_max),
        other => Fault::serialization(other.detail()),
    }
}

/// A failure of ours is told in the log alone.
fn shown(fault: Fault, request_id: &str) -> Fault {
    if !fault.status.is_server_error() {
        return fault;
    }
    tracing::error!(request_id, code = fault.name, detail = %fault.message, "request failed");
    Fault::internal("the server failed; its log knows more under the request id")
}

/// A random UUID (version 4), as the real service names requests.
fn uuid(ids: &dyn IdSource) -> String {
    let bits = ids.next_u128() & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
