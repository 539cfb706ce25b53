//! The embedded store: one journal, tables behind it, and the rows in use in memory.
//!
//! A commit is checked and applied in memory, waits for its group to be synced to the journal, and only then is
//! answered. A checkpoint moves what is durable from memory to the tables, and lets the journal be trimmed. A restart
//! reads the tables lazily and replays the rest of the journal. Two threads: the committer and the keeper.
mod codec;
mod committer;
pub mod disk;
mod error;
mod journal;
mod keeper;
mod library;
pub mod limits;
mod lock;
mod look;
mod open;
mod options;
mod reads;
mod reserve;
mod rings;
mod row_key;
mod scan;
mod state;
mod stats;
mod tables;
mod trace;
mod xxh64;

pub use error::OpenError;
pub use options::{Durability, Options};
pub use state::State;
pub use stats::Stats;

use async_trait::async_trait;
use error::Fault;
use gsm_core::{Clock, PlayerId, Timestamp};
use gsm_engine::store::{
    AuditRecord, ChangeSet, CommitError, Committed, Cursor, EventsSpan, Fold, Gather, Key, KeyRange,
    Position, PushEvent, ReadError, Row, Store, StoreFault, StoreLimits, Version, Versioned, Write,
};
use journal::Journal;
use lock::Lock;
use parking_lot::{Condvar, Mutex, RwLock};
use reserve::Reserve;
use rings::Rings;
use row_key::RowKey;
use state::{Applied, Looked, Memory, Prepared};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, atomic::AtomicUsize},
    thread::JoinHandle,
};
use tables::{Tables, View};

/// The store of one server, in one directory.
pub struct EmbeddedStore {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held until the files are closed.
    lock: Mutex<Option<Lock>>,
}

/// What the threads share.
struct Inner {
    memory: Mutex<Memory>,
    /// Rung when the queue has something, or the store is closing.
    work: Condvar,
    /// Rung when a checkpoint is due at once, or the store is closing.
    due: Condvar,
    /// Rung when a group was answered.
    settled: Condvar,
    journal: Mutex<Option<Journal>>,
    tables: Mutex<Option<Tables>>,
    rings: Mutex<Rings>,
    folds: RwLock<Vec<Arc<dyn Fold>>>,
    timings: stats::Timings,
    journal_bytes: AtomicUsize,
    reserve: Reserve,
    clock: Arc<dyn Clock>,
    options: Options,
    home: open::Home,
    gap: Option<Gap>,
}

/// Commits that the audit log beside a store tells of, and the store has not: an older store was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last commit that the store had.
    pub store: u64,
    /// The last commit that the log has; the store goes on behind it.
    pub log: u64,
}

impl EmbeddedStore {
    /// Whether there is a store in `dir`, whatever its state.
    #[must_use]
    pub fn is_at(dir: &Path) -> bool {
        dir.join(journal::FILE).exists()
    }

