//! Segments: files of records, one a line, named by the sequence of their first.
use crate::{
    disk::{Files, SEGMENTS},
    hash::{Hash, leaf_hash, sha256},
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
