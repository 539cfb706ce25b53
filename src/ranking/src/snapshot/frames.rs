//! A stream of bytes in frames: length (4 bytes), content, sum (8 bytes), all little-endian. Each sum goes on from the one
//! before, so a frame that is damaged, missing, doubled or out of its turn is seen before its content is used.
use super::SnapshotError;

/// Content of a frame at which it is closed.
const FRAME: usize = 1 << 16;
/// No frame is longer: what is in it is written at once.
const FRAME_MAX: usize = FRAME + 256;

/// Goes on from `sum` over the length and the words of `content`. Every step is a bijection, of the sum as well as of the
/// word: a change within one word always shows, any other but for one in 2^64.
fn sum_up(sum: u64, content: &[u8]) -> u64 {
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = content.as_chunks::<8>();
    let sum =
        words.iter().fold(step(sum, content.len() as u64), |sum, word| step(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}

/// Writes frames.
pub(super) struct Writer<S> {
    sink: S,
    content: Vec<u8>,
    sum: u64,
}

impl<E, S: FnMut(&[u8]) -> Result<(), E>> Writer<S> {
    pub(super) fn new(sink: S) -> Self {
        Self { sink, content: Vec::with_capacity(FRAME_MAX), sum: 0 }
    }

    /// Adds what `put` appends, a few dozen bytes, to the frame.
    pub(super) fn add(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), E> {
        put(&mut self.content);
        if self.content.len() < FRAME { Ok(()) } else { self.close() }
    }

    /// Ends the frame, unless nothing is in it.
    pub(super) fn close(&mut self) -> Result<(), E> {
        if self.content.is_empty() {
            return Ok(());
        }
        self.sum = sum_up(self.sum, &self.content);
        (self.sink)(&(self.content.len() as u32).to_le_bytes())?;
        (self.sink)(&self.content)?;
        (self.sink)(&self.sum.to_le_bytes())?;
        self.content.clear();
        Ok(())
    }
}

/// Reads frames.
pub(super) struct Reader<S> {
    source: S,
    content: Vec<u8>,
    at: usize,
    sum: u64,
}

impl<E, S: FnMut(&mut [u8]) -> Result<(), E>> Reader<S> {
    pub(super) fn new(source: S) -> Self {
        Self { source, content: Vec::new(), at: 0, sum: 0 }
    }

    fn fill(&mut self) -> Result<(), SnapshotError<E>> {
        let mut len = [0; 4];
        (self.source)(&mut len).map_err(SnapshotError::Read)?;
        let len = u32::from_le_bytes(len) as usize;
        if len > FRAME_MAX {
            return Err(SnapshotError::Damaged { what: "a frame is too long" });
        }
        self.content.resize(len, 0);
        (self.source)(&mut self.content).map_err(SnapshotError::Read)?;
        let mut sum = [0; 8];
        (self.source)(&mut sum).map_err(SnapshotError::Read)?;
        self.sum = sum_up(self.sum, &self.content);
        if u64::from_le_bytes(sum) != self.sum {
            return Err(SnapshotError::Damaged { what: "a checksum differs" });
        }
        self.at = 0;
        Ok(())
    }

    /// The next bytes, which lie in one frame.
    pub(super) fn take(&mut self, bytes: usize) -> Result<&[u8], SnapshotError<E>> {
        if self.at == self.content.len() {
            self.fill()?;
        }
        let taken = self.content.get(self.at..self.at + bytes);
        self.at += bytes;
        taken.ok_or(SnapshotError::Damaged { what: "a frame is too short" })
    }

    pub(super) fn number(&mut self) -> Result<u64, SnapshotError<E>> {
        let mut number = [0; 8];
        number.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(number))
    }

    pub(super) fn byte(&mut self) -> Result<u8, SnapshotError<E>> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    /// Nothing more may be in the last frame.
    pub(super) fn end(&self) -> Result<(), SnapshotError<E>> {
        let is_at_end = self.at == self.content.len();
        if is_at_end { Ok(()) } else { Err(SnapshotError::Damaged { what: "more than was announced" }) }
    }
}
