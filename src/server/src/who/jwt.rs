//! JWTs of configured issuers, and our own: EdDSA or ES256, the algorithm bound to the key, roles only as far as the
//! issuer may give them.
//!
//! Header and claims are read here, strictly (each member once, numbers finite, nothing that lets a token choose its
//! key); the signature is checked by `jsonwebtoken`.
use super::jwks::{KeySet, Source};
use crate::{
    config::Asserted,
    front::strict_json::{self, JsonLimits},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::{RequestKey, Timestamp};
use gsm_engine::{AdminRole, Role};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Clocks of issuers may be off by so much.
pub(crate) const LEEWAY_S: f64 = 30.0;
/// Longest token looked at.
const JWT_BYTES_MAX: usize = 8 * 1024;
/// Longest name of a key.
const KEY_ID_BYTES_MAX: usize = 128;
/// Audiences of one token.
const AUDIENCES_MAX: usize = 16;
/// The last second of the year 9999: a later date is in milliseconds, or nonsense.
const DATE_MAX: f64 = 253_402_300_799.0;
/// Header members that would let a token choose its own key, or that we would have to understand.
const FORBIDDEN_HEADERS: [&str; 12] =
    ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "apu", "apv", "cty"];
/// What a token may say it is.
const TYPES: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
/// What a header or the claims may be as JSON.
const JSON: JsonLimits = JsonLimits {
    media_type: "application/jwt",
    bytes_max: JWT_BYTES_MAX,
    depth_max: 8,
    members_max: 256,
    number_chars_max: 32,
};

/// Whose tokens are taken, and for which roles.
pub(crate) struct Issuer {
    /// The `iss` that its tokens must carry; none takes any but `others`.
    pub(crate) iss: Option<String>,
    /// Those of the issuers that have keys of their own, our own among them: nobody else speaks in their name.
    pub(crate) others: Vec<String>,
    pub(crate) audience: String,
    pub(crate) roles: Vec<Asserted>,
    /// The claim that names the role; its absence means player.
    pub(crate) role_claim: String,
    /// Where its keys come from.
    pub(crate) keys: Arc<Source>,
}

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) issuer: String,
    pub(crate) subject: RequestKey,
    pub(crate) role: Role,
    /// Of an operator, which.
    pub(crate) admin: Option<AdminRole>,
    pub(crate) expires_at: Timestamp,
}

/// Why a token speaks for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No issuer that it may be of has a key of this name, or one of them has not: newer keys may be there to be fetched.
    UnknownKey,
    /// Anything else; nobody is told what.
    Invalid,
}

/// A token taken apart, its header checked.
pub(crate) struct Taken<'a> {
    pub(crate) key_id: String,
    algorithm: jsonwebtoken::Algorithm,
    /// What is signed.
    message: &'a str,
    signature: &'a str,
    claims: Map<String, Value>,
}

impl<'a> Taken<'a> {
    /// Reads header and claims; nothing of them is believed before [`Taken::is_signed_by`].
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        if token.len() > JWT_BYTES_MAX {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let header = object(header)?;
        if FORBIDDEN_HEADERS.iter().any(|name| header.contains_key(*name)) {
            return None;
        }
        let algorithm = match header.get("alg")?.as_str()? {
            "EdDSA" => jsonwebtoken::Algorithm::EdDSA,
            "ES256" => jsonwebtoken::Algorithm::ES256,
            _ => return None,
        };
        if let Some(kind) = header.get("typ") {
            let kind = kind.as_str()?.to_ascii_lowercase();
            TYPES.contains(&kind.as_str()).then_some(())?;
        }
        let key_id = header.get("kid")?.as_str().filter(|id| (1..=KEY_ID_BYTES_MAX).contains(&id.len()))?;
        Some(Self { key_id: key_id.to_owned(), algorithm, message, signature, claims: object(claims)? })
    }

