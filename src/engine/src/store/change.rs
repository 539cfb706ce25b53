use super::{AuditRecord, Home, Key, PushEvent, Row, Version};
use gsm_core::{CommitKey, Millis, PlayerId, Timestamp};
use postcard::ser_flavors::Size;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long a push event can be resumed from.
pub const EVENT_RETENTION: Millis = Millis::from_secs(600);

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// No row.
    Absent,
    /// The row as it was read.
    At(Version),
    /// Anything.
    Any,
}

/// What a write does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Puts a row; from `expires_at` on the store may drop it, and no read shows it.
    Put {
        /// The new row.
        row: Arc<Row>,
        /// When it may go.
        expires_at: Option<Timestamp>,
    },
    /// Removes the row.
    Delete,
    /// Only checks the expectation.
    Check,
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// What is written.
    pub key: Key,
    /// What must be there.
    pub expect: Expect,
    /// What happens to it.
    pub op: Op,
}

impl Write {
    /// Bytes that it takes in a change set, as the embedded store encodes it. Costs about as much as encoding it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        bytes_of(self)
    }
}

/// Bytes of a value as stores encode it.
pub(crate) fn bytes_of(value: &impl Serialize) -> usize {
    postcard::serialize_with_flavor(value, Size::default()).unwrap_or(usize::MAX)
}

/// All or nothing, in one home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Repeat with the same key until the fate is known.
    pub key: CommitKey,
    /// When it was decided.
    pub at: Timestamp,
    /// Conditional writes, at most [`super::StoreLimits::items_max`].
    pub writes: Vec<Write>,
    /// Consequences that hold whatever is there (history rows, archives): rows to put or to remove. A remote store may
    /// apply them late and more than once, in the order of their commits for each row; the embedded store applies them
    /// with the commit.
    pub folds: Vec<Write>,
    /// Push events, numbered by the store.
    pub events: Vec<(PlayerId, PushEvent)>,
    /// Who did what.
    #[serde(with = "super::stored_audit")]
    pub audit: Option<AuditRecord>,
}

impl ChangeSet {
    /// An empty change set.
    #[must_use]
    pub fn new(key: CommitKey, at: Timestamp) -> Self {
        Self { key, at, writes: Vec::new(), folds: Vec::new(), events: Vec::new(), audit: None }
    }
    /// Puts a row that must be new.
    pub fn create(&mut self, key: Key, row: Row) -> &mut Self {
        self.write(key, Expect::Absent, Op::Put { row: Arc::new(row), expires_at: None })
    }
    /// Puts a row in place of the one read at `version`; `None` says there was none.
    pub fn replace(&mut self, key: Key, version: Option<Version>, row: Row) -> &mut Self {
        self.write(
            key,
            version.map_or(Expect::Absent, Expect::At),
            Op::Put { row: Arc::new(row), expires_at: None },
        )
    }
    /// Puts a new row that goes away by itself.
    pub fn create_until(&mut self, key: Key, row: Row, expires_at: Timestamp) -> &mut Self {
        self.write(key, Expect::Absent, Op::Put { row: Arc::new(row), expires_at: Some(expires_at) })
    }
    /// Removes the row read at `version`.
    pub fn delete(&mut self, key: Key, version: Version) -> &mut Self {
        self.write(key, Expect::At(version), Op::Delete)
    }
    /// Fails the set unless the row is still as it was read.
    pub fn check(&mut self, key: Key, expect: Expect) -> &mut Self {
        self.write(key, expect, Op::Check)
    }
    /// Any write.
    pub fn write(&mut self, key: Key, expect: Expect, op: Op) -> &mut Self {
        self.writes.push(Write { key, expect, op });
        self
    }
    /// An unconditional consequence.
    pub fn fold(&mut self, key: Key, row: Row) -> &mut Self {
        let op = Op::Put { row: Arc::new(row), expires_at: None };
        self.folds.push(Write { key, expect: Expect::Any, op });
        self
    }
    /// Tells a player something.
    pub fn event(&mut self, player: PlayerId, event: PushEvent) -> &mut Self {
        self.events.push((player, event));
        self
    }
    /// Says in its audit record, if it has one, why it is made.
    pub fn because(&mut self, reason: impl Into<String>) -> &mut Self {
        if let Some(audit) = &mut self.audit {
            audit.reason = Some(reason.into());
        }
        self
    }
    /// Takes in another set's changes, keeping its own key and audit record. Lawful only where both sets' homes are
    /// one store ([`super::Homes::is_one`]).
    pub fn merge(&mut self, other: ChangeSet) -> &mut Self {
        self.writes.extend(other.writes);
        self.folds.extend(other.folds);
        self.events.extend(other.events);
        if self.audit.is_none() {
            self.audit = other.audit;
        }
        self
    }
    /// Bytes of all of it, at most [`super::StoreLimits::bytes_max`]; as [`Write::bytes`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        bytes_of(self)
    }
    /// Whether a home's store can take it: no write lies in another home.
    #[must_use]
    pub fn is_of(&self, home: Home) -> bool {
        self.writes.iter().chain(&self.folds).all(|write| write.key.home() == home)
    }
}

/// Where a commit stands in its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its place; rows written by it have this version in the embedded store.
    pub sequence: u64,
}

/// What went wrong below a port.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct StoreFault {
    /// For the operator.
    pub what: String,
}

impl StoreFault {
    /// A fault with its description.
    #[must_use]
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self { what: what.to_string() }
    }
}

/// Why a change set was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Something it expected is not so; nothing was applied.
    #[error("`{key}` changed since it was read")]
    Conflict {
        /// The first row that was not as expected.
        key: Key,
    },
    /// Surely not applied.
    #[error("the store refused the change set, nothing was applied: {0}")]
    Refused(StoreFault),
    /// Larger than the store takes: surely not applied, nor will it ever be.
    #[error("the change set is too large, nothing was applied: {0}")]
    TooLarge(StoreFault),
    /// May have been applied: repeat with the same key.
    #[error("the store did not answer, the change set may have been applied: {0}")]
    Unknown(StoreFault),
}

/// Why a read gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store could not be read: {0}")]
pub struct ReadError(pub StoreFault);
