//! A stream of bytes in frames: length (4 bytes), content, sum (8 bytes), all little-endian; the last frame is empty. Each
//! sum goes on from the one before, so a frame that is damaged, missing, doubled or out of its turn is seen before its
//! content is used, and so is a stream that ends early.
use crate::sum::step;
use std::io::{self, Read, Write};

/// Content of a frame at which it is closed.
const FRAME: usize = 1 << 16;
/// No frame is longer: what is in it is written at once.
const FRAME_MAX: usize = FRAME + (1 << 14);

/// Goes on from `sum` over the length and the words of `content`. A change within one word always shows, any other but for
/// one in 2^64.
fn sum_up(sum: u64, content: &[u8]) -> u64 {
    let (words, rest) = content.as_chunks::<8>();
    let sum =
        words.iter().fold(step(sum, content.len() as u64), |sum, word| step(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}

/// Writes frames.
pub(crate) struct Writer<'a> {
    sink: &'a mut dyn Write,
    content: Vec<u8>,
    sum: u64,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(sink: &'a mut dyn Write) -> Self {
        Self { sink, content: Vec::with_capacity(FRAME_MAX), sum: 0 }
    }

    /// Adds what `put` appends, a few KiB at most, to the frame.
    pub(crate) fn add(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        put(&mut self.content);
        if self.content.len() < FRAME { Ok(()) } else { self.close() }
    }

    /// Ends the frame, unless nothing is in it.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if self.content.is_empty() { Ok(()) } else { self.write() }
    }

    /// Ends the stream.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.close()?;
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.sum = sum_up(self.sum, &self.content);
        self.sink.write_all(&(self.content.len() as u32).to_le_bytes())?;
        self.sink.write_all(&self.content)?;
        self.sink.write_all(&self.sum.to_le_bytes())?;
        self.content.clear();
        Ok(())
    }
}

/// Reads frames.
pub(crate) struct Reader {
    source: Box<dyn Read + Send>,
    sum: u64,
}

impl Reader {
    pub(crate) fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, sum: 0 }
    }

    /// Puts the next frame's content into `content`; empty at the end of the stream.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for damage, and whatever the source fails with.
    pub(crate) fn next(&mut self, content: &mut Vec<u8>) -> io::Result<()> {
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let (mut len, mut sum) = ([0; 4], [0; 8]);
        self.source.read_exact(&mut len)?;
        let len = u32::from_le_bytes(len) as usize;
        if len > FRAME_MAX {
            return Err(damaged("a frame is too long"));
        }
        content.resize(len, 0);
        self.source.read_exact(content)?;
        self.source.read_exact(&mut sum)?;
        self.sum = sum_up(self.sum, content);
        if u64::from_le_bytes(sum) == self.sum { Ok(()) } else { Err(damaged("a checksum differs")) }
    }
}