    /// Opens the store in `dir`, making both where there is none, and replays what the tables do not show yet. It gives no
    /// sequence that the audit log in `dir` tells of: see [`EmbeddedStore::gap`].
    ///
    /// Cost: one read of the journal's rest, at most about [`Options::checkpoint_bytes`]; the tables are not walked.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Arc<Self>, OpenError> {
        let (inner, lock) = open::open(dir, clock, options)?;
        let inner = Arc::new(inner);
        let spawn = |name: &str, run: fn(&Inner)| {
            let inner = inner.clone();
            std::thread::Builder::new().name(name.to_owned()).spawn(move || inner.guarded(run))
        };
        let started = [spawn("gsm-committer", committer::run), spawn("gsm-keeper", keeper::run)];
        let (threads, errors): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
        let threads = threads.into_iter().flatten().collect();
        let store = Arc::new(Self { inner, threads: Mutex::new(threads), lock: Mutex::new(Some(lock)) });
        match errors.into_iter().find_map(Result::err) {
            None => Ok(store),
            Some(error) => Err(OpenError::Io { path: dir.to_owned(), what: error.to_string() }),
        }
    }

    /// The rows of `range` as of the last checkpoint of the store in `dir`, which no server may run; none where there is no
    /// store. Nothing is written, and nobody is kept out.
    ///
    /// # Errors
    /// Where the files are such that [`EmbeddedStore::open`] would refuse them.
    pub fn look(dir: &Path, range: &KeyRange) -> Result<Vec<Row>, OpenError> {
        look::look(dir, range)
    }

    /// The same of the sequence of the last commit, 0 where there is none.
    ///
    /// # Errors
    /// As those of [`EmbeddedStore::look`].
    pub fn newest_in(dir: &Path) -> Result<u64, OpenError> {
        look::newest(dir)
    }

    /// The commits between those that were found at the open and those that come, if the audit log tells of any.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.inner.gap
    }

    /// Returns when everything committed so far is on the disk and in the tables.
    pub fn flush(&self) -> Result<(), StoreFault> {
        let upto = {
            let mut memory = self.inner.memory.lock();
            let upto = memory.latest();
            while memory.durable < upto {
                match &memory.state {
                    State::Ok => self.inner.settled.wait(&mut memory),
                    State::ReadOnly(text) | State::Failed(text) => return Err(StoreFault::new(text)),
                    State::Closed => return Err(StoreFault::new("the store is closed")),
                }
            }
            upto
        };
        self.inner.checkpoint_to(upto).map_err(StoreFault::new)
    }

    /// Commits what waits, makes a last checkpoint, closes the files and gives up the directory. From then on commits
    /// are refused and reads fail. A second call does nothing.
    pub fn close(&self) -> Result<(), StoreFault> {
        self.inner.memory.lock().closing = true;
        self.inner.work.notify_all();
        self.inner.due.notify_all();
        let own = std::thread::current().id();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // A fold that holds the last handle drops it on the committer, which cannot wait for itself.
            if thread.thread().id() != own {
                // Its panics are caught and make the store fail.
                let _ = thread.join();
            }
        }
        let closed = self.inner.shut();
        drop(self.lock.lock().take());
        closed.map_err(StoreFault::new)
    }

    /// Numbers for health checks and metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// Durable audit records after the commit `after`, oldest first, at most `limit`: sequence, time of the commit,
    /// record.
    pub fn audit(&self, after: u64, limit: usize) -> Result<Vec<(u64, Timestamp, AuditRecord)>, ReadError> {
        self.inner.audit(after, limit)
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "store did not close cleanly");
        }
    }
}

fn prepare(changes: ChangeSet) -> Result<Prepared, CommitError> {
    let over = |what: &str, count: usize, most: usize| {
        let text = format!("a change set of {count} {what} is over the limit of {most}");
        if count > most { Err(CommitError::TooLarge(StoreFault::new(text))) } else { Ok(()) }
    };
    over("writes", changes.writes.len(), limits::ITEMS_MAX)?;
    over("folds", changes.folds.len(), limits::FOLDS_MAX)?;
    over("events", changes.events.len(), limits::SET_EVENTS_MAX)?;
    let payload =
        codec::encode_set(&changes).map_err(|error| CommitError::Refused(StoreFault::new(error)))?;
    let bytes = payload.len();
    over("bytes", bytes, limits::SET_BYTES_MAX)?;
    let encoded = |writes: &[Write]| writes.iter().map(|write| RowKey::new(&write.key.encode())).collect();
    let (keys, fold_keys) = (encoded(&changes.writes), encoded(&changes.folds));
    Ok(Prepared { changes: Arc::new(changes), payload, bytes, keys, fold_keys })
}

fn look(view: &View, keys: Vec<RowKey>) -> Result<Looked, Fault> {
    keys.into_iter().map(|key| view.head(key.as_slice()).map(|head| (key, head))).collect()
}

