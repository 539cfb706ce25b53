//! One walk over all records, with everything that is asked about them on the way.
use super::Roots;
use crate::{
    LogError,
    checkpoint::Checkpoint,
    disk::Files,
    hash::Hash,
    log::{Pending, io},
    note::VerifierKey,
    record::{RECORD_BYTES_MAX, is_of, successor_of},
    segment::{self, lines},
    tile::{Rows, TILE_WIDTH, Tile, row_of},
};

/// A tile that is not what the records give.
pub(super) struct WrongTile {
    pub(super) level: u8,
    /// The first record under the first hash that differs.
    pub(super) first: u64,
    pub(super) what: String,
}

/// What is found on the walk.
pub(super) struct Walk {
    rows: Rows,
    /// Sizes whose roots are asked for, in order.
    sizes: Vec<u64>,
    roots: Roots,
    /// Records that the checkpoint covers.
    signed: u64,
    at_signed: Option<Rows>,
    /// What stands behind them, as far as it matters.
    behind: Vec<u8>,
    behind_max: usize,
    findings: Vec<String>,
    /// The first record that is not where it says.
    odd: Option<u64>,
    tiles: Vec<WrongTile>,
    /// Keys that sign from a record on, as it says.
    successors: Vec<(u64, VerifierKey)>,
    /// Where the last segment began.
    before_last: Saved,
    /// Whether the last line of all has an end.
    is_ended: bool,
}

