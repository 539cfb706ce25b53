//! Public keys of an issuer (RFC 7517): from a file that is read again when it changes, or fetched from an address that
//! the configuration names.
use super::device::{HALF_BYTES, is_weak};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use parking_lot::RwLock;
use serde_json::Value;
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Keys of one issuer.
const KEYS_MAX: usize = 64;
/// Bytes of a set.
pub(crate) const SET_BYTES_MAX: usize = 256 * 1024;

/// Why a JWKS cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the JWKS `{from}`: {what}")]
pub struct JwksError {
    from: String,
    what: String,
}

impl JwksError {
    pub(crate) fn new(from: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self { from: from.to_string(), what: what.to_string() }
    }
}

/// One key, and the one algorithm that it is for.
pub(crate) struct PublicKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

/// The keys of an issuer by their name.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: HashMap<String, PublicKey>,
    /// Keys of the set that are not in it.
    passed_over: usize,
    /// Of what was read.
    hash: [u8; 32],
}

impl KeySet {
    pub(crate) fn get(&self, key_id: &str) -> Option<&PublicKey> {
        self.keys.get(key_id)
    }

    /// Reads a set. Keys of kinds and for purposes that are not taken here are passed over (RFC 7517, section 5), and one may
    /// have no others. A weak or broken key of a kind that is taken, and one with the name of another: in a file, which is ours
    /// (`strict`), it is refused with the whole set, in what an identity provider serves it is passed over too.
    pub(crate) fn read(text: &[u8], strict: bool) -> Result<Self, String> {
        let set: Value = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("it has no array `keys`")?;
        if keys.len() > KEYS_MAX {
            return Err(format!("it may have {KEYS_MAX} keys, it has {}", keys.len()));
        }
        let mut found = HashMap::new();
        for (at, key) in keys.iter().enumerate() {
            match public_key(key) {
                Ok((id, key)) => match found.entry(id) {
                    Entry::Vacant(free) => {
                        free.insert(key);
                    }
                    Entry::Occupied(_) if strict => {
                        return Err(format!("key {at} has the `kid` of another"));
                    }
                    Entry::Occupied(first) => {
                        tracing::warn!(
                            kid = first.key(),
                            "of two keys of an issuer with one `kid` the first is taken"
                        );
                    }
                },
                Err(Unfit::Broken(what)) if strict => return Err(format!("key {at} {what}")),
                Err(_) => {}
            }
        }
        let passed_over = keys.len() - found.len();
        Ok(Self { keys: found, passed_over, hash: *blake3::hash(text).as_bytes() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A set of keys that were made here, as they are published.
    pub(crate) fn of(keys: impl IntoIterator<Item = (String, PublicKey)>, published: &Value) -> Self {
        let hash = *blake3::hash(published.to_string().as_bytes()).as_bytes();
        Self { keys: keys.into_iter().collect(), passed_over: 0, hash }
    }
}

/// Why a key is not taken.
#[derive(Debug)]
enum Unfit {
    /// It is of a kind, or for a purpose, that is not taken here.
    Other,
    /// It should be one that is taken; what is wrong with it.
    Broken(String),
}

impl From<String> for Unfit {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

impl From<&str> for Unfit {
    fn from(what: &str) -> Self {
        Self::Broken(what.to_owned())
    }
}

fn public_key(key: &Value) -> Result<(String, PublicKey), Unfit> {
    if key.get("d").is_some() || key.get("k").is_some() {
        return Err("is a private or shared key: give the public half, and make a new key".into());
    }
    let member = |name: &str| key.get(name).map(|value| value.as_str().unwrap_or_default());
    let (algorithm, name) = match (member("kty").ok_or("has no `kty`")?, member("crv")) {
        ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA"),
        ("EC", Some("P-256")) => (Algorithm::ES256, "ES256"),
        _ => return Err(Unfit::Other),
    };
    if member("use").is_some_and(|purpose| purpose != "sig") {
        return Err(Unfit::Other);
    }
    // What is no list is found out below.
    let deeds = key.get("key_ops").and_then(Value::as_array);
    if deeds.is_some_and(|deeds| !deeds.iter().any(|deed| deed == "verify")) {
        return Err(Unfit::Other);
    }
    match member("alg") {
        Some(said) if said == name => {}
        Some("EdDSA" | "ES256") => {
            return Err(format!("says another `alg` than {name}, which its curve is for").into());
        }
        Some(_) => return Err(Unfit::Other),
        None => {}
    }
    let key: Jwk = serde_json::from_value(key.clone()).map_err(|e| format!("cannot be read: {e}"))?;
    check_point(&key.algorithm)?;
    let id = key.common.key_id.clone().filter(|id| !id.is_empty()).ok_or("has no `kid`")?;
    let decoding = DecodingKey::from_jwk(&key).map_err(|e| e.to_string())?;
    Ok((id, PublicKey { algorithm, decoding }))
}

/// Refuses bytes that are no point of the curve, and points for which anybody can sign.
fn check_point(key: &AlgorithmParameters) -> Result<(), String> {
    let part = |name: &str, text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == HALF_BYTES);
        bytes.ok_or_else(|| {
            format!("has an `{name}` that is not {HALF_BYTES} bytes in base64url without padding")
        })
    };
    match key {
        AlgorithmParameters::OctetKeyPair(key) if is_weak(&part("x", &key.x)?) => {
            Err("is a point of small order, for which anybody can sign: make a new key".to_owned())
        }
        AlgorithmParameters::EllipticCurve(key) => {
            let point = [&[4u8][..], &part("x", &key.x)?, &part("y", &key.y)?].concat();
            let read = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
            read.map(|_| ()).map_err(|_| "is no point of P-256: copy `x` and `y` again".to_owned())
        }
        _ => Ok(()),
    }
}

/// Why a file of keys would be refused.
pub(crate) fn fault_of(path: &Path) -> Option<JwksError> {
    Source::file(path).err()
}

/// Where the keys of an issuer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file.
    File(PathBuf),
    /// An address of a set.
    Url(reqwest::Url),
    /// An issuer whose discovery document names that address.
    Discovery(reqwest::Url),
    /// Our own signing keys.
    Own,
}

/// As it stands in the log.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) | Self::Discovery(url) => f.write_str(&shown(url)),
            Self::Own => f.write_str("gsm"),
        }
    }
}

