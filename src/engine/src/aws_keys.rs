//! Access keys of AWS clients. Their secrets are sealed before they come here and opened after they have left.
use crate::{
    Call, Engine, EngineError, Role,
    keys::Kept,
    store::{AwsKeyRow, Key, KeyRange, Row},
};
use gsm_core::{KeyId, Timestamp};

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
}
