//! The segments of a log, each read when somebody comes to it: a copy may lie far away.
use super::unusable;
use crate::output::Failure;
use gsm_audit::{CHECKPOINT, Files, segment_path};

/// A log's files, and where its segments begin.
pub(super) struct Segments {
    files: Box<dyn Files>,
    /// The first record of each, in order.
    firsts: Vec<u64>,
}

impl Segments {
    /// Lists them; none is read.
    pub(super) fn of(files: Box<dyn Files>) -> Result<Self, Failure> {
        let mut segments = Self { files, firsts: Vec::new() };
        segments.list()?;
        Ok(segments)
    }

    /// Lists them anew.
    pub(super) fn list(&mut self) -> Result<(), Failure> {
        (self.firsts, _) = gsm_audit::segments(&*self.files).map_err(unusable)?;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.firsts.is_empty()
    }

    /// The newest checkpoint: as long as it stays the same, no records came.
    pub(super) fn checkpoint(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.files.read(CHECKPOINT).map_err(unusable)
    }

    /// The first record and the bytes of each segment from the one on that has record `seq`.
    pub(super) fn from(&self, seq: u64) -> impl DoubleEndedIterator<Item = Result<(u64, Vec<u8>), Failure>> {
        let begin = self.firsts.iter().rposition(|first| *first <= seq).unwrap_or_default();
        self.firsts.iter().skip(begin).map(|first| {
            let text = self.files.read(&segment_path(*first)).map_err(unusable)?;
            Ok((*first, text.unwrap_or_default()))
        })
    }
}

/// The records of a segment, without their ends. A line without an end is not written to its end yet.
pub(super) fn whole_lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")).collect()
}
