//! Checking a log: whole, or damaged and from which record on, or not to be checked.
mod tree;

use crate::{
    checkpoint::Checkpoint,
    disk::{CHECKPOINT, CHECKPOINTS, Files, PENDING, VKEY},
    hash::Hash,
    log::{Pending, io},
    note::{Note, NoteError, VerifierKey},
    segment,
};
use tree::Walk;

/// Times that the last segment is read anew because its server wrote on meanwhile.
const TRIES_MAX: usize = 50;

/// A log in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// What its checkpoint says.
    pub checkpoint: Checkpoint,
    /// Records behind it, which the next checkpoint will cover: their server was stopped in the middle, or runs.
    pub behind: u64,
    /// Others signed beside or before the first of the keys that were given, and no record says that it came after them.
    pub is_unnamed: bool,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// All records before this one are as they were written. `None` where no record is in doubt, since those that are there
    /// are signed as they stand: it is about a signature, or what no record is in.
    pub first_bad: Option<u64>,
    /// Whether it is just this one; else it is this one or a later one.
    pub exact: bool,
    /// What was found, in words.
    pub findings: Vec<String>,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Whole(Whole),
    /// Something is.
    Damaged(Damage),
    /// It could not be checked, and why.
    Unchecked(String),
}

/// A signed statement about the log, and where it stands.
struct Claim {
    path: String,
    checkpoint: Checkpoint,
    /// As it lies in the log; `None` of the anchor.
    note: Option<Note>,
    /// Whether a trusted key signed it.
    trusted: bool,
}

/// What a log is checked against.
struct Asked<'a> {
    keys: &'a [VerifierKey],
    anchor: Option<Checkpoint>,
    /// Who asks has signed the log.
    is_own: bool,
}

/// Checks the log in `files` against keys that the caller trusts, and against an older checkpoint (`anchor`) that was kept
/// elsewhere. Reads everything once, from front to back, a segment at a time.
#[must_use]
pub fn verify(files: &dyn Files, keys: &[VerifierKey], anchor: Option<&[u8]>) -> Verdict {
    match anchor.map(|note| Checkpoint::trusted(note, keys)).transpose() {
        Ok(anchor) => checked(files, &Asked { keys, anchor, is_own: false }),
        Err(error) => Verdict::Unchecked(format!("the anchor: {error}")),
    }
}

/// The same by who signs the log with `keys`, the newest first. Older checkpoints that none of them signed, from before all
/// that one of them did, are then by keys of his own that he has no more, also where no record says so: whoever was
/// stopped after a key was made and before its record was kept has such a log.
#[must_use]
pub fn verify_own(files: &dyn Files, keys: &[VerifierKey]) -> Verdict {
    checked(files, &Asked { keys, anchor: None, is_own: true })
}

fn checked(files: &dyn Files, asked: &Asked<'_>) -> Verdict {
    let mut walk = Walk::new();
    // What a writer changes last and first.
    let standing = || [CHECKPOINT, PENDING].map(|path| files.read(path).ok().flatten());
    let mut before = standing();
    // What was found each time: of a log that only grows meanwhile, nothing.
    let mut lasting: Option<Damage> = None;
    for _ in 0..TRIES_MAX {
        let damage = match once(files, asked, before[0].as_deref(), &mut walk) {
            Ok(Verdict::Damaged(damage)) => damage,
            Ok(verdict) => return verdict,
            Err(error) => return Verdict::Unchecked(error.to_string()),
        };
        let after = standing();
        if after == before {
            return Verdict::Damaged(damage);
        }
        before = after;
        let lasts = |what: &String| lasting.as_ref().is_none_or(|of| of.findings.contains(what));
        let findings = damage.findings.iter().filter(|what| lasts(what)).cloned().collect();
        lasting = Some(Damage { findings, ..damage });
    }
    match lasting.filter(|of| !of.findings.is_empty()) {
        Some(damage) => Verdict::Damaged(damage),
        None => Verdict::Unchecked("it was written on all the time: try again, or a copy of it".to_owned()),
    }
}

