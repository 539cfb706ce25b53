//! Rows of who somebody is, and by what.
use super::super::Key;
use gsm_core::{KeyId, Label, RequestKey, Timestamp};
use serde::{Deserialize, Serialize};

/// A player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerRow {
    /// The name shown to people.
    pub name: Option<Label>,
    /// The id under which a configured issuer or an import knows the player.
    pub external_id: Option<RequestKey>,
    /// When first seen.
    pub created_at: Timestamp,
}

/// How a player proves who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IdentityKind {
    /// By a secret of a guest.
    GuestSecret,
    /// By the key of a device.
    DeviceKey,
    /// As the subject of an issuer.
    Subject,
    /// By the name that clients of the GameLift wire have for him.
    GameLiftName,
    /// By the id that an import brought.
    ImportedId,
}

impl IdentityKind {
    /// As in exports and receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GuestSecret => "guest_secret",
            Self::DeviceKey => "device_key",
            Self::Subject => "issuer_subject",
            Self::GameLiftName => "gamelift_name",
            Self::ImportedId => "imported_id",
        }
    }
}

/// That a player's identity was deleted, and what that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRow {
    /// When: from then on the player is nobody's.
    pub at: Timestamp,
    /// Whether the player himself asked for it; else an operator did.
    pub by_player: bool,
    /// How the player could sign in.
    pub identities: Vec<IdentityKind>,
    /// Whether there was a name.
    pub name: bool,
    /// Whether there was an outside id.
    pub external_id: bool,
    /// Bans that the player was told of and that went from him.
    pub bans: u32,
    /// When all else was gone; none: not yet.
    pub finished_at: Option<Timestamp>,
}

/// How far the deleting of what is left of a player has come. Written as it goes on, so that whoever finds it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasingRow {
    /// Whether all was looked at once: this is the second look, for what calls wrote that were under way.
    pub again: bool,
    /// Which part is being looked at.
    pub part: u8,
    /// Up to where in it.
    pub after: Option<Key>,
    /// Not before then.
    pub due: Timestamp,
}

/// Who callers are: keys of callers, and our own that sign sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each variant is named like the struct it holds, which is documented")]
pub enum WhoRow {
    ApiKey(CredentialRow),
    SigningKey(SigningKeyRow),
}

/// One secret of an API key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretRow {
    /// SHA-256 of the secret (256 random bits, so no slow hash is needed).
    pub sha256: [u8; 32],
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused; none: as long as the key is good.
    pub good_until: Option<Timestamp>,
}

/// An API key with its secrets, of which none is stored itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialRow {
    /// Its public part; stays when the secret is changed.
    pub id: KeyId,
    /// What it may do.
    pub role: crate::Role,
    /// Of an operator's key, which role.
    pub admin: Option<crate::AdminRole>,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
    /// At most two, the newest last.
    pub secrets: Vec<SecretRow>,
    /// The hash (BLAKE3) of a secret that was made before secrets could be changed, and until when it is good.
    pub first_hash: Option<([u8; 32], Option<Timestamp>)>,
}

impl From<ApiKeyRow> for CredentialRow {
    fn from(row: ApiKeyRow) -> Self {
        let admin = (row.role == crate::Role::Admin).then_some(crate::AdminRole::Owner);
        Self {
            id: row.id,
            role: row.role,
            admin,
            note: row.note,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            secrets: Vec::new(),
            first_hash: Some((row.secret_hash, None)),
        }
    }
}

/// A key pair (Ed25519) that signs sessions, or will, or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SigningKeyRow {
    /// Its name in tokens.
    pub id: KeyId,
    /// The public half.
    pub public: [u8; 32],
    /// The private half, sealed under a key that the store never sees.
    pub sealed: Vec<u8>,
    /// When made; published from then on.
    pub created_at: Timestamp,
    /// From when on it signs; none: it is the next one.
    pub active_at: Option<Timestamp>,
    /// From when on it signs no more; its tokens are good until they expire.
    pub retired_at: Option<Timestamp>,
}

/// An API key as it was first stored; [`CredentialRow`] is how it is stored now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// Its public part.
    pub id: KeyId,
    /// BLAKE3 hash of the secret (256 random bits, so no slow hash is needed).
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub role: crate::Role,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
}

/// An access key of AWS clients. Its secret signs requests, so it must be readable again: it is kept sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwsKeyRow {
    /// Its public part.
    pub id: KeyId,
    /// The secret, sealed under a key that the store never sees.
    pub sealed_secret: Vec<u8>,
    /// What it may do.
    pub role: crate::Role,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
}

/// Why and until when a network is in a list of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRow {
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// From then on it is not in it; `None`: for ever.
    pub expires_at: Option<Timestamp>,
}
