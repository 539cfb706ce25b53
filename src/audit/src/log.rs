//! The log as it is written: batches that land whole or are finished by the next start.
//!
//! A batch is first written to the file `pending` together with the signed checkpoint that will cover it, then appended to its
//! segment, then its tiles are written, then the checkpoint is put in place. So whatever stands behind the last checkpoint is
//! under a signature too, and a start knows to the byte how to go on.
mod open;

pub(crate) use open::{Pending, rows_at};
pub use open::{last_commit, last_time};

use crate::{
    checkpoint::Checkpoint,
    disk::{CHECKPOINT, CHECKPOINTS, Disk, PENDING, VKEY},
    hash::Hash,
    note::{SigningKey, VerifierKey},
    record::Record,
    segment,
    tile::{Rows, TILE_WIDTH, Tile, bytes_of},
};
use gsm_core::{Millis, Timestamp};
use std::io;

/// Records and bytes of a batch.
const BATCH_RECORDS_MAX: usize = 4_096;
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Of the checkpoints of as many records, and of one hour, the last is kept.
const KEPT_EVERY_RECORDS: u64 = 16_384;
const KEPT_EVERY: i64 = 3_600_000;

/// Where a segment ends: at the first multiple of 256 records from which on one of these is reached.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Records.
    pub segment_records: u64,
    /// Bytes.
    pub segment_bytes: u64,
    /// Between its first and its last record.
    pub segment_age: Millis,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment_records: 65_536, segment_bytes: 64 << 20, segment_age: Millis::from_secs(86_400) }
    }
}

/// Why a log cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be read or written.
    #[error("`{path}` of the audit log: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// What is there was not written by this log, or is not all of it.
    #[error("the audit log is damaged: `{path}`: {what}")]
    Damaged {
        /// Where it shows.
        path: String,
        /// What is wrong.
        what: String,
    },
}

pub(crate) fn io(path: &str) -> impl Fn(io::Error) -> LogError {
    move |source| LogError::Io { path: path.to_owned(), source }
}

pub(crate) fn damaged(path: &str, what: impl Into<String>) -> LogError {
    LogError::Damaged { path: path.to_owned(), what: what.into() }
}

/// The segment that is written.
#[derive(Debug, Clone, Copy)]
struct Current {
    first: u64,
    bytes: u64,
    began: Timestamp,
}

/// What the last checkpoint says, for those who ask.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The signed note.
    pub note: String,
    /// The root in it.
    pub root: Hash,
    /// The tree that it covers: its size, and the tiles that are not full.
    pub rows: Rows,
}

/// An open log. After an error it must be opened anew: nobody knows how much of the batch landed.
pub struct Log<D> {
    disk: D,
    keys: Vec<SigningKey>,
    limits: Limits,
    rows: Rows,
    current: Option<Current>,
    commit: u64,
    note: String,
    /// Size and time of the last file in `checkpoints`.
    kept: Option<(u64, Timestamp)>,
}

/// What is about to land.
struct Batch {
    note: String,
    lines: Vec<u8>,
    rows: Rows,
    tiles: Vec<(Tile, Vec<u8>)>,
    first: u64,
    commit: u64,
    /// Of its first and its last record.
    began: Timestamp,
    at: Timestamp,
}

