//! Shipping a log: what its checkpoint covers, copied to where nobody can take it back.
//!
//! A copy is a log in itself, which `verify` checks: its records lie in files of their own, each as long as what was new, and
//! what was put once is never put again. It grows in steps, each under a checkpoint that the log has: the checkpoint is
//! announced (`pending`), then come the records, the full tiles, and the checkpoint itself. So a copy is whole at any moment, and
//! one that was interrupted anywhere goes on. Nothing is put that does not lead from the root of the copy to a signed one.
use crate::{
    checkpoint::Checkpoint,
    disk::{CHECKPOINT, CHECKPOINTS, Files, PENDING, SEGMENTS},
    hash::{Hash, root_of},
    log::{LogError, damaged, io, rows_at},
    note::VerifierKey,
    segment,
    tile::{Rows, bytes_of},
};
use std::{collections::BTreeMap, io as std_io};

/// Takes the files of a copy.
pub trait Vault: Files {
    /// Puts a file where there is none of the name, whole or not at all; `false` where there is one, which stays.
    fn put_new(&mut self, path: &str, bytes: &[u8]) -> std_io::Result<bool>;
    /// Puts a file in the place of another, or where there is none.
    fn put(&mut self, path: &str, bytes: &[u8]) -> std_io::Result<()>;
}

/// Why a log is not shipped, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The log cannot be read, or is damaged: nothing of what is wrong was shipped.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The copy cannot be read or written.
    #[error("`{path}` of the copy: {source}")]
    Copy {
        /// Which file.
        path: String,
        /// Why.
        source: std_io::Error,
    },
    /// What is there does not belong to this log, or one of both was changed.
    #[error("the copy is not one of this log: `{path}`: {what}")]
    Differs {
        /// Where it shows.
        path: String,
        /// What is wrong.
        what: String,
    },
}

/// How far a copy came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Records in it before.
    pub before: u64,
    /// And now.
    pub size: u64,
}

fn of_copy(path: &str) -> impl Fn(std_io::Error) -> ShipError {
    move |source| ShipError::Copy { path: path.to_owned(), source }
}

fn differs(path: &str, what: impl Into<String>) -> ShipError {
    ShipError::Differs { path: path.to_owned(), what: what.into() }
}

/// A checkpoint to which the copy is brought.
struct Target {
    note: Vec<u8>,
    checkpoint: Checkpoint,
}

/// Brings the copy in `vault` up to the checkpoint of the log in `files`, which one of `keys` must have signed. After each
/// step `each` is told how many records the copy has, and ends it there by answering `false`.
///
/// Cost: what is new is read and hashed twice, beside at most 255 tiles of each level. Memory: the records between two of the
/// log's older checkpoints, and one segment.
pub fn ship(
    files: &dyn Files,
    vault: &mut dyn Vault,
    keys: &[VerifierKey],
    each: &mut dyn FnMut(u64) -> bool,
) -> Result<Shipped, ShipError> {
    let note = files.read(CHECKPOINT).map_err(io(CHECKPOINT))?;
    let note = note.ok_or_else(|| damaged(CHECKPOINT, "it is not there"))?;
    let checkpoint =
        Checkpoint::trusted(&note, keys).map_err(|error| damaged(CHECKPOINT, error.to_string()))?;
    let head = Target { note, checkpoint };
    let (before, root) = begun(vault, &head.checkpoint)?;
    let mut rows = rows_at(files, before)?;
    if rows.root() != root {
        return Err(differs(CHECKPOINT, format!("its first {before} records are not those of the log")));
    }
    let targets = targets(files, vault, keys, &rows, head)?;
    let mut left = targets.len();
    for target in targets {
        left -= 1;
        match step(files, vault, &rows, &target)? {
            Some(reached) => rows = reached,
            None if left == 0 => {
                return Err(differs(&segment::path(rows.size()), "it has more records than the log"));
            }
            None => continue,
        }
        if !each(rows.size()) {
            break;
        }
    }
    Ok(Shipped { before, size: rows.size() })
}

/// Checks that a copy has every record that its checkpoint covers, as the log had it: what was put once may have been removed
/// or changed since. Cost: the copy is read once, a segment at a time.
pub fn copy_is_whole(copy: &dyn Files) -> Result<(), ShipError> {
    let note = copy.read(CHECKPOINT).map_err(of_copy(CHECKPOINT))?;
    let note = note.ok_or_else(|| differs(CHECKPOINT, "it is not there"))?;
    let covers = Checkpoint::claimed(&note).map_err(|error| differs(CHECKPOINT, error.to_string()))?;
    let mut rows = Rows::default();
    let walked = segment::records(copy, 0, covers.size, &mut |_, hash| rows.push(hash, &mut |_, _| {}));
    walked.map_err(|error| match error {
        LogError::Io { path, source } => ShipError::Copy { path, source },
        LogError::Damaged { path, what } => ShipError::Differs { path, what },
    })?;
    if rows.root() == covers.root {
        return Ok(());
    }
    Err(differs(SEGMENTS, format!("its first {} records are not those of the log", covers.size)))
}

