//! The GameLift wire: what unmodified AWS clients speak, over the same engine as the native API.
//!
//! A face of its own: its route profile, its media types, its shapes of errors. Each operation is done once, over one
//! form of input and answer ([`tree`]), whichever protocol it came by.
mod about;
pub(crate) mod arn;
mod cbor;
mod configurations;
mod familiar;
mod fault;
mod json;
mod master;
pub(crate) mod opening;
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

pub(crate) use master::{Drawn, MasterKeys, Masters};
pub(crate) use operations::{described, members};
pub(crate) use protocol::Protocol;
pub(crate) use tickets::{TIMED_OUT, cancelled};
pub(crate) use verify::access_key;

use crate::{
    api::App,
    audit::{Sent, Trail},
    authz::{self, Asked as Question, Subject},
    config::Signatures,
    firewall::Facts,
    front::strict_json,
    problem::ApiError,
    who::bearer::Bearer,
};
use arn::Place;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use familiar::Familiar;
use fault::Fault;
use gsm_core::{IdSource, KeyId, Timestamp};
use gsm_engine::{AdminRole, Call, Engine, Principal, Role};
use gsm_security::{Caller, Face, Moment};
use operations::Operation;
use protocol::BODY_BYTES_MAX;
use replays::{Proof, Replays};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tree::Tree;

pub(crate) const X_AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The region where neither the settings nor the client name one.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";

/// What the wire has of its own.
pub(crate) struct Wire {
    pub(crate) region: Option<String>,
    pub(crate) account: String,
    pub(crate) signatures: Signatures,
    pub(crate) master: MasterKeys,
    replays: Replays,
    familiar: Familiar,
    checks: AtomicU64,
}

impl Wire {
    pub(crate) fn new(
        region: Option<String>,
        account: String,
        signatures: Signatures,
        master: MasterKeys,
    ) -> Self {
        let (replays, familiar) = (Replays::default(), Familiar::default());
        Self { region, account, signatures, master, replays, familiar, checks: AtomicU64::new(0) }
    }

    /// Requests whose signature was checked.
    pub(crate) fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Where things are, for a caller who speaks of this region.
    pub(crate) fn place(&self, spoken: Option<&str>) -> Place {
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
    /// What tokens of pages are signed with.
    pub(crate) masters: &'a Masters,
}

/// Who calls.
struct Who {
    principal: Principal,
    role: Role,
    region: Option<String>,
    /// The signature that was verified.
    signature: Option<Proof>,
    /// By which the limiter counts; without them it does by address.
    bits: Option<u128>,
}

impl Who {
    /// As policies see it. An access key of an operator is an owner's.
    fn bearer(&self) -> Bearer {
        let admin = (self.role == Role::Admin).then_some(AdminRole::Owner);
        Bearer {
            principal: self.principal.clone(),
            role: self.role.as_str(),
            admin,
            facts: None,
            until: None,
        }
    }
}

/// The action of the operation that clients call by this name.
pub(crate) fn action(name: &str) -> Option<&'static str> {
    Operation::named(name).map(|operation| operation.action)
}

/// What the operation of this name is about: types of resources, each with its name in the context of policies.
pub(crate) fn about(name: &str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let kinds = Operation::named(name).map_or(&[][..], |operation| operation.about.kinds());
    kinds.iter().map(|kind| (*kind, Some(about::parameter(kind)).filter(|name| !name.is_empty())))
}

/// The actions of all operations.
pub(crate) fn actions() -> impl Iterator<Item = &'static str> {
    operations::all().map(|operation| operation.action)
}

