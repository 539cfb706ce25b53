//! What the store holds in memory, under one lock: rows that no checkpoint has written yet, hot rows, the keys of
//! answered commits and the change sets that wait for the disk. No IO here.
mod fold;
mod hot;
mod work;

pub(super) use fold::fold;
pub use work::State;
pub(super) use work::{Applied, Entry, Fate, Looked, Prepared, Work};

use super::{
    limits,
    options::Options,
    row_key::RowKey,
    tables::{Placed, View},
};
use fold::encoded;
use gsm_core::{CommitKey, Map, Millis, Timestamp};
use gsm_engine::store::{ChangeSet, CommitError, Expect, Op, Position, StoreFault};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::oneshot;

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
