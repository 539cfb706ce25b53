//! What the store holds in memory, under one lock: rows that no checkpoint has written yet, hot rows, the keys of
//! answered commits and the change sets that wait for the disk. No IO here.
use super::{
    codec::StoredRow,
    limits,
    options::Options,
    row_key::RowKey,
    tables::{Folded, Placed, View},
};
use gsm_core::{CommitKey, Map, Millis, Timestamp};
use gsm_engine::store::{
    ChangeSet, CommitError, Expect, Op, Position, ReportsStage, Row, StoreFault, Version, Write,
};
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
    /// Someone who wants to know whether everything up to `sequence` became durable.
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
    /// Length of `payload`, which moves on.
    pub(super) bytes: usize,
    /// Encoded keys of `writes`, in order.
    pub(super) keys: Vec<RowKey>,
    /// Encoded keys of `folds`, in order.
    pub(super) fold_keys: Vec<RowKey>,
}

/// Versions of rows that are not in memory, as one view showed them; `None` is no row.
pub(super) type Looked = BTreeMap<RowKey, Option<(Version, Option<Timestamp>)>>;

/// What became of a try to apply a change set.
pub(super) enum Applied {
    /// In memory and on its way to the disk.
    Queued(oneshot::Receiver<Fate>),
    /// The key was answered before, with this sequence.
    Before(u64),
    /// These keys must be looked up in the view first.
    Look(Vec<RowKey>),
}

/// A set that no checkpoint has written yet.
struct Unwritten {
    placed: Placed,
    rows: usize,
    /// Of its payload; 0 for one that was replayed.
    bytes: usize,
}

/// Everything under the lock.
pub(super) struct Memory {
    pub(super) rows: BTreeMap<RowKey, Entry>,
    /// The tables as of `applied`; a row that is not in `rows` is as it is here. `None` once closed.
    pub(super) view: Option<Arc<View>>,
    /// The last sequence given.
    pub(super) sequence: u64,
    /// The last sequence that is on the disk and that the folds have seen.
    pub(super) durable: u64,
    /// Where the folds stand, among the commits that write traced rows.
    pub(super) position: Position,
    /// The last sequence in the tables.
    pub(super) applied: u64,
    done: Map<CommitKey, u64>,
    done_order: VecDeque<(CommitKey, u64, Timestamp)>,
    /// Sets after `applied`.
    unwritten: VecDeque<Unwritten>,
    pub(super) unwritten_rows: usize,
    pub(super) unwritten_bytes: usize,
    pub(super) queue: VecDeque<Work>,
    pub(super) state: State,
    pub(super) closing: bool,
    /// The journal is closed, and nobody knows yet which of the last sets are in it.
    pub(super) unresolved: bool,
    /// How often memory went back to what is durable: what was seen before is void.
    pub(super) given_up: u64,
    /// Where the next search for clean rows to drop begins.
    drop_from: RowKey,
}