/// What was known before a segment.
#[derive(Default)]
struct Saved {
    rows: Rows,
    findings: usize,
    odd: Option<u64>,
    tiles: usize,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            rows: Rows::default(),
            sizes: Vec::new(),
            roots: Roots::new(),
            signed: 0,
            at_signed: None,
            behind: Vec::new(),
            behind_max: 0,
            findings: Vec::new(),
            odd: None,
            tiles: Vec::new(),
            successors: Vec::new(),
            before_last: Saved::default(),
            is_ended: true,
        }
    }

    /// Goes back to where the last segment began, since the log has been written on: the rest of it is another one now. A
    /// checkpoint covers `signed` records, behind which at most `behind_max` bytes may stand.
    pub(super) fn again(&mut self, sizes: impl Iterator<Item = u64>, signed: u64, behind_max: usize) {
        let from = self.before_last.rows.size();
        self.rows = self.before_last.rows.clone();
        self.findings.truncate(self.before_last.findings);
        self.tiles.truncate(self.before_last.tiles);
        self.odd = self.before_last.odd;
        self.roots.retain(|size, _| *size <= from);
        self.successors.retain(|(seq, _)| *seq < from);
        self.behind.clear();
        self.is_ended = true;
        (self.signed, self.at_signed, self.behind_max) = (signed, None, behind_max);
        self.sizes = sizes.filter(|size| *size >= from).collect();
        self.sizes.sort_unstable();
        self.sizes.dedup();
        self.sizes.reverse();
        self.mark();
    }

    pub(super) fn size(&self) -> u64 {
        self.rows.size()
    }
    pub(super) fn root_at(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied()
    }
    pub(super) fn successors(&self) -> &[(u64, VerifierKey)] {
        &self.successors
    }
    pub(super) fn findings(&self) -> &[String] {
        &self.findings
    }
    pub(super) fn first_odd(&self) -> Option<u64> {
        self.odd
    }
    pub(super) fn behind(&self) -> &[u8] {
        &self.behind
    }
    pub(super) fn tiles(&self) -> &[WrongTile] {
        &self.tiles
    }

    /// Keeps what is asked about the size that was reached.
    fn mark(&mut self) {
        let size = self.rows.size();
        if self.sizes.last() == Some(&size) {
            self.sizes.pop();
            self.roots.insert(size, self.rows.root());
        }
        if size == self.signed {
            self.at_signed = Some(self.rows.clone());
        }
    }

    fn odd(&mut self, seq: u64, what: String) {
        if self.odd.is_none() {
            self.odd = Some(seq);
            self.findings.push(what);
        }
    }

    /// Walks all segments, or to the first gap.
    pub(super) fn segments(&mut self, files: &dyn Files, firsts: &[u64]) -> Result<(), LogError> {
        let from = self.before_last.rows.size();
        for first in firsts.iter().filter(|first| **first >= from) {
            let path = segment::path(*first);
            if *first != self.size() {
                let size = self.size();
                self.odd(size, format!("`{path}` begins at {first}, where record {size} should stand"));
                break;
            }
            let (findings, odd, tiles) = (self.findings.len(), self.odd, self.tiles.len());
            self.before_last = Saved { rows: self.rows.clone(), findings, odd, tiles };
            let Some(mut text) = files.read(&path).map_err(io(&path))? else { continue };
            lines(&mut text, |line| {
                let seq = self.rows.size();
                if seq >= self.signed && self.behind.len() <= self.behind_max {
                    self.behind.extend_from_slice(line.bytes);
                    self.behind.extend_from_slice(if line.ended { b"\n" } else { b"" });
                }
                if !line.ended {
                    self.is_ended = false;
                    if seq < self.signed {
                        self.odd(seq, format!("`{path}` ends within record {seq}"));
                    }
                    return false;
                }
                if !is_of(line.bytes, seq) || line.bytes.len() > RECORD_BYTES_MAX {
                    self.odd(seq, format!("`{path}`: where record {seq} should stand, another line does"));
                }
                if let Some(key) = successor_of(line.bytes) {
                    self.successors.push((seq, key));
                }
                let (signed, tiles) = (self.signed, &mut self.tiles);
                self.rows.push(line.hash, &mut |tile, row| {
                    if tile.first_leaf(TILE_WIDTH) <= signed {
                        tiles.extend(compared(files, tile, row, true));
                    }
                });
                self.mark();
                true
            });
        }
        // The last leaves fill no tile; their hashes lie in a file that is one only as long as nothing follows.
        let rows = self.at_signed.as_ref().unwrap_or(&self.rows);
        let of_signed = |tile: &Tile| self.signed / TILE_WIDTH.saturating_pow(u32::from(tile.level));
        for (tile, row) in rows.partial() {
            let width = (of_signed(&tile) % TILE_WIDTH) as u16;
            if of_signed(&tile) / TILE_WIDTH == tile.index && width > 0 {
                self.tiles.extend(compared(files, Tile { width, ..tile }, row, false));
            }
        }
        Ok(())
    }

    /// Whether the records end where a checkpoint says, with its root.
    pub(super) fn ends_with(&self, checkpoint: &Checkpoint) -> bool {
        self.is_ended
            && self.size() == checkpoint.size
            && self.root_at(checkpoint.size) == Some(checkpoint.root)
    }

    /// Whether the records that are about to be signed lead to the root that they are signed with.
    pub(super) fn continues(&self, pending: &Pending) -> bool {
        let Some(mut rows) = self.at_signed.clone() else { return false };
        let mut text = pending.lines.clone();
        lines(&mut text, |line| {
            rows.push(line.hash, &mut |_, _| {});
            true
        });
        (rows.size(), rows.root()) == (pending.checkpoint.size, pending.checkpoint.root)
    }
}

/// What is wrong with a tile's file, of which `row` should be the beginning.
fn compared(files: &dyn Files, tile: Tile, row: &[Hash], needed: bool) -> Option<WrongTile> {
    let path = tile.path();
    let wrong = |at: usize, what: String| {
        Some(WrongTile { level: tile.level, first: tile.first_leaf(at as u64), what })
    };
    let bytes = match files.read(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) if needed => return wrong(0, format!("`{path}` is not there")),
        Ok(None) => return None,
        Err(error) => return wrong(0, format!("`{path}`: {error}")),
    };
    let Some(found) = row_of(&bytes).filter(|found| found.len() == usize::from(tile.width)) else {
        return wrong(0, format!("`{path}` has not {} hashes", tile.width));
    };
    let at = row.iter().zip(&found).position(|(should, is)| should != is)?;
    let first = tile.first_leaf(at as u64);
    wrong(at, format!("`{path}` has another hash at {at} than the records from {first} on give"))
}
