//! For operators: the server's own keys that are in files. Another key is put before the one there, which stays good for a while.
use super::{
    App,
    answer::Answer,
    extract::{Json, Write},
    rulings::reason,
};
use crate::{
    gamelift::opening,
    problem::{ApiError, Problem},
    who::key_file::{KEYS_MAX, KeyFile},
};
use axum::{extract::State, http::StatusCode};
use gsm_core::Millis;
use gsm_engine::{Call, EngineError, token::TOKEN_LIFE_MAX};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// Longest time that a key stays good beside a newer one.
const OVERLAP_S_MAX: u64 = 30 * 24 * 3_600;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKeyFile {
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
    /// Seconds that what the key before has signed stays good, 0 to 2,592,000 (30 days); as shipped 172,800 (two days), in which
    /// all of it has expired.
    #[serde(default)]
    overlap_s: Option<u64>,
}

/// A key that has just been made.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct RotatedKeyFileDto {
    /// Until when what the key before has signed stays good.
    previous_until: i64,
    /// Keys in the file, the new one included.
    keys: usize,
}

/// Make another key of tokens: of matches, consents, pages and challenges.
///
/// What the key before has signed stays good for the overlap, and what it has sealed (the keys of sessions) is sealed anew: nobody
/// is signed out, and nothing is restarted. An overlap of 0 ends the tokens of matches that are under way.
#[utoipa::path(post, path = "/v1/admin/token-key/rotate", tag = "admin", operation_id = "rotate_token_key",
    request_body = RotateKeyFile,
    responses((status = 200, body = RotatedKeyFileDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RotateTokenKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rotate_token(
    State(app): State<Arc<App>>,
    write: Write<Json<RotateKeyFile>>,
) -> Result<Answer<RotatedKeyFileDto>, ApiError> {
    rotate(app, Which::Token, write).await
}

/// Make another master key, under which the secrets of access keys are sealed.
///
/// All of them are sealed anew; access keys, their secrets and pages of lists stay good, and nothing is restarted.
#[utoipa::path(post, path = "/v1/admin/master-key/rotate", tag = "admin", operation_id = "rotate_master_key",
    request_body = RotateKeyFile,
    responses((status = 200, body = RotatedKeyFileDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:RotateMasterKey")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn rotate_master(
    State(app): State<Arc<App>>,
    write: Write<Json<RotateKeyFile>>,
) -> Result<Answer<RotatedKeyFileDto>, ApiError> {
    rotate(app, Which::Master, write).await
}

#[derive(Clone, Copy)]
enum Which {
    Token,
    Master,
}

impl Which {
    fn file(self, app: &App) -> &Mutex<KeyFile> {
        match self {
            Self::Token => &app.key_files.token,
            Self::Master => &app.key_files.aws_master,
        }
    }

    fn take(self, app: &App, file: &KeyFile) {
        match self {
            Self::Token => app.engine.take_token_keys(file.token_keys()),
            Self::Master => app.wire.master.replace(file),
        }
    }

    async fn seal_anew(self, app: &App) -> Result<(), EngineError> {
        match self {
            Self::Token => app.door.bearers().sessions.seal_anew(&app.engine).await,
            Self::Master => opening::seal_anew(&app.engine, &app.wire.master.now()).await,
        }
    }
}

async fn rotate(
    app: Arc<App>,
    which: Which,
    write: Write<Json<RotateKeyFile>>,
) -> Result<Answer<RotatedKeyFileDto>, ApiError> {
    let Write { call, body: Json(body), .. } = write;
    let reason = reason(&body.reason)?.to_owned();
    let overlap_s = body.overlap_s.unwrap_or(TOKEN_LIFE_MAX.get() / 1_000);
    if overlap_s > OVERLAP_S_MAX {
        return Err(ApiError::value("overlap_s", format_args!("must be 0 to {OVERLAP_S_MAX}")));
    }
    let overlap = Millis::from_secs(overlap_s);
    let own = app.clone();
    // A key that was made has its record, and what the one before has sealed is sealed anew.
    let rotated = app.to_the_end(async move { rotated(&own, which, &call, &reason, overlap).await });
    rotated.await.map(Answer)
}

async fn rotated(
    app: &App,
    which: Which,
    call: &Call,
    reason: &str,
    overlap: Millis,
) -> Result<RotatedKeyFileDto, ApiError> {
    let mut file = which.file(app).lock().await;
    if let Some(first) = app.engine.first_answer(call).await? {
        return Ok(first);
    }
    // Nothing may be left under a key that goes.
    which.seal_anew(app).await?;
    let (until, keeps_bans) = (call.now.saturating_add(overlap), matches!(which, Which::Token));
    let Some(next) = file.rotated(call.now, until, keeps_bans, &**app.engine.ids()) else {
        let detail = format!("the file has {KEYS_MAX} keys, each until a day after it was good");
        let refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_old_keys", detail);
        return Err(refused.hint("wait until the overlap of an older key is over"));
    };
    let before = file.clone();
    let write = move || {
        let changed = || std::io::Error::other("it is not as it was read at the start, or a link");
        if before.is_as_read() { next.write().map(|()| next) } else { Err(changed()) }
    };
    let written = tokio::task::spawn_blocking(write).await;
    let next = written.map_err(|error| ApiError::internal(error.to_string()))?.map_err(|error| {
        let detail = format!("the file of the key cannot be replaced, and the key stays: {error}");
        ApiError::new(StatusCode::CONFLICT, "key_file_unwritable", detail)
            .hint("let the server write the file and its directory, or change it by hand and start anew (docs/security.md)")
    })?;
    *file = next;
    // Either key is on the disk from here on, and a start at any moment finds what it needs.
    which.take(app, &file);
    let keys = 1 + file.keys().1.count();
    let answer = RotatedKeyFileDto { previous_until: until.as_millis(), keys };
    let recorded = app.engine.done_elsewhere(call, &[], reason, &answer).await;
    file.finish(&app.engine, which.seal_anew(app).await);
    recorded.map_err(EngineError::after_commit)?;
    Ok(answer)
}