/// An address without what may be a secret: scheme, host, port and path.
pub(crate) fn shown(url: &reqwest::Url) -> String {
    let mut url = url.clone();
    // Of what can have no user nothing is taken.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The keys of an issuer as they are now.
pub(crate) struct Source {
    pub(crate) origin: Origin,
    keys: RwLock<Arc<KeySet>>,
    /// Grows with every change: what was verified under an older set is verified again.
    generation: AtomicU64,
}

impl Source {
    pub(crate) fn new(origin: Origin, keys: KeySet) -> Arc<Self> {
        Arc::new(Self { origin, keys: RwLock::new(Arc::new(keys)), generation: AtomicU64::new(0) })
    }

    /// A file, which must be right at the start.
    pub(crate) fn file(path: &Path) -> Result<Arc<Self>, JwksError> {
        let fail = |what: String| JwksError::new(path.display(), what);
        let text = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
        let keys = KeySet::read(&text, true).map_err(fail)?;
        if keys.is_empty() {
            return Err(fail("none of its keys is a signing key of Ed25519 or P-256".to_owned()));
        }
        let source = Self::new(Origin::File(path.to_owned()), KeySet::default());
        source.replace(keys);
        Ok(source)
    }

    pub(crate) fn current(&self) -> Arc<KeySet> {
        self.keys.read().clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Takes a set that was fetched or read again; the same one changes nothing.
    pub(crate) fn replace_if_other(&self, keys: KeySet) {
        if self.current().hash != keys.hash {
            self.replace(keys);
        }
    }

    /// Takes another set, and nothing of the one before.
    pub(crate) fn replace(&self, keys: KeySet) {
        let (taken, passed_over, issuer) = (keys.keys.len(), keys.passed_over, &self.origin);
        match taken {
            _ if self.origin == Origin::Own => {}
            0 => tracing::warn!(%issuer, passed_over, "no key of an issuer is left, its tokens are refused"),
            _ => tracing::info!(%issuer, taken, passed_over, "keys of an issuer read"),
        }
        *self.keys.write() = Arc::new(keys);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ed25519(x: &[u8]) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": URL_SAFE_NO_PAD.encode(x) })
    }
    fn p256(x: &[u8], y: &[u8]) -> Value {
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y })
    }
    fn read(keys: &[Value], strict: bool) -> Result<KeySet, String> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes(), strict)
    }
    #[track_caller]
    fn check_refused(key: Value, why: &str) {
        let told = read(std::slice::from_ref(&key), true).err().unwrap_or_default();
        assert!(told.contains(why), "{told}");
        // Of a set that was fetched the others are taken.
        check_passed_over(key, false);
    }
    #[track_caller]
    fn check_passed_over(key: Value, strict: bool) {
        let mut good = ed25519(&BASE);
        good["kid"] = json!("good");
        let set = read(&[key, good], strict).unwrap();
        assert!(set.get("k").is_none() && set.get("good").is_some());
        assert_eq!(set.passed_over, 1);
    }
    fn with(mut key: Value, name: &str, value: &str) -> Value {
        key[name] = json!(value);
        key
    }
    fn deeds(of: Value) -> Value {
        let mut key = ed25519(&BASE);
        key["key_ops"] = of;
        key
    }
    /// The base point's height, 4/5.
    const BASE: [u8; 32] = {
        let mut base = [0x66; 32];
        base[0] = 0x58;
        base
    };

    #[test]
    fn an_address_is_shown_without_what_may_be_a_secret() {
        let url = |text: &str| reqwest::Url::parse(text).unwrap();
        let from = "https://svc:hunter2@id.example:8443/a/jwks?key=hunter3#hunter4";
        assert_eq!(Origin::Url(url(from)).to_string(), "https://id.example:8443/a/jwks");
        assert_eq!(Origin::Discovery(url("https://id.example/")).to_string(), "https://id.example/");
        assert_eq!(Origin::File("keys/a.json".into()).to_string(), "keys/a.json");
        assert_eq!(shown(&url("mailto:ann@id.example")), "mailto:ann@id.example");
    }

    #[test]
    fn keys_that_anybody_can_sign_for_are_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        check_refused(ed25519(&neutral), "small order");
        check_refused(ed25519(&[0; 32]), "small order");
        check_refused(ed25519(&[7; 31]), "not 32 bytes");
        check_refused(ed25519(&[]), "not 32 bytes");
        assert!(read(&[ed25519(&BASE)], true).is_ok());
    }

    #[test]
    fn what_is_no_point_of_the_curve_is_no_key() {
        check_refused(p256(&[1; 32], &[1; 32]), "no point of P-256");
        check_refused(p256(&[0; 32], &[0; 32]), "no point of P-256");
        check_refused(p256(&[1; 32], &[1; 33]), "`y`");
    }

    #[test]
    fn of_two_keys_with_one_name_the_first_is_taken_from_a_provider() {
        let keys = [ed25519(&BASE), ed25519(&[7; 32]), with(ed25519(&BASE), "kid", "other")];
        assert!(read(&keys, true).err().unwrap_or_default().contains("`kid` of another"));
        let set = read(&keys, false).unwrap();
        assert!(set.get("k").is_some() && set.get("other").is_some());
        assert_eq!(set.passed_over, 1);
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over() {
        for key in [
            json!({ "kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "k", "x": "AA", "y": "AA" }),
            json!({ "kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AA" }),
            with(ed25519(&BASE), "use", "enc"),
            deeds(json!(["sign", "encrypt"])),
            deeds(json!([])),
            with(p256(&[1; 32], &[1; 32]), "alg", "ECDH-ES"),
        ] {
            check_passed_over(key.clone(), true);
            assert!(read(&[key], true).unwrap().is_empty());
        }
        assert!(read(&[], true).unwrap().is_empty());
        assert!(read(&[deeds(json!(["verify"]))], true).unwrap().get("k").is_some());
        check_refused(deeds(json!("verify")), "cannot be read");
        check_refused(with(ed25519(&BASE), "alg", "ES256"), "another `alg`");
        check_refused(json!({ "kid": "k" }), "no `kty`");
        check_refused(with(ed25519(&BASE), "d", "AA"), "private");
    }
}
