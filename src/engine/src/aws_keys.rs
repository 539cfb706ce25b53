//! Access keys of AWS clients. Their secrets are sealed before they come here and opened after they have left.
use crate::{
    Call, Engine, EngineError, Role,
    store::{AwsKeyRow, Home, Key, KeyRange, Row},
};
use gsm_core::{KeyId, Timestamp, limits};

/// A key to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAwsKey {
    /// Its public part; under an idempotency key it must follow from that.
    pub id: KeyId,
    /// Its sealed secret.
    pub sealed_secret: Vec<u8>,
    /// What it may do.
    pub role: Role,
    /// For people.
    pub note: String,
}

impl Engine {
    /// Keeps a key. The same call again gives the first row, whatever its sealed bytes.
    pub async fn issue_aws_key(&self, call: &Call, new: &NewAwsKey) -> Result<AwsKeyRow, EngineError> {
        if new.role == Role::Player {
            return Err(EngineError::invalid("role", "a key is for `server` or `admin`; players sign in"));
        }
        if new.note.chars().count() > limits::CALLER_ID_CHARS_MAX {
            let most = limits::CALLER_ID_CHARS_MAX;
            return Err(EngineError::invalid("note", format!("at most {most} characters")));
        }
        let key = Key::AwsKey(new.id);
        let row = AwsKeyRow {
            id: new.id,
            sealed_secret: new.sealed_secret.clone(),
            role: new.role,
            note: new.note.clone(),
            created_at: call.now,
            revoked_at: None,
        };
        let mut changes = self.changes(call, &[&new.id]);
        changes.create(key.clone(), Row::AwsKey(row.clone()));
        self.remember(&mut changes, call, Home::Document, &())?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let repeated = self.replayed::<()>(call, Home::Document).await?.is_some();
            if let Some(found) = self.get_one(&key).await?
                && let Row::AwsKey(first) = &*found.row
            {
                // The key outlives the memory of the call that made it: what it was for tells whether it is the same.
                if !repeated && (first.role, &first.note) != (new.role, &new.note) {
                    return Err(EngineError::IdempotencyMismatch);
                }
                return Ok(first.clone());
            }
            if self.aws_keys().await?.iter().filter(|row| row.revoked_at.is_none()).count()
                >= limits::KEYS_MAX
            {
                return Err(EngineError::TooManyKeys { what: "access keys" });
            }
            match self.commit(Home::Document, changes.clone()).await {
                Ok(_) => return Ok(row),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// A key that is good now.
    pub async fn aws_key(&self, id: KeyId) -> Result<Option<AwsKeyRow>, EngineError> {
        let key = Key::AwsKey(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::AwsKey(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(row.revoked_at.is_none().then(|| row.clone()))
    }

    /// All keys; of more than [`limits::KEYS_MAX`] those that were ended longest ago are left out.
    pub async fn aws_keys(&self) -> Result<Vec<AwsKeyRow>, EngineError> {
        let read = |row: &Row| if let Row::AwsKey(row) = row { Some(row.clone()) } else { None };
        self.listed_keys(KeyRange::AwsKeys, read, |row| row.revoked_at).await
    }

    /// Ends a key; doing it again changes nothing.
    pub async fn revoke_aws_key(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        let key = Key::AwsKey(id);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let replayed = self.replayed::<()>(call, Home::Document).await?.is_some();
            let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "key" })?;
            let Row::AwsKey(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            if let Some(at) = row.revoked_at {
                if replayed {
                    return Ok(at);
                }
                match self.remember_alone(call, Home::Document, &[&id]).await {
                    Err(EngineError::Raced(_)) => continue,
                    done => return done.map(|()| at),
                }
            }
            let mut row = row.clone();
            row.revoked_at = Some(call.now);
            let mut changes = self.changes(call, &[&id]);
            changes.replace(key.clone(), Some(found.version), Row::AwsKey(row));
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