fn once(
    files: &dyn Files,
    asked: &Asked<'_>,
    head: Option<&[u8]>,
    walk: &mut Walk,
) -> Result<Verdict, crate::LogError> {
    let keys = asked.keys;
    let (firsts, strange) = segment::segments(files).map_err(io(crate::disk::SEGMENTS))?;
    let mut findings: Vec<String> =
        strange.iter().map(|name| format!("`segments/{name}` is no segment")).collect();
    if head.is_none() && firsts.is_empty() && strange.is_empty() {
        return Ok(Verdict::Unchecked("there is no audit log in this directory".to_owned()));
    }
    let mut claims = Vec::new();
    match head.ok_or(NoteError::Shape("it is not there")).and_then(|note| Checkpoint::trusted(note, keys)) {
        Ok(checkpoint) => {
            let note = head.and_then(|note| Note::parse(note).ok());
            claims.push(Claim { path: CHECKPOINT.to_owned(), checkpoint, note, trusted: true });
        }
        Err(error) => findings.push(format!("`{CHECKPOINT}`: {error}")),
    }
    let signed = claims.first().map(|claim| claim.checkpoint.clone());
    let pending = files.read(PENDING).map_err(io(PENDING))?;
    let pending = pending.map(|bytes| Pending::parse(&bytes, keys)).transpose().unwrap_or_else(|error| {
        findings.push(format!("`{PENDING}`: {error}"));
        None
    });
    for name in files.list(CHECKPOINTS).map_err(io(CHECKPOINTS))? {
        let path = format!("{CHECKPOINTS}/{name}");
        let Some(note) = files.read(&path).map_err(io(&path))? else { continue };
        match older(&note, &name, keys) {
            Ok((checkpoint, trusted)) => {
                claims.push(Claim { path, checkpoint, note: Note::parse(&note).ok(), trusted })
            }
            Err(error) => findings.push(format!("`{path}`: {error}")),
        }
    }
    if let Some(anchor) = &asked.anchor {
        let (path, checkpoint) = ("the anchor".to_owned(), anchor.clone());
        claims.push(Claim { path, checkpoint, note: None, trusted: true });
    }
    if let Some(text) = files.read(VKEY).map_err(io(VKEY))? {
        let text = String::from_utf8_lossy(&text).into_owned();
        if !text.lines().any(|line| line.parse().is_ok_and(|key: VerifierKey| keys.contains(&key))) {
            findings.push(format!("`{VKEY}` names another key than the one that is trusted"));
        }
    }
    let behind_max = pending.as_ref().map_or(0, |pending| pending.lines.len());
    let sizes = claims.iter().map(|claim| claim.checkpoint.size);
    let sizes = sizes.chain(pending.as_ref().map(|pending| pending.checkpoint.size));
    walk.again(sizes, signed.as_ref().map_or(0, |head| head.size), behind_max);
    walk.segments(files, &firsts)?;
    findings.extend(unsigned_by_successors(&claims, keys, walk.successors()));
    Ok(judge(walk, &claims, asked, signed, pending.as_ref(), findings))
}

/// An older checkpoint. After a change of keys it may be signed by one that is not trusted any more: then it must still say
/// what is true, which is looked at with the others.
fn older(note: &[u8], name: &str, keys: &[VerifierKey]) -> Result<(Checkpoint, bool), NoteError> {
    let note = Note::parse(note)?;
    let (text, trusted) = match note.checked(keys) {
        Err(NoteError::Untrusted(_)) => (note.unchecked(), false),
        checked => (checked?, true),
    };
    let found = Checkpoint::parse(text)?;
    let named = name.parse() == Ok(found.size) && keys.iter().any(|key| key.name() == found.origin);
    if named { Ok((found, trusted)) } else { Err(NoteError::Shape("it is about another log or size")) }
}

/// What is wrong with the signatures of the keys that came after the trusted ones, which records name: each that is there must
/// fit, and the newest checkpoint must have that of the key which has signed since a record that it covers.
fn unsigned_by_successors(
    claims: &[Claim],
    keys: &[VerifierKey],
    successors: &[(u64, VerifierKey)],
) -> Vec<String> {
    let mut findings = Vec::new();
    let ours = |key: &VerifierKey| keys.iter().any(|trusted| trusted.name() == key.name());
    let successors: Vec<_> = successors.iter().filter(|(_, key)| ours(key)).collect();
    let all: Vec<VerifierKey> = keys.iter().chain(successors.iter().map(|(_, key)| key)).cloned().collect();
    for Claim { path, checkpoint, note, .. } in claims {
        let (Some(note), false) = (note, successors.is_empty()) else { continue };
        match note.checked(&all) {
            // Of an older checkpoint, by a key before all of them.
            Ok(_) | Err(NoteError::Untrusted(_)) => {}
            Err(error) => findings.push(format!("`{path}`: {error}")),
        }
        let in_force = successors.iter().rev().find(|(seq, _)| *seq < checkpoint.size);
        if let (CHECKPOINT, Some((seq, key))) = (path.as_str(), in_force)
            && matches!(note.checked(std::slice::from_ref(key)), Err(NoteError::Untrusted(_)))
        {
            findings.push(format!("`{path}` is not signed by `{key}`, which record {seq} made its key"));
        }
    }
    findings
}

