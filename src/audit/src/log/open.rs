//! Opening a log: goes on from what is signed, finishes what was begun, refuses what it did not write.
use super::{Batch, Current, Limits, Log, LogError, damaged, io};
use crate::{
    checkpoint::Checkpoint,
    disk::{CHECKPOINT, Disk, Files, PENDING},
    hash::{Hash, root_of},
    note::{NoteError, SigningKey, VerifierKey},
    record::{commit_of, time_of},
    segment::{self, lines},
    tile::{Rows, TILE_WIDTH, Tile, bytes_of, row_of},
};
use gsm_core::Timestamp;

/// A batch that was about to land, and the checkpoint that was to cover it.
pub(crate) struct Pending {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) note: String,
    pub(crate) lines: Vec<u8>,
}

impl Pending {
    /// Takes the file apart; the note must be by one of `keys`.
    pub(crate) fn parse(bytes: &[u8], keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let end = memchr::memmem::find(bytes, b"\n{").map_or(bytes.len(), |at| at + 1);
        let (note, lines) = bytes.split_at(end);
        let checkpoint = Checkpoint::trusted(note, keys)?;
        let note = String::from_utf8_lossy(note).into_owned();
        Ok(Self { checkpoint, note, lines: lines.to_vec() })
    }
}

/// What the signed part of the log ends with.
#[derive(Default)]
struct Tail {
    current: Option<Current>,
    commit: Option<u64>,
    /// Hashes of the leaves that fill no tile.
    row: Vec<Hash>,
    /// What stands behind the signed part.
    beyond: Vec<u8>,
}

impl<D: Disk> Log<D> {
    /// Opens the log of `keys` (the newest first; all are trusted), or begins it where there is none.
    ///
    /// Cost: a read of the last segment, and of at most 255 tiles of each level.
    pub fn open(disk: D, keys: Vec<SigningKey>, limits: Limits) -> Result<Self, LogError> {
        let mut log = Self {
            disk,
            keys,
            limits,
            rows: Rows::default(),
            current: None,
            commit: 0,
            note: String::new(),
            kept: None,
        };
        let trusted = log.verifiers();
        let (firsts, strange) = segment::segments(&log.disk).map_err(io(crate::disk::SEGMENTS))?;
        if let Some(name) = strange.first() {
            return Err(damaged(name, "not the name of a segment"));
        }
        let pending = log.disk.read(PENDING).map_err(io(PENDING))?;
        let Some(note) = log.disk.read(CHECKPOINT).map_err(io(CHECKPOINT))? else {
            if !firsts.is_empty() || pending.is_some() {
                return Err(damaged(CHECKPOINT, "there are records and no checkpoint"));
            }
            log.note = log.note_of(&log.rows);
            let note = log.note.clone();
            log.put(CHECKPOINT, note.as_bytes())?;
            log.name_keys()?;
            return Ok(log);
        };
        let head = Checkpoint::trusted(&note, &trusted).map_err(|e| damaged(CHECKPOINT, e.to_string()))?;
        let tail = tail(&log.disk, &firsts, head.size)?;
        log.rows = rows(&log.disk, head.size, tail.row)?;
        if log.rows.root() != head.root {
            return Err(damaged(CHECKPOINT, "the records and tiles do not give its root"));
        }
        log.note = String::from_utf8_lossy(&note).into_owned();
        log.current = tail.current;
        log.commit = match tail.commit {
            Some(commit) => commit,
            None => last_of(&log.disk, &firsts)?,
        };
        log.go_on(pending, &tail.beyond, &firsts)?;
        log.name_keys()?;
        Ok(log)
    }

    /// Finishes what was begun.
    fn go_on(&mut self, pending: Option<Vec<u8>>, beyond: &[u8], firsts: &[u64]) -> Result<(), LogError> {
        let size = self.rows.size();
        let trusted = self.verifiers();
        let pending = pending
            .map(|bytes| Pending::parse(&bytes, &trusted).map_err(|e| damaged(PENDING, e.to_string())))
            .transpose()?;
        let Some(pending) = pending.filter(|pending| pending.checkpoint.size > size) else {
            return match beyond {
                [] => Ok(()),
                _ => Err(damaged(
                    &self.last_path(firsts),
                    format!("what stands from record {size} on is not signed"),
                )),
            };
        };
        if !pending.lines.starts_with(beyond) {
            return Err(damaged(
                &self.last_path(firsts),
                format!("what stands from record {size} on is not what was signed"),
            ));
        }
        let mut text = pending.lines;
        let (mut rows, mut tiles, mut commit) = (self.rows.clone(), Vec::new(), self.commit);
        let (mut began, mut at) = (None, Timestamp::EPOCH);
        lines(&mut text, |line| {
            rows.push(line.hash, &mut |tile, row| tiles.push((tile, bytes_of(row))));
            commit = commit_of(line.bytes).unwrap_or(commit);
            at = time_of(line.bytes).unwrap_or(at);
            began = began.or(Some(at));
            true
        });
        if (rows.size(), rows.root()) != (pending.checkpoint.size, pending.checkpoint.root) {
            return Err(damaged(PENDING, "its records do not give the root that it names"));
        }
        let start = began.unwrap_or(at);
        // What has landed of it says where it was to go. The limits may have been others then.
        let first = match self.current {
            _ if firsts.contains(&size) => size,
            Some(current) if !beyond.is_empty() => current.first,
            _ => self.segment_of(start),
        };
        let began = self.current.filter(|current| current.first == first).map_or(start, |c| c.began);
        let note = pending.note;
        self.finish(Batch { note, lines: text, rows, tiles, first, commit, began, at })
    }

