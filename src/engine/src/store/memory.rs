//! The in-memory reference store: what the port means, in a few lines, with a remote store's limits and faults on
//! request (decisions.md 7). Tests and the simulator run on it.
use super::{
    ChangeSet, CommitError, Committed, Cursor, EVENT_RETENTION, EventsSpan, Expect, Fold, Key, KeyRange, Op,
    Position, PushEvent, ReadError, Row, Store, StoreFault, StoreLimits, Version, Versioned, Write,
};
use async_trait::async_trait;
use gsm_core::{Clock, CommitKey, Map, PlayerId, SplitMix64, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How ill a [`MemoryStore`] is. Chances are per call, in `0.0..=1.0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Seed of all chance here.
    pub seed: u64,
    /// A commit is refused before anything happens.
    pub refused: f64,
    /// A commit's answer is lost before it was applied.
    pub lost_before: f64,
    /// A commit's answer is lost after it was applied.
    pub lost_after: f64,
    /// A read fails.
    pub read_fails: f64,
    /// A read shows the version before the last.
    pub stale: f64,
    /// A commit's folds are held back until later commits, and then delivered twice.
    pub late_folds: f64,
    /// How often a call lets others run before it goes on, at most.
    pub yields_max: u32,
}

impl Faults {
    /// A healthy store.
    pub const NONE: Self = Self {
        seed: 1,
        refused: 0.0,
        lost_before: 0.0,
        lost_after: 0.0,
        read_fails: 0.0,
        stale: 0.0,
        late_folds: 0.0,
        yields_max: 0,
    };
}

struct Entry {
    version: Version,
    /// `None` is a deleted row that still knows its version.
    row: Option<Arc<Row>>,
    expires_at: Option<Timestamp>,
    /// What a stale read shows.
    before: Option<(Version, Option<Arc<Row>>)>,
}

struct Inner {
    rows: BTreeMap<Vec<u8>, Entry>,
    sequence: u64,
    done: Map<CommitKey, Committed>,
    events: BTreeMap<(PlayerId, Cursor), PushEvent>,
    folds: Vec<Arc<dyn Fold>>,
    late: VecDeque<(Committed, ChangeSet)>,
    /// Every commit that wrote traced rows, with their keys.
    trace: Vec<(Position, Vec<Key>)>,
    random: SplitMix64,
}

/// The reference implementation of [`Store`].
pub struct MemoryStore {
    inner: Mutex<Inner>,
    faults: Mutex<Faults>,
    limits: StoreLimits,
    clock: Arc<dyn Clock>,
    asked: AtomicU64,
}

impl MemoryStore {
    /// Every row that there is, past all faults: for whoever checks what is kept.
    #[must_use]
    pub fn rows(&self) -> Vec<(Key, Arc<Row>)> {
        let now = self.clock.now();
        let inner = self.inner.lock();
        let alive = inner.rows.iter().filter(|(_, entry)| entry.expires_at.is_none_or(|at| at > now));
        alive.filter_map(|(key, entry)| Some((Key::decode(key).ok()?, entry.row.clone()?))).collect()
    }

    /// An empty store.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, limits: StoreLimits, faults: Faults) -> Self {
        let inner = Inner {
            rows: BTreeMap::new(),
            sequence: 0,
            done: Map::default(),
            events: BTreeMap::new(),
            folds: Vec::new(),
            late: VecDeque::new(),
            trace: Vec::new(),
            random: SplitMix64::new(faults.seed),
        };
        Self { inner: Mutex::new(inner), faults: Mutex::new(faults), limits, clock, asked: AtomicU64::new(0) }
    }

    /// How many commits it was asked for, taken or not.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Changes how ill it is, from the next call on.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock() = faults;
    }

    /// Delivers everything that was held back.
    pub fn settle(&self) {
        let mut inner = self.inner.lock();
        while let Some((committed, changes)) = inner.late.pop_front() {
            inner.deliver(committed, &changes);
        }
    }

    /// Forgets the subscribers, as the death of the process that held them would.
    pub fn drop_subscribers(&self) {
        let mut inner = self.inner.lock();
        inner.folds.clear();
    }

    async fn pause(&self) {
        let yields = {
            let most = self.faults.lock().yields_max;
            if most == 0 { 0 } else { self.inner.lock().random.next_u64() % u64::from(most + 1) }
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
    }
}

impl Inner {
    fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.random.unit() < p
    }

    fn current(&self, key: &[u8], now: Timestamp) -> Option<(Version, &Arc<Row>)> {
        let entry = self.rows.get(key)?;
        let alive = entry.expires_at.is_none_or(|at| at > now);
        entry.row.as_ref().filter(|_| alive).map(|row| (entry.version, row))
    }

    /// The position of the last commit that wrote traced rows.
    fn traced(&self) -> Position {
        self.trace.last().map(|(position, _)| *position).unwrap_or_default()
    }

    fn apply(&mut self, write: &Write, sequence: u64) {
        let key = write.key.encode();
        let (row, expires_at) = match &write.op {
            Op::Put { row, expires_at } => (Some(row.clone()), *expires_at),
            Op::Delete => (None, None),
            Op::Check => return,
        };
        // Before the first version there was none: a stale read may not know of a new row at all.
        let before = Some(self.rows.get(&key).map_or((0, None), |old| (old.version, old.row.clone())));
        self.rows.insert(key, Entry { version: sequence, row, expires_at, before });
    }

    fn deliver(&mut self, committed: Committed, changes: &ChangeSet) {
        for write in &changes.folds {
            self.apply(write, committed.sequence);
        }
        for fold in &self.folds {
            fold.apply(committed, changes);
        }
    }

    fn commit(&mut self, changes: ChangeSet, now: Timestamp, late: bool) -> Result<Committed, CommitError> {
        if let Some(first) = self.done.get(&changes.key) {
            return Ok(*first);
        }
        for write in &changes.writes {
            let found = self.current(&write.key.encode(), now).map(|(version, _)| version);
            let met = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::At(version) => found == Some(version),
                Expect::Any => true,
            };
            if !met {
                return Err(CommitError::Conflict { key: write.key.clone() });
            }
        }
        self.sequence += 1;
        let committed = Committed { sequence: self.sequence };
        for write in &changes.writes {
            self.apply(write, committed.sequence);
        }
        for (index, (player, event)) in changes.events.iter().enumerate() {
            let cursor =
                Cursor { sequence: committed.sequence, index: u32::try_from(index).unwrap_or(u32::MAX) };
            self.events.insert((*player, cursor), event.clone());
        }
        self.done.insert(changes.key, committed);
        if let Some((position, keys)) = self.traced().after(committed.sequence, &changes) {
            let keys = keys.into_iter().cloned().collect();
            self.trace.push((position, keys));
        }
        if late {
            self.late.push_back((committed, changes.clone()));
            self.late.push_back((committed, changes));
        } else {
            // Order per row is kept: nothing overtakes what was held back.
            while let Some((earlier, held)) = self.late.pop_front() {
                self.deliver(earlier, &held);
            }
            self.deliver(committed, &changes);
        }
        Ok(committed)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn limits(&self) -> StoreLimits {
        self.limits
    }

    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let over = |what: &str, count: usize, most: usize| {
            let text = format!("a change set of {count} {what} is over the limit of {most}");
            if count > most { Err(CommitError::TooLarge(StoreFault::new(text))) } else { Ok(()) }
        };
        over("writes", changes.writes.len(), self.limits.items_max)?;
        over("bytes", changes.bytes(), self.limits.bytes_max)?;
        self.pause().await;
        let now = self.clock.now();
        let faults = *self.faults.lock();
        let lost = || CommitError::Unknown(StoreFault::new("the answer was lost (injected)"));
        let answer = {
            let mut inner = self.inner.lock();
            if inner.chance(faults.refused) {
                return Err(CommitError::Refused(StoreFault::new("refused (injected)")));
            }
            if inner.chance(faults.lost_before) {
                return Err(lost());
            }
            let late = inner.chance(faults.late_folds);
            let answer = inner.commit(changes, now, late);
            if inner.chance(faults.lost_after) { Err(lost()) } else { answer }
        };
        self.pause().await;
        answer
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        self.pause().await;
        let now = self.clock.now();
        let faults = *self.faults.lock();
        let mut inner = self.inner.lock();
        if inner.chance(faults.read_fails) {
            return Err(ReadError(StoreFault::new("no answer (injected)")));
        }
        let stale = inner.chance(faults.stale);
        Ok(keys
            .iter()
            .map(|key| {
                let key = key.encode();
                if stale && let Some(old) = inner.rows.get(&key).and_then(|entry| entry.before.clone()) {
                    return old.1.map(|row| Versioned { version: old.0, row });
                }
                inner.current(&key, now).map(|(version, row)| Versioned { version, row: row.clone() })
            })
            .collect())
    }

    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        self.pause().await;
        let now = self.clock.now();
        let faults = *self.faults.lock();
        let mut inner = self.inner.lock();
        if inner.chance(faults.read_fails) {
            return Err(ReadError(StoreFault::new("no answer (injected)")));
        }
        let (low, high) = range.bounds();
        let after = after.map(Key::encode);
        let inside = inner
            .rows
            .range(low..=high)
            .filter(|(_, e)| e.row.is_some() && e.expires_at.is_none_or(|at| at > now));
        let pick = |(key, entry): (&Vec<u8>, &Entry)| {
            let row = entry.row.clone()?;
            Key::decode(key).ok().map(|key| (key, Versioned { version: entry.version, row }))
        };
        Ok(if newest_first {
            inside
                .rev()
                .filter(|(k, _)| after.as_ref().is_none_or(|a| *k < a))
                .filter_map(pick)
                .take(limit)
                .collect()
        } else {
            inside
                .filter(|(k, _)| after.as_ref().is_none_or(|a| *k > a))
                .filter_map(pick)
                .take(limit)
                .collect()
        })
    }

    fn newest(&self) -> Option<u64> {
        Some(self.inner.lock().sequence)
    }

    fn position(&self) -> Option<Position> {
        let inner = self.inner.lock();
        let held = inner.late.front().map_or(u64::MAX, |(committed, _)| committed.sequence);
        let seen = inner.trace.iter().rev().map(|(position, _)| *position);
        Some(seen.into_iter().find(|position| position.sequence < held).unwrap_or_default())
    }

    async fn changed(
        &self,
        range: &KeyRange,
        after: Position,
        take: &mut (dyn FnMut(Key, Version, Option<Arc<Row>>) + Send),
    ) -> Result<bool, ReadError> {
        self.pause().await;
        let now = self.clock.now();
        let faults = *self.faults.lock();
        let mut inner = self.inner.lock();
        if inner.chance(faults.read_fails) {
            return Err(ReadError(StoreFault::new("no answer (injected)")));
        }
        let known = inner.trace.iter().position(|(position, _)| *position == after);
        let from = known.map_or(0, |at| at + 1);
        if known.is_none() && after != Position::default() {
            return Ok(false);
        }
        let (low, high) = range.bounds();
        let mut written = BTreeMap::new();
        for (position, keys) in inner.trace.iter().skip(from) {
            for key in keys {
                let encoded = key.encode();
                if (&low..=&high).contains(&&encoded) {
                    written.insert(encoded, (key.clone(), position.sequence));
                }
            }
        }
        for (encoded, (key, sequence)) in written {
            match inner.current(&encoded, now) {
                Some((version, row)) => take(key, version, Some(row.clone())),
                None => take(key, sequence, None),
            }
        }
        Ok(true)
    }

    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        let now = self.clock.now();
        let oldest = now.saturating_sub(EVENT_RETENTION);
        let inner = self.inner.lock();
        let last = Cursor { sequence: u64::MAX, index: u32::MAX };
        Ok(inner
            .events
            .range((player, after)..=(player, last))
            .filter(|((_, cursor), event)| *cursor > after && event.at >= oldest)
            .take(limit)
            .map(|((_, cursor), event)| (*cursor, event.clone()))
            .collect())
    }

    async fn events_span(&self, player: PlayerId) -> Result<EventsSpan, ReadError> {
        let oldest = self.clock.now().saturating_sub(EVENT_RETENTION);
        let all = (player, Cursor::default())..=(player, Cursor { sequence: u64::MAX, index: u32::MAX });
        let inner = self.inner.lock();
        let gone = inner.events.range(all).rev().find(|(_, event)| event.at < oldest);
        let gone = gone.map_or(Cursor::default(), |((_, cursor), _)| *cursor);
        Ok(EventsSpan { gone, newest: Cursor { sequence: inner.sequence, index: u32::MAX } })
    }

    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.inner.lock().folds.push(fold);
    }
}
