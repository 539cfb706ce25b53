//! The log as those who ask see it: only what a checkpoint covers.
use gsm_adapters::AuditDir;
use gsm_audit::{
    Files, Hash, LogError, SEGMENTS, Standing, TILE_WIDTH, Tile, TileNodes, consistency, inclusion,
    leaf_hash, root_of, row_of, segment_path, segments,
};
use serde_json::Value;
use std::{io, sync::Arc};

/// Records that one look at the list goes through.
const LOOKED_AT_MAX: usize = 65_536;

/// The log up to a checkpoint.
pub(crate) struct Reading {
    pub(crate) files: AuditDir,
    pub(crate) standing: Arc<Standing>,
}

/// Which records are asked for. All that is given must fit.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) event: Option<String>,
    pub(crate) principal: Option<String>,
    pub(crate) request: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) refused: Option<bool>,
}

/// A page of records, the newest first.
pub(crate) struct Page {
    pub(crate) records: Vec<Value>,
    /// Where the next page begins, if there may be more.
    pub(crate) before: Option<u64>,
}

fn io_error(path: &str) -> impl Fn(io::Error) -> LogError {
    move |source| LogError::Io { path: path.to_owned(), source }
}

impl Filter {
    fn fits(&self, line: &[u8]) -> Option<Value> {
        // Most lines are passed over without being read.
        let texts = [&self.event, &self.principal, &self.request, &self.resource, &self.error];
        if texts.into_iter().flatten().any(|text| memchr::memmem::find(line, text.as_bytes()).is_none()) {
            return None;
        }
        let record: Value = serde_json::from_slice(line).ok()?;
        let is = |wanted: &Option<String>, found: &Value| wanted.as_deref().is_none_or(|text| found == text);
        let identity = &record["userIdentity"];
        let resources = record["resources"].as_array().into_iter().flatten();
        let about =
            self.resource.as_deref().is_none_or(|wanted| resources.clone().any(|of| of["ARN"] == wanted));
        let fits = is(&self.event, &record["eventName"])
            && (is(&self.principal, &identity["principalId"]) || is(&self.principal, &identity["type"]))
            && is(&self.request, &record["requestID"])
            && is(&self.error, &record["errorCode"])
            && self.refused.is_none_or(|refused| record.get("errorCode").is_some() == refused)
            && about;
        fits.then_some(record)
    }
}

impl Reading {
    pub(crate) fn size(&self) -> u64 {
        self.standing.rows.size()
    }

    /// The hashes of a tile; `None` where the log has not so many.
    pub(crate) fn tile(&self, tile: Tile) -> Result<Option<Vec<Hash>>, LogError> {
        let width = usize::from(tile.width);
        let unfinished =
            self.standing.rows.partial().find(|(is, _)| (is.level, is.index) == (tile.level, tile.index));
        if let Some((_, row)) = unfinished {
            return Ok(row.get(..width).map(<[Hash]>::to_vec));
        }
        let full = Tile { width: TILE_WIDTH as u16, ..tile };
        if full.first_leaf(TILE_WIDTH) > self.size() {
            return Ok(None);
        }
        let path = full.path();
        let bytes = self.files.read(&path).map_err(io_error(&path))?;
        let row = bytes.as_deref().and_then(row_of).filter(|row| row.len() as u64 == TILE_WIDTH);
        match row.as_deref().and_then(|row| row.get(..width)) {
            Some(row) => Ok(Some(row.to_vec())),
            None => Err(LogError::Damaged { path, what: "not 256 hashes".to_owned() }),
        }
    }

    fn nodes(&self, size: u64) -> TileNodes<impl FnMut(Tile) -> Result<Vec<Hash>, LogError>> {
        TileNodes::new(size, |tile| {
            let missing = || LogError::Damaged { path: tile.path(), what: "it is not there".to_owned() };
            self.tile(tile)?.ok_or_else(missing)
        })
    }

