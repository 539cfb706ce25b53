//! Reads: what is in memory over what is in the tables.
use super::{Inner, State, codec::StoredRow, error::Fault, limits, state::Memory, tables::View};
use gsm_core::{Timestamp, limits::PAGE_SIZE_MAX};
use gsm_engine::store::{AuditRecord, Key, KeyRange, ReadError, Row, StoreFault, Version, Versioned};
use std::{cmp::Ordering, ops::Bound, sync::Arc};

type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);
/// A key, and its row where there is one.
type Seen = (Vec<u8>, Option<(Version, Arc<Row>)>);

/// What of memory a read has seen: the newest version, deleted rows too, and how often memory had gone back by then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sight {
    newest: Version,
    given_up: Option<u64>,
}

impl Sight {
    pub(super) fn saw(&mut self, memory: &Memory, version: Version) {
        self.newest = self.newest.max(version);
        self.given_up = self.given_up.or(Some(memory.given_up));
    }
}

pub(super) fn fails(what: impl std::fmt::Display) -> ReadError {
    ReadError(StoreFault::new(what))
}

fn as_slices(bounds: &Bounds) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (bounds.0.as_ref().map(Vec::as_slice), bounds.1.as_ref().map(Vec::as_slice))
}

/// What a page looks for: keys within bounds, from one end.
struct Scan {
    bounds: Bounds,
    reverse: bool,
    limit: usize,
    now: Timestamp,
}

impl Scan {
    /// `None` if nothing can be in it.
    fn new(
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        reverse: bool,
        now: Timestamp,
    ) -> Option<Self> {
        let (low, high) = range.bounds();
        let after = after.map(Key::encode);
        let bounds = match after {
            None => (Bound::Included(low), Bound::Included(high)),
            Some(after) if reverse && after <= low => return None,
            Some(after) if reverse => (
                Bound::Included(low),
                if after > high { Bound::Included(high) } else { Bound::Excluded(after) },
            ),
            Some(after) if after >= high => return None,
            Some(after) => (
                if after < low { Bound::Included(low) } else { Bound::Excluded(after) },
                Bound::Included(high),
            ),
        };
        (limit > 0).then_some(Self { bounds, reverse, limit, now })
    }

    /// The rows in memory that come next, deleted ones too, and the key to go on after if there may be more.
    fn chunk(&self, memory: &Memory, wanted: usize, sight: &mut Sight) -> (Vec<Seen>, Option<Vec<u8>>) {
        let range = memory.rows.range::<[u8], _>(as_slices(&self.bounds));
        let (mut out, mut live) = (Vec::new(), 0);
        let mut range: Box<dyn Iterator<Item = _>> =
            if self.reverse { Box::new(range.rev()) } else { Box::new(range) };
        for (key, entry) in range.by_ref() {
            let row = entry.live(self.now).map(|row| (entry.version, row.clone()));
            live += usize::from(row.is_some());
            sight.saw(memory, entry.version);
            out.push((key.as_slice().to_vec(), row));
            if live == wanted || out.len() == limits::LIST_CHUNK_MAX {
                return (out, Some(key.as_slice().to_vec()));
            }
        }
        (out, None)
    }

    /// Goes on after `key`.
    fn advance(&mut self, key: Vec<u8>) {
        let end = if self.reverse { &mut self.bounds.1 } else { &mut self.bounds.0 };
        *end = Bound::Excluded(key);
    }

    /// The bounds up to `end`, where the chunk from memory stops.
    fn upto(&self, end: Option<&Vec<u8>>) -> Bounds {
        let (low, high) = self.bounds.clone();
        match end.cloned() {
            None => (low, high),
            Some(end) if self.reverse => (Bound::Included(end), high),
            Some(end) => (low, Bound::Included(end)),
        }
    }

    fn before(&self, a: &[u8], b: &[u8]) -> Ordering {
        if self.reverse { b.cmp(a) } else { a.cmp(b) }
    }

    fn stored(&self, (key, row): (Vec<u8>, StoredRow)) -> Seen {
        let live = row.expires_at.is_none_or(|at| at > self.now);
        (key, live.then_some((row.version, row.row)))
    }

    /// Adds rows to `out` in order, memory's first where both have one, until there are enough.
    fn merge(
        &self,
        memory: Vec<Seen>,
        end: Option<&Vec<u8>>,
        view: &View,
        out: &mut Vec<Seen>,
    ) -> Result<(), Fault> {
        let bounds = self.upto(end);
        let mut stored = view.range(as_slices(&bounds), self.reverse)?.peekable();
        let mut memory = memory.into_iter().peekable();
        while out.len() < self.limit {
            let order = match (memory.peek(), stored.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (Some((key, _)), Some(Ok((other, _)))) => self.before(key, other),
                (None, Some(_)) | (Some(_), Some(Err(_))) => Ordering::Greater,
            };
            let below = if order == Ordering::Less { None } else { stored.next().transpose()? };
            let next =
                if order == Ordering::Greater { below.map(|row| self.stored(row)) } else { memory.next() };
            out.extend(next.filter(|(_, row)| row.is_some()));
        }
        Ok(())
    }
}