/// Compares what is said with what is there.
fn judge(
    walk: &Walk,
    claims: &[Claim],
    asked: &Asked<'_>,
    head: Option<Checkpoint>,
    pending: Option<&Pending>,
    mut findings: Vec<String>,
) -> Verdict {
    let size = walk.size();
    let signed = head.as_ref().map_or(0, |head| head.size);
    let ahead = pending.map_or(signed, |pending| pending.checkpoint.size.max(signed));
    findings.extend_from_slice(walk.findings());
    // Up to where somebody who is trusted says that it is so.
    let (mut vouched, mut broken) = (0, size < signed);
    // Keys that are not trusted any more signed before those that are (of one size both may have), and a record says that
    // these came after them.
    let newer_keys = claims.iter().filter(|of| of.trusted).map(|of| of.checkpoint.size).min();
    let changes = walk.successors().iter().filter(|(_, key)| asked.keys.contains(key)).map(|(seq, _)| *seq);
    let changed_at = if asked.is_own { Some(u64::MAX) } else { changes.max() };
    let is_of_before = |size: u64| {
        newer_keys.is_none_or(|from| size <= from) && changed_at.is_some_and(|change| size <= change)
    };
    for Claim { path, checkpoint, trusted, .. } in claims {
        let covered = checkpoint.size;
        if !trusted && !is_of_before(covered) {
            findings.push(format!(
                "`{path}` is signed by nobody who is trusted, nor by whom a trusted key came after (if by an older key \
                 of yours, give that too)"
            ));
        }
        match walk.root_at(covered) {
            Some(root) if root == checkpoint.root => {
                vouched = vouched.max(if *trusted { covered } else { 0 })
            }
            Some(_) => {
                broken = true;
                findings.push(format!("the first {covered} records are not those that `{path}` covers"));
            }
            // One that came while the log was walked, behind where it began anew, is not looked at.
            None if covered <= size => {}
            None => findings.push(format!("`{path}` covers {covered} records, of which {size} are there")),
        }
        if covered > ahead {
            findings.push(format!("`{path}` covers {covered} records, and `{CHECKPOINT}` only {signed}"));
        }
    }
    findings.extend(walk.tiles().iter().map(|wrong| wrong.what.clone()));
    let unsigned = head.as_ref().and_then(|head| beyond(walk, head, pending));
    findings.extend(unsigned.clone());
    if let (Some(head), true) = (head, findings.is_empty()) {
        let is_named =
            asked.keys.first().is_none_or(|key| walk.successors().iter().any(|(_, named)| named == key));
        let is_unnamed = !is_named && (asked.keys.len() > 1 || claims.iter().any(|of| !of.trusted));
        return Verdict::Whole(Whole { checkpoint: head, behind: size.saturating_sub(signed), is_unnamed });
    }
    // Whatever is before `vouched` is signed as it stands: a tile that speaks against it is itself what was changed.
    let of_tiles =
        |level: fn(u8) -> bool| walk.tiles().iter().filter(move |t| level(t.level)).map(|t| t.first).min();
    let of_tiles = of_tiles(|level| level == 0).or_else(|| of_tiles(|level| level > 0));
    let short = (size < signed).then_some(size);
    let of_records = [walk.first_odd(), of_tiles, short].into_iter().flatten();
    let of_records = of_records.filter(|seq| broken && *seq >= vouched).min();
    let unsigned = unsigned.map(|_| signed);
    let exact = of_records.into_iter().chain(unsigned).min();
    let exact = exact.or(if broken { None } else { of_tiles.or(walk.first_odd()) });
    // What is there and signed as it stands is not in doubt, whoever else signed what; records that are gone are.
    let is_in_doubt =
        broken || claims.iter().any(|of| of.trusted && of.checkpoint.size > size) || vouched < size;
    let first_bad = exact.or(is_in_doubt.then_some(vouched));
    Verdict::Damaged(Damage { first_bad, exact: exact.is_some(), findings })
}

/// What stands behind the checkpoint must be what is about to be signed, or a part of it. In a copy, where only the checkpoint is
/// announced, it must be all of it.
fn beyond(walk: &Walk, head: &Checkpoint, pending: Option<&Pending>) -> Option<String> {
    let behind = walk.behind();
    let fits = |pending: &Pending| match pending {
        Pending { lines, checkpoint, .. } if lines.is_empty() => walk.ends_with(checkpoint),
        Pending { lines, .. } => lines.starts_with(behind) && walk.continues(pending),
    };
    let pending = pending.filter(|pending| pending.checkpoint.size > head.size);
    (!behind.is_empty() && !pending.is_some_and(fits))
        .then(|| format!("what stands from record {} on is under no signature", head.size))
}

/// Roots by size.
pub(crate) type Roots = std::collections::BTreeMap<u64, Hash>;
