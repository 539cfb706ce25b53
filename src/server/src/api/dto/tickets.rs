//! Tickets.
use gsm_core::{PlayerId, QueueName, TicketId};
use gsm_engine::{Engine, TicketView};
use gsm_matchmaking::{Role, WaitEstimate};
use serde::Serialize;
use utoipa::ToSchema;

/// A ticket as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketDto {
    #[schema(value_type = String)]
    pub(crate) ticket_id: TicketId,
    /// The caller's own id, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_id: Option<String>,
    /// Where it waits; of several queues the first, or the one that has proposed or made a match of it.
    #[schema(value_type = String)]
    queue: QueueName,
    /// Every queue that it waits in, where it is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    queues: Vec<QueueName>,
    /// `queued`, `searching`, `requires_acceptance`, `placing`, `completed`, `failed`, `cancelled` or `timed_out`.
    state: &'static str,
    /// The party, its leader first.
    players: Vec<TicketPlayerDto>,
    queued_at: i64,
    /// When it times out by itself.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    /// Why it ended, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The proposal that waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal_id: Option<String>,
    /// The match it led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<String>,
    /// While it waits, once enough others have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait: Option<EstimatedWaitDto>,
}

/// How long a ticket will have waited in all, from the waits of tickets like it of late.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EstimatedWaitDto {
    /// Half of such tickets end inside this.
    p50_ms: u64,
    /// Nine of ten do.
    p90_ms: u64,
}

impl From<WaitEstimate> for EstimatedWaitDto {
    fn from(of: WaitEstimate) -> Self {
        Self { p50_ms: of.p50.get(), p90_ms: of.p90.get() }
    }
}

impl TicketDto {
    /// With how long it will wait, if it does.
    pub(crate) fn of(engine: &Engine, view: TicketView) -> Self {
        let is_over = view.row.state.is_terminal();
        let estimate = engine.wait_estimate(&view.row.queue, view.id).filter(|_| !is_over);
        Self { estimated_wait: estimate.map(Into::into), ..view.into() }
    }
}

/// The role of a player in a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleDto {
    name: String,
    /// 1 is the one that the player named first; absent where he did not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<u32>,
}

impl From<Role> for RoleDto {
    fn from(of: Role) -> Self {
        Self { name: of.name, choice: of.choice.map(|at| at.saturating_add(1)) }
    }
}

/// A player of a ticket, with the rating at which it was queued.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketPlayerDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    rating: f64,
    deviation: f64,
    /// Once matched, where the rule set gives roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleDto>,
}

impl From<TicketView> for TicketDto {
    fn from(view: TicketView) -> Self {
        let row = view.row;
        Self {
            ticket_id: view.id,
            own_id: row.own_id.as_ref().map(ToString::to_string),
            queues: if row.also.is_empty() { Vec::new() } else { row.queues().cloned().collect() },
            queue: row.queue,
            state: row.state.as_str(),
            players: row
                .players
                .iter()
                .enumerate()
                .map(|(at, p)| TicketPlayerDto {
                    player_id: p.player,
                    rating: p.rating.mean,
                    deviation: p.rating.deviation,
                    role: row.brought.get(at).and_then(|of| of.role.clone()).map(Into::into),
                })
                .collect(),
            queued_at: row.queued_at.as_millis(),
            expires_at: row.expires_at.as_millis(),
            ended_at: row.ended_at.map(|at| at.as_millis()),
            reason: row.reason.filter(|_| row.state.is_terminal()),
            proposal_id: row.proposal.map(|id| id.to_string()),
            match_id: row.match_id.map(|id| id.to_string()),
            estimated_wait: None,
        }
    }
}
