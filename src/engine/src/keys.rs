//! API keys of game servers, back ends and operators: a name that stays, and up to two secrets, so that a secret can be
//! changed while both the old and the new one are good.
use crate::{
    AdminRole, Call, Engine, EngineError, Principal, Role,
    store::{CredentialRow, Home, Key, KeyRange, Row, SecretRow, Version, WhoRow},
};
use gsm_core::{KeyId, Millis, Timestamp, limits};
use sha2::{Digest as _, Sha256};
use std::cmp::Reverse;
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

    fn boxed(&self) -> Row {
        Row::Who(Box::new(WhoRow::ApiKey(self.clone())))
    }
}

/// The key in a row of either form.
fn credential(row: &Row) -> Option<CredentialRow> {
    match row {
        Row::ApiKey(first) => Some(first.clone().into()),
        Row::Who(who) => match &**who {
            WhoRow::ApiKey(row) => Some(row.clone()),
            WhoRow::SigningKey(_) => None,
        },
        _ => None,
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
        if role == Role::Player {
            return Err(EngineError::invalid("role", "a key is for `server` or `admin`; players sign in"));
        }
        if note.chars().count() > limits::CALLER_ID_CHARS_MAX {
            return Err(EngineError::invalid(
                "note",
                format!("at most {} characters", limits::CALLER_ID_CHARS_MAX),
            ));
        }
        let (id, secret) = self.draw_key(call, "gsm api key 1");
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
        let text = text_of(id, &secret);
        let mut changes = self.changes(call, &[&id]);
        changes.create(Key::ApiKey(id), row.boxed());
        self.remember(&mut changes, call, Home::Document, &())?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let repeated = self.replayed::<()>(call, Home::Document).await?.is_some();
            if call.once.is_some()
                && let Some((first, _)) = self.credential(id).await?
            {
                // The key outlives the memory of the call that made it: what it was for tells whether it is the same.
                let same = (first.role, first.admin, &first.note) == (row.role, row.admin, &row.note);
                if !repeated && !same {
                    return Err(EngineError::IdempotencyMismatch);
                }
                return Ok(IssuedKey { row: first, text });
            }
            if self.keys().await?.iter().filter(|row| row.revoked_at.is_none()).count() >= limits::KEYS_MAX {
                return Err(EngineError::TooManyKeys { what: "API keys" });
            }
            match self.commit(Home::Document, changes.clone()).await {
                Ok(_) => return Ok(IssuedKey { row, text }),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Gives a key a new secret. The one before is good for `overlap` longer, one before that no more.
    pub async fn rotate_key(
        &self,
        call: &Call,
        id: KeyId,
        overlap: Millis,
    ) -> Result<IssuedKey, EngineError> {
        let (_, secret) = self.draw_key(call, "gsm api key rotation 1");
        let text = text_of(id, &secret);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let repeated = self.replayed::<()>(call, Home::Document).await?.is_some();
            let (mut row, version) =
                self.credential(id).await?.ok_or(EngineError::Unknown { what: "key" })?;
            if repeated {
                return Ok(IssuedKey { row, text });
            }
            if row.revoked_at.is_some() {
                return Err(EngineError::invalid("key_id", "the key has been ended; make another"));
            }
            let until = call.now.saturating_add(overlap);
            // One before is kept: the newest secret, or the one of a key that was never changed.
            row.first_hash =
                row.first_hash.filter(|_| row.secrets.is_empty()).map(|(hash, _)| (hash, Some(until)));
            let before = row.secrets.pop().map(|secret| SecretRow { good_until: Some(until), ..secret });
            row.secrets = before.into_iter().collect();
            row.secrets.push(SecretRow { sha256: sha256(&secret), created_at: call.now, good_until: None });
            let mut changes = self.changes(call, &[&id]);
            changes.replace(Key::ApiKey(id), Some(version), row.boxed());
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(IssuedKey { row, text }),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// An id and a secret. Under an idempotency key both follow from it, so that a repeat shows the same although no
    /// secret is stored.
    fn draw_key(&self, call: &Call, purpose: &str) -> (KeyId, String) {
        let Some(once) = call.once else {
            let secret = format!("{:032x}{:032x}", self.ids.next_u128(), self.ids.next_u128());
            return (KeyId::fresh(&*self.ids), secret);
        };
        let mut bits = [0u8; 48];
        self.tokens.derive(purpose, &once.scope, &mut bits);
        let part = |at: usize| bits[at..at + 16].iter().fold(0u128, |n, b| n << 8 | u128::from(*b));
        (KeyId::from_u128(part(0)), format!("{:032x}{:032x}", part(16), part(32)))
    }

    async fn credential(&self, id: KeyId) -> Result<Option<(CredentialRow, Version)>, EngineError> {
        let key = Key::ApiKey(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let row = credential(&found.row).ok_or_else(|| EngineError::damaged(&key))?;
        Ok(Some((row, found.version)))
    }

    /// Who a key's text speaks for; `None` for anything but a living key.
    pub async fn key_holder(&self, text: &str, now: Timestamp) -> Result<Option<KeyHolder>, EngineError> {
        let Some((id, secret)) = text.strip_prefix(KEY_PREFIX).and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        let Ok(id) = format!("{}-{id}", KeyId::PREFIX).parse::<KeyId>() else { return Ok(None) };
        let Some((row, _)) = self.credential(id).await? else { return Ok(None) };
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

    /// All keys, without their secrets; of more than [`limits::KEYS_MAX`] those that were ended longest ago are left out.
    pub async fn keys(&self) -> Result<Vec<CredentialRow>, EngineError> {
        self.listed_keys(KeyRange::ApiKeys, credential, |row| row.revoked_at).await
    }

    /// So many keys of a range as are listed: those that are good come before those that were `ended`.
    pub(crate) async fn listed_keys<T>(
        &self,
        range: KeyRange,
        read: impl Fn(&Row) -> Option<T>,
        ended: impl Fn(&T) -> Option<Timestamp>,
    ) -> Result<Vec<T>, EngineError> {
        let (mut after, mut keys) = (None, Vec::new());
        while let Some(page) = self.page(&range, &mut after).await? {
            keys.extend(page.iter().filter_map(|(_, found)| read(&found.row)));
            if keys.len() > limits::KEYS_MAX {
                keys.sort_by_key(|row| ended(row).map(Reverse));
                keys.truncate(limits::KEYS_MAX);
            }
        }
        Ok(keys)
    }

    /// Ends a key; doing it again changes nothing.
    pub async fn revoke_key(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let replayed = self.replayed::<()>(call, Home::Document).await?.is_some();
            let (mut row, version) =
                self.credential(id).await?.ok_or(EngineError::Unknown { what: "key" })?;
            if let Some(at) = row.revoked_at {
                if replayed {
                    return Ok(at);
                }
                match self.remember_alone(call, Home::Document, &[&id]).await {
                    Err(EngineError::Raced(_)) => continue,
                    done => return done.map(|()| at),
                }
            }
            row.revoked_at = Some(call.now);
            let mut changes = self.changes(call, &[&id]);
            changes.replace(Key::ApiKey(id), Some(version), row.boxed());
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(call.now),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}

/// What the bearer sends.
fn text_of(id: KeyId, secret: &str) -> String {
    format!("{KEY_PREFIX}{:032x}_{secret}", id.as_u128())
}
