//! Segments: files of records, one a line, named by the sequence of their first.
use crate::{
    disk::{Files, SEGMENTS},
    hash::{Hash, leaf_hash, sha256},
    log::{LogError, damaged, io as io_error},
};
use std::io;

const SUFFIX: &str = ".jsonl";
const DIGITS: usize = 20;

/// The file of the segment that begins at `first`.
#[must_use]
pub fn path(first: u64) -> String {
    format!("{SEGMENTS}/{first:020}{SUFFIX}")
}

/// The first sequence of each segment, in order, and names that look like segments and are none.
pub fn segments(files: &dyn Files) -> io::Result<(Vec<u64>, Vec<String>)> {
    let (mut firsts, mut strange) = (Vec::new(), Vec::new());
    for name in files.list(SEGMENTS)? {
        let Some(digits) = name.strip_suffix(SUFFIX) else { continue };
        let plain = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        match digits.parse() {
            Ok(first) if plain => firsts.push(first),
            _ => strange.push(name),
        }
    }
    firsts.sort_unstable();
    strange.sort_unstable();
    Ok((firsts, strange))
}

/// A line of a segment and its hash; the last one may have no end.
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) hash: Hash,
    /// Where it begins in the segment.
    pub(crate) at: usize,
    /// Whether a line feed follows.
    pub(crate) ended: bool,
}

/// Gives each line to `each`, until it says `false`. The byte before a line is lent to its hash, so that none is copied.
pub(crate) fn lines(segment: &mut [u8], mut each: impl FnMut(Line<'_>) -> bool) {
    let mut at = 0;
    while at < segment.len() {
        let rest = segment.get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map(|len| at + len);
        let stop = end.unwrap_or(segment.len());
        let hash = match at.checked_sub(1) {
            None => leaf_hash(segment.get(at..stop).unwrap_or_default()),
            Some(before) => {
                if let Some(byte) = segment.get_mut(before) {
                    *byte = 0;
                }
                let hash = sha256(segment.get(before..stop).unwrap_or_default());
                if let Some(byte) = segment.get_mut(before) {
                    *byte = b'\n';
                }
                hash
            }
        };
        let bytes = segment.get(at..stop).unwrap_or_default();
        if !each(Line { bytes, hash, at, ended: end.is_some() }) {
            return;
        }
        at = stop + 1;
    }
}

/// Gives the line and hash of each record from `from` to before `to`; all of them must be there.
pub(crate) fn records(
    files: &dyn Files,
    from: u64,
    to: u64,
    each: &mut dyn FnMut(&[u8], Hash),
) -> Result<(), LogError> {
    let (firsts, _) = segments(files).map_err(io_error(SEGMENTS))?;
    let begin = firsts.iter().rposition(|first| *first <= from).unwrap_or_default();
    let mut seq = from;
    for first in firsts.into_iter().skip(begin) {
        if seq == to {
            break;
        }
        let path = path(first);
        if first > seq {
            return Err(damaged(&path, format!("record {seq} should stand before it")));
        }
        let mut text = files.read(&path).map_err(io_error(&path))?.unwrap_or_default();
        let skipped = usize::try_from(seq - first).unwrap_or(usize::MAX);
        let start = match skipped.checked_sub(1) {
            None => Some(0),
            Some(nth) => memchr::memchr_iter(b'\n', &text).nth(nth).map(|end| end + 1),
        };
        let Some(text) = start.and_then(|start| text.get_mut(start..)) else { continue };
        lines(text, |line| {
            if seq == to || !line.ended {
                return false;
            }
            each(line.bytes, line.hash);
            seq += 1;
            true
        });
    }
    if seq < to {
        return Err(damaged(SEGMENTS, format!("there is no record {seq}; the checkpoint covers {to}")));
    }
    Ok(())
}
