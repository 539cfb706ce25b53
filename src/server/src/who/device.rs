//! Signing in with the key of a device: the device signs a challenge of ours, and only the public half of its key ever
//! leaves it. A challenge is good once.
use crate::problem::ApiError;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::Timestamp;
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// What is signed begins with this, so that a signature for us is one for nobody else.
const PREFIX: &str = "gsm device sign-in";
/// Bytes of a coordinate, of a key of Ed25519, and of half a signature.
pub(super) const HALF_BYTES: usize = 32;
/// Challenges that were used and have not expired.
const USED_MAX: usize = 200_000;

/// A public key as a JWK: Ed25519 (`kty` `OKP`) or P-256 (`kty` `EC`).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceKey {
    /// `OKP` or `EC`.
    kty: String,
    /// `Ed25519` or `P-256`.
    crv: String,
    /// Base64url without padding, 32 bytes.
    x: String,
    /// Of P-256 the second coordinate, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    /// What WebCrypto writes beside the key; nothing follows from it, but it must not say another purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    /// `sig`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    /// With `verify` in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    /// Ignored.
    #[serde(rename = "ext", default, skip_serializing_if = "Option::is_none")]
    _ext: Option<bool>,
    /// Ignored.
    #[serde(rename = "kid", default, skip_serializing_if = "Option::is_none")]
    _kid: Option<String>,
}

/// A key that was read: how it verifies, and its bytes with their kind.
pub(crate) struct Read {
    algorithm: &'static dyn VerificationAlgorithm,
    point: Vec<u8>,
    /// By which the player is found.
    pub(crate) identity: Vec<u8>,
}

impl DeviceKey {
    /// The key, if it is one of the two kinds.
    pub(crate) fn read(&self) -> Result<Read, ApiError> {
        let part = |name: &str, text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == HALF_BYTES);
            let field = format!("public_key.{name}");
            bytes.ok_or_else(|| ApiError::value(field, "must be 32 bytes in base64url without padding"))
        };
        self.check_purpose()?;
        let x = part("x", &self.x)?;
        match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("OKP", "Ed25519", None) if is_weak(&x) => {
                Err(ApiError::value("public_key.x", "is a point of small order: anybody signs for it")
                    .hint("make a key pair, and send the public half of it"))
            }
            ("OKP", "Ed25519", None) => {
                let identity = [b"Ed25519 ", &x[..]].concat();
                Ok(Read { algorithm: &ED25519, point: x, identity })
            }
            ("EC", "P-256", Some(y)) => {
                let y = part("y", y)?;
                let identity = [b"P-256 ", &x[..], &y].concat();
                // The uncompressed form of a point.
                Ok(Read { algorithm: &ECDSA_P256_SHA256_FIXED, point: [&[4], &x[..], &y].concat(), identity })
            }
            _ => Err(ApiError::value(
                "public_key",
                "neither `OKP` of `Ed25519` with `x` nor `EC` of `P-256` with `x` and `y`",
            )
            .hint("export the public key of the device as a JWK, and send these members of it")),
        }
    }
}

impl DeviceKey {
    /// Refuses a key that says that it is for something else than to check signatures of its kind.
    fn check_purpose(&self) -> Result<(), ApiError> {
        let wrong =
            |member: &str, what: &str| Err(ApiError::value(format!("public_key.{member}"), what.to_owned()));
        if self.usage.as_ref().is_some_and(|usage| usage != "sig") {
            return wrong("use", "must be `sig`, or absent");
        }
        if self.key_ops.as_ref().is_some_and(|ops| !ops.is_empty() && !ops.iter().any(|op| op == "verify")) {
            return wrong("key_ops", "must have `verify`: send the public key of the pair");
        }
        let known: &[&str] = if self.kty == "OKP" { &["EdDSA", "Ed25519"] } else { &["ES256"] };
        if self.alg.as_ref().is_some_and(|alg| !known.contains(&alg.as_str())) {
            return wrong("alg", "must be `ES256` of P-256, `EdDSA` or `Ed25519` of Ed25519, or absent");
        }
        Ok(())
    }
}

