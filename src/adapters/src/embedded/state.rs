//! What the store holds in memory, under one lock: rows that no checkpoint has written yet, hot rows, the keys of
//! answered commits and the change sets that wait for the disk. No IO here.
use super::{
    codec::StoredRow,
    limits,
    tables::{Folded, Placed, View},
};
use gsm_core::{CommitKey, Map, Millis, Timestamp};
use gsm_engine::store::{ChangeSet, CommitError, Expect, Op, Row, StoreFault, Version, Write};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
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
pub(super) struct Entry {
    pub(super) version: Version,
    /// `None` is a deleted row.
    pub(super) row: Option<Arc<Row>>,
    pub(super) expires_at: Option<Timestamp>,
}

impl Entry {
    /// The row, if it is there at `now`.
    pub(super) fn live(&self, now: Timestamp) -> Option<&Arc<Row>> {
        self.row.as_ref().filter(|_| self.expires_at.is_none_or(|at| at > now))
    }
}

/// The answer to a waiting commit, or to a read that waits for what it saw.
pub(super) type Fate = Result<u64, CommitError>;

/// Something that waits for the disk.
pub(super) enum Work {
    /// A change set, already applied in memory.
    Set { sequence: u64, changes: Arc<ChangeSet>, payload: Vec<u8>, answer: oneshot::Sender<Fate> },
    /// Someone who wants to know that everything before is durable.
    Wait { sequence: u64, answer: oneshot::Sender<Fate> },
}

impl Work {
    /// The change set and its place, if it is one.
    pub(super) fn placed(&self) -> Option<Placed> {
        match self {
            Self::Set { sequence, changes, .. } => Some((*sequence, changes.clone())),
            Self::Wait { .. } => None,
        }
    }

    /// The encoded change set, if it is one.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Set { payload, .. } => Some(payload),
            Self::Wait { .. } => None,
        }
    }

    /// Answers it.
    pub(super) fn answer(self, fate: impl FnOnce(u64) -> Fate) {
        // Nobody may be waiting any more: a caller that went away asks again under the same key.
        let _ = match self {
            Self::Set { sequence, answer, .. } | Self::Wait { sequence, answer } => {
                answer.send(fate(sequence))
            }
        };
    }
}

/// A change set made ready for the lock: encoded, with its keys.
pub(super) struct Prepared {
    pub(super) changes: Arc<ChangeSet>,
    pub(super) payload: Vec<u8>,
    /// Encoded keys of `writes`, in order.
    pub(super) keys: Vec<Vec<u8>>,
    /// Encoded keys of `folds`, in order.
    pub(super) fold_keys: Vec<Vec<u8>>,
}

/// Versions of rows that are not in memory, as one view showed them; `None` is no row.
pub(super) type Looked = BTreeMap<Vec<u8>, Option<(Version, Option<Timestamp>)>>;

/// What became of a try to apply a change set.
pub(super) enum Applied {
    /// In memory and on its way to the disk.
    Queued(oneshot::Receiver<Fate>),
    /// The key was answered before.
    Before(u64),
    /// These keys must be looked up in the view first.
    Look(Vec<Vec<u8>>),
}

/// Everything under the lock.
pub(super) struct Memory {
    pub(super) rows: BTreeMap<Vec<u8>, Entry>,
    /// The tables as of `applied`; a row that is not in `rows` is as it is here. `None` once closed.
    pub(super) view: Option<Arc<View>>,
    /// The last sequence given.
    pub(super) sequence: u64,
    /// The last sequence on the disk.
    pub(super) durable: u64,
    /// The last sequence in the tables.
    pub(super) applied: u64,
    done: Map<CommitKey, u64>,
    done_order: VecDeque<(CommitKey, u64, Timestamp)>,
    /// Sets after `applied`.
    pub(super) unwritten: VecDeque<Placed>,
    pub(super) unwritten_rows: usize,
    pub(super) queue: VecDeque<Work>,
    pub(super) state: State,
    pub(super) closing: bool,
    /// The journal is closed, and nobody knows yet which of the last sets are in it.
    pub(super) unresolved: bool,
    /// Where the next search for clean rows to drop begins.
    drop_from: Vec<u8>,
}

