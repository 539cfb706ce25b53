//! Our own issuer: sessions of players as JWTs (EdDSA), by keys that are rotated without a restart and published for
//! whoever wants to check a session (`/.well-known/jwks.json`).
use super::{
    jwks::{KeySet, Origin, PublicKey, Source},
    jwt::{self, Issuer, LEEWAY_S, Refused, Taken, Verified},
    seal,
};
use crate::config::Asserted;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::{IdSource, KeyId, Millis, PlayerId, Timestamp};
use gsm_engine::{Call, Engine, EngineError, NewSigningKey, store::SigningKeyRow};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long a session is good.
const SESSION_LIFE: Millis = Millis::from_secs(24 * 3_600);
/// A session of a key that signs no more is good until its end, and the leeway of clocks.
const RETIRED_LIFE: Millis = Millis::from_secs(24 * 3_600 + 60);
/// Between two looks into the store for a key that another node may have made.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// What the keys are derived for under which private halves are sealed.
const SEAL: &str = "gsm signing key seal 1";
/// Bytes of the private half as it is sealed.
const SEED_BYTES: usize = 32;

/// The keys in use.
struct Ring {
    signing: Option<(String, Ed25519KeyPair)>,
    published: Value,
}

/// Issues sessions and checks them.
pub(crate) struct Sessions {
    issuer: Issuer,
    ring: RwLock<Arc<Ring>>,
    looked_at: Mutex<Option<Instant>>,
}

impl Sessions {
    /// The keys of the store; the first start makes them.
    pub(crate) async fn open(engine: &Engine, iss: &str, audience: &str) -> Result<Self, EngineError> {
        let issuer = Issuer {
            iss: Some(iss.to_owned()),
            others: Vec::new(),
            audience: audience.to_owned(),
            roles: vec![Asserted::Player],
            role_claim: "role".to_owned(),
            keys: Source::new(Origin::Own, KeySet::default()),
        };
        let empty = Ring { signing: None, published: json!({ "keys": [] }) };
        let ring = RwLock::new(Arc::new(empty));
        let sessions = Self { issuer, ring, looked_at: Mutex::new(None) };
        let mut rows = engine.signing_keys().await?;
        let seals = engine.derived(SEAL);
        if signing(&seals, &rows).is_none() {
            // None yet, or the key that sealed them is gone: either way there are no sessions to save.
            let closed = rows.iter().filter(|row| open_pair(&seals, row).is_none()).count();
            if closed > 0 {
                tracing::warn!(
                    keys = closed,
                    "the key of tokens is another one, and all sessions have ended"
                );
            }
            let call = Call::system("gsm:RotateSigningKeys", engine.clock().now());
            rows = sessions.rotated(engine, &call).await?;
            if signing(&seals, &rows).is_none() {
                rows = sessions.rotated(engine, &call).await?;
            }
        }
        sessions.take(&seals, &rows);
        Ok(sessions)
    }

    /// A session for this player, and its end.
    pub(crate) fn issue(
        &self,
        player: PlayerId,
        ids: &dyn IdSource,
        now: Timestamp,
    ) -> Option<(String, Timestamp)> {
        let ring = self.ring.read().clone();
        let (key_id, key) = ring.signing.as_ref()?;
        let now_s = now.as_millis().div_euclid(1_000);
        let expires_s = now_s + (SESSION_LIFE.get() / 1_000) as i64;
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": key_id });
        let claims = json!({
            "iss": self.issuer.iss, "aud": self.issuer.audience, "sub": player.to_string(), "role": "player",
            "iat": now_s, "nbf": now_s, "exp": expires_s, "jti": format!("{:032x}", ids.next_u128()),
        });
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        Some((format!("{message}.{signature}"), Timestamp::from_millis(expires_s * 1_000)))
    }

