//! API keys of game servers, back ends and operators: a name that stays, and up to two secrets, so that a secret can be
//! changed while both the old and the new one are good.
mod kept;

pub(crate) use kept::Kept;

use crate::{
    AdminRole, Call, Engine, EngineError, Principal, Role,
    store::{CredentialRow, Home, Key, KeyRange, Row, SecretRow, WhoRow},
    token::TokenKey,
};
use gsm_core::{KeyId, Millis, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Before the key id in the text of a key.
pub(crate) const KEY_PREFIX: &str = "gsmk_";

/// A new key, or a new secret of one; its text is shown once and never again.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuedKey {
    /// Its row.
    pub row: CredentialRow,
    /// What the bearer sends.
    pub text: String,
}

/// Who holds a key that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub id: KeyId,
    /// Who asks by it.
    pub principal: Principal,
    /// Of an operator, which role.
    pub admin: Option<AdminRole>,
}

fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The hash under which the first keys were stored.
fn first_hash(secret: &str) -> [u8; 32] {
    *blake3::Hasher::new_derive_key("gsm api key 1").update(secret.as_bytes()).finalize().as_bytes()
}

impl CredentialRow {
    /// Whether `secret` is one of the key's, and good at `now`.
    fn takes(&self, secret: &str, now: Timestamp) -> bool {
        let same = |stored: &[u8; 32], given: &[u8; 32]| bool::from(stored[..].ct_eq(&given[..]));
        let given = sha256(secret);
        let mut good = false;
        for known in &self.secrets {
            good |= same(&known.sha256, &given) && known.good_until.is_none_or(|until| now < until);
        }
        if let Some((first, until)) = &self.first_hash {
            good |= same(first, &first_hash(secret)) && until.is_none_or(|until| now < until);
        }
        good && self.revoked_at.is_none()
    }
}

impl Kept for CredentialRow {
    const WHAT: &'static str = "API keys";
    const RANGE: KeyRange = KeyRange::ApiKeys;

    fn row_key(id: KeyId) -> Key {
        Key::ApiKey(id)
    }
    /// A row may have either form.
    fn of_row(row: &Row) -> Option<Self> {
        match row {
            Row::ApiKey(first) => Some(first.clone().into()),
            Row::Who(who) => match &**who {
                WhoRow::ApiKey(row) => Some(row.clone()),
                WhoRow::SigningKey(_) => None,
            },
            _ => None,
        }
    }
    fn row(&self) -> Row {
        Row::Who(Box::new(WhoRow::ApiKey(self.clone())))
    }

    fn id(&self) -> KeyId {
        self.id
    }
    fn role(&self) -> Role {
        self.role
    }
    fn note(&self) -> &str {
        &self.note
    }
    fn is_for_the_same(&self, other: &Self) -> bool {
        (self.role, self.admin, &self.note) == (other.role, other.admin, &other.note)
    }
    fn ended(&self) -> Option<Timestamp> {
        self.revoked_at
    }
    fn end(&mut self, at: Timestamp) {
        self.revoked_at = Some(at);
    }
}

impl Engine {
    /// Makes a key. Its secret has 256 random bits, so that a fast hash is enough to store it. An operator's key has
    /// `admin`; without it, it is an owner's.
    pub async fn issue_key(
        &self,
        call: &Call,
        role: Role,
        admin: Option<AdminRole>,
        note: &str,
    ) -> Result<IssuedKey, EngineError> {
        let (id, secret) = self.draw_key(call, "gsm api key 1").await?;
        let row = CredentialRow {
            id,
            role,
            admin: (role == Role::Admin).then(|| admin.unwrap_or(AdminRole::Owner)),
            note: note.to_owned(),
            created_at: call.now,
            revoked_at: None,
            secrets: vec![SecretRow { sha256: sha256(&secret), created_at: call.now, good_until: None }],
            first_hash: None,
        };
        let row = self.issue(call, row).await?;
        Ok(IssuedKey { row, text: text_of(id, &secret) })
    }

