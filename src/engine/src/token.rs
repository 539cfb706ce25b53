//! Tokens that this server issues and alone reads: a claim and a keyed BLAKE3 tag over it.
//!
//! `gsm1.<base64url of the claim>.<base64url of the tag>`. Symmetric on purpose: nobody else has to check them, and a
//! check costs well under a microsecond. Tokens of other issuers are JWTs and are checked by the server crate.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::{MatchId, Millis, Mode, PlayerId, QueueName, Timestamp};
use gsm_session::Roster;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// Longest token that is looked at.
pub const TOKEN_CHARS_MAX: usize = 16 * 1024;
/// No token is good for longer: those of matches are for the longest.
pub const TOKEN_LIFE_MAX: Millis = Millis::from_secs(48 * 3_600);
const PREFIX: &str = "gsm1.";
const TAG_BYTES: usize = 24;

/// The key under which tokens are signed: 256 random bits, kept in a file that only the server reads.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// Wraps the bits.
    #[must_use]
    pub const fn new(bits: [u8; 32]) -> Self {
        Self(bits)
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey([redacted])")
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, changed, or of another purpose.
    #[error("the token is not valid")]
    Invalid,
    /// Once good.
    #[error("the token has expired")]
    Expired,
}

/// What a token says, by purpose: a token of one purpose never passes as another.
pub trait TokenClaim: Serialize + DeserializeOwned {
    /// Mixed into the key.
    const PURPOSE: &'static str;
    /// From then on it is refused.
    fn expires_at(&self) -> Timestamp;
}

/// What a device signs to show that it has its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeClaim {
    /// Which process gave it out, and a half that is drawn anew each time.
    pub nonce: u128,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The bearer hosts this match and may report it; carries what a result needs (decisions.md 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchClaim {
    /// Which match.
    pub match_id: MatchId,
    /// The mode it is rated in.
    pub mode: Mode,
    /// Its queue.
    pub queue: Option<QueueName>,
    /// Who plays.
    pub roster: Roster,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The player agrees to be queued by the leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentClaim {
    /// Who agrees.
    pub player: PlayerId,
    /// With whom.
    pub leader: PlayerId,
    /// Until when.
    pub expires_at: Timestamp,
}

impl TokenClaim for ChallengeClaim {
    const PURPOSE: &'static str = "gsm device challenge 1";
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
impl TokenClaim for MatchClaim {
    const PURPOSE: &'static str = "gsm match server 1";
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
impl TokenClaim for ConsentClaim {
    const PURPOSE: &'static str = "gsm party consent 1";
    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl TokenKey {
    fn tag(&self, purpose: &str, claim: &[u8]) -> [u8; TAG_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(purpose.len() as u64).to_be_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(claim);
        let mut tag = [0; TAG_BYTES];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }

    /// Bits that only this server can compute from `input`, for one purpose.
    pub fn derive(&self, purpose: &str, input: &[u8], bits: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(purpose.len() as u64).to_be_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(input);
        hasher.finalize_xof().fill(bits);
    }

    /// A token that says `claim`.
    #[must_use]
    pub fn issue<C: TokenClaim>(&self, claim: &C) -> String {
        // Claims are plain data of our own: postcard cannot refuse them, and an empty claim would never verify.
        let bytes = postcard::to_stdvec(claim).unwrap_or_default();
        format!(
            "{PREFIX}{}.{}",
            URL_SAFE_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(self.tag(C::PURPOSE, &bytes))
        )
    }

    /// What a token says, if it is ours, whole and not expired.
    pub fn open<C: TokenClaim>(&self, token: &str, now: Timestamp) -> Result<C, TokenError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(TokenError::Invalid);
        }
        let (claim, tag) =
            token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).ok_or(TokenError::Invalid)?;
        let claim = URL_SAFE_NO_PAD.decode(claim).map_err(|_| TokenError::Invalid)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| TokenError::Invalid)?;
        let tag: [u8; TAG_BYTES] = tag.try_into().map_err(|_| TokenError::Invalid)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&tag[..], &self.tag(C::PURPOSE, &claim)[..])) {
            return Err(TokenError::Invalid);
        }
        let claim: C = postcard::from_bytes(&claim).map_err(|_| TokenError::Invalid)?;
        if claim.expires_at() <= now { Err(TokenError::Expired) } else { Ok(claim) }
    }

    /// Whether a text looks like one of ours.
    #[must_use]
    pub fn is_ours(token: &str) -> bool {
        token.starts_with(PREFIX)
    }
}