    fn last_path(&self, firsts: &[u64]) -> String {
        segment::path(firsts.last().copied().unwrap_or_default())
    }
}

/// Reads the segment in which the signed part ends, and what stands behind.
fn tail(disk: &dyn Files, firsts: &[u64], size: u64) -> Result<Tail, LogError> {
    let mut tail = Tail::default();
    let lies = |first: &u64| !first.is_multiple_of(TILE_WIDTH) || *first > size;
    if let Some(first) = firsts.iter().find(|first| lies(first)) {
        return Err(damaged(&segment::path(*first), format!("the log has {size} records")));
    }
    let read = |first: u64| {
        let path = segment::path(first);
        disk.read(&path).map_err(io(&path)).map(Option::unwrap_or_default)
    };
    if firsts.last() == Some(&size) {
        tail.beyond = read(size)?;
    }
    let Some(first) = firsts.iter().copied().filter(|first| *first < size).max() else {
        return if size == 0 { Ok(tail) } else { Err(damaged(crate::disk::SEGMENTS, "there is no record")) };
    };
    let (mut text, path) = (read(first)?, segment::path(first));
    let (mut seq, mut end, mut wrong, mut began) = (first, 0, None, None);
    lines(&mut text, |line| {
        if seq == size || !line.ended {
            return false;
        }
        began = began.or_else(|| time_of(line.bytes));
        tail.commit = commit_of(line.bytes).or(tail.commit);
        tail.row.push(line.hash);
        end = line.at + line.bytes.len() + 1;
        seq += 1;
        if seq.is_multiple_of(TILE_WIDTH) {
            let tile = Tile { level: 0, index: seq / TILE_WIDTH - 1, width: TILE_WIDTH as u16 };
            match tile_row(disk, tile) {
                Ok(row) if row == tail.row => tail.row.clear(),
                Ok(_) => {
                    wrong = Some(damaged(&tile.path(), format!("not the hashes of the records in `{path}`")))
                }
                Err(error) => wrong = Some(error),
            }
        }
        wrong.is_none()
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    if seq < size {
        return Err(damaged(&path, format!("ends before record {seq}; the checkpoint covers {size}")));
    }
    tail.beyond.splice(0..0, text.get(end..).unwrap_or_default().iter().copied());
    tail.current = Some(Current { first, bytes: end as u64, began: began.unwrap_or(Timestamp::EPOCH) });
    Ok(tail)
}

/// The hashes of a full tile.
fn tile_row(disk: &dyn Files, tile: Tile) -> Result<Vec<Hash>, LogError> {
    let path = tile.path();
    let bytes = disk.read(&path).map_err(io(&path))?.ok_or_else(|| damaged(&path, "it is not there"))?;
    let row = row_of(&bytes).filter(|row| row.len() as u64 == TILE_WIDTH);
    row.ok_or_else(|| damaged(&path, "not 256 hashes"))
}

/// The tree of `size` leaves, from its full tiles and the leaves behind the last of them.
fn rows(disk: &dyn Files, size: u64, leaves: Vec<Hash>) -> Result<Rows, LogError> {
    let (mut levels, mut count) = (vec![leaves], size / TILE_WIDTH);
    let mut level = 0;
    while count > 0 {
        let mut row = Vec::new();
        for index in count - count % TILE_WIDTH..count {
            row.push(root_of(&tile_row(disk, Tile { level, index, width: TILE_WIDTH as u16 })?));
        }
        levels.push(row);
        count /= TILE_WIDTH;
        level += 1;
    }
    Rows::of(size, levels).ok_or_else(|| damaged(CHECKPOINT, "records are missing"))
}

/// The tree of the first `size` records, from full tiles and the records behind the last of them.
pub(crate) fn rows_at(files: &dyn Files, size: u64) -> Result<Rows, LogError> {
    let mut leaves = Vec::new();
    segment::records(files, size - size % TILE_WIDTH, size, &mut |_, hash| leaves.push(hash))?;
    rows(files, size, leaves)
}

/// The last change that any segment tells of.
fn last_of(disk: &dyn Files, firsts: &[u64]) -> Result<u64, LogError> {
    for first in firsts.iter().rev() {
        let path = segment::path(*first);
        let text = disk.read(&path).map_err(io(&path))?.unwrap_or_default();
        if let Some(commit) = last_in(&text) {
            return Ok(commit);
        }
    }
    Ok(0)
}

fn last_in(text: &[u8]) -> Option<u64> {
    text.rsplit(|byte| *byte == b'\n').find_map(commit_of)
}

/// Place in the journal of the last change that the log tells of, or is about to: no other change may have it. 0 where there
/// is none. The log is read without its keys, so that nothing of it is proved.
///
/// Cost: a read of the last segment that tells of a change, and of those after it.
pub fn last_commit(files: &dyn Files) -> Result<u64, LogError> {
    let (firsts, _) = segment::segments(files).map_err(io(crate::disk::SEGMENTS))?;
    let pending = files.read(PENDING).map_err(io(PENDING))?.unwrap_or_default();
    Ok(last_of(files, &firsts)?.max(last_in(&pending).unwrap_or_default()))
}

/// When the last record was made, by its own word; `None` where there is none. The log is read without its keys, so that nothing
/// of it is proved.
///
/// Cost: a read of the last segment.
pub fn last_time(files: &dyn Files) -> Result<Option<Timestamp>, LogError> {
    let (firsts, _) = segment::segments(files).map_err(io(crate::disk::SEGMENTS))?;
    for first in firsts.iter().rev() {
        let path = segment::path(*first);
        let text = files.read(&path).map_err(io(&path))?.unwrap_or_default();
        if let Some(at) = text.rsplit(|byte| *byte == b'\n').find_map(time_of) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
