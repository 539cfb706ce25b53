//! For operators: the access keys of AWS clients.
use super::{
    App,
    admin::KeyRole,
    answer::Answer,
    extract::{Admitted, Json, Params, Write},
};
use crate::{
    gamelift::{self, Drawn, Masters},
    problem::{ApiError, Problem},
};
use axum::{extract::State, http::StatusCode};
use gsm_core::KeyId;
use gsm_engine::{Fingerprint, NewAwsKey, store::AwsKeyRow};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAwsKeyBody {
    /// `server`: tickets, and reading; `admin`: rule sets, configurations and tags as well.
    role: KeyRole,
    /// For people, at most 128 characters.
    #[serde(default)]
    note: String,
}

/// An access key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct AwsKeyDto {
    #[schema(value_type = String)]
    key_id: KeyId,
    /// What clients call the access key id.
    access_key_id: String,
    role: &'static str,
    note: String,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<i64>,
}

impl From<&AwsKeyRow> for AwsKeyDto {
    fn from(row: &AwsKeyRow) -> Self {
        Self {
            key_id: row.id,
            access_key_id: gamelift::access_key(row.id),
            role: row.role.as_str(),
            note: row.note.clone(),
            created_at: row.created_at.as_millis(),
            revoked_at: row.revoked_at.map(|at| at.as_millis()),
        }
    }
}

/// An access key just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedAwsKeyDto {
    #[serde(flatten)]
    row: AwsKeyDto,
    /// What clients call the secret access key; shown this once.
    secret_access_key: String,
}

/// Make an access key for AWS clients of the GameLift wire; at most 1,000 are good at a time.
#[utoipa::path(post, path = "/v1/aws-keys", tag = "admin", operation_id = "issue_aws_key",
    request_body = NewAwsKeyBody,
    responses((status = 201, body = IssuedAwsKeyDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:IssueAwsKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    write: Write<Json<NewAwsKeyBody>>,
) -> Result<(StatusCode, Answer<IssuedAwsKeyDto>), ApiError> {
    let Json(body) = write.body;
    let masters = app.wire.master.now();
    let drawn = drawn(&app, &masters, write.call.once).await?;
    let sealed_secret = masters
        .newest
        .seal(drawn.id, &drawn.secret)
        .ok_or_else(|| ApiError::internal("a secret cannot be sealed".to_owned()))?;
    let new = NewAwsKey { id: drawn.id, sealed_secret, role: body.role.into(), note: body.note };
    let row = app.engine.issue_aws_key(&write.call, &new).await?;
    let issued = IssuedAwsKeyDto { row: (&row).into(), secret_access_key: drawn.secret };
    Ok((StatusCode::CREATED, Answer(issued)))
}

/// A new key; of a call that made one before the master key was changed, that one.
async fn drawn(app: &App, masters: &Masters, once: Option<Fingerprint>) -> Result<Drawn, ApiError> {
    let ids = &**app.engine.ids();
    if once.is_some() && !masters.older.is_empty() {
        let made = app.engine.aws_keys().await?;
        let mut all = masters.older.iter().map(|key| key.draw(once, ids));
        if let Some(first) = all.find(|drawn| made.iter().any(|key| key.id == drawn.id)) {
            return Ok(first);
        }
    }
    Ok(masters.newest.draw(once, ids))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AwsKeysDto {
    keys: Vec<AwsKeyDto>,
}

/// List the access keys of AWS clients; of more than 1,000 those that were ended longest ago are left out.
#[utoipa::path(get, path = "/v1/aws-keys", tag = "admin", operation_id = "list_aws_keys",
    responses((status = 200, body = AwsKeysDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListAwsKeys")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn keys(State(app): State<Arc<App>>, _: Admitted) -> Result<Answer<AwsKeysDto>, ApiError> {
    Ok(Answer(AwsKeysDto { keys: app.engine.aws_keys().await?.iter().map(Into::into).collect() }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RevokedAwsKeyDto {
    #[schema(value_type = String)]
    key_id: KeyId,
    revoked_at: i64,
}

/// End an access key; doing it again changes nothing.
#[utoipa::path(delete, path = "/v1/aws-keys/{key_id}", tag = "admin", operation_id = "revoke_aws_key",
    params(("key_id" = String, Path), ("X-Gsm-Reason" = String, Header, description = "Why, in 1 to 128 characters")),
    responses((status = 200, body = RevokedAwsKeyDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RevokeAwsKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-reason" = json!(true)), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<Answer<RevokedAwsKeyDto>, ApiError> {
    let key_id: KeyId = params.get("key_id")?;
    let revoked_at = app.engine.revoke_aws_key(&write.call, key_id).await?.as_millis();
    Ok(Answer(RevokedAwsKeyDto { key_id, revoked_at }))
}