    /// Whether a key of this set made it; `None` if the set has no key of this name.
    fn is_signed_by(&self, keys: &KeySet) -> Option<bool> {
        let key = keys.get(&self.key_id)?;
        // The key says which algorithm it is for; a header that says another one is lying.
        let good = key.algorithm == self.algorithm
            && jsonwebtoken::crypto::verify(
                self.signature,
                self.message.as_bytes(),
                &key.decoding,
                key.algorithm,
            )
            .unwrap_or(false);
        Some(good)
    }
}

/// The JSON object in a part of a token.
fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    strict_json::parse(&bytes, &JSON).ok()
}

/// What a token says, if one of the issuers signed it and all its claims are in order at `now`.
pub(crate) fn verify<'i>(
    issuers: impl IntoIterator<Item = &'i Issuer>,
    token: &Taken<'_>,
    now: Timestamp,
) -> Result<Verified, Refused> {
    let (mut is_known, mut is_unknown) = (false, false);
    for issuer in issuers.into_iter().filter(|issuer| issuer.may_have_made(token)) {
        match token.is_signed_by(&issuer.keys.current()) {
            None => is_unknown = true,
            Some(signed) => {
                is_known = true;
                if signed && let Some(verified) = issuer.read(&token.claims, now) {
                    return Ok(verified);
                }
            }
        }
    }
    Err(if is_known && !is_unknown { Refused::Invalid } else { Refused::UnknownKey })
}

impl Issuer {
    /// Whether a token says that it is of this issuer. The name of a key tells nothing: two issuers may have the same one.
    pub(crate) fn may_have_made(&self, token: &Taken<'_>) -> bool {
        let said = token.claims.get("iss").and_then(Value::as_str);
        match &self.iss {
            Some(own) => said == Some(own),
            None => !said.is_some_and(|said| self.others.iter().any(|other| other == said)),
        }
    }

    /// What signed claims say, if they are in order.
    fn read(&self, claims: &Map<String, Value>, now: Timestamp) -> Option<Verified> {
        let issuer = claims.get("iss")?.as_str().filter(|iss| !iss.is_empty())?;
        if self.iss.as_ref().is_some_and(|own| own != issuer) {
            return None;
        }
        is_for(claims.get("aud")?, &self.audience).then_some(())?;
        let now_s = now.as_millis() as f64 / 1_000.0;
        let expires = date(claims.get("exp")?)?;
        let not_before = claims.get("nbf").map_or(Some(0.0), date)?;
        let issued = claims.get("iat").map_or(Some(0.0), date)?;
        let timely =
            expires + LEEWAY_S > now_s && not_before - LEEWAY_S <= now_s && issued - LEEWAY_S <= now_s;
        if !timely {
            return None;
        }
        let (role, admin) = match claims.get(&self.role_claim) {
            None => (Role::Player, None),
            Some(value) => role_of(value.as_str()?)?,
        };
        if !self.roles.iter().any(|asserted| asserted.covers(role, admin)) {
            return None;
        }
        Some(Verified {
            issuer: issuer.to_owned(),
            subject: RequestKey::new(claims.get("sub")?.as_str()?).ok()?,
            role,
            admin,
            expires_at: Timestamp::from_millis(((expires + LEEWAY_S) * 1_000.0) as i64),
        })
    }
}

/// The role that a claim names. A plain `admin` may do what owners may.
fn role_of(name: &str) -> Option<(Role, Option<AdminRole>)> {
    match name {
        "player" => Some((Role::Player, None)),
        "server" | "game-server" => Some((Role::Server, None)),
        "admin" => Some((Role::Admin, Some(AdminRole::Owner))),
        other => AdminRole::named(other).map(|role| (Role::Admin, Some(role))),
    }
}

/// Whether `aud` is, or has among others, the audience that is ours.
fn is_for(claim: &Value, audience: &str) -> bool {
    match claim {
        Value::String(one) => one == audience,
        Value::Array(many) if many.len() <= AUDIENCES_MAX => {
            many.iter().all(Value::is_string) && many.iter().any(|one| one == audience)
        }
        _ => false,
    }
}

/// A date in seconds since 1970.
fn date(claim: &Value) -> Option<f64> {
    claim.as_f64().filter(|seconds| (0.0..=DATE_MAX).contains(seconds))
}
