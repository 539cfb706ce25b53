//! Parties: a member agrees, for a while, to be queued by a leader.
use super::{
    App,
    answer::Answer,
    extract::{Json, Write},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::PlayerId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConsent {
    /// Who may queue the caller.
    #[schema(value_type = String)]
    leader: PlayerId,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentDto {
    /// For the leader, who sends it with the ticket.
    consent: String,
    /// Until when it is good.
    expires_at: i64,
}

/// Agree to be queued by a party's leader.
///
/// The consent is good for five minutes and for this leader alone, for each ticket that he makes in that time: who cancels one may be
/// queued by the same leader again until then.
#[utoipa::path(post, path = "/v1/parties/consents", tag = "tickets", operation_id = "consent_to_party",
    request_body = NewConsent,
    responses((status = 200, body = ConsentDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ConsentToParty")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn consent(
    State(app): State<Arc<App>>,
    write: Write<Json<NewConsent>>,
) -> Result<Answer<ConsentDto>, ApiError> {
    let (consent, expires_at) = app.engine.consent(&write.call, write.body.0.leader).await?;
    Ok(Answer(ConsentDto { consent, expires_at: expires_at.as_millis() }))
}
