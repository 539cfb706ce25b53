//! The audit log: its checkpoint, tiles and proofs for everybody, its records for operators.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Json, Params, Query, Write},
    parts::AuditRecordShape,
    players::page_size,
    rulings::reason,
};
use crate::{
    audit::{Filter, KEYS_MAX, Reading},
    problem::{ApiError, Problem},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gsm_audit::{Hash, LogError, Standing, Tile};
use gsm_engine::Call;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

fn failed(error: LogError) -> ApiError {
    match error {
        LogError::Damaged { .. } => {
            tracing::error!(%error, "the audit log is not served");
            damaged()
        }
        other => ApiError::internal(other.to_string()),
    }
}

fn damaged() -> ApiError {
    let detail = "the audit log is damaged, and nothing of what is damaged is served";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "audit_damaged", detail)
        .hint("the server's log says where; `gsm audit verify` looks at the whole of it")
}

/// Reads the log's files where that blocks nobody, once it is its turn.
pub(super) async fn read<T: Send + 'static>(
    app: &App,
    read: impl FnOnce(&Reading) -> Result<T, LogError> + Send + 'static,
) -> Result<T, ApiError> {
    if app.audit.is_damaged() {
        return Err(damaged());
    }
    let place = app.audit.readers.place().await.ok_or_else(|| {
        let detail = "the audit log is read by as many as may wait for it";
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_readers", detail)
            .hint("repeat the request")
            .retry_after(1)
    })?;
    let reading = Reading { files: app.audit.files().clone(), standing: app.audit.standing() };
    // Whoever gives up leaves the work behind, and the place is taken until it is done.
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        read(&reading)
    });
    let done = done.await;
    done.map_err(|error| ApiError::internal(error.to_string()))?.map_err(failed)
}

/// The signed statement of how many records there are and what their root is: C2SP `tlog-checkpoint`.
#[utoipa::path(get, path = "/v1/audit/checkpoint", tag = "audit", operation_id = "get_audit_checkpoint",
    responses((status = 200, body = String, content_type = "text/plain"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditCheckpoint")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn checkpoint(State(app): State<Arc<App>>, _: Admitted) -> Response {
    let note = app.audit.standing().note.clone();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response()
}

async fn tile_of(app: &App, params: &Params, parts: &[&str]) -> Result<Response, ApiError> {
    let place: Vec<&str> = parts.iter().map(|name| params.text(name)).collect::<Result<_, _>>()?;
    let none = || {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", "the tree has no such tile")
            .hint("GET /v1/audit/checkpoint says how many records there are")
    };
    let tile = Tile::parse(params.text("level")?, &place.join("/")).ok_or_else(none)?;
    let row = read(app, move |log| log.tile(tile)).await?.ok_or_else(none)?;
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, row.concat()).into_response())
}

