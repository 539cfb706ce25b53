//! For operators: the keys that sign players' sessions.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Write},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::KeyId;
use gsm_engine::store::SigningKeyRow;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A key that signs sessions, or will, or did.
#[derive(Serialize, ToSchema)]
pub(crate) struct SigningKeyDto {
    /// The `kid` of its sessions.
    #[schema(value_type = String)]
    key_id: KeyId,
    /// `next`: published, and signs after the next rotation; `signing`; `retired`: its sessions are good until they expire.
    state: &'static str,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SigningKeysDto {
    keys: Vec<SigningKeyDto>,
}

impl From<&SigningKeyRow> for SigningKeyDto {
    fn from(row: &SigningKeyRow) -> Self {
        let state = match (row.active_at, row.retired_at) {
            (None, _) => "next",
            (Some(_), None) => "signing",
            (Some(_), Some(_)) => "retired",
        };
        Self {
            key_id: row.id,
            state,
            created_at: row.created_at.as_millis(),
            active_at: row.active_at.map(|at| at.as_millis()),
            retired_at: row.retired_at.map(|at| at.as_millis()),
        }
    }
}

fn shown(rows: &[SigningKeyRow]) -> Answer<SigningKeysDto> {
    Answer(SigningKeysDto { keys: rows.iter().map(Into::into).collect() })
}

/// List the keys that sign sessions.
#[utoipa::path(get, path = "/v1/admin/signing-keys", tag = "admin", operation_id = "list_signing_keys",
    responses((status = 200, body = SigningKeysDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListSigningKeys")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Admitted,
) -> Result<Answer<SigningKeysDto>, ApiError> {
    Ok(shown(&app.door.bearers().sessions.trusted(&app.engine).await?))
}

/// Rotate the keys that sign sessions.
///
/// The next key, which was published before, signs from now on, and a new next one is made. Sessions that were issued
/// before stay good until they expire; nobody is signed out, and nothing is restarted.
#[utoipa::path(post, path = "/v1/admin/signing-keys/rotate", tag = "admin", operation_id = "rotate_signing_keys",
    responses((status = 200, body = SigningKeysDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RotateSigningKeys")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    write: Write<()>,
) -> Result<Answer<SigningKeysDto>, ApiError> {
    let (call, own) = (write.call, app.clone());
    let rotated =
        app.to_the_end(async move { Ok(own.door.bearers().sessions.rotate(&own.engine, &call).await?) });
    Ok(shown(&rotated.await?))
}