impl Memory {
    pub(super) fn new(view: Arc<View>, applied: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            view: Some(view),
            sequence: applied,
            durable: applied,
            applied,
            done: Map::default(),
            done_order: VecDeque::new(),
            unwritten: VecDeque::new(),
            unwritten_rows: 0,
            queue: VecDeque::new(),
            state: State::Ok,
            closing: false,
            unresolved: false,
            drop_from: Vec::new(),
        }
    }

    /// Notes an answered commit key.
    pub(super) fn note_done(&mut self, key: CommitKey, sequence: u64, at: Timestamp) {
        self.done.insert(key, sequence);
        self.done_order.push_back((key, sequence, at));
        let oldest = at.saturating_sub(Millis::new(limits::DONE_RETENTION_MS));
        while self.done_order.len() > limits::DONE_KEPT_MIN {
            let Some(&(key, sequence, at)) = self.done_order.front() else { break };
            if at >= oldest && self.done_order.len() <= limits::DONE_KEPT_MAX {
                break;
            }
            self.done_order.pop_front();
            if self.done.get(&key) == Some(&sequence) {
                self.done.remove(&key);
            }
        }
    }

    /// The sequence that this commit key was given.
    pub(super) fn done(&self, key: CommitKey) -> Option<u64> {
        self.done.get(&key).copied()
    }

    /// Checks a set's expectations and applies it, all or nothing; its payload then moves to the queue. `looked` is
    /// what the current view showed.
    pub(super) fn apply(
        &mut self,
        set: &mut Prepared,
        looked: &Looked,
        now: Timestamp,
    ) -> Result<Applied, CommitError> {
        if let Some(sequence) = self.done(set.changes.key) {
            return Ok(Applied::Before(sequence));
        }
        let mut look = Vec::new();
        for (write, key) in set.changes.writes.iter().zip(&set.keys) {
            if write.expect == Expect::Any {
                continue;
            }
            let found = match (self.rows.get(key), looked.get(key)) {
                (Some(entry), _) => entry.live(now).map(|_| entry.version),
                (None, Some(stored)) => {
                    stored.filter(|(_, ends)| ends.is_none_or(|at| at > now)).map(|(version, _)| version)
                }
                (None, None) => {
                    look.push(key.clone());
                    continue;
                }
            };
            let met = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::At(version) => found == Some(version),
                Expect::Any => true,
            };
            if !met {
                return Err(CommitError::Conflict { key: write.key.clone() });
            }
        }
        if !look.is_empty() {
            return Ok(Applied::Look(look));
        }
        self.sequence += 1;
        let sequence = self.sequence;
        self.write_all(sequence, &set.changes, set.keys.iter().chain(&set.fold_keys).cloned());
        self.note_done(set.changes.key, sequence, set.changes.at);
        self.unwritten.push_back((sequence, set.changes.clone()));
        let (answer, fate) = oneshot::channel();
        let work = Work::Set {
            sequence,
            changes: set.changes.clone(),
            payload: std::mem::take(&mut set.payload),
            answer,
        };
        self.queue.push_back(work);
        Ok(Applied::Queued(fate))
    }

    fn write_all(&mut self, sequence: u64, changes: &ChangeSet, keys: impl Iterator<Item = Vec<u8>>) {
        self.unwritten_rows += changes.writes.len() + changes.folds.len();
        for (write, key) in changes.writes.iter().chain(&changes.folds).zip(keys) {
            let (row, expires_at) = match &write.op {
                Op::Put { row, expires_at } => (Some(row.clone()), *expires_at),
                Op::Delete => (None, None),
                Op::Check => continue,
            };
            self.rows.insert(key, Entry { version: sequence, row, expires_at });
        }
    }

    /// A channel that hears when everything up to `sequence` is durable, or will not be.
    pub(super) fn wait_for(&mut self, sequence: u64) -> oneshot::Receiver<Fate> {
        let (answer, fate) = oneshot::channel();
        self.queue.push_back(Work::Wait { sequence, answer });
        fate
    }

    /// Takes in a set that is durable already: from the journal, at the start.
    pub(super) fn replay(&mut self, sequence: u64, changes: Arc<ChangeSet>) {
        self.write_all(sequence, &changes, encoded(&changes));
        self.note_done(changes.key, sequence, changes.at);
        self.unwritten.push_back((sequence, changes));
        self.sequence = self.sequence.max(sequence);
        self.durable = self.durable.max(sequence);
    }

    /// Forgets everything that is not durable, as if it had never been. Its sequences are not given again.
    pub(super) fn back_to_durable(&mut self) {
        let durable = self.durable;
        while self.done_order.back().is_some_and(|(_, sequence, _)| *sequence > durable) {
            if let Some((key, _, _)) = self.done_order.pop_back() {
                self.done.remove(&key);
            }
        }
        while self.unwritten.back().is_some_and(|(sequence, _)| *sequence > durable) {
            self.unwritten.pop_back();
        }
        self.rows.clear();
        self.unwritten_rows = 0;
        for (sequence, changes) in self.unwritten.clone() {
            self.write_all(sequence, &changes, encoded(&changes));
        }
    }

    /// The sets that a checkpoint may write now, and the last of their sequences.
    pub(super) fn to_write(&self) -> Option<(u64, Vec<Placed>)> {
        let sets: Vec<Placed> =
            self.unwritten.iter().take_while(|(sequence, _)| *sequence <= self.durable).cloned().collect();
        sets.last().map(|(upto, _)| *upto).map(|upto| (upto, sets))
    }

    /// The tables show everything up to `upto` now: memory keeps what is newer, and hot rows.
    pub(super) fn written(&mut self, upto: u64, rows: &Folded, view: Arc<View>, hot_rows_max: usize) {
        self.view = Some(view);
        self.applied = upto;
        while self.unwritten.front().is_some_and(|(sequence, _)| *sequence <= upto) {
            if let Some((_, changes)) = self.unwritten.pop_front() {
                self.unwritten_rows =
                    self.unwritten_rows.saturating_sub(changes.writes.len() + changes.folds.len());
            }
        }
        for key in rows.keys() {
            let cold = self.rows.get(key).is_some_and(|entry| {
                entry.version <= upto && !entry.row.as_ref().is_some_and(|row| is_hot(row))
            });
            if cold {
                self.rows.remove(key);
            }
        }
        self.drop_clean(hot_rows_max);
    }

    /// Keeps a row that was read from the current view, if it is worth it.
    pub(super) fn keep(&mut self, key: Vec<u8>, stored: &StoredRow, hot_rows_max: usize) {
        if !is_hot(&stored.row) {
            return;
        }
        let StoredRow { version, expires_at, row } = stored.clone();
        self.rows.entry(key).or_insert(Entry { version, row: Some(row), expires_at });
        self.drop_clean(hot_rows_max);
    }

    /// Drops clean rows beyond the limit, going round in key order; a row that is read again comes back.
    fn drop_clean(&mut self, hot_rows_max: usize) {
        let limit = hot_rows_max.saturating_add(self.unwritten_rows);
        if self.rows.len() <= limit {
            return;
        }
        // An eighth more than needed, so that this is rare.
        let mut over = self.rows.len() - limit + hot_rows_max / 8;
        let (start, applied) = (std::mem::take(&mut self.drop_from), self.applied);
        let clean = |rows: &BTreeMap<Vec<u8>, Entry>, most: usize, from: &Vec<u8>| -> Vec<Vec<u8>> {
            let after = rows.range(from.clone()..).filter(|(_, entry)| entry.version <= applied);
            after.map(|(key, _)| key.clone()).take(most).collect()
        };
        for from in [start, Vec::new()] {
            let victims = clean(&self.rows, over, &from);
            for key in &victims {
                self.rows.remove(key);
            }
            over = over.saturating_sub(victims.len());
            self.drop_from = victims.into_iter().next_back().unwrap_or_default();
            if over == 0 {
                break;
            }
        }
    }

    /// Why a commit cannot be taken now, if it cannot.
    pub(super) fn refusal(&self, waiting_max: usize, unwritten_rows_max: usize) -> Option<CommitError> {
        let refused = |text: &str| Some(CommitError::Refused(StoreFault::new(text)));
        match &self.state {
            State::ReadOnly(text) if !self.unresolved => refused(text),
            // A repeat of a key whose fate is not known must not hear "surely not applied".
            State::ReadOnly(text) | State::Failed(text) => Some(CommitError::Unknown(StoreFault::new(text))),
            State::Closed => refused("the store is closed"),
            State::Ok if self.closing => refused("the store is closing"),
            State::Ok if self.queue.len() >= waiting_max => {
                refused("busy: too many change sets wait for the disk")
            }
            State::Ok if self.unwritten_rows >= unwritten_rows_max => {
                refused("busy: the checkpoint is behind")
            }
            State::Ok => None,
        }
    }
}

