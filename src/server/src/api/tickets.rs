//! Tickets: made, read, explained, cancelled.
mod why;

use super::{
    App,
    answer::Answer,
    dto::TicketDto,
    extract::{Json, Params, Read, Write},
};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_core::{PlayerId, QueueName, RequestKey, TicketId};
use gsm_engine::{Engine, NewTicket, Principal, store::Brought};
use gsm_rules::Value;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;
use why::ExplainDto;
pub(crate) use why::ShortWhyDto;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTicketDto {
    /// Where to wait; or `queues`.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// Up to 8 queues to wait in at once: the first match of any of them is the ticket's, the others lose it. Each takes the party
    /// and what it brings; the shortest of their time-outs counts. In place of `queue`.
    #[schema(value_type = Option<Vec<String>>)]
    queues: Option<Vec<QueueName>>,
    /// The caller's own id, 1 to 128 printable ASCII characters; the same id again gives the first ticket.
    #[schema(value_type = Option<String>)]
    ticket_id: Option<RequestKey>,
    /// The rest of the party: up to 10 players with the leader, or as many as the rule set of the queue says.
    #[serde(default)]
    members: Vec<MemberDto>,
    /// Whose ticket it is; players leave it out, servers must name one.
    #[schema(value_type = Option<String>)]
    leader: Option<PlayerId>,
    /// Attributes of the leader by name, for the rule set of the queue: a number, a string, a list of strings, or an object
    /// of numbers. Players bring those that the queue lists in `player_attributes`.
    #[serde(default)]
    attributes: BTreeMap<String, ValueDto>,
    /// The leader's latency to each region in milliseconds, 1 or more. With the attributes at most 16 KiB.
    #[serde(default)]
    latency_ms: BTreeMap<String, u32>,
}

/// The value of an attribute.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "an attribute is a number, a text, a list of texts, or an object of texts and numbers"
)]
pub(crate) enum ValueDto {
    Number(f64),
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, f64>),
}

fn brought(attributes: BTreeMap<String, ValueDto>, latency_ms: BTreeMap<String, u32>) -> Brought {
    let value = |value| match value {
        ValueDto::Number(number) => Value::Number(number),
        ValueDto::Text(text) => Value::Text(text),
        ValueDto::List(texts) => Value::List(texts),
        ValueDto::Map(entries) => Value::Map(entries),
    };
    let attributes = attributes.into_iter().map(|(name, of)| (name, value(of))).collect();
    Brought { attributes, latency_ms, ..Brought::default() }
}

/// A member of a party.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The member's consent (`POST /v1/parties/consents`); servers need none.
    consent: Option<String>,
    /// As of the leader.
    #[serde(default)]
    attributes: BTreeMap<String, ValueDto>,
    /// As of the leader.
    #[serde(default)]
    latency_ms: BTreeMap<String, u32>,
}

/// Queue for a match.
///
/// One live ticket or match a player. A repeat with the same `ticket_id` or `Idempotency-Key` answers the first ticket.
#[utoipa::path(post, path = "/v1/tickets", tag = "tickets", operation_id = "create_ticket",
    request_body = NewTicketDto,
    responses((status = 201, body = TicketDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:CreateTicket")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    write: Write<Json<NewTicketDto>>,
) -> Result<(StatusCode, Answer<TicketDto>), ApiError> {
    let Json(body) = write.body;
    let leader = match (body.leader, write.call.principal.player()) {
        (Some(leader), _) => leader,
        (None, Some(own)) => own,
        (None, None) => {
            return Err(ApiError::value("leader", "a server names the player whose ticket it is"));
        }
    };
    let mut queues = match (body.queue, body.queues) {
        (Some(queue), None) => vec![queue],
        (None, Some(queues)) if !queues.is_empty() => queues,
        (None, None) => {
            let detail = "name a `queue`, or some `queues`";
            return Err(
                ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "missing_field", detail).field("queue")
            );
        }
        _ => return Err(ApiError::value("queue", "name either a `queue` or some `queues`")),
    };
    let queue = queues.remove(0);
    let mut brings = vec![brought(body.attributes, body.latency_ms)];
    let mut members = Vec::with_capacity(body.members.len());
    for member in body.members {
        members.push((member.player_id, member.consent));
        brings.push(brought(member.attributes, member.latency_ms));
    }
    if brings.iter().all(|brought| *brought == Brought::default()) {
        brings.clear();
    }
    let own_id = body.ticket_id;
    let new = NewTicket { members, own_id, brought: brings, also: queues, ..NewTicket::new(queue, leader) };
    let view = app.engine.create_ticket(&write.call, &new).await?;
    Ok((StatusCode::CREATED, Answer(TicketDto::of(&app.engine, view))))
}

