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
