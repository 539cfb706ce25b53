//! API keys of game servers, back ends and operators.
use crate::{
    Call, Engine, EngineError, Principal, Role,
    store::{ApiKeyRow, Home, Key, KeyRange, Row},
};
use gsm_core::{KeyId, Timestamp, limits};

/// Before the key id in the text of a key.
pub(crate) const KEY_PREFIX: &str = "gsmk_";

/// A new key; its text is shown once and never again.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuedKey {
    /// Its row.
    pub row: ApiKeyRow,
    /// What the bearer sends.
    pub text: String,
}

fn hash(secret: &str) -> [u8; 32] {
    *blake3::Hasher::new_derive_key("gsm api key 1").update(secret.as_bytes()).finalize().as_bytes()
}

impl Engine {
    /// Makes a key. Its secret has 256 random bits, so that a fast hash is enough to store it.
    pub async fn issue_key(&self, call: &Call, role: Role, note: &str) -> Result<IssuedKey, EngineError> {
        if role == Role::Player {
            return Err(EngineError::invalid("role", "a key is for `server` or `admin`; players sign in"));
        }
        if note.chars().count() > limits::CALLER_ID_CHARS_MAX {
            return Err(EngineError::invalid(
                "note",
                format!("at most {} characters", limits::CALLER_ID_CHARS_MAX),
            ));
        }
        // Under an idempotency key the id and the secret follow from it, so that a repeat shows the same key although
        // no secret is stored.
        let (id, secret) = match call.once {
            None => (
                KeyId::fresh(&*self.ids),
                format!("{:032x}{:032x}", self.ids.next_u128(), self.ids.next_u128()),
            ),
            Some(once) => {
                let mut bits = [0u8; 48];
                self.tokens.derive("gsm api key 1", &once.scope, &mut bits);
                let part = |at: usize| bits[at..at + 16].iter().fold(0u128, |n, b| n << 8 | u128::from(*b));
                (KeyId::from_u128(part(0)), format!("{:032x}{:032x}", part(16), part(32)))
            }
        };
        let row = ApiKeyRow {
            id,
            secret_hash: hash(&secret),
            role,
            note: note.to_owned(),
            created_at: call.now,
            revoked_at: None,
        };
        let text = format!("{KEY_PREFIX}{:032x}_{secret}", id.as_u128());
        let mut changes = self.changes(call, &[&id]);
        changes.create(Key::ApiKey(id), Row::ApiKey(row.clone()));
        self.remember(&mut changes, call, Home::Document, &())?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let repeated = self.replayed::<()>(call, Home::Document).await?.is_some();
            if call.once.is_some()
                && let Some(found) = self.get_one(&Key::ApiKey(id)).await?
                && let Row::ApiKey(first) = &*found.row
            {
                // The key outlives the memory of the call that made it: what it was for tells whether it is the same.
                if !repeated && (first.role, &first.note) != (role, &row.note) {
                    return Err(EngineError::IdempotencyMismatch);
                }
                return Ok(IssuedKey { row: first.clone(), text });
            }
            match self.commit(Home::Document, changes.clone()).await {
                Ok(_) => return Ok(IssuedKey { row, text }),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Who a key's text speaks for; `None` for anything but a living key.
    pub async fn key_principal(&self, text: &str) -> Result<Option<(KeyId, Principal)>, EngineError> {
        let Some((id, secret)) = text.strip_prefix(KEY_PREFIX).and_then(|rest| rest.split_once('_')) else {
            return Ok(None);
        };
        let Ok(id) = format!("{}-{id}", KeyId::PREFIX).parse::<KeyId>() else { return Ok(None) };
        let key = Key::ApiKey(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::ApiKey(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        let same = bool::from(subtle::ConstantTimeEq::ct_eq(&row.secret_hash[..], &hash(secret)[..]));
        if !same || row.revoked_at.is_some() {
            return Ok(None);
        }
        Ok(match row.role {
            Role::Server => Some((id, Principal::Server(id.to_string()))),
            Role::Admin => Some((id, Principal::Admin(id.to_string()))),
            Role::Player => None,
        })
    }

    /// All keys, without their secrets.
    pub async fn keys(&self) -> Result<Vec<ApiKeyRow>, EngineError> {
        let range = KeyRange::ApiKeys;
        let rows = self.store(range.home()).list(&range, None, limits::PAGE_SIZE_MAX, false).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(_, f)| if let Row::ApiKey(row) = &*f.row { Some(row.clone()) } else { None })
            .collect())
    }

    /// Ends a key; doing it again changes nothing.
    pub async fn revoke_key(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        let key = Key::ApiKey(id);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            self.replayed::<()>(call, Home::Document).await?;
            let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "key" })?;
            let Row::ApiKey(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            if let Some(at) = row.revoked_at {
                return Ok(at);
            }
            let mut row = row.clone();
            row.revoked_at = Some(call.now);
            let mut changes = self.changes(call, &[&id]);
            changes.replace(key.clone(), Some(found.version), Row::ApiKey(row));
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(call.now),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