    /// Gives a key a new secret. The one before is good for `overlap` longer, one before that no more.
    pub async fn rotate_key(
        &self,
        call: &Call,
        id: KeyId,
        overlap: Millis,
    ) -> Result<IssuedKey, EngineError> {
        let mut tries = self.lines.tries_at(&Key::ApiKey(id));
        while tries.again().await {
            let repeated = self.replayed::<Option<String>>(call, Home::Document).await?;
            let found = self.kept::<CredentialRow>(id).await?;
            let (mut row, version) = found.ok_or(EngineError::Unknown { what: "key" })?;
            if let Some(salt) = repeated {
                // A version before this one kept none: its secret followed from the idempotency key alone.
                let secret = match salt {
                    Some(salt) => self.first_secret(&row, &salt),
                    None => self.draw_key(call, "gsm api key rotation 1").await?.1,
                };
                return Ok(IssuedKey { row, text: text_of(id, &secret) });
            }
            if row.revoked_at.is_some() {
                return Err(EngineError::invalid("key_id", "the key has been ended; make another"));
            }
            let salt = format!("{:032x}{:032x}", self.ids.next_u128(), self.ids.next_u128());
            let secret = next_secret(&self.tokens.now().signing, id, &salt);
            let until = call.now.saturating_add(overlap);
            // One before is kept: the newest secret, or the one of a key that was never changed.
            row.first_hash =
                row.first_hash.filter(|_| row.secrets.is_empty()).map(|(hash, _)| (hash, Some(until)));
            let before = row.secrets.pop().map(|secret| SecretRow { good_until: Some(until), ..secret });
            row.secrets = before.into_iter().collect();
            row.secrets.push(SecretRow { sha256: sha256(&secret), created_at: call.now, good_until: None });
            let mut changes = self.changes(call, &[&id]);
            changes.replace(Key::ApiKey(id), Some(version), row.row());
            self.remember(&mut changes, call, Home::Document, &salt)?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(IssuedKey { row, text: text_of(id, &secret) }),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// The secret that a rotation gave, for a repeat of the call: of the keys of tokens the one made it that did then.
    fn first_secret(&self, row: &CredentialRow, salt: &str) -> String {
        let keys = self.tokens.now();
        let is_its = |secret: &String| row.secrets.iter().any(|known| known.sha256 == sha256(secret));
        let found = keys.all().map(|key| next_secret(key, row.id, salt)).find(is_its);
        // One that another rotation has ended since is not known any more.
        found.unwrap_or_else(|| next_secret(&keys.signing, row.id, salt))
    }

    /// An id and a secret. Under an idempotency key both follow from it and the key of tokens, so that a repeat shows the same
    /// although no secret is stored.
    async fn draw_key(&self, call: &Call, purpose: &str) -> Result<(KeyId, String), EngineError> {
        let Some(once) = call.once else {
            let secret = format!("{:032x}{:032x}", self.ids.next_u128(), self.ids.next_u128());
            return Ok((KeyId::fresh(&*self.ids), secret));
        };
        let keys = self.tokens.now();
        let drawn = |key: &TokenKey| {
            let mut bits = [0u8; 48];
            key.derive(purpose, &once.scope, &mut bits);
            let part = |at: usize| bits[at..at + 16].iter().fold(0u128, |n, b| n << 8 | u128::from(*b));
            (KeyId::from_u128(part(0)), format!("{:032x}{:032x}", part(16), part(32)))
        };
        // What was made before the key of tokens was changed is shown as it was.
        for key in keys.all().skip(1) {
            let (id, secret) = drawn(key);
            if self.kept::<CredentialRow>(id).await?.is_some() {
                return Ok((id, secret));
            }
        }
        Ok(drawn(&keys.signing))
    }

    /// Who a key's text speaks for; `None` for anything but a living key.
    pub async fn key_holder(&self, text: &str, now: Timestamp) -> Result<Option<KeyHolder>, EngineError> {
        let Some((id, secret)) = text.strip_prefix(KEY_PREFIX).and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        let Ok(id) = format!("{}-{id}", KeyId::PREFIX).parse::<KeyId>() else { return Ok(None) };
        let Some((row, _)) = self.kept::<CredentialRow>(id).await? else { return Ok(None) };
        if !row.takes(secret, now) {
            return Ok(None);
        }
        Ok(match row.role {
            Role::Server => Some(KeyHolder { id, principal: Principal::Server(id.to_string()), admin: None }),
            Role::Admin => {
                Some(KeyHolder { id, principal: Principal::Admin(id.to_string()), admin: row.admin })
            }
            Role::Player => None,
        })
    }

    /// All keys, without their secrets; of more than [`gsm_core::limits::KEYS_MAX`] those that were ended longest ago are left out.
    pub async fn keys(&self) -> Result<Vec<CredentialRow>, EngineError> {
        self.all_kept().await
    }

    /// Ends a key; doing it again changes nothing.
    pub async fn revoke_key(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        self.end_kept::<CredentialRow>(call, id).await
    }
}

/// The secret of a rotation: of 256 random bits, which alone say nothing and are kept for a repeat of the call. An
/// idempotency key that comes again when it is forgotten leads to another one, and so does another key.
fn next_secret(key: &TokenKey, id: KeyId, salt: &str) -> String {
    let mut bits = [0u8; 32];
    let of = [&id.as_u128().to_be_bytes()[..], salt.as_bytes()].concat();
    key.derive("gsm api key rotation 2", &of, &mut bits);
    bits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the bearer sends.
fn text_of(id: KeyId, secret: &str) -> String {
    format!("{KEY_PREFIX}{:032x}_{secret}", id.as_u128())
}