    /// What a session says. A key that is not known may be one that another node has made.
    pub(crate) async fn verify(
        &self,
        engine: &Engine,
        taken: &Taken<'_>,
        now: Timestamp,
    ) -> Result<Result<Verified, Refused>, EngineError> {
        let first = jwt::verify([&self.issuer], taken, now);
        if first != Err(Refused::UnknownKey) || taken.key_id.parse::<KeyId>().is_err() {
            return Ok(first);
        }
        let mut looked_at = self.looked_at.lock().await;
        if looked_at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
            *looked_at = Some(Instant::now());
            // The rows first: a key that seals is there before anything is sealed under it.
            let rows = engine.signing_keys().await?;
            self.take(&engine.derived(SEAL), &rows);
        }
        Ok(jwt::verify([&self.issuer], taken, now))
    }

    /// The public keys, as a JWKS.
    pub(crate) fn published(&self) -> Value {
        self.ring.read().published.clone()
    }

    /// The `aud` of sessions, and of what devices sign.
    pub(crate) fn audience(&self) -> &str {
        &self.issuer.audience
    }

    pub(crate) fn generation(&self) -> u64 {
        self.issuer.keys.generation()
    }

    /// The next key signs from now on; sessions that were issued before stay good.
    pub(crate) async fn rotate(
        &self,
        engine: &Engine,
        call: &Call,
    ) -> Result<Vec<SigningKeyRow>, EngineError> {
        let rows = self.rotated(engine, call).await?;
        // A repeat is told of the keys as they stood then; those that stand now sign and are published.
        let now = engine.signing_keys().await?;
        let seals = engine.derived(SEAL);
        self.take(&seals, &now);
        Ok(opened(&seals, rows))
    }

    /// The keys whose sessions are good or will be.
    pub(crate) async fn trusted(&self, engine: &Engine) -> Result<Vec<SigningKeyRow>, EngineError> {
        let rows = engine.signing_keys().await?;
        Ok(opened(&engine.derived(SEAL), rows))
    }

    /// Seals under the newest key of tokens what was sealed under one before it.
    pub(crate) async fn seal_anew(&self, engine: &Engine) -> Result<(), EngineError> {
        let seals = engine.derived(SEAL);
        let call = Call::system("gsm:RotateTokenKey", engine.clock().now());
        let anew = |row: &SigningKeyRow| seal::anew(&seals, row.id, &row.sealed);
        engine.seal_signing_keys(&call, &anew).await.map(drop)
    }

    async fn rotated(&self, engine: &Engine, call: &Call) -> Result<Vec<SigningKeyRow>, EngineError> {
        let seals = engine.derived(SEAL);
        let draw = || draw(seals.first()?, &**engine.ids());
        let fresh =
            [draw(), draw()].map(|drawn| drawn.ok_or(EngineError::Damaged { key: "a new key".into() }));
        let [first, second] = fresh;
        engine.rotate_signing_keys(call, &[first?, second?], RETIRED_LIFE).await
    }

    /// Trusts the keys that open: whoever removed the key that sealed the others did so to end their sessions.
    fn take(&self, seals: &[[u8; 32]], rows: &[SigningKeyRow]) {
        let opened = opened(seals, rows.to_vec());
        let published: Vec<Value> = opened.iter().map(jwk).collect();
        let keys = opened.iter().map(|row| {
            let decoding = DecodingKey::from_ed_der(&row.public);
            (row.id.to_string(), PublicKey { algorithm: Algorithm::EdDSA, decoding })
        });
        let published = json!({ "keys": published });
        let keys = KeySet::of(keys, &published);
        *self.ring.write() = Arc::new(Ring { signing: signing(seals, rows), published });
        // Keys that are looked for in vain are the same ones: what was verified by them stays.
        self.issuer.keys.replace_if_other(keys);
    }
}

/// A new pair; `None` where the library fails, which it does not.
fn draw(sealing: &[u8; 32], ids: &dyn IdSource) -> Option<NewSigningKey> {
    let id = KeyId::from_u128(ids.next_u128());
    let seed = [ids.next_u128().to_be_bytes(), ids.next_u128().to_be_bytes()].concat();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
    let public: [u8; 32] = pair.public_key().as_ref().try_into().ok()?;
    Some(NewSigningKey { id, public, sealed: seal::seal(sealing, id, &seed)? })
}

fn open_pair(seals: &[[u8; 32]], row: &SigningKeyRow) -> Option<Ed25519KeyPair> {
    let seed = seal::open_by(seals, row.id, &row.sealed)?;
    (seed.len() == SEED_BYTES).then_some(())?;
    Ed25519KeyPair::from_seed_and_public_key(&seed, &row.public).ok()
}

fn opened(seals: &[[u8; 32]], mut rows: Vec<SigningKeyRow>) -> Vec<SigningKeyRow> {
    rows.retain(|row| open_pair(seals, row).is_some());
    rows
}

/// The key that signs, if it opens.
fn signing(seals: &[[u8; 32]], rows: &[SigningKeyRow]) -> Option<(String, Ed25519KeyPair)> {
    let row = rows.iter().rev().find(|row| row.active_at.is_some() && row.retired_at.is_none())?;
    Some((row.id.to_string(), open_pair(seals, row)?))
}

fn jwk(row: &SigningKeyRow) -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
        "kid": row.id.to_string(), "x": URL_SAFE_NO_PAD.encode(row.public),
    })
}

// A key retires while sessions of it are still good, by the leeway too.
const _: () = assert!(RETIRED_LIFE.get() >= SESSION_LIFE.get() + LEEWAY_S as u64 * 1_000);

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::{SystemClock, SystemIds};
    use gsm_core::Clock as _;
    use gsm_engine::{
        EngineOptions,
        store::{
            Homes, StoreLimits,
            memory::{Faults, MemoryStore},
        },
        token::TokenKey,
    };

    #[tokio::test]
    async fn a_key_that_is_looked_for_in_vain_takes_no_session_out_of_memory() {
        let clock = Arc::new(SystemClock::new());
        let store =
            MemoryStore::new(clock.clone(), StoreLimits { items_max: 100, bytes_max: 1 << 20 }, Faults::NONE);
        let options = EngineOptions { node: "test".to_owned(), token_key: TokenKey::new([7; 32]) };
        let engine = Engine::new(Homes::one(Arc::new(store)), clock.clone(), Arc::new(SystemIds), options);
        let sessions = Sessions::open(&engine, "gsm", "gsm").await.unwrap();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "EdDSA", "kid": KeyId::from_u128(1).to_string() });
        let token = format!("{}.{}.AA", part(header), part(json!({ "iss": "gsm" })));
        let taken = Taken::of(&token).unwrap();
        let before = sessions.generation();
        let found = sessions.verify(&engine, &taken, clock.wall()).await.unwrap();
        assert_eq!((found, sessions.generation()), (Err(Refused::UnknownKey), before));
        sessions.rotate(&engine, &Call::system("gsm:RotateSigningKeys", clock.now())).await.unwrap();
        assert_ne!(sessions.generation(), before, "other keys");
    }
}
