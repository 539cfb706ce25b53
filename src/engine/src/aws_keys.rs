//! Access keys of AWS clients. Their secrets are sealed before they come here and opened after they have left.
use crate::{
    Call, Engine, EngineError, Role,
    keys::Kept,
    store::{AwsKeyRow, Home, Key, KeyRange, Row},
};
use gsm_core::{KeyId, Timestamp, limits};

/// Keys whose secrets one commit seals anew.
const SEALED_AT_ONCE: usize = 50;

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

impl Kept for AwsKeyRow {
    const WHAT: &'static str = "access keys";
    const RANGE: KeyRange = KeyRange::AwsKeys;

    fn row_key(id: KeyId) -> Key {
        Key::AwsKey(id)
    }
    fn of_row(row: &Row) -> Option<Self> {
        if let Row::AwsKey(row) = row { Some(row.clone()) } else { None }
    }
    fn row(&self) -> Row {
        Row::AwsKey(self.clone())
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
        (self.role, &self.note) == (other.role, &other.note)
    }
    fn ended(&self) -> Option<Timestamp> {
        self.revoked_at
    }
    fn end(&mut self, at: Timestamp) {
        self.revoked_at = Some(at);
    }
}

impl Engine {
    /// Keeps a key. The same call again gives the first row, whatever its sealed bytes.
    pub async fn issue_aws_key(&self, call: &Call, new: &NewAwsKey) -> Result<AwsKeyRow, EngineError> {
        let row = AwsKeyRow {
            id: new.id,
            sealed_secret: new.sealed_secret.clone(),
            role: new.role,
            note: new.note.clone(),
            created_at: call.now,
            revoked_at: None,
        };
        self.issue(call, row).await
    }

    /// A key that is good now.
    pub async fn aws_key(&self, id: KeyId) -> Result<Option<AwsKeyRow>, EngineError> {
        let found = self.kept::<AwsKeyRow>(id).await?;
        Ok(found.map(|(row, _)| row).filter(|row| row.revoked_at.is_none()))
    }

    /// All keys; of more than [`gsm_core::limits::KEYS_MAX`] those that were ended longest ago are left out.
    pub async fn aws_keys(&self) -> Result<Vec<AwsKeyRow>, EngineError> {
        self.all_kept().await
    }

    /// Ends a key; doing it again changes nothing.
    pub async fn revoke_aws_key(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        self.end_kept::<AwsKeyRow>(call, id).await
    }

    /// Keeps another sealed secret of each key that is good and for which `seal` gives one; how many there were. A few in a
    /// commit: what was not come to is done by the next call.
    pub async fn seal_aws_keys(
        &self,
        call: &Call,
        seal: &(dyn Fn(&AwsKeyRow) -> Option<Vec<u8>> + Sync),
    ) -> Result<usize, EngineError> {
        let keys = self.aws_keys().await?;
        let old = |key: &&AwsKeyRow| key.revoked_at.is_none() && seal(key).is_some();
        let ids: Vec<KeyId> = keys.iter().filter(old).map(|key| key.id).collect();
        let mut count = 0;
        for ids in ids.chunks(SEALED_AT_ONCE) {
            count += self.seal_some(call, ids, seal).await?;
        }
        Ok(count)
    }

    async fn seal_some(
        &self,
        call: &Call,
        ids: &[KeyId],
        seal: &(dyn Fn(&AwsKeyRow) -> Option<Vec<u8>> + Sync),
    ) -> Result<usize, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let (mut count, mut changes) = (0, self.changes(call, &[]));
            for id in ids {
                let Some((row, version)) = self.kept::<AwsKeyRow>(*id).await? else { continue };
                let Some(sealed_secret) = seal(&row).filter(|_| row.revoked_at.is_none()) else { continue };
                let row = AwsKeyRow { sealed_secret, ..row };
                changes.replace(Key::AwsKey(*id), Some(version), row.row());
                count += 1;
            }
            if count == 0 {
                return Ok(0);
            }
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(count),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