/// A tile of the tree, `tile/<level>/067`: C2SP `tlog-tiles`.
#[utoipa::path(get, path = "/v1/audit/tile/{level}/{tile}", tag = "audit", operation_id = "get_audit_tile",
    params(("level" = String, Path), ("tile" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditTile")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn tile(
    State(app): State<Arc<App>>,
    params: Params,
    _: Admitted,
) -> Result<Response, ApiError> {
    tile_of(&app, &params, &["tile"]).await
}

/// A tile of the tree, `tile/<level>/067.p/8` or `tile/<level>/x001/067`.
#[utoipa::path(get, path = "/v1/audit/tile/{level}/{tile}/{part}", tag = "audit", operation_id = "get_audit_tile_part",
    params(("level" = String, Path), ("tile" = String, Path), ("part" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditTile")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn tile_part(
    State(app): State<Arc<App>>,
    params: Params,
    _: Admitted,
) -> Result<Response, ApiError> {
    tile_of(&app, &params, &["tile", "part"]).await
}

/// A tile of the tree, `tile/<level>/x001/067.p/8` or `tile/<level>/x001/x234/067`.
#[utoipa::path(get, path = "/v1/audit/tile/{level}/{tile}/{part}/{rest}", tag = "audit", operation_id = "get_audit_tile_rest",
    params(("level" = String, Path), ("tile" = String, Path), ("part" = String, Path), ("rest" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditTile")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn tile_rest(
    State(app): State<Arc<App>>,
    params: Params,
    _: Admitted,
) -> Result<Response, ApiError> {
    tile_of(&app, &params, &["tile", "part", "rest"]).await
}

/// Hashes that lead to the root of a checkpoint (RFC 6962), each in base64.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofDto {
    /// Records of the tree that the proof is of.
    size: u64,
    hashes: Vec<String>,
    /// The newest checkpoint.
    checkpoint: String,
}

impl ProofDto {
    fn new(standing: &Standing, size: u64, hashes: &[Hash]) -> Self {
        let hashes = hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        Self { size, hashes, checkpoint: standing.note.clone() }
    }
}

/// The size that is asked for, or the newest: that of the checkpoint which the answer carries.
fn size_of(standing: &Standing, name: &str, asked: Option<u64>) -> Result<u64, ApiError> {
    let newest = standing.rows.size();
    match asked {
        None => Ok(newest),
        Some(size) if size <= newest => Ok(size),
        Some(_) => Err(ApiError::parameter(name, format_args!("the log has {newest} records"))),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InclusionQuery {
    /// The record.
    seq: u64,
    /// Of a tree of so many records; the newest checkpoint's if absent.
    size: Option<u64>,
}

/// Proof that a record is in the log.
#[utoipa::path(get, path = "/v1/audit/proofs/inclusion", tag = "audit", operation_id = "get_audit_inclusion",
    params(InclusionQuery),
    responses((status = 200, body = ProofDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditProof")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn inclusion(
    State(app): State<Arc<App>>,
    query: Query<InclusionQuery>,
    _: Admitted,
) -> Result<Answer<ProofDto>, ApiError> {
    let standing = app.audit.standing();
    let (seq, size) = (query.0.seq, size_of(&standing, "size", query.0.size)?);
    if seq >= size {
        return Err(ApiError::parameter("seq", format_args!("the log has {size} records")));
    }
    let hashes = read(&app, move |log| log.inclusion(seq, size)).await?;
    Ok(Answer(ProofDto::new(&standing, size, &hashes)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyQuery {
    /// Records of an older checkpoint.
    old: u64,
    /// Of a later one; the newest if absent.
    size: Option<u64>,
}

/// Proof that the log only grew between two checkpoints.
#[utoipa::path(get, path = "/v1/audit/proofs/consistency", tag = "audit", operation_id = "get_audit_consistency",
    params(ConsistencyQuery),
    responses((status = 200, body = ProofDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetAuditProof")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn consistency(
    State(app): State<Arc<App>>,
    query: Query<ConsistencyQuery>,
    _: Admitted,
) -> Result<Answer<ProofDto>, ApiError> {
    let standing = app.audit.standing();
    let (old, size) = (query.0.old, size_of(&standing, "size", query.0.size)?);
    if old > size {
        return Err(ApiError::parameter("old", format_args!("must be at most {size}")));
    }
    let hashes = read(&app, move |log| log.consistency(old, size)).await?;
    Ok(Answer(ProofDto::new(&standing, size, &hashes)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordsQuery {
    /// The first record.
    first: u64,
    /// 1 to 1,000; 50 if absent. Fewer come where a file of the log ends.
    limit: Option<usize>,
}

/// Records as they are written, one a line, to be hashed by whoever checks them.
#[utoipa::path(get, path = "/v1/admin/audit/records", tag = "audit", operation_id = "read_audit_records",
    params(RecordsQuery),
    responses((status = 200, body = String, content_type = "application/jsonl"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReadAuditRecords")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn records(
    State(app): State<Arc<App>>,
    query: Query<RecordsQuery>,
    _: Admitted,
) -> Result<Response, ApiError> {
    lines(&app, query.0).await
}

async fn lines(app: &App, query: RecordsQuery) -> Result<Response, ApiError> {
    let (first, limit) = (query.first, page_size(query.limit)?);
    let lines = read(app, move |log| log.lines(first, limit)).await?;
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// The same, beside the tiles and proofs that they are checked by.
#[utoipa::path(get, path = "/v1/audit/records", tag = "audit", operation_id = "get_audit_records",
    params(RecordsQuery),
    responses((status = 200, body = String, content_type = "application/jsonl"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReadAuditRecords")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn records_beside(
    State(app): State<Arc<App>>,
    query: Query<RecordsQuery>,
    _: Admitted,
) -> Result<Response, ApiError> {
    lines(&app, query.0).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only records of this action, such as `gsm:ReportResult`.
    event: Option<String>,
    /// Only records of this caller: an id, the name of a key, or a kind such as `Admin`.
    principal: Option<String>,
    /// Only the record of this request.
    request_id: Option<String>,
    /// Only records about this thing: an id or a name.
    resource: Option<String>,
    /// Only refusals with this code.
    error: Option<String>,
    /// Only refusals, or none.
    refused: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<u64>,
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPageDto {
    /// The newest first, with CloudTrail's names of fields.
    #[schema(value_type = Vec<AuditRecordShape>)]
    records: Vec<serde_json::Value>,
    /// Records in the log.
    size: u64,
    /// There may be more; a page may have none and yet not be the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<u64>,
}

/// Look through the log.
///
/// A change is in it at most a second after it was answered.
#[utoipa::path(get, path = "/v1/admin/audit", tag = "audit", operation_id = "audit_list",
    params(ListQuery),
    responses((status = 200, body = AuditPageDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListAuditEvents")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    query: Query<ListQuery>,
    _: Admitted,
) -> Result<Answer<AuditPageDto>, ApiError> {
    let Query(ListQuery { event, principal, request_id: request, resource, error, refused, cursor, limit }) =
        query;
    let limit = page_size(limit)?;
    let filter = Filter { event, principal, request, resource, error, refused };
    let (page, size) = read(&app, move |log| Ok((log.list(&filter, cursor, limit)?, log.size()))).await?;
    Ok(Answer(AuditPageDto { records: page.records, size, next_cursor: page.before }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKey {
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// A key of the log that has just been made.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct RotatedDto {
    /// The key to check with from now on.
    vkey: String,
    /// The one before, which signs as well until `previous_until`.
    previous_vkey: String,
    previous_until: i64,
}

/// Make another key that signs the audit log.
///
/// Both keys sign for 30 days. Whoever checks the log takes the new one over, which the record of this call names. Of calls that
/// come at the same time one makes a key, and the others are refused (`audit_key_made`).
#[utoipa::path(post, path = "/v1/admin/audit/keys", tag = "audit", operation_id = "rotate_audit_key",
    request_body = RotateKey,
    responses((status = 200, body = RotatedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RotateAuditKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rotate_key(
    State(app): State<Arc<App>>,
    write: Write<Json<RotateKey>>,
) -> Result<Answer<RotatedDto>, ApiError> {
    let Write { call, body: Json(body), .. } = write;
    let reason = reason(&body.reason)?.to_owned();
    let own = app.clone();
    // A key that was made has its record, and its repeat.
    app.to_the_end(async move { rotated(&own, &call, &reason).await.map(Answer) }).await
}

async fn rotated(app: &App, call: &Call, reason: &str) -> Result<RotatedDto, ApiError> {
    let mut turn = app.audit.turns.next().await;
    if let Some(first) = app.engine.first_answer(call).await? {
        return Ok(first);
    }
    if turn.is_late {
        let detail = "another call made a key while this one was under way, and this one made none";
        let refused = ApiError::new(StatusCode::CONFLICT, "audit_key_made", detail);
        return Err(refused.hint("repeat the request only where one more key is wanted"));
    }
    let (audit, now) = (app.audit.clone(), call.now);
    let made = tokio::task::spawn_blocking(move || audit.rotate(now)).await;
    let made = made.map_err(|error| ApiError::internal(error.to_string()))?;
    let Some(rotated) = made.map_err(failed)? else {
        let detail = format!("{KEYS_MAX} keys sign the audit log, the last of each day for 30 days");
        let refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_audit_keys", detail);
        return Err(refused.hint("wait until the overlap of an older key is over"));
    };
    turn.has_made = true;
    let answer = RotatedDto {
        vkey: rotated.new.to_string(),
        previous_vkey: rotated.old.to_string(),
        previous_until: rotated.until.as_millis(),
    };
    match app.engine.done_elsewhere(call, &[&answer.vkey], reason, &answer).await {
        Ok(()) => Ok(answer),
        Err(error) => {
            // It signs from now on all the same.
            app.audit.has_no_record(rotated.new);
            Err(error.into())
        }
    }
}
