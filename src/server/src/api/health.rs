//! Whether the process lives, and whether it should be sent requests.
use super::{App, answer::Answer};
use crate::problem::{ApiError, Problem};
use axum::{extract::State, http::StatusCode};
use gsm_adapters::State as StoreState;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct HealthDto {
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "server", operation_id = "healthz",
    responses((status = 200, body = HealthDto)),
    extensions(("x-gsm-action" = json!("gsm:Health")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn healthz() -> Answer<HealthDto> {
    Answer(HealthDto { status: "ok" })
}

/// Whether requests should be sent here: not draining, and the store writes. Nothing is answered before all is loaded.
#[utoipa::path(get, path = "/readyz", tag = "server", operation_id = "readyz",
    responses((status = 200, body = HealthDto), (status = 503, body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:Ready")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<Answer<HealthDto>, ApiError> {
    let not = |detail: &'static str| {
        Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).retry_after(1))
    };
    if app.stop.is_cancelled() {
        return not("the server is stopping");
    }
    if app.audit.is_damaged() {
        return not("the audit log is damaged: see the server's log");
    }
    match app.store.stats().state {
        StoreState::Ok => Ok(Answer(HealthDto { status: "ready" })),
        StoreState::ReadOnly(_) => not("the store takes no writes: see the server's log"),
        StoreState::Failed(_) | StoreState::Closed => not("the store has failed: see the server's log"),
    }
}
