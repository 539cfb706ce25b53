//! For operators: queues, ratings by hand, API keys.
use super::{
    App,
    answer::Answer,
    dto::PlayerRatingDto,
    extract::{Admitted, Json, Params, Write},
    queues::{QueueDto, QueueSettings},
    rulings::reason,
};
use crate::{
    dev,
    problem::{ApiError, Problem},
};
use axum::{extract::State, http::StatusCode};
use gsm_core::{KeyId, Millis, Mode, PlayerId};
use gsm_engine::{AdminRole, QueueConfig, Role, store::CredentialRow};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Points to either side of 0 that a rating set by hand may have.
const RATING_ABS_MAX: f64 = 100_000.0;
/// Largest deviation that a rating set by hand may have.
const DEVIATION_MAX: f64 = 10_000.0;

/// Make a queue, or change it under its waiting tickets.
#[utoipa::path(put, path = "/v1/admin/queues/{queue}", tag = "admin", operation_id = "put_queue",
    params(("queue" = String, Path)), request_body = QueueSettings,
    responses((status = 200, body = QueueDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:PutQueue")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn put_queue(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<QueueSettings>>,
) -> Result<Answer<QueueDto>, ApiError> {
    let settings = write.body.0;
    let config = QueueConfig {
        name: params.get("queue")?,
        mode: settings.mode,
        rules: settings.rules,
        rating: settings.rating,
        rating_options: settings.rating_options,
        home: settings.home,
        variant: settings.variant,
        acceptance_ms: settings.acceptance_ms.map(gsm_core::Millis::new),
        ticket_timeout_ms: gsm_core::Millis::new(settings.ticket_timeout_ms),
        match_timeout_ms: gsm_core::Millis::new(settings.match_timeout_ms),
        rule_set: settings.rule_set,
        rule_set_version: settings.rule_set_version,
        rating_attribute: settings.rating_attribute,
        player_attributes: settings.player_attributes,
        balance: settings.balance.unwrap_or_default(),
        penalties: settings.penalties,
        plausibility: settings.plausibility,
        reports: settings.reports,
        // What the GameLift wire keeps with a queue stays.
        gamelift: None,
    };
    Ok(Answer((&app.engine.put_queue(&write.call, config).await?).into()))
}

/// Delete a queue.
///
/// Refused while tickets wait in it. Matches that it formed go on, and are judged and rated by what it said.
#[utoipa::path(delete, path = "/v1/admin/queues/{queue}", tag = "admin", operation_id = "delete_queue",
    params(("queue" = String, Path), ("X-Gsm-Reason" = String, Header, description = "Why, in 1 to 128 characters")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:DeleteQueue")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-reason" = json!(true)), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn delete_queue(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<StatusCode, ApiError> {
    app.engine.delete_queue(&write.call, &params.get("queue")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetRating {
    /// In points.
    rating: f64,
    /// In points, taken as near as the rating system has one; stays as it is, grown by the time that the player was away, if
    /// absent.
    deviation: Option<f64>,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Set a rating by hand; games and history stay.
#[utoipa::path(put, path = "/v1/admin/players/{player_id}/ratings/{mode}", tag = "admin", operation_id = "set_rating",
    params(("player_id" = String, Path), ("mode" = String, Path)), request_body = SetRating,
    responses((status = 200, body = PlayerRatingDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:SetRating")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn set_rating(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<SetRating>>,
) -> Result<Answer<PlayerRatingDto>, ApiError> {
    let Json(body) = write.body;
    let (player, mode): (PlayerId, Mode) = (params.get("player_id")?, params.get("mode")?);
    if !(-RATING_ABS_MAX..=RATING_ABS_MAX).contains(&body.rating) {
        return Err(ApiError::value("rating", format_args!("must be within {RATING_ABS_MAX} of 0")));
    }
    if body.deviation.is_some_and(|d| !(d > 0.0 && d <= DEVIATION_MAX)) {
        return Err(ApiError::value(
            "deviation",
            format_args!("must be above 0 and at most {DEVIATION_MAX}"),
        ));
    }
    let reason = reason(&body.reason)?;
    let row = app.engine.set_rating(&write.call, &mode, player, body.rating, body.deviation, reason).await?;
    Ok(Answer(PlayerRatingDto::new(player, &mode, &row)))
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyRole {
    Server,
    Admin,
}

impl From<KeyRole> for Role {
    fn from(role: KeyRole) -> Self {
        match role {
            KeyRole::Server => Self::Server,
            KeyRole::Admin => Self::Admin,
        }
    }
}

/// What a key is for: a game server or back end, or an operator of a role.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NewKeyRole {
    Server,
    /// The same as `owner`.
    Admin,
    Viewer,
    Support,
    Operator,
    Auditor,
    Owner,
}

impl NewKeyRole {
    fn parts(self) -> (Role, Option<AdminRole>) {
        match self {
            Self::Server => (Role::Server, None),
            Self::Admin | Self::Owner => (Role::Admin, Some(AdminRole::Owner)),
            Self::Viewer => (Role::Admin, Some(AdminRole::Viewer)),
            Self::Support => (Role::Admin, Some(AdminRole::Support)),
            Self::Operator => (Role::Admin, Some(AdminRole::Operator)),
            Self::Auditor => (Role::Admin, Some(AdminRole::Auditor)),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    role: NewKeyRole,
    /// For people, at most 128 characters. `development` is that of the keys which `gsm serve` ends at its start.
    #[serde(default)]
    note: String,
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyDto {
    #[schema(value_type = String)]
    key_id: KeyId,
    role: &'static str,
    /// Of an operator, which.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_role: Option<&'static str>,
    note: String,
    created_at: i64,
    /// When the newest secret was made; another than `created_at` after a rotation.
    secret_created_at: i64,
    /// Until when the secret before that is good, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secret_good_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<i64>,
}

impl From<&CredentialRow> for KeyDto {
    fn from(row: &CredentialRow) -> Self {
        let old = row.secrets.iter().find_map(|secret| secret.good_until);
        let old = old.or(row.first_hash.and_then(|(_, until)| until));
        Self {
            key_id: row.id,
            role: row.role.as_str(),
            admin_role: row.admin.map(AdminRole::as_str),
            secret_created_at: row
                .secrets
                .last()
                .map_or(row.created_at, |newest| newest.created_at)
                .as_millis(),
            old_secret_good_until: old.map(|at| at.as_millis()),
            note: row.note.clone(),
            created_at: row.created_at.as_millis(),
            revoked_at: row.revoked_at.map(|at| at.as_millis()),
        }
    }
}

/// A key just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedDto {
    #[serde(flatten)]
    row: KeyDto,
    /// What the bearer sends; shown this once.
    key: String,
}

/// Make an API key for a game server, a back end or an operator; at most 1,000 are good at a time.
#[utoipa::path(post, path = "/v1/admin/keys", tag = "admin", operation_id = "issue_key",
    request_body = NewKey,
    responses((status = 201, body = IssuedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:IssueKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn issue_key(
    State(app): State<Arc<App>>,
    write: Write<Json<NewKey>>,
) -> Result<(StatusCode, Answer<IssuedDto>), ApiError> {
    let Json(body) = write.body;
    if body.note == dev::NOTE {
        let detail = "`development` marks the keys of `gsm dev`, which `gsm serve` ends at its start: give another note";
        return Err(ApiError::value("note", detail));
    }
    let (role, admin) = body.role.parts();
    let issued = app.engine.issue_key(&write.call, role, admin, &body.note).await?;
    Ok((StatusCode::CREATED, Answer(IssuedDto { row: (&issued.row).into(), key: issued.text })))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct KeysDto {
    keys: Vec<KeyDto>,
}

/// List the API keys; of more than 1,000 those that were ended longest ago are left out.
#[utoipa::path(get, path = "/v1/admin/keys", tag = "admin", operation_id = "list_keys",
    responses((status = 200, body = KeysDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListKeys")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn keys(State(app): State<Arc<App>>, _: Admitted) -> Result<Answer<KeysDto>, ApiError> {
    Ok(Answer(KeysDto { keys: app.engine.keys().await?.iter().map(Into::into).collect() }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RevokedDto {
    #[schema(value_type = String)]
    key_id: KeyId,
    revoked_at: i64,
}

/// End an API key; doing it again changes nothing.
#[utoipa::path(delete, path = "/v1/admin/keys/{key_id}", tag = "admin", operation_id = "revoke_key",
    params(("key_id" = String, Path), ("X-Gsm-Reason" = String, Header, description = "Why, in 1 to 128 characters")),
    responses((status = 200, body = RevokedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RevokeKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-reason" = json!(true)), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn revoke_key(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<()>,
) -> Result<Answer<RevokedDto>, ApiError> {
    let key_id: KeyId = params.get("key_id")?;
    let revoked_at = app.engine.revoke_key(&write.call, key_id).await?.as_millis();
    Ok(Answer(RevokedDto { key_id, revoked_at }))
}

/// Longest time that an old secret may stay good beside a new one.
const OVERLAP_S_MAX: u64 = 30 * 24 * 3_600;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    /// Seconds that the secret before stays good, 0 to 2,592,000 (30 days).
    overlap_s: u64,
}

/// Give an API key a new secret; the one before stays good for a while.
///
/// The key's id, role and everything that it owns stay. Two secrets are good at a time: a third ends the first.
#[utoipa::path(post, path = "/v1/admin/keys/{key_id}/rotate", tag = "admin", operation_id = "rotate_key",
    params(("key_id" = String, Path)), request_body = Rotate,
    responses((status = 200, body = IssuedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RotateKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rotate_key(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<Rotate>>,
) -> Result<Answer<IssuedDto>, ApiError> {
    let (key_id, overlap_s): (KeyId, u64) = (params.get("key_id")?, write.body.0.overlap_s);
    if overlap_s > OVERLAP_S_MAX {
        return Err(ApiError::value("overlap_s", format_args!("must be 0 to {OVERLAP_S_MAX}")));
    }
    let issued = app.engine.rotate_key(&write.call, key_id, Millis::from_secs(overlap_s)).await?;
    Ok(Answer(IssuedDto { row: (&issued.row).into(), key: issued.text }))
}
