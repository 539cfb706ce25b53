//! Signing in: guests by a secret or by the key of a device, and how a guest becomes an account; our public keys.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Head, Json, Read, Write},
};
use crate::{
    door,
    problem::{ApiError, Problem},
    who::device::{self, DeviceKey},
};
use axum::{extract::State, http::StatusCode};
use gsm_core::{Label, PlayerId};
use gsm_engine::{EngineError, SignedIn};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Characters of a guest secret: 22 of base64url are 128 bits.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 22..=128;
/// Hexadecimal digits that are 128 bits.
const HEX_DIGITS_MIN: usize = 32;
/// Decimal ones.
const DECIMAL_DIGITS_MIN: usize = 39;
/// Different characters in it, at least: fewer were typed, not drawn.
const SECRET_DISTINCT_MIN: usize = 8;
const DRAW: &str =
    "draw at least 16 random bytes and write them in base64url (22 characters) or hexadecimal (32)";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// Made by the client, kept on its device, at least 128 random bits: 22 to 128 characters of `A-Za-z0-9_-`, of which
    /// 32 are hexadecimal digits where all but `_` and `-` are, and 39 decimal ones where those are.
    secret: String,
    /// The name shown to others, 1 to 32 characters; used when the player is made.
    #[schema(value_type = Option<String>)]
    display_name: Option<Label>,
}

/// A session: a JWT (EdDSA), whose keys are at `/.well-known/jwks.json`.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The bearer token.
    token: String,
    /// Until when it is good.
    expires_at: i64,
    /// Whether the player was made just now.
    created: bool,
}

fn wrong(what: &str) -> Result<(), ApiError> {
    Err(ApiError::value("secret", what).hint(DRAW))
}

/// Refuses what is no secret.
fn check_secret(secret: &str) -> Result<(), ApiError> {
    let plain = secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !SECRET_CHARS.contains(&secret.len()) || !plain {
        return wrong("22 to 128 characters of `A-Za-z0-9_-`");
    }
    if secret.bytes().collect::<std::collections::BTreeSet<u8>>().len() < SECRET_DISTINCT_MIN {
        return wrong("too few different characters to be random");
    }
    Ok(())
}

/// Refuses a secret that cannot have 128 bits. That those it has were drawn, nobody can tell.
fn check_bits(secret: &str) -> Result<(), ApiError> {
    let drawn = || secret.bytes().filter(|b| *b != b'_' && *b != b'-');
    let digits = drawn().count();
    if digits < DECIMAL_DIGITS_MIN && drawn().all(|b| b.is_ascii_digit()) {
        return wrong("39 digits at least where it has only decimal ones: fewer have not 128 bits");
    }
    if digits < HEX_DIGITS_MIN && drawn().all(|b| b.is_ascii_hexdigit()) {
        return wrong("32 digits at least where it has only hexadecimal ones: fewer have not 128 bits");
    }
    Ok(())
}

/// Sign in as a guest.
///
/// Whoever holds the secret is the player; the first time makes the player. Only a hash of the secret is kept.
#[utoipa::path(post, path = "/v1/auth/guest", tag = "sign-in", operation_id = "sign_in_guest",
    request_body = SignIn,
    responses((status = 200, body = SessionDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:SignIn")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    write: Write<Json<SignIn>>,
) -> Result<Answer<SessionDto>, ApiError> {
    let Json(body) = write.body;
    check_secret(&body.secret)?;
    app.throttle.sign_in(body.secret.as_bytes())?;
    if let Err(error) = check_bits(&body.secret) {
        // Earlier versions took it, and whoever has it has nothing else.
        if !app.engine.knows_secret(&body.secret).await? {
            return Err(error);
        }
    }
    let done = app.engine.sign_in(&write.call, &body.secret, body.display_name).await?;
    session(&app, done)
}

/// A session for who has signed in.
fn session(app: &App, who: SignedIn) -> Result<Answer<SessionDto>, ApiError> {
    let sessions = &app.door.bearers().sessions;
    let issued = sessions.issue(who.player, &**app.engine.ids(), app.engine.clock().wall());
    let (token, expires_at) = issued.ok_or_else(|| ApiError::internal("no key signs sessions".to_owned()))?;
    Ok(Answer(SessionDto {
        player_id: who.player,
        token,
        expires_at: expires_at.as_millis(),
        created: who.created,
    }))
}

/// What a device shall sign.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChallengeDto {
    /// To be given back as it is.
    challenge: String,
    /// The text to sign: three lines, the last one the challenge.
    message: String,
    /// Until when it can be answered.
    expires_at: i64,
}