fn encoded(changes: &ChangeSet) -> impl Iterator<Item = Vec<u8>> + use<> {
    let keys: Vec<Vec<u8>> =
        changes.writes.iter().chain(&changes.folds).map(|write| write.key.encode()).collect();
    keys.into_iter()
}

/// The last write of each key among sets in sequence.
pub(super) fn fold(sets: &[Placed]) -> Folded {
    let mut out = Folded::new();
    for (sequence, changes) in sets {
        for Write { key, op, .. } in changes.writes.iter().chain(&changes.folds) {
            let stored = match op {
                Op::Put { row, expires_at } => {
                    Some(StoredRow { version: *sequence, expires_at: *expires_at, row: row.clone() })
                }
                Op::Delete => None,
                Op::Check => continue,
            };
            out.insert(key.encode(), stored);
        }
    }
    out
}

/// Whether a row is read again and again while it is there.
fn is_hot(row: &Row) -> bool {
    match row {
        Row::Ticket(ticket) => ticket.ended_at.is_none(),
        Row::Player(_)
        | Row::Queue(_)
        | Row::ApiKey(_)
        | Row::Rating(_)
        | Row::Outbox(_)
        | Row::Claim(_)
        | Row::Proposal(..)
        | Row::Match(_)
        | Row::Lease(_) => true,
        Row::Identity(_) | Row::History(_) | Row::Result(_) | Row::ResultChunk | Row::Replay(_) => false,
    }
}