/// A ticket's id, or the caller's own id of it.
fn ticket_id(params: &Params, principal: &Principal) -> Result<TicketId, ApiError> {
    let text = params.text("ticket_id")?;
    match (text.parse(), principal.player()) {
        (Ok(id), _) => Ok(id),
        (Err(_), Some(player)) => {
            let own = RequestKey::new(text).map_err(|e| ApiError::parameter("ticket_id", e))?;
            Ok(Engine::own_ticket_id(player, &own))
        }
        (Err(error), None) => Err(ApiError::parameter("ticket_id", error)),
    }
}

/// The same of one that is read: for servers and operators also the `TicketId` of the GameLift wire.
fn read_id(params: &Params, principal: &Principal) -> Result<TicketId, ApiError> {
    if principal.player().is_some() {
        return ticket_id(params, principal);
    }
    let text = params.text("ticket_id")?;
    let named = RequestKey::new(text).map_err(|e| ApiError::parameter("ticket_id", e))?;
    Ok(Engine::gamelift_ticket_id(&named))
}

/// Read a ticket.
///
/// `ticket_id` is the ticket's id or, for the player who made it, the own id it was made with; for servers and operators also the
/// `TicketId` that it has over the GameLift wire.
#[utoipa::path(get, path = "/v1/tickets/{ticket_id}", tag = "tickets", operation_id = "get_ticket",
    params(("ticket_id" = String, Path)),
    responses((status = 200, body = TicketDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetTicket")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn ticket(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<TicketDto>, ApiError> {
    let id = read_id(&params, &read.call.principal)?;
    Ok(Answer(TicketDto::of(&app.engine, app.engine.ticket(&read.call, id).await?)))
}

/// Leave the queue.
///
/// Any member may. A ticket in an open proposal declines it; a proposal whose time is up ends first, as it does by itself. Cancelling a
/// cancelled ticket changes nothing.
#[utoipa::path(delete, path = "/v1/tickets/{ticket_id}", tag = "tickets", operation_id = "cancel_ticket",
    params(("ticket_id" = String, Path)),
    responses((status = 200, body = TicketDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:CancelTicket")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<Answer<TicketDto>, ApiError> {
    let id = ticket_id(&params, &write.call.principal)?;
    Ok(Answer(app.engine.cancel_ticket(&write.call, id).await?.into()))
}

/// Ask why a ticket still waits.
///
/// Of a ticket in several queues the answer is of the first of them, and `queues` has one of each. Tickets are named as where one is read.
#[utoipa::path(get, path = "/v1/tickets/{ticket_id}/explain", tag = "tickets", operation_id = "explain_ticket",
    params(("ticket_id" = String, Path)),
    responses((status = 200, body = ExplainDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ExplainTicket")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<ExplainDto>, ApiError> {
    let id = read_id(&params, &read.call.principal)?;
    let view = app.engine.ticket(&read.call, id).await?;
    let estimate = app.engine.wait_estimate(&view.row.queue, id);
    let explained = app.engine.explain(&read.call, id).await?;
    Ok(Answer(ExplainDto::new(&view.row, explained, estimate)))
}