impl Memory {
    /// As the tables show it: `applied` is the last sequence in them, `position` the last of which rows are traced.
    pub(super) fn new(view: Arc<View>, applied: u64, position: Position) -> Self {
        Self {
            rows: BTreeMap::new(),
            view: Some(view),
            sequence: applied,
            durable: applied,
            position,
            applied,
            done: Map::default(),
            done_order: VecDeque::new(),
            unwritten: VecDeque::new(),
            unwritten_rows: 0,
            unwritten_bytes: 0,
            queue: VecDeque::new(),
            state: State::Ok,
            closing: false,
            unresolved: false,
            given_up: 0,
            drop_from: RowKey::new(&[]),
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

    /// What became of a commit key that was given a sequence before; `None` if it never was.
    fn repeated(&mut self, key: CommitKey) -> Option<Result<Applied, CommitError>> {
        let sequence = self.done.get(&key).copied()?;
        Some(match &self.state {
            _ if sequence <= self.durable => Ok(Applied::Before(sequence)),
            State::Ok | State::ReadOnly(_) => Ok(Applied::Queued(self.wait_for(sequence))),
            State::Failed(text) => Err(CommitError::Unknown(StoreFault::new(text))),
            State::Closed => Err(CommitError::Unknown(StoreFault::new("the store is closed"))),
        })
    }

    /// Checks a set's expectations and applies it, all or nothing; its payload then moves to the queue. `looked` is
    /// what the current view showed.
    pub(super) fn apply(
        &mut self,
        set: &mut Prepared,
        looked: &Looked,
        now: Timestamp,
        options: &Options,
    ) -> Result<Applied, CommitError> {
        if let Some(answer) = self.repeated(set.changes.key) {
            return answer;
        }
        if let Some(refusal) = self.refusal(options) {
            return Err(refusal);
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
            if !met && look.is_empty() {
                return Err(CommitError::Conflict { key: write.key.clone() });
            }
            if !met {
                // One before it may not be as expected either, and the first is the one to name.
                break;
            }
        }
        if !look.is_empty() {
            return Ok(Applied::Look(look));
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let keys = std::mem::take(&mut set.keys).into_iter().chain(std::mem::take(&mut set.fold_keys));
        self.write_all(sequence, &set.changes, keys);
        self.note_done(set.changes.key, sequence, set.changes.at);
        self.note_unwritten((sequence, set.changes.clone()), set.bytes);
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

    fn write_all(&mut self, sequence: u64, changes: &ChangeSet, keys: impl Iterator<Item = RowKey>) {
        for (write, key) in changes.writes.iter().chain(&changes.folds).zip(keys) {
            let (row, expires_at) = match &write.op {
                Op::Put { row, expires_at } => (Some(row.clone()), *expires_at),
                Op::Delete => (None, None),
                Op::Check => continue,
            };
            self.rows.insert(key, Entry { version: sequence, row, expires_at });
        }
    }

    fn note_unwritten(&mut self, placed: Placed, bytes: usize) {
        let rows = placed.1.writes.len() + placed.1.folds.len();
        self.unwritten_rows += rows;
        self.unwritten_bytes += bytes;
        self.unwritten.push_back(Unwritten { placed, rows, bytes });
    }

    fn forget_unwritten(&mut self, gone: Option<Unwritten>) {
        if let Some(Unwritten { rows, bytes, .. }) = gone {
            self.unwritten_rows = self.unwritten_rows.saturating_sub(rows);
            self.unwritten_bytes = self.unwritten_bytes.saturating_sub(bytes);
        }
    }

    /// A channel that hears when everything up to `sequence` is durable, or will not be.
    pub(super) fn wait_for(&mut self, sequence: u64) -> oneshot::Receiver<Fate> {
        let (answer, fate) = oneshot::channel();
        self.queue.push_back(Work::Wait { sequence, answer });
        fate
    }

    /// These sets, which follow each other, are on the disk, and the folds have seen them.
    pub(super) fn settled(&mut self, sets: &[Placed]) {
        for (sequence, changes) in sets {
            self.position = self.position.after(*sequence, changes).map_or(self.position, |(next, _)| next);
            self.durable = *sequence;
        }
    }

    /// Takes in a set that is durable already, from the journal.
    pub(super) fn replay(&mut self, sequence: u64, changes: Arc<ChangeSet>) {
        self.write_all(sequence, &changes, encoded(&changes));
        self.note_done(changes.key, sequence, changes.at);
        self.note_unwritten((sequence, changes), 0);
        self.sequence = self.sequence.max(sequence);
    }

    /// Gives no sequence up to `sequence`, before the first set comes. The last one given so far, if that changes anything.
    pub(super) fn go_on_behind(&mut self, sequence: u64) -> Option<u64> {
        let last = self.sequence;
        self.sequence = last.max(sequence);
        (last < sequence).then_some(last)
    }

    /// Forgets everything that is not durable, as if it had never been. Its sequences are not given again.
    pub(super) fn back_to_durable(&mut self) {
        let durable = self.durable;
        while self.done_order.back().is_some_and(|(_, sequence, _)| *sequence > durable) {
            if let Some((key, _, _)) = self.done_order.pop_back() {
                self.done.remove(&key);
            }
        }
        while self.unwritten.back().is_some_and(|last| last.placed.0 > durable) {
            let gone = self.unwritten.pop_back();
            self.forget_unwritten(gone);
        }
        self.given_up += 1;
        self.rows.clear();
        let kept: Vec<Placed> = self.unwritten.iter().map(|set| set.placed.clone()).collect();
        for (sequence, changes) in kept {
            self.write_all(sequence, &changes, encoded(&changes));
        }
    }

    /// The last sequence of a set that memory shows: what was given up is not.
    pub(super) fn latest(&self) -> u64 {
        self.unwritten.back().map_or(self.applied, |set| set.placed.0)
    }

    /// The durable sets that the tables do not show yet, oldest first.
    pub(super) fn unwritten(&self) -> impl Iterator<Item = &Placed> {
        self.unwritten.iter().map(|set| &set.placed).take_while(|(sequence, _)| *sequence <= self.durable)
    }

    /// The sets that the next piece of a checkpoint writes, and the last of their sequences: about `rows_max` rows.
    pub(super) fn to_write(&self, rows_max: usize) -> Option<(u64, Vec<Placed>)> {
        let mut rows = 0;
        let sets = self.unwritten().take_while(|(_, changes)| {
            let room = rows < rows_max;
            rows += changes.writes.len() + changes.folds.len();
            room
        });
        let sets: Vec<Placed> = sets.cloned().collect();
        sets.last().map(|(upto, _)| *upto).map(|upto| (upto, sets))
    }

    /// The tables show everything up to `upto` now; [`Self::drop_cold`] then lets go of what memory need not keep.
    pub(super) fn written(&mut self, upto: u64, view: Arc<View>) {
        self.view = Some(view);
        self.applied = upto;
        while self.unwritten.front().is_some_and(|first| first.placed.0 <= upto) {
            let gone = self.unwritten.pop_front();
            self.forget_unwritten(gone);
        }
    }

    /// Drops those of the rows that were written just now which are not hot, unless they have moved on.
    pub(super) fn drop_cold(&mut self, written: &[(Vec<u8>, Option<StoredRow>)], hot_rows_max: usize) {
        // What has become cold since will be written again, and dropped then.
        let cold = |stored: &Option<StoredRow>| stored.as_ref().is_none_or(|stored| !is_hot(&stored.row));
        for (key, _) in written.iter().filter(|(_, stored)| cold(stored)) {
            let key = key.as_slice();
            let cold = self.rows.get(key).is_some_and(|entry| {
                entry.version <= self.applied && !entry.row.as_ref().is_some_and(|row| is_hot(row))
            });
            if cold {
                self.rows.remove(key);
            }
        }
        self.drop_clean(hot_rows_max);
    }

    /// Keeps a row that was read from the current view, if it is worth it.
    pub(super) fn keep(&mut self, key: &[u8], stored: &StoredRow, hot_rows_max: usize) {
        if !is_hot(&stored.row) {
            return;
        }
        let StoredRow { version, expires_at, row } = stored.clone();
        self.rows.entry(RowKey::new(key)).or_insert(Entry { version, row: Some(row), expires_at });
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
        let first = RowKey::new(&[]);
        let (start, applied) = (std::mem::replace(&mut self.drop_from, first.clone()), self.applied);
        let clean = |rows: &BTreeMap<RowKey, Entry>, most: usize, from: &RowKey| -> Vec<RowKey> {
            let after = rows.range(from.clone()..).filter(|(_, entry)| entry.version <= applied);
            after.map(|(key, _)| key.clone()).take(most).collect()
        };
        for from in [start, first] {
            let victims = clean(&self.rows, over, &from);
            for key in &victims {
                self.rows.remove(key);
            }
            over = over.saturating_sub(victims.len());
            self.drop_from = victims.into_iter().next_back().unwrap_or(RowKey::new(&[]));
            if over == 0 {
                break;
            }
        }
    }

    /// Why a commit whose key is new cannot be taken now, if it cannot.
    fn refusal(&self, options: &Options) -> Option<CommitError> {
        let why = match &self.state {
            State::ReadOnly(text) | State::Failed(text) => text.as_str(),
            State::Closed => "the store is closed",
            State::Ok if self.closing => "the store is closing",
            State::Ok if self.queue.len() >= options.waiting_max => {
                "busy: too many change sets wait for the disk"
            }
            State::Ok
                if self.unwritten_rows >= options.unwritten_rows_max
                    || self.unwritten_bytes >= options.unwritten_bytes_max =>
            {
                "busy: the checkpoint is behind"
            }
            State::Ok => return None,
        };
        let why = StoreFault::new(why);
        // While nobody knows which of the last sets are on the disk, this may be one of them.
        Some(if self.unresolved { CommitError::Unknown(why) } else { CommitError::Refused(why) })
    }

    /// Whether a quarter of what may be unwritten is left.
    pub(super) fn is_behind(&self, options: &Options) -> bool {
        self.unwritten_rows >= options.unwritten_rows_max / 4 * 3
            || self.unwritten_bytes >= options.unwritten_bytes_max / 4 * 3
    }

    /// Whether a checkpoint is due before its time.
    pub(super) fn is_due(&self, options: &Options) -> bool {
        self.unwritten_rows >= options.checkpoint_rows || self.unwritten_bytes >= options.checkpoint_bytes
    }
}

fn encoded(changes: &ChangeSet) -> impl Iterator<Item = RowKey> + use<> {
    let writes = changes.writes.iter().chain(&changes.folds);
    let keys: Vec<RowKey> = writes.map(|write| RowKey::new(&write.key.encode())).collect();
    keys.into_iter()
}

/// The last write of each key among sets in sequence.
pub(super) fn fold(sets: &[Placed]) -> Folded {
    let writes = |changes: &ChangeSet| changes.writes.len() + changes.folds.len();
    let mut out = Folded::with_capacity(sets.iter().map(|(_, changes)| writes(changes)).sum());
    for (sequence, changes) in sets {
        for Write { key, op, .. } in changes.writes.iter().chain(&changes.folds) {
            let stored = match op {
                Op::Put { row, expires_at } => {
                    Some(StoredRow { version: *sequence, expires_at: *expires_at, row: row.clone() })
                }
                Op::Delete => None,
                Op::Check => continue,
            };
            out.push((key.encode(), stored));
        }
    }
    // Writes of one key stay in the order of their sequences, of which the last counts.
    out.sort_by(|(one, _), (other, _)| one.cmp(other));
    out.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    out
}

/// Whether a row is read again and again while it is there.
fn is_hot(row: &Row) -> bool {
    match row {
        Row::Ticket(ticket) => ticket.ended_at.is_none(),
        Row::Reports(row) => matches!(row.stage, ReportsStage::Open | ReportsStage::Disputed),
        Row::Player(_)
        | Row::Queue(_)
        | Row::ApiKey(_)
        | Row::AwsKey(_)
        | Row::Who(_)
        | Row::Rating(_)
        | Row::Outbox(_)
        | Row::Claim(_)
        | Row::Proposal(..)
        | Row::Match(_)
        | Row::Lease(_)
        | Row::Gate(_)
        | Row::System(_)
        | Row::Board(_)
        | Row::Entry(_)
        | Row::Shade(_)
        | Row::Attributes(_)
        | Row::Payout(_)
        | Row::Paying(_)
        | Row::Seated(_)
        | Row::Bucket(_)
        | Row::Opened(_)
        | Row::Starts(_)
        | Row::Closing(_)
        | Row::Counting(_)
        | Row::Learnt(_)
        | Row::Penalties(_)
        | Row::Bans(_)
        | Row::Quarantine(_)
        | Row::Flag(_)
        | Row::Watch(_)
        | Row::Erasing(_)
        | Row::Told(_) => true,
        Row::Identity(_)
        | Row::IdentityOf(_)
        | Row::Erased(_)
        | Row::History(_)
        | Row::Result(_)
        | Row::Staged(_)
        | Row::Replay(_)
        | Row::RuleSet(_)
        | Row::RuleSetVersion(_)
        | Row::Retired(_)
        | Row::Seat(_)
        | Row::Offences(_)
        | Row::Scored(_)
        | Row::Lesson(_)
        | Row::Listed(_)
        | Row::Adjustment(_) => false,
    }
}