/// Serves a request of the wire, or refuses it because it is `unclear` who speaks.
pub(crate) async fn serve(
    app: &App,
    parts: &Parts,
    body: Body,
    protocol: Protocol,
    facts: &Facts<'_>,
    unclear: Option<ApiError>,
) -> Response {
    let request_id: Arc<str> = uuid(&**app.engine.ids()).into();
    let trail = trail_of(app, parts, facts);
    let let_in = match unclear {
        Some(error) => Err((Fault::invalid(error.detail), None)),
        None => app.shedder.admit().map_err(|error| {
            app.metrics.shed();
            (Fault::overloaded(error.detail), Some(error.retry_after_s.unwrap_or(1)))
        }),
    };
    let (mut response, code) = match let_in {
        Err((fault, retry_after_s)) => {
            let mut response = protocol.refusal(&fault);
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            (response, Some(fault.name))
        }
        Ok(()) => match done(app, parts, body, facts, &request_id, &trail).await {
            Ok(tree) => (protocol.answer(&tree), None),
            Err(fault) => (protocol.refusal(&shown(fault.clone(), &request_id)), Some(fault.name)),
        },
    };
    app.audit.answered(&trail, &request_id, response.status(), code);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(X_AMZN_REQUEST_ID, value);
    }
    response
}

/// What the audit log is told of a request that comes in.
fn trail_of(app: &App, parts: &Parts, facts: &Facts<'_>) -> Arc<Trail> {
    let operation = Protocol::of(parts).and_then(|(_, name)| Operation::named(name));
    let action = operation.map(|operation| operation.action);
    let read_only = operation.is_none_or(Operation::reads);
    app.audit.begin(action, read_only, facts.address, &parts.headers, app.engine.clock().wall())
}

async fn done(
    app: &App,
    parts: &Parts,
    body: Body,
    facts: &Facts<'_>,
    request_id: &str,
    trail: &Trail,
) -> Result<Tree, Fault> {
    let (now, wall) = (app.engine.clock().now(), app.engine.clock().wall());
    // By default the lists alone: the rest is counted when it is known who calls.
    app.door.guard.judge(facts, Moment::Arrival, wall, &mut None).map_err(limited)?;
    let asked = asked(app, parts, wall).map_err(|fault| suspect(app, facts, fault, wall))?;
    if let Some(claimed) = &asked.claimed {
        may_prove(app, facts, claimed.key, wall).map_err(limited)?;
    }
    let known = known(app, parts, body, asked, facts.address).await;
    let Known { protocol, operation, who, body } = known.map_err(|fault| suspect(app, facts, fault, wall))?;
    trail.is_by(&who.principal);
    let caller = Caller { role: who.role.as_str(), is_player: false, id: who.bits };
    app.door.guard.judge(facts, Moment::Known(caller), wall, &mut None).map_err(limited)?;
    if !operation.roles.contains(&who.role) {
        let (role, name) = (who.role.as_str(), operation.name());
        return Err(Fault::denied(format!("a key of the role `{role}` may not call {name}")));
    }
    let input = protocol.read(&body, operation.takes)?;
    shape::check(operation.takes, &input)?;
    may(app, &who, operation, &input, facts, trail)?;
    if operation.mutating
        && let Some(signature) = who.signature
    {
        app.wire.replays.first(&signature, &parts.headers, now, wall)?;
    }
    let place = app.wire.place(who.region.as_deref());
    let sent = Sent { json: &json::write(&input), bytes: &body };
    let origin = app.audit.origin(trail, std::iter::empty(), sent);
    let call = Call {
        action: operation.action,
        principal: who.principal,
        request_id: request_id.to_owned(),
        once: None,
        now,
        origin,
    };
    let masters = app.wire.master.now();
    operation.run(&Asked { engine: &app.engine, call, place, masters: &masters }, &input).await
}

/// Asks the policies about each thing that a call names, as they are asked of the native API; all must be allowed.
fn may(
    app: &App,
    who: &Who,
    operation: &Operation,
    input: &Tree,
    facts: &Facts<'_>,
    trail: &Trail,
) -> Result<(), Fault> {
    let things = operation.about.things(input, &app.engine);
    let named = things.iter().map(|(kind, name)| Subject::Thing {
        kind,
        name,
        parameter: about::parameter(kind),
        path: None,
    });
    let service = things.is_empty().then_some(Subject::Service);
    let bearer = who.bearer();
    for about in service.into_iter().chain(named) {
        let asked = Question { action: operation.action, about, address: facts.address, reason: None };
        let decision = authz::decide(&app.door.policies, crate::api::operations(), &bearer, &asked);
        trail.is_decided(decision.allowed, &decision.policies, None);
        if !decision.allowed {
            return Err(Fault::denied(format!("no policy lets this key call {}", operation.name())));
        }
    }
    Ok(())
}

