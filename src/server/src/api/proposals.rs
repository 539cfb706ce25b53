//! Proposals: a potential match, until everybody has answered.
use super::{
    App,
    answer::Answer,
    dto::RoleDto,
    extract::{Json, Params, Read, Write},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{PlayerId, ProposalId, TicketId};
use gsm_engine::ProposalView;
use gsm_matchmaking::proposal::{Answer as Given, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A proposal as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProposalDto {
    #[schema(value_type = String)]
    proposal_id: ProposalId,
    queue: String,
    /// Until when all must have accepted.
    answer_by: i64,
    /// `waiting`, `complete` (the match is made) or `failed`.
    outcome: &'static str,
    sides: Vec<Vec<PlaceDto>>,
}

/// One player's answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    #[schema(value_type = String)]
    ticket_id: TicketId,
    /// `pending`, `accepted` or `declined`; `accepted` also of who plays in the match already and is not asked.
    answer: &'static str,
    /// The role that the player would have, where the rule set gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleDto>,
}

impl From<ProposalView> for ProposalDto {
    fn from(view: ProposalView) -> Self {
        let proposal = view.proposal;
        let place = |place: &gsm_matchmaking::proposal::Place| PlaceDto {
            player_id: place.seat.player,
            ticket_id: place.seat.ticket,
            answer: match place.answer {
                Given::Pending => "pending",
                Given::Accepted | Given::Plays => "accepted",
                Given::Declined => "declined",
            },
            role: proposal.roles().get(&place.seat.player).cloned().map(Into::into),
        };
        Self {
            proposal_id: proposal.id(),
            queue: view.queue.to_string(),
            answer_by: proposal.deadline().as_millis(),
            outcome: match proposal.outcome() {
                Outcome::Waiting => "waiting",
                Outcome::Complete => "complete",
                Outcome::Failed(_) => "failed",
            },
            sides: proposal.sides().iter().map(|side| side.iter().map(place).collect()).collect(),
        }
    }
}

/// Read an open proposal.
#[utoipa::path(get, path = "/v1/proposals/{proposal_id}", tag = "proposals", operation_id = "get_proposal",
    params(("proposal_id" = String, Path)),
    responses((status = 200, body = ProposalDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetProposal")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn proposal(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<ProposalDto>, ApiError> {
    Ok(Answer(app.engine.proposal(&read.call, params.get("proposal_id")?).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Respond {
    accept: bool,
    /// For whom a server answers; players leave it out.
    #[schema(value_type = Option<String>)]
    player_id: Option<PlayerId>,
}

/// Accept or decline.
///
/// The last acceptance makes the match; the first decline ends the proposal. Tickets whose players have all accepted search on then, and
/// so do native ones whose players had not answered yet; those of the GameLift wire are cancelled, in whatever queue.
#[utoipa::path(post, path = "/v1/proposals/{proposal_id}/responses", tag = "proposals", operation_id = "respond_to_proposal",
    params(("proposal_id" = String, Path)), request_body = Respond,
    responses((status = 200, body = ProposalDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RespondToProposal")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn respond(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<Respond>>,
) -> Result<Answer<ProposalDto>, ApiError> {
    let player = match (write.body.0.player_id, write.call.principal.player()) {
        (Some(player), _) | (None, Some(player)) => player,
        (None, None) => return Err(ApiError::value("player_id", "a server names the player it answers for")),
    };
    let id: ProposalId = params.get("proposal_id")?;
    Ok(Answer(app.engine.respond(&write.call, id, player, write.body.0.accept).await?.into()))
}