/// Records that the copy has, and their root. Whoever signed its checkpoint: it must say what the log says.
fn begun(vault: &dyn Vault, head: &Checkpoint) -> Result<(u64, Hash), ShipError> {
    let Some(note) = vault.read(CHECKPOINT).map_err(of_copy(CHECKPOINT))? else {
        return Ok((0, root_of(&[])));
    };
    let found = Checkpoint::claimed(&note).map_err(|error| differs(CHECKPOINT, error.to_string()))?;
    if found.origin != head.origin {
        return Err(differs(
            CHECKPOINT,
            format!("it is of `{}`, and the log is `{}`", found.origin, head.origin),
        ));
    }
    if found.size > head.size {
        let what =
            format!("it covers {} records, and the log has {}: it was rolled back", found.size, head.size);
        return Err(differs(CHECKPOINT, what));
    }
    Ok((found.size, found.root))
}

/// The checkpoints to which the copy is brought one after the other, the newest last: what a copy was being brought to when
/// it was interrupted, and the older ones that the log has. All records up to the newest are hashed for it.
fn targets(
    files: &dyn Files,
    vault: &dyn Vault,
    keys: &[VerifierKey],
    rows: &Rows,
    head: Target,
) -> Result<Vec<Target>, ShipError> {
    let (from, to) = (rows.size(), head.checkpoint.size);
    if from == to {
        return Ok(Vec::new());
    }
    let mut found = BTreeMap::new();
    for name in files.list(CHECKPOINTS).map_err(io(CHECKPOINTS))? {
        let Some(size) = name.parse::<u64>().ok().filter(|size| (from + 1..to).contains(size)) else {
            continue;
        };
        let path = format!("{CHECKPOINTS}/{name}");
        // A newer one may have taken its place meanwhile.
        let Some(note) = files.read(&path).map_err(io(&path))? else { continue };
        let checkpoint = Checkpoint::claimed(&note).map_err(|error| damaged(&path, error.to_string()))?;
        if checkpoint.size != size || checkpoint.origin != head.checkpoint.origin {
            return Err(damaged(&path, "it is about another log or size").into());
        }
        found.insert(size, (path, Target { note, checkpoint }));
    }
    let announced = vault.read(PENDING).map_err(of_copy(PENDING))?;
    if let Some(note) = announced
        && let Ok(checkpoint) = Checkpoint::trusted(&note, keys)
        && (from + 1..to).contains(&checkpoint.size)
    {
        let path = format!("{PENDING}` of the copy, `{CHECKPOINT}");
        found.entry(checkpoint.size).or_insert((path, Target { note, checkpoint }));
    }
    found.insert(to, (CHECKPOINT.to_owned(), head));
    let mut walked = rows.clone();
    let mut lies = None;
    segment::records(files, from, to, &mut |_, hash| {
        walked.push(hash, &mut |_, _| {});
        if let Some((path, target)) = found.get(&walked.size())
            && target.checkpoint.root != walked.root()
        {
            lies = lies.take().or(Some((path.clone(), walked.size())));
        }
    })?;
    match lies {
        Some((path, size)) => {
            Err(damaged(&path, format!("the first {size} records are not those that it covers")).into())
        }
        None => Ok(found.into_values().map(|(_, target)| target).collect()),
    }
}

/// Brings the copy from `rows` to a checkpoint; `None` if it has more records than that already.
fn step(
    files: &dyn Files,
    vault: &mut dyn Vault,
    rows: &Rows,
    target: &Target,
) -> Result<Option<Rows>, ShipError> {
    let (mut reached, mut text, mut tiles) = (rows.clone(), Vec::new(), Vec::new());
    segment::records(files, rows.size(), target.checkpoint.size, &mut |line, hash| {
        text.extend_from_slice(line);
        text.push(b'\n');
        reached.push(hash, &mut |tile, row| tiles.push((tile.path(), bytes_of(row))));
    })?;
    if reached.root() != target.checkpoint.root {
        let path = segment::path(rows.size());
        return Err(damaged(&path, "it was changed while it was shipped").into());
    }
    vault.put(PENDING, &target.note).map_err(of_copy(PENDING))?;
    let (mut first, mut rest) = (rows.size(), &text[..]);
    while !rest.is_empty() {
        let path = segment::path(first);
        if vault.put_new(&path, rest).map_err(of_copy(&path))? {
            break;
        }
        // Put before an interruption, or by another who ships: then it may end elsewhere.
        let there = vault.read(&path).map_err(of_copy(&path))?.unwrap_or_default();
        if there.len() > rest.len() && there.starts_with(rest) {
            return Ok(None);
        }
        match rest.strip_prefix(&there[..]).filter(|_| there.ends_with(b"\n")) {
            Some(more) => rest = more,
            None => return Err(differs(&path, "it has other records than the log")),
        }
        first += memchr::memchr_iter(b'\n', &there).count() as u64;
    }
    for (path, row) in tiles {
        let is_new = vault.put_new(&path, &row).map_err(of_copy(&path))?;
        if !is_new && vault.read(&path).map_err(of_copy(&path))?.as_deref() != Some(&row[..]) {
            return Err(differs(&path, "it has other hashes than the log"));
        }
    }
    vault.put(CHECKPOINT, &target.note).map_err(of_copy(CHECKPOINT))?;
    Ok(Some(reached))
}