/// The key that signs, and those that did before it.
#[derive(Debug, Clone)]
pub struct TokenKeys {
    /// Signs what is issued from now on.
    pub signing: TokenKey,
    /// The newest first, each with the time from which on its tokens are refused.
    pub older: Vec<(TokenKey, Timestamp)>,
    /// Hashes the identities of bans that outlive an erasure. Nobody can hash those again, so it stays the first one.
    pub bans: TokenKey,
}

impl From<TokenKey> for TokenKeys {
    fn from(key: TokenKey) -> Self {
        Self { signing: key.clone(), older: Vec::new(), bans: key }
    }
}

impl TokenKeys {
    /// All of them, the newest first, also those whose tokens are refused by now.
    pub fn all(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.signing).chain(self.older.iter().map(|(key, _)| key))
    }

    /// What a token says, if one of the keys that are good at `now` signed it and it has not expired.
    pub fn open<C: TokenClaim>(&self, token: &str, now: Timestamp) -> Result<C, TokenError> {
        let good = self.older.iter().filter(|(_, until)| now < *until).map(|(key, _)| key);
        let mut opened = std::iter::once(&self.signing).chain(good).map(|key| key.open(token, now));
        opened.find(|opened| !matches!(opened, Err(TokenError::Invalid))).unwrap_or(Err(TokenError::Invalid))
    }
}

/// The keys of an engine, which may be exchanged while it works.
pub(crate) struct KeyRing(RwLock<Arc<TokenKeys>>);

impl KeyRing {
    pub(crate) fn new(keys: TokenKeys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    pub(crate) fn replace(&self, keys: TokenKeys) {
        *self.0.write() = Arc::new(keys);
    }

    /// As they are now.
    pub(crate) fn now(&self) -> Arc<TokenKeys> {
        self.0.read().clone()
    }

    pub(crate) fn issue<C: TokenClaim>(&self, claim: &C) -> String {
        self.now().signing.issue(claim)
    }

    pub(crate) fn open<C: TokenClaim>(&self, token: &str, now: Timestamp) -> Result<C, TokenError> {
        self.now().open(token, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn consent() -> ConsentClaim {
        ConsentClaim {
            player: PlayerId::from_u128(1),
            leader: PlayerId::from_u128(2),
            expires_at: Timestamp::from_millis(2_000),
        }
    }

    #[test]
    fn a_token_opens_with_its_key_and_purpose_only() {
        let key = TokenKey::new([7; 32]);
        let token = key.issue(&consent());
        assert_eq!(key.open::<ConsentClaim>(&token, NOW), Ok(consent()));
        assert_eq!(TokenKey::new([8; 32]).open::<ConsentClaim>(&token, NOW), Err(TokenError::Invalid));
        assert_eq!(key.open::<ChallengeClaim>(&token, NOW), Err(TokenError::Invalid));
        assert_eq!(key.open::<ConsentClaim>(&token, Timestamp::from_millis(2_000)), Err(TokenError::Expired));
    }

    #[test]
    fn a_key_of_before_is_good_until_its_time() {
        let key = |n| TokenKey::new([n; 32]);
        let until = Timestamp::from_millis(1_500);
        let keys = TokenKeys { signing: key(8), older: vec![(key(7), until)], bans: key(7) };
        let old = key(7).issue(&consent());
        let open = |token: &str, at| keys.open::<ConsentClaim>(token, Timestamp::from_millis(at));
        assert_eq!(open(&old, 1_499), Ok(consent()));
        assert_eq!(open(&old, 1_500), Err(TokenError::Invalid));
        let new = keys.signing.issue(&consent());
        assert_eq!(open(&new, 1_500), Ok(consent()));
        assert_eq!(open(&new, 2_000), Err(TokenError::Expired));
        assert_eq!(open(&key(9).issue(&consent()), 1_000), Err(TokenError::Invalid));
        let late = TokenKeys { older: vec![(key(7), Timestamp::from_millis(9_000))], ..keys.clone() };
        assert_eq!(late.open::<ConsentClaim>(&old, Timestamp::from_millis(2_000)), Err(TokenError::Expired));
    }

    #[test]
    fn no_changed_character_passes() {
        let key = TokenKey::new([7; 32]);
        let token = key.issue(&consent());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_ne!(key.open::<ConsentClaim>(&changed, NOW), Ok(consent()), "changed at {at}");
        }
        assert_eq!(key.open::<ConsentClaim>("", NOW), Err(TokenError::Invalid));
        assert_eq!(key.open::<ConsentClaim>("gsm1..", NOW), Err(TokenError::Invalid));
    }
}
