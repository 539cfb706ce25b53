use super::{
    BlobError, Past,
    loose::Loose,
    segment::Slot,
    state::State,
    wire::{Kind, Reader, Writer},
};

/// A past as blobs: one for each segment, which never changes, and the index, which is all the rest. Both carry a
/// version and a sum; a damaged blob, or one that belongs elsewhere, is refused.
impl Past {
    /// How many segments there are; they are numbered from 0. A new one is always the last. O(1).
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The blob of a segment; `None` if there is no such segment or it is not in memory. O(its steps).
    #[must_use]
    pub fn segment_blob(&self, segment: usize) -> Option<Vec<u8>> {
        Some(self.segments.get(segment)?.segment.as_ref()?.blob().0)
    }

    /// The blob of the index: everything but the segments. A store writes it after the segments that it names.
    /// O(players + steps outside the segments).
    #[must_use]
    pub fn index_blob(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Index);
        out.count(self.segments.len());
        self.segments.iter().for_each(|slot| slot.write(&mut out));
        self.state.write(&mut out);
        self.head.write(&mut out);
        self.late.write(&mut out);
        out.finish().0
    }

    /// A past from the blob of its index. No segment is in memory; recent instants can be asked for at once.
    pub fn from_index(blob: &[u8]) -> Result<Self, BlobError> {
        let (mut input, _) = Reader::open(blob, Kind::Index)?;
        let count = input.count()?;
        let mut segments = Vec::new();
        for _ in 0..count {
            segments.push(Slot::read(&mut input)?);
        }
        let past = Self {
            segments,
            state: State::read(&mut input)?,
            head: Loose::read(&mut input)?,
            late: Loose::read(&mut input)?,
        };
        input.end()?;
        Ok(past)
    }

    /// Brings a segment into memory from its blob. Any other blob than that of this very segment is refused, one
    /// from before a [`compact`](Self::compact) too.
    pub fn provide(&mut self, segment: usize, blob: &[u8]) -> Result<(), BlobError> {
        self.segments.get_mut(segment).ok_or(BlobError::Other)?.load(blob)
    }

    /// Lets a segment go from memory; it can be provided again. Nothing happens if there is no such segment.
    pub fn evict(&mut self, segment: usize) {
        if let Some(slot) = self.segments.get_mut(segment) {
            slot.segment = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Step;
    use gsm_core::Timestamp;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn past() -> Past {
        let step = |n: i64| Step {
            at: at(n * n),
            before: (n % 7 > 0).then_some(n % 5 - 1),
            after: (n % 11 > 0).then_some(n % 5),
        };
        let mut past: Past = (0..160).map(step).collect();
        past.rewrite(&[step(20), step(90)], &[step(21), step(44)]);
        past
    }

    /// Asks what there is to ask of blobs with a right sum and wrong content.
    fn forge(blob: &[u8], kind: Kind, place: usize, byte: u8) -> Vec<u8> {
        let mut out = Writer::new(kind);
        let content = blob.get(18..).unwrap_or_default();
        for (at, &old) in content.iter().enumerate() {
            out.byte(if at == place % content.len() { byte } else { old });
        }
        out.finish().0
    }

    proptest! {
        /// Right sums need not mean right content: whatever it is, no answer panics or takes memory without end.
        #[test]
        fn a_forged_blob_is_refused_or_answers(place in any::<usize>(), byte in any::<u8>(), in_index in any::<bool>()) {
            let past = past();
            let (index, segment) = (past.index_blob(), past.segment_blob(0).unwrap_or_default());
            let forged = forge(if in_index { &index } else { &segment }, if in_index { Kind::Index } else { Kind::Segment }, place, byte);
            let mut read = if in_index { Past::from_index(&forged).unwrap_or_default() } else { past };
            if !in_index && let Some(slot) = read.segments.first_mut() {
                slot.trust(&forged);
                let _ = slot.load(&forged);
            }
            for time in (0..26_000).step_by(900) {
                let _ = (read.better_at(at(time), 1), read.players_at(at(time)));
            }
            read.append(Step { at: at(400), before: None, after: Some(3) });
            let _ = read.compact();
            let _ = read.index_blob();
        }
    }
}
