//! JWTs of configured issuers: EdDSA or ES256, keys from a local JWKS file, roles only as far as the issuer may give
//! them.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::{RequestKey, Timestamp};
use gsm_engine::Role;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use serde::Deserialize;
use std::{collections::HashMap, path::Path};

/// Clocks of issuers may be off by so much.
const LEEWAY_S: u64 = 30;
/// Longest token looked at.
const JWT_BYTES_MAX: usize = 8 * 1024;
/// Keys of one issuer.
const KEYS_MAX: usize = 64;
/// Header members that would let a token choose its own key, or that we would have to understand.
const FORBIDDEN_HEADERS: [&str; 5] = ["jku", "x5u", "jwk", "x5c", "crit"];

/// Why a JWKS file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the JWKS file `{path}`: {what}")]
pub struct JwksError {
    path: String,
    what: String,
}

/// Whose tokens are taken, and for which roles.
pub(crate) struct Issuer {
    /// The `iss` that its tokens must carry; none takes any.
    pub(crate) iss: Option<String>,
    pub(crate) audience: String,
    pub(crate) roles: Vec<Role>,
    /// The claim that names the role; its absence means player.
    pub(crate) role_claim: String,
    keys: HashMap<String, (Algorithm, DecodingKey)>,
}

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) issuer: String,
    pub(crate) subject: RequestKey,
    pub(crate) role: Role,
    pub(crate) expires_at: Timestamp,
}

impl Issuer {
    /// Reads the issuer's keys.
    pub(crate) fn load(
        iss: Option<String>,
        audience: String,
        roles: Vec<Role>,
        role_claim: String,
        jwks: &Path,
    ) -> Result<Self, JwksError> {
        let fail = |what: String| JwksError { path: jwks.display().to_string(), what };
        let text = std::fs::read(jwks).map_err(|e| fail(e.to_string()))?;
        let set: JwkSet = serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))?;
        if set.keys.is_empty() || set.keys.len() > KEYS_MAX {
            return Err(fail(format!("it must have 1 to {KEYS_MAX} keys, it has {}", set.keys.len())));
        }
        let mut keys = HashMap::new();
        for (at, key) in set.keys.iter().enumerate() {
            let algorithm = match &key.algorithm {
                AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
                AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => Algorithm::ES256,
                _ => return Err(fail(format!("key {at} is neither Ed25519 nor P-256"))),
            };
            let id = key.common.key_id.clone().ok_or_else(|| fail(format!("key {at} has no `kid`")))?;
            let decoding = DecodingKey::from_jwk(key).map_err(|e| fail(format!("key {at}: {e}")))?;
            if keys.insert(id, (algorithm, decoding)).is_some() {
                return Err(fail(format!("key {at} has the `kid` of another")));
            }
        }
        Ok(Self { iss, audience, roles, role_claim, keys })
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// What a token says, if one of the issuers signed it and all its claims are in order at `now`.
pub(crate) fn verify(issuers: &[Issuer], token: &str, now: Timestamp) -> Option<Verified> {
    if token.len() > JWT_BYTES_MAX {
        return None;
    }
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?).ok()?;
    if FORBIDDEN_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return None;
    }
    let key_id = header.get("kid")?.as_str()?;
    issuers.iter().find_map(|issuer| verify_by(issuer, key_id, token, now))
}

fn verify_by(issuer: &Issuer, key_id: &str, token: &str, now: Timestamp) -> Option<Verified> {
    let (algorithm, key) = issuer.keys.get(key_id)?;
    let mut validation = Validation::new(*algorithm);
    validation.set_audience(&[&issuer.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    if let Some(iss) = &issuer.iss {
        validation.set_issuer(&[iss]);
    }
    // Times are checked below, by the server's own clock and with the leeway of ours.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
    let now_s = now.as_millis() as f64 / 1_000.0;
    let leeway = LEEWAY_S as f64;
    let timely = claims.exp.is_finite()
        && claims.exp + leeway > now_s
        && claims.nbf.is_none_or(|nbf| nbf.is_finite() && nbf - leeway <= now_s);
    if !timely {
        return None;
    }
    let role = match claims.rest.get(&issuer.role_claim) {
        None => Role::Player,
        Some(value) => match value.as_str()? {
            "player" => Role::Player,
            "server" | "game-server" => Role::Server,
            "admin" => Role::Admin,
            _ => return None,
        },
    };
    if !issuer.roles.contains(&role) {
        return None;
    }
    Some(Verified {
        issuer: claims.iss,
        subject: RequestKey::new(&claims.sub).ok()?,
        role,
        expires_at: Timestamp::from_millis(((claims.exp + leeway) * 1_000.0) as i64),
    })
}