impl Inner {
    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        let mut set = prepare(changes)?;
        let now = self.clock.now();
        let (mut looked, mut looked_in): (_, Option<Arc<View>>) = (Looked::new(), None);
        let fate = loop {
            let (keys, view) = {
                let mut memory = self.memory.lock();
                let view = memory.view.clone();
                if view.as_ref().map(Arc::as_ptr) != looked_in.as_ref().map(Arc::as_ptr) {
                    // A checkpoint came between: what was seen in the old view may be older than what it shows.
                    looked.clear();
                }
                match memory.apply(&mut set, &looked, now, &self.options)? {
                    Applied::Before(sequence) => return Ok(Committed { sequence }),
                    Applied::Queued(fate) => break fate,
                    Applied::Look(keys) => (keys, view),
                }
            };
            let Some(view) = view else {
                return Err(CommitError::Refused(StoreFault::new("the store is closed")));
            };
            match look(&view, keys) {
                Ok(found) => looked.extend(found),
                Err(fault) => self.unreadable(&view, fault).map_err(CommitError::Refused)?,
            }
            looked_in = Some(view);
        };
        self.work.notify_one();
        match fate.await {
            Ok(fate) => fate.map(|sequence| Committed { sequence }),
            Err(_) => Err(CommitError::Unknown(StoreFault::new("the store went away"))),
        }
    }

    /// A read of `view` failed. `Ok` if it may be tried again because the tables were opened anew since.
    fn unreadable(&self, view: &Arc<View>, fault: Fault) -> Result<(), StoreFault> {
        if matches!(fault, Fault::Full(_)) {
            // A write failed for want of room and took the file with it: wait until the keeper has opened it again.
            drop(self.tables.lock());
        }
        let replaced = self.memory.lock().view.as_ref().is_some_and(|current| !Arc::ptr_eq(current, view));
        if replaced {
            return Ok(());
        }
        if matches!(fault, Fault::Full(_)) {
            return Err(StoreFault::new(fault));
        }
        tracing::error!(%fault, "stored data could not be read");
        if view.is_ill() {
            self.fatal(&fault.to_string());
        }
        Err(StoreFault::new(fault))
    }

    /// A thread's life; a panic in it makes the store fail, since nobody does its work any more.
    fn guarded(&self, run: fn(&Self)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.fatal("a thread of the store panicked");
            // Dropped unanswered, they hear that nobody knows.
            drop(std::mem::take(&mut self.memory.lock().queue));
        }
    }

    /// From here on the store answers nothing that it is not sure of; tells the server to stop, once.
    fn fatal(&self, what: &str) {
        {
            let mut memory = self.memory.lock();
            if matches!(memory.state, State::Failed(_) | State::Closed) {
                return;
            }
            memory.state = State::Failed(what.to_owned());
        }
        self.settled.notify_all();
        tracing::error!(reason = what, "the store failed, the server must stop");
        (self.options.on_fatal)(what.to_owned());
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn limits(&self) -> StoreLimits {
        // Of what is encoded the first byte says how.
        StoreLimits { items_max: limits::ITEMS_MAX, bytes_max: limits::SET_BYTES_MAX - 1 }
    }

    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.inner.commit(changes).await
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        self.inner.get(keys).await
    }

    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        self.inner.list(range, after, limit, newest_first).await
    }

    async fn scan(&self, range: &KeyRange, gathers: [&mut dyn Gather; 2]) -> Result<(), ReadError> {
        self.inner.sweep(range, gathers).await
    }

    fn is_behind(&self) -> bool {
        self.inner.memory.lock().is_behind(&self.inner.options)
    }

    fn newest(&self) -> Option<u64> {
        Some(self.inner.memory.lock().sequence)
    }

    fn position(&self) -> Option<Position> {
        Some(self.inner.memory.lock().position)
    }

    async fn changed(
        &self,
        range: &KeyRange,
        after: Position,
        take: &mut (dyn FnMut(Key, Version, Option<Arc<Row>>) + Send),
    ) -> Result<bool, ReadError> {
        self.inner.changed(range, after, take).await
    }

    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        let now = self.inner.clock.now();
        Ok(self.inner.rings.lock().after(player, after, limit, now))
    }

    async fn events_span(&self, player: PlayerId) -> Result<EventsSpan, ReadError> {
        let now = self.inner.clock.now();
        Ok(self.inner.rings.lock().span(player, now))
    }

    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.inner.folds.write().push(fold);
    }
}