impl Inner {
    pub(super) async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        if keys.len() > PAGE_SIZE_MAX {
            return Err(fails(format_args!(
                "{} keys in one read are over the limit of {PAGE_SIZE_MAX}",
                keys.len()
            )));
        }
        let keys: Vec<Vec<u8>> = keys.iter().map(Key::encode).collect();
        loop {
            let now = self.clock.now();
            let (view, found, sight) = self.look_up(&keys, now)?;
            let rows = match self.fill(&keys, found, &view, now) {
                Ok(rows) => rows,
                Err(fault) => {
                    self.unreadable(&view, fault).map_err(ReadError)?;
                    continue;
                }
            };
            if self.settled(sight).await? {
                return Ok(rows);
            }
        }
    }

    /// What memory knows of each key: nothing, or what is there.
    #[expect(clippy::type_complexity, reason = "one private triple, taken apart by its one caller")]
    fn look_up(
        &self,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<(Arc<View>, Vec<Option<Option<Versioned>>>, Sight), ReadError> {
        let memory = self.memory.lock();
        let view = view_of(&memory)?;
        let mut sight = Sight::default();
        let mut known = |key: &Vec<u8>| {
            let entry = memory.rows.get(key.as_slice())?;
            sight.saw(&memory, entry.version);
            Some(entry.live(now).map(|row| Versioned { version: entry.version, row: row.clone() }))
        };
        let found = keys.iter().map(&mut known).collect();
        Ok((view, found, sight))
    }

    fn fill(
        &self,
        keys: &[Vec<u8>],
        found: Vec<Option<Option<Versioned>>>,
        view: &Arc<View>,
        now: Timestamp,
    ) -> Result<Vec<Option<Versioned>>, Fault> {
        let mut read = Vec::new();
        let rows = keys.iter().zip(found).map(|(key, known)| match known {
            Some(row) => Ok(row),
            None => Ok(view.get(key)?.filter(|stored| stored.expires_at.is_none_or(|at| at > now)).map(
                |stored| {
                    let row = Versioned { version: stored.version, row: stored.row.clone() };
                    read.push((key, stored));
                    row
                },
            )),
        });
        let rows = rows.collect::<Result<_, Fault>>()?;
        if !read.is_empty() {
            let mut memory = self.memory.lock();
            // Only what the current view shows may come into memory: versions never go back.
            if memory.view.as_ref().is_some_and(|current| Arc::ptr_eq(current, view)) {
                for (key, stored) in read {
                    memory.keep(key, &stored, self.options.hot_rows_max);
                }
            }
        }
        Ok(rows)
    }

    /// Waits until everything that was seen is on the disk, so that no read tells what a crash could take back.
    /// `false` if it was given up: read again.
    pub(super) async fn settled(&self, sight: Sight) -> Result<bool, ReadError> {
        let fate = {
            let mut memory = self.memory.lock();
            if sight.given_up.is_some_and(|before| before != memory.given_up) {
                return Ok(false);
            }
            if sight.newest <= memory.durable {
                return Ok(true);
            }
            match &memory.state {
                State::Ok | State::ReadOnly(_) => memory.wait_for(sight.newest),
                State::Failed(text) => return Err(fails(text)),
                State::Closed => return Err(fails("the store is closed")),
            }
        };
        self.work.notify_one();
        Ok(fate.await.is_ok_and(|fate| fate.is_ok()))
    }

    pub(super) async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        loop {
            let Some(scan) = Scan::new(range, after, limit, newest_first, self.clock.now()) else {
                return Ok(Vec::new());
            };
            let Some((rows, sight)) = self.scan(scan)? else { continue };
            if self.settled(sight).await? {
                return Ok(rows);
            }
        }
    }

    /// `None` if the tables were opened anew meanwhile: scan again.
    #[expect(clippy::type_complexity, reason = "one private pair, taken apart by its one caller")]
    fn scan(&self, mut scan: Scan) -> Result<Option<(Vec<(Key, Versioned)>, Sight)>, ReadError> {
        let (mut out, mut sight) = (Vec::new(), Sight::default());
        loop {
            let (view, (chunk, end)) = {
                let memory = self.memory.lock();
                (view_of(&memory)?, scan.chunk(&memory, scan.limit - out.len(), &mut sight))
            };
            if let Err(fault) = scan.merge(chunk, end.as_ref(), &view, &mut out) {
                self.unreadable(&view, fault).map_err(ReadError)?;
                return Ok(None);
            }
            match end {
                Some(end) if out.len() < scan.limit => scan.advance(end),
                _ => break,
            }
        }
        let rows = out.into_iter().filter_map(|(key, row)| row.map(|row| (key, row)));
        let keyed = rows.map(|(bytes, (version, row))| {
            let key = Key::decode(&bytes)
                .map_err(|_| fails(format_args!("stored bytes `{bytes:02x?}` are no key")))?;
            Ok((key, Versioned { version, row }))
        });
        let rows = keyed.collect::<Result<_, _>>()?;
        Ok(Some((rows, sight)))
    }

    pub(super) fn audit(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Timestamp, AuditRecord)>, ReadError> {
        let (view, newer) = {
            let memory = self.memory.lock();
            let newer: Vec<_> = memory
                .unwritten()
                .filter(|(sequence, _)| *sequence > after)
                .filter_map(|(sequence, changes)| Some((*sequence, changes.at, changes.audit.clone()?)))
                .take(limit)
                .collect();
            (view_of(&memory)?, newer)
        };
        let mut out = view.audit(after, limit).map_err(fails)?;
        // Tables that were opened anew after a checkpoint that failed, and yet reached the disk, have some of both.
        let shown = out.last().map_or(after, |(sequence, ..)| *sequence);
        out.extend(newer.into_iter().filter(|(sequence, ..)| *sequence > shown));
        out.truncate(limit);
        Ok(out)
    }
}

pub(super) fn view_of(memory: &Memory) -> Result<Arc<View>, ReadError> {
    memory.view.clone().ok_or_else(|| fails("the store is closed"))
}