/// Whether a point of Ed25519 has an order of 8 at most, so that signatures for it need no private key. There are eight of
/// them, with seven encodings but for the sign, non-canonical ones included.
pub(super) fn is_weak(x: &[u8]) -> bool {
    let Ok(mut y) = <[u8; HALF_BYTES]>::try_from(x) else { return false };
    y[HALF_BYTES - 1] &= 0x7f;
    let near_p = |first: u8| {
        let mut of = [0xff; HALF_BYTES];
        (of[0], of[HALF_BYTES - 1]) = (first, 0x7f);
        of
    };
    let near_0 = |first: u8| {
        let mut of = [0; HALF_BYTES];
        of[0] = first;
        of
    };
    [near_0(0), near_0(1), near_p(0xec), near_p(0xed), near_p(0xee)].contains(&y) || ORDER_8.contains(&y)
}

/// The two heights of the points of order 8 of Curve25519 in Edwards' form.
const ORDER_8: [[u8; HALF_BYTES]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// What the device signs.
pub(crate) fn message(audience: &str, challenge: &str) -> String {
    format!("{PREFIX}\n{audience}\n{challenge}")
}

impl Read {
    /// Whether the private half of this key made `signature` (base64url, 64 bytes) over `message`.
    pub(crate) fn signed(&self, message: &str, signature: &str) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(signature).ok().filter(|bytes| bytes.len() == 2 * HALF_BYTES);
        let key = UnparsedPublicKey::new(self.algorithm, &self.point);
        bytes.is_some_and(|bytes| key.verify(message.as_bytes(), &bytes).is_ok())
    }
}

/// The challenges that were answered; each is good once, and only with the process that gave it out: another one does not know
/// what was answered.
pub(crate) struct Used {
    process: u64,
    nonces: Mutex<HashMap<u128, Timestamp>>,
}

impl Used {
    /// Of the process that is called by this number, which was drawn for it.
    pub(crate) fn new(process: u64) -> Self {
        Self { process, nonces: Mutex::default() }
    }

    /// The first half of the nonces that are taken.
    pub(crate) fn process(&self) -> u64 {
        self.process
    }

    /// Uses a challenge up; `false` if it was before, if another process gave it out, or if so many are being used that this
    /// cannot be told.
    pub(crate) fn first(&self, nonce: u128, expires_at: Timestamp, now: Timestamp) -> bool {
        if nonce >> 64 != u128::from(self.process) {
            return false;
        }
        let mut used = self.nonces.lock();
        if used.len() >= USED_MAX {
            used.retain(|_, until| *until > now);
            if used.len() >= USED_MAX {
                return false;
            }
        }
        used.insert(nonce, expires_at).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_for_which_anybody_signs_is_none() {
        let key = |bytes: [u8; 32]| DeviceKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(bytes),
            y: None,
            alg: None,
            usage: None,
            key_ops: None,
            _ext: None,
            _kid: None,
        };
        // The neutral point: as the public key and as the commitment, with 0 as the response, it fits every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let forged = UnparsedPublicKey::new(&ED25519, neutral);
        assert!(forged.verify(b"anything", &[neutral, [0; 32]].concat()).is_ok(), "so it must be refused");
        assert!(key(neutral).read().is_err());
        neutral[31] = 0x80;
        assert!(key(neutral).read().is_err(), "whatever its sign is");
        assert!(ORDER_8.into_iter().all(|of| key(of).read().is_err()));
        // A point of large order: the base point's height, 4/5.
        let mut base = [0x66; 32];
        base[0] = 0x58;
        assert!(key(base).read().is_ok());
    }

    #[test]
    fn a_challenge_is_good_once() {
        let used = Used::new(0);
        let at = Timestamp::from_millis;
        assert!(used.first(1, at(10), at(0)));
        assert!(!used.first(1, at(10), at(0)));
        for nonce in 2..USED_MAX as u128 + 1 {
            assert!(used.first(nonce, at(10), at(0)));
        }
        assert!(!used.first(0, at(10), at(9)), "full: refused rather than forgotten");
        assert!(used.first(0, at(20), at(10)), "what has expired makes room");
        assert!(!Used::new(1).first(0, at(20), at(10)), "another process gave it out");
        assert!(Used::new(1).first(1 << 64, at(20), at(10)));
    }
}