/// What the head of a request asks for, and who it says asks.
struct Head<'a> {
    protocol: Protocol,
    operation: &'static Operation,
    /// Where signatures are looked at.
    claimed: Option<verify::Claimed<'a>>,
}

/// Reads the head: what costs nothing is looked at first.
fn asked<'a>(app: &App, parts: &'a Parts, now: Timestamp) -> Result<Head<'a>, Fault> {
    let (protocol, name) = Protocol::of(parts).ok_or_else(Fault::unknown_operation)?;
    let operation = Operation::named(name).ok_or_else(Fault::unknown_operation)?;
    protocol.check_target(&parts.headers)?;
    let claimed = match app.wire.signatures {
        Signatures::Any => None,
        Signatures::Verify => Some(verify::Claimed::of(parts, now)?),
    };
    Ok(Head { protocol, operation, claimed })
}

/// Refuses an address that has asked too much as nobody before its next body is read and its signature checked. A key that has
/// signed well from there before goes on. Who has tried too many keys is told so after the proof: a good one passes beside him.
fn may_prove(app: &App, facts: &Facts<'_>, key: KeyId, now: Timestamp) -> Result<(), ApiError> {
    let familiar = &app.wire.familiar;
    if !familiar.is_suspect(facts.address) || familiar.has(facts.address, key) {
        return Ok(());
    }
    app.door.guard.foresee(&as_native(facts), Moment::Unproved, now, &mut None)
}

/// A request of which it is known who asks for what.
struct Known {
    protocol: Protocol,
    operation: &'static Operation,
    who: Who,
    body: Bytes,
}

/// Finds out who asks.
async fn known(
    app: &App,
    parts: &Parts,
    body: Body,
    head: Head<'_>,
    address: IpAddr,
) -> Result<Known, Fault> {
    let Head { protocol, operation, claimed } = head;
    let signed = match claimed {
        None => None,
        Some(claimed) => Some((claimed.key, claimed.opened(app).await?)),
    };
    protocol.check_headers(&parts.headers).map_err(unread)?;
    let body = strict_json::read(body, BODY_BYTES_MAX).await.map_err(unread)?;
    let Some((key, signed)) = signed else {
        return Ok(Known { protocol, operation, who: anybody(parts), body });
    };
    app.wire.checks.fetch_add(1, Ordering::Relaxed);
    let who = signed.proved(parts, &body)?;
    app.wire.familiar.remember(address, key);
    Ok(Known { protocol, operation, who, body })
}

/// What is refused before its caller is known counts against the address, and who tries keys is slowed down more.
fn suspect(app: &App, facts: &Facts<'_>, fault: Fault, now: Timestamp) -> Fault {
    if fault.status.is_server_error() {
        return fault;
    }
    let tries_keys = fault.status == StatusCode::FORBIDDEN && fault.name != verify::UNSIGNED;
    let moment = if tries_keys { Moment::BadToken } else { Moment::Unproved };
    let refused = app.door.guard.judge(&as_native(facts), moment, now, &mut None).err();
    if refused.is_some() && moment == Moment::Unproved {
        app.wire.familiar.suspect(facts.address);
    }
    refused.map_or(fault, limited)
}

/// Nobody's call is no AWS client's: it counts like any request of its address.
fn as_native<'a>(facts: &Facts<'a>) -> Facts<'a> {
    Facts { face: Face::Native, action: None, path: facts.path.clone(), ..*facts }
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
    uuid_of(ids.next_u128() & !(0xf << 76 | 0b11 << 62) | 4 << 76 | 0b10 << 62)
}

/// These bits as UUIDs are written.
pub(crate) fn uuid_of(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