/// Ask for what a device shall sign to sign in.
#[utoipa::path(get, path = "/v1/auth/device/challenge", tag = "sign-in", operation_id = "get_device_challenge",
    responses((status = 200, body = ChallengeDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:GetChallenge")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn challenge(
    State(app): State<Arc<App>>,
    _: Admitted,
) -> Result<Answer<ChallengeDto>, ApiError> {
    let (challenge, expires_at) = app.engine.challenge(app.used.process(), app.engine.clock().now());
    let message = device::message(app.door.bearers().sessions.audience(), &challenge);
    Ok(Answer(ChallengeDto { challenge, message, expires_at: expires_at.as_millis() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSignIn {
    public_key: DeviceKey,
    /// From `GET /v1/auth/device/challenge`; good once.
    challenge: String,
    /// Of its `message`, by the private half of the key: 64 bytes in base64url without padding (for P-256 over SHA-256, as
    /// `r` and `s` one behind the other).
    signature: String,
    /// The name shown to others, 1 to 32 characters; used when the player is made.
    #[schema(value_type = Option<String>)]
    display_name: Option<Label>,
}

/// Sign in as a guest by the key of a device.
///
/// Whoever holds the private half of the key is the player; it never leaves the device. The first time makes the player.
#[utoipa::path(post, path = "/v1/auth/device", tag = "sign-in", operation_id = "sign_in_device",
    request_body = DeviceSignIn,
    responses((status = 200, body = SessionDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    extensions(("x-gsm-action" = json!("gsm:SignIn")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn sign_in_device(
    State(app): State<Arc<App>>,
    write: Write<Json<DeviceSignIn>>,
) -> Result<Answer<SessionDto>, ApiError> {
    let Json(body) = write.body;
    let key = body.public_key.read()?;
    app.throttle.sign_in(&key.identity)?;
    let now = app.engine.clock().now();
    let refused = || {
        let detail =
            "the challenge is not one of ours, was used, or has expired, or the signature is not of it";
        ApiError::new(StatusCode::UNAUTHORIZED, "invalid_signature", detail)
            .hint("ask for a new challenge with GET /v1/auth/device/challenge, and sign its `message` byte for byte")
    };
    let claim = app.engine.open_challenge(&body.challenge, now).map_err(|_| refused())?;
    let message = device::message(app.door.bearers().sessions.audience(), &body.challenge);
    let good = key.signed(&message, &body.signature) && app.used.first(claim.nonce, claim.expires_at, now);
    if !good {
        return Err(refused());
    }
    session(&app, app.engine.sign_in_device(&write.call, &key.identity, body.display_name).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// A token of a configured issuer for the same person.
    token: String,
}

/// The account that a player has now.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkedDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The issuer.
    issuer: String,
    /// Its name for the player.
    subject: String,
}

/// Make a guest an account: link the player to the subject of a configured issuer.
///
/// From then on tokens of that issuer for that subject are tokens of this player; the guest's own secret or device stays good.
/// Linking the same account again changes nothing; one that another player has is refused (409).
#[utoipa::path(post, path = "/v1/auth/link", tag = "sign-in", operation_id = "link_account",
    request_body = Link,
    responses((status = 200, body = LinkedDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:LinkAccount")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn link(
    State(app): State<Arc<App>>,
    Head(parts): Head,
    write: Write<Json<Link>>,
) -> Result<Answer<LinkedDto>, ApiError> {
    let player_id = write.call.principal.player().ok_or(EngineError::Forbidden)?;
    app.throttle.sign_in(&player_id.as_u128().to_be_bytes())?;
    let now = app.engine.clock().wall();
    let found = app.door.bearers().subject(&write.body.0.token, now).await;
    let account = found.ok_or_else(|| {
        let bad = ApiError::value("token", "not a player's token of a configured issuer, or it has expired")
            .hint("sign in with the issuer, and send its token here as the guest");
        // Whoever tries tokens is slowed down by address, wherever they are tried.
        door::bad_token(&app, &parts, now).err().unwrap_or(bad)
    })?;
    app.engine.link_subject(&write.call, player_id, &account.issuer, &account.subject).await?;
    Ok(Answer(LinkedDto { player_id, issuer: account.issuer, subject: account.subject.to_string() }))
}

/// The public keys of sessions, as a JWKS (RFC 7517).
///
/// A key is here before it signs and until its last session has expired. Look again when a session names one that you do
/// not know.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "sign-in", operation_id = "get_jwks",
    responses((status = 200, body = serde_json::Value)),
    extensions(("x-gsm-action" = json!("gsm:GetPublicKeys")), ("x-gsm-roles" = json!(["none"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn jwks(
    State(app): State<Arc<App>>,
    _: Read,
) -> Result<Answer<serde_json::Value>, ApiError> {
    Ok(Answer(app.door.bearers().sessions.published()))
}