impl<D: Disk> Log<D> {
    /// Records in it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.rows.size()
    }

    /// The place in the journal of the last change that it tells of; 0 if there is none.
    #[must_use]
    pub fn commit(&self) -> u64 {
        self.commit
    }

    /// What its last checkpoint says.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { note: self.note.clone(), root: self.rows.root(), rows: self.rows.clone() }
    }

    /// Appends records, in this order; all are under a checkpoint when it returns.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<(), LogError> {
        let mut left = records;
        while !left.is_empty() {
            let (batch, taken) = self.batch(left);
            self.land(batch)?;
            left = left.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// As many of `records` as go into one segment at once.
    fn batch(&self, records: &[Record<'_>]) -> (Batch, usize) {
        let (mut lines, mut tiles) = (Vec::new(), Vec::new());
        let (mut rows, mut taken, mut commit) = (self.rows.clone(), 0, self.commit);
        let start = records.first().map_or(Timestamp::EPOCH, |record| record.at);
        let mut at = start;
        let first = self.segment_of(start);
        let began = self.current.filter(|current| current.first == first).map_or(start, |c| c.began);
        let bytes = self.current.filter(|current| current.first == first).map_or(0, |c| c.bytes);
        for record in records.iter().take(BATCH_RECORDS_MAX) {
            let seq = rows.size();
            let so_far = Current { first, bytes: bytes + lines.len() as u64, began };
            if lines.len() >= BATCH_BYTES_MAX || (taken > 0 && self.is_full(so_far, seq, record.at)) {
                break;
            }
            let from = lines.len();
            record.write(seq, &mut lines);
            let hash = crate::hash::leaf_hash(lines.get(from..).unwrap_or_default());
            lines.push(b'\n');
            rows.push(hash, &mut |tile, row| tiles.push((tile, bytes_of(row))));
            commit = record.commit.unwrap_or(commit);
            at = record.at;
            taken += 1;
        }
        let note = self.note_of(&rows);
        (Batch { note, lines, rows, tiles, first, commit, began, at }, taken)
    }

    fn is_full(&self, segment: Current, seq: u64, at: Timestamp) -> bool {
        let records = seq.saturating_sub(segment.first);
        records > 0
            && seq.is_multiple_of(TILE_WIDTH)
            && (records >= self.limits.segment_records
                || segment.bytes >= self.limits.segment_bytes
                || at.since(segment.began) >= self.limits.segment_age)
    }

    /// Where the next record goes.
    fn segment_of(&self, at: Timestamp) -> u64 {
        let seq = self.rows.size();
        match self.current {
            Some(current) if !self.is_full(current, seq, at) => current.first,
            _ => seq,
        }
    }

    fn note_of(&self, rows: &Rows) -> String {
        let origin = self.keys.first().map(|key| key.verifier().name().to_owned()).unwrap_or_default();
        let keys: Vec<&SigningKey> = self.keys.iter().collect();
        Checkpoint { origin, size: rows.size(), root: rows.root() }.signed(&keys).to_string()
    }

    fn land(&mut self, batch: Batch) -> Result<(), LogError> {
        let mut pending = batch.note.clone().into_bytes();
        pending.extend_from_slice(&batch.lines);
        self.put(PENDING, &pending)?;
        self.finish(batch)
    }

    /// The rest of it, which may be done again.
    fn finish(&mut self, batch: Batch) -> Result<(), LogError> {
        let at = self.current.filter(|current| current.first == batch.first).map_or(0, |c| c.bytes);
        let path = segment::path(batch.first);
        self.disk.append(&path, at, &batch.lines).map_err(io(&path))?;
        for (tile, bytes) in &batch.tiles {
            self.put(&tile.path(), bytes)?;
        }
        let old: Vec<Tile> = self.rows.partial().map(|(tile, _)| tile).collect();
        for (tile, row) in batch.rows.partial().filter(|(tile, _)| !old.contains(tile)) {
            let (path, bytes) = (tile.path(), bytes_of(row));
            self.disk.replace(&path, &bytes).map_err(io(&path))?;
        }
        self.put(CHECKPOINT, batch.note.as_bytes())?;
        self.keep(batch.rows.size(), batch.at, &batch.note)?;
        for tile in old {
            let filled =
                batch.tiles.iter().any(|(full, _)| (full.level, full.index) == (tile.level, tile.index));
            let path = if filled { tile.partial_dir() } else { tile.path() };
            if filled || !batch.rows.partial().any(|(now, _)| now == tile) {
                self.disk.remove(&path).map_err(io(&path))?;
            }
        }
        let bytes = at + batch.lines.len() as u64;
        self.current = Some(Current { first: batch.first, bytes, began: batch.began });
        (self.rows, self.commit, self.note) = (batch.rows, batch.commit, batch.note);
        Ok(())
    }

    /// Puts the checkpoint among the older ones, and drops the one before if this one stands for it.
    fn keep(&mut self, size: u64, at: Timestamp, note: &str) -> Result<(), LogError> {
        let path = |size: u64| format!("{CHECKPOINTS}/{size}");
        self.put(&path(size), note.as_bytes())?;
        let hour = |at: Timestamp| at.as_millis().div_euclid(KEPT_EVERY);
        let same = |(before, then): &(u64, Timestamp)| {
            *before != size
                && before / KEPT_EVERY_RECORDS == size / KEPT_EVERY_RECORDS
                && hour(*then) == hour(at)
        };
        if let Some((before, _)) = self.kept.filter(same) {
            self.disk.remove(&path(before)).map_err(io(&path(before)))?;
        }
        self.kept = Some((size, at));
        Ok(())
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), LogError> {
        self.disk.replace(path, bytes).map_err(io(path))
    }

    /// Signs with other keys from now on, the newest first: a checkpoint by them is in place when this returns.
    pub fn sign_with(&mut self, keys: Vec<SigningKey>) -> Result<(), LogError> {
        self.keys = keys;
        self.note = self.note_of(&self.rows);
        let (note, size) = (self.note.clone(), self.rows.size());
        // Whoever has these keys alone finds no file of this size that others signed.
        self.put(PENDING, note.as_bytes())?;
        self.put(CHECKPOINT, note.as_bytes())?;
        if size > 0 {
            self.put(&format!("{CHECKPOINTS}/{size}"), note.as_bytes())?;
        }
        self.name_keys()
    }

    fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|key| key.verifier().clone()).collect()
    }

    /// Writes the keys beside the log.
    fn name_keys(&mut self) -> Result<(), LogError> {
        let text: String = self.verifiers().iter().map(|key| format!("{key}\n")).collect();
        if self.disk.read(VKEY).map_err(io(VKEY))?.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        self.put(VKEY, text.as_bytes())
    }
}
