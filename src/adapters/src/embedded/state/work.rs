//! What the store is asked, and what became of it.
use crate::embedded::{row_key::RowKey, tables::Placed};
use gsm_core::Timestamp;
use gsm_engine::store::{ChangeSet, CommitError, Row, Version};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::oneshot;

/// How the store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Reads and writes.
    Ok,
    /// Reads only, for the reason given; it goes back to [`State::Ok`] by itself.
    ReadOnly(String),
    /// It can no longer answer for its data; the server must stop.
    Failed(String),
    /// It was closed.
    Closed,
}

/// A row in memory.
#[derive(Debug, Clone)]
pub(in crate::embedded) struct Entry {
    pub(in crate::embedded) version: Version,
    /// `None` is a deleted row.
    pub(in crate::embedded) row: Option<Arc<Row>>,
    pub(in crate::embedded) expires_at: Option<Timestamp>,
}

impl Entry {
    /// The row, if it is there at `now`.
    pub(in crate::embedded) fn live(&self, now: Timestamp) -> Option<&Arc<Row>> {
        self.row.as_ref().filter(|_| self.expires_at.is_none_or(|at| at > now))
    }
}

/// The answer to a waiting commit, or to a read that waits for what it saw.
pub(in crate::embedded) type Fate = Result<u64, CommitError>;

/// Something that waits for the disk.
pub(in crate::embedded) enum Work {
    /// A change set, already applied in memory.
    Set { sequence: u64, changes: Arc<ChangeSet>, payload: Vec<u8>, answer: oneshot::Sender<Fate> },
    /// Someone who wants to know whether everything up to `sequence` became durable.
    Wait { sequence: u64, answer: oneshot::Sender<Fate> },
}

impl Work {
    /// The change set and its place, if it is one.
    pub(in crate::embedded) fn placed(&self) -> Option<Placed> {
        match self {
            Self::Set { sequence, changes, .. } => Some((*sequence, changes.clone())),
            Self::Wait { .. } => None,
        }
    }

    /// The encoded change set, if it is one.
    pub(in crate::embedded) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Set { payload, .. } => Some(payload),
            Self::Wait { .. } => None,
        }
    }

    /// Answers it.
    pub(in crate::embedded) fn answer(self, fate: impl FnOnce(u64) -> Fate) {
        // Nobody may be waiting any more: a caller that went away asks again under the same key.
        let _ = match self {
            Self::Set { sequence, answer, .. } | Self::Wait { sequence, answer } => {
                answer.send(fate(sequence))
            }
        };
    }
}

/// A change set made ready for the lock: encoded, with its keys.
pub(in crate::embedded) struct Prepared {
    pub(in crate::embedded) changes: Arc<ChangeSet>,
    pub(in crate::embedded) payload: Vec<u8>,
    /// Length of `payload`, which moves on.
    pub(in crate::embedded) bytes: usize,
    /// Encoded keys of `writes`, in order.
    pub(in crate::embedded) keys: Vec<RowKey>,
    /// Encoded keys of `folds`, in order.
    pub(in crate::embedded) fold_keys: Vec<RowKey>,
}

/// Versions of rows that are not in memory, as one view showed them; `None` is no row.
pub(in crate::embedded) type Looked = BTreeMap<RowKey, Option<(Version, Option<Timestamp>)>>;

/// What became of a try to apply a change set.
pub(in crate::embedded) enum Applied {
    /// In memory and on its way to the disk.
    Queued(oneshot::Receiver<Fate>),
    /// The key was answered before, with this sequence.
    Before(u64),
    /// These keys must be looked up in the view first.
    Look(Vec<RowKey>),
}