    /// That the record `seq` is in the log of `size` records.
    pub(crate) fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        inclusion(&mut self.nodes(size), seq, size)
    }

    /// That the log of `size` records begins with that of `old`.
    pub(crate) fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        consistency(&mut self.nodes(size), old, size)
    }

    /// Records from `first` on as their lines, at most `limit`, of one segment.
    pub(crate) fn lines(&self, first: u64, limit: usize) -> Result<Vec<u8>, LogError> {
        let mut out = Vec::new();
        let (firsts, _) = segments(&self.files).map_err(io_error(SEGMENTS))?;
        let Some(of) = firsts.into_iter().filter(|of| *of <= first).max() else { return Ok(out) };
        let (skip, most) = (first - of, self.size().saturating_sub(first).min(limit as u64));
        let text = self.segment(of)?;
        let lines = text.split_inclusive(|byte| *byte == b'\n').skip(skip as usize);
        let mut proved = Proved::of(self);
        for (line, seq) in lines.take(most as usize).zip(first..) {
            proved.check(seq, line.strip_suffix(b"\n").unwrap_or(line))?;
            out.extend_from_slice(line);
        }
        if out.is_empty() && most > 0 {
            let what = format!("there is no record {first}");
            return Err(LogError::Damaged { path: segment_path(of), what });
        }
        Ok(out)
    }

    /// The hashes of a tile that lead to the signed root: those in memory do, and a full tile is what the one above it says.
    fn proved(&self, level: u8, index: u64) -> Result<Vec<Hash>, LogError> {
        let mut unfinished = self.standing.rows.partial();
        if let Some((_, row)) = unfinished.find(|(is, _)| (is.level, is.index) == (level, index)) {
            return Ok(row.to_vec());
        }
        let tile = Tile { level, index, width: TILE_WIDTH as u16 };
        let damaged = |what: &str| LogError::Damaged { path: tile.path(), what: what.to_owned() };
        let row = self.tile(tile)?.ok_or_else(|| damaged("it is not there"))?;
        let above = self.proved(level + 1, index / TILE_WIDTH)?;
        match above.get((index % TILE_WIDTH) as usize) {
            Some(hash) if *hash == root_of(&row) => Ok(row),
            _ => Err(damaged("not the hashes that the tile above it covers")),
        }
    }

    fn segment(&self, first: u64) -> Result<Vec<u8>, LogError> {
        let path = segment_path(first);
        self.files.read(&path).map_err(io_error(&path)).map(Option::unwrap_or_default)
    }

    /// Records before `before`, the newest first.
    pub(crate) fn list(&self, filter: &Filter, before: Option<u64>, limit: usize) -> Result<Page, LogError> {
        let mut at = before.unwrap_or(u64::MAX).min(self.size());
        let (mut records, mut looked, mut proved) = (Vec::new(), 0, Proved::of(self));
        let (firsts, _) = segments(&self.files).map_err(io_error(SEGMENTS))?;
        for first in firsts.into_iter().rev().filter(|first| *first < at).collect::<Vec<_>>() {
            let text = self.segment(first)?;
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').take((at - first) as usize).collect();
            for line in lines.into_iter().rev() {
                if records.len() == limit || looked == LOOKED_AT_MAX {
                    return Ok(Page { records, before: Some(at) });
                }
                proved.check(at - 1, line)?;
                records.extend(filter.fits(line));
                looked += 1;
                at -= 1;
            }
        }
        match at {
            0 => Ok(Page { records, before: None }),
            missing => {
                let (path, what) = (SEGMENTS.to_owned(), format!("there is no record {}", missing - 1));
                Err(LogError::Damaged { path, what })
            }
        }
    }
}

/// Records compared with the tree, so that none is served that was changed since it was signed.
struct Proved<'a> {
    log: &'a Reading,
    /// The tile of the last record.
    tile: Option<(u64, Vec<Hash>)>,
}

impl<'a> Proved<'a> {
    fn of(log: &'a Reading) -> Self {
        Self { log, tile: None }
    }

    fn check(&mut self, seq: u64, line: &[u8]) -> Result<(), LogError> {
        let index = seq / TILE_WIDTH;
        let row = match self.tile.take().filter(|(of, _)| *of == index) {
            Some((_, row)) => row,
            None => self.log.proved(0, index)?,
        };
        let is_it = row.get((seq % TILE_WIDTH) as usize) == Some(&leaf_hash(line));
        self.tile = Some((index, row));
        if is_it {
            return Ok(());
        }
        let what = format!("record {seq} is not the one that was signed");
        Err(LogError::Damaged { path: SEGMENTS.to_owned(), what })
    }
}
