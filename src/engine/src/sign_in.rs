//! Who a player is: by a secret, by the key of a device, or as the subject of an issuer. All of these are identities of
//! the same kind, and one player may have several.
use crate::{
    Call, Engine, EngineError,
    players::{Identity, add_identity, add_player},
    store::{Home, IdentityKind, Key, KeyRange, Row},
    token::{ChallengeClaim, TokenError, TokenKey},
};
use gsm_core::{Label, Millis, PlayerId, RequestKey, Timestamp, limits};

/// How long a device has to sign a challenge.
const CHALLENGE_LIFE: Millis = Millis::from_secs(60);

/// Who signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub player: PlayerId,
    /// Whether the player was made just now.
    pub created: bool,
}

impl Engine {
    /// Signs in whoever holds a guest secret; the first time makes a player. Only the secret's hash is kept.
    pub async fn sign_in(
        &self,
        call: &Call,
        secret: &str,
        name: Option<Label>,
    ) -> Result<SignedIn, EngineError> {
        let identity = identity("gsm guest secret 1", secret.as_bytes());
        self.identify(call, (IdentityKind::GuestSecret, identity), name, None).await
    }

    /// Whether a guest secret is somebody's.
    pub async fn knows_secret(&self, secret: &str) -> Result<bool, EngineError> {
        let key = Key::Identity(identity("gsm guest secret 1", secret.as_bytes()));
        Ok(self.get_one(&key).await?.is_some())
    }

    /// Signs in whoever holds the private half of a device's key, as the caller has checked; the first time makes a
    /// player. `key` is the public half with its kind.
    pub async fn sign_in_device(
        &self,
        call: &Call,
        key: &[u8],
        name: Option<Label>,
    ) -> Result<SignedIn, EngineError> {
        let identity = (IdentityKind::DeviceKey, identity("gsm device key 1", key));
        self.identify(call, identity, name, None).await
    }

    /// What a device shall sign, and until when. The first half of its nonce is `process`, which tells the servers apart that
    /// may be asked to take it.
    pub fn challenge(&self, process: u64, now: Timestamp) -> (String, Timestamp) {
        let expires_at = now.saturating_add(CHALLENGE_LIFE);
        let nonce = u128::from(process) << 64 | self.ids.next_u128() >> 64;
        (self.tokens.issue(&ChallengeClaim { nonce, expires_at }), expires_at)
    }

    /// A challenge that was given out and has not expired.
    pub fn open_challenge(&self, challenge: &str, now: Timestamp) -> Result<ChallengeClaim, TokenError> {
        self.tokens.open(challenge, now)
    }

    /// Bits for one purpose that only this server can compute: under the key of tokens, and behind those under the keys before it.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Vec<[u8; 32]> {
        let of = |key: &TokenKey| {
            let mut bits = [0; 32];
            key.derive(purpose, &[], &mut bits);
            bits
        };
        self.tokens.now().all().map(of).collect()
    }

    /// The player whom an issuer knows as `subject`, made if new.
    pub async fn player_of_subject(
        &self,
        call: &Call,
        issuer: &str,
        subject: &RequestKey,
    ) -> Result<PlayerId, EngineError> {
        let identity = (IdentityKind::Subject, Self::subject_identity(issuer, subject));
        self.identify(call, identity, None, Some(subject.clone())).await.map(|signed_in| signed_in.player)
    }

    /// Makes the subject of an issuer an identity of this player, who then is the same by either; doing it again changes
    /// nothing. Refused where the subject is another player's.
    pub async fn link_subject(
        &self,
        call: &Call,
        player: PlayerId,
        issuer: &str,
        subject: &RequestKey,
    ) -> Result<(), EngineError> {
        let identity = Self::subject_identity(issuer, subject);
        let key = Key::Identity(identity);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            self.replayed::<()>(call, Home::Document).await?;
            if let Some(found) = self.get_one(&key).await? {
                let Row::Identity(owner) = &*found.row else { return Err(EngineError::damaged(&key)) };
                return if *owner == player { Ok(()) } else { Err(EngineError::IdentityTaken) };
            }
            let (mut row, version) = self.player_row(player).await?;
            let range = KeyRange::IdentitiesOf(player);
            let known = self.store(Home::Document).list(&range, None, limits::IDENTITIES_MAX, false).await?;
            if known.len() >= limits::IDENTITIES_MAX {
                let detail = format!("a player has at most {} identities", limits::IDENTITIES_MAX);
                return Err(EngineError::invalid("token", detail));
            }
            let mut changes = self.changes(call, &[&player]);
            add_identity(&mut changes, player, (IdentityKind::Subject, identity));
            let banned = self.return_bans(&mut changes, &[(player, identity)]).await?;
            // Written in any case: it holds the player to be there still, and two links are made one after the other.
            row.external_id.get_or_insert_with(|| subject.clone());
            changes.replace(Key::Player(player), Some(version), Row::Player(row));
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => {
                    if banned {
                        self.expel(player).await;
                    }
                    return Ok(());
                }
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    pub(crate) fn subject_identity(issuer: &str, subject: &RequestKey) -> [u8; 32] {
        Self::named_identity(issuer, subject.as_str())
    }

    /// Where the player is found whom `issuer` knows by this name.
    pub(crate) fn named_identity(issuer: &str, name: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("gsm issuer subject 1");
        hasher.update(&(issuer.len() as u64).to_be_bytes()).update(issuer.as_bytes()).update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }

    pub(crate) async fn identify(
        &self,
        call: &Call,
        identity: Identity,
        name: Option<Label>,
        external_id: Option<RequestKey>,
    ) -> Result<SignedIn, EngineError> {
        let key = Key::Identity(identity.1);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(found) = self.get_one(&key).await? {
                let Row::Identity(player) = &*found.row else { return Err(EngineError::damaged(&key)) };
                return Ok(SignedIn { player: *player, created: false });
            }
            let player = PlayerId::fresh(&*self.ids);
            let mut changes = self.changes(call, &[&player]);
            add_player(&mut changes, player, identity, name.clone(), external_id.clone());
            self.return_bans(&mut changes, &[(player, identity.1)]).await?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(SignedIn { player, created: true }),
                // Another call was first: the next round finds its player.
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}

fn identity(purpose: &str, of: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_derive_key(purpose).update(of).finalize().as_bytes()
}
