//! Blobs: what a store keeps of a past, with a version and a sum.

/// Why a blob was refused. Nothing of it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// Written by a later version of this crate, or no blob of a past at all.
    #[error("the blob has format `{found}`, which is unknown here")]
    Format {
        /// Its first byte.
        found: u8,
    },
    /// Its bytes are not those that were written.
    #[error("the blob is damaged")]
    Damaged,
    /// A sound blob, but not the one asked for: another kind, segment, board or generation.
    #[error("the blob is not the one that belongs here")]
    Other,
}

/// The sum fits, the content does not: a writer's fault, or a forged blob.
#[derive(Debug, Clone, Copy)]
pub(super) struct Damage;

impl From<Damage> for BlobError {
    fn from(Damage: Damage) -> Self {
        Self::Damaged
    }
}

/// The first 16 bytes of the BLAKE3 hash of what a blob holds.
pub(super) type Sum = [u8; 16];

/// What a blob holds; its second byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Segment = 1,
    Index = 2,
}

const FORMAT: u8 = 1;
const HEAD: usize = 2 + size_of::<Sum>();

/// Format, kind, sum, then the content, all numbers little-endian.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new(kind: Kind) -> Self {
        let mut bytes = vec![0; HEAD];
        bytes.splice(..2, [FORMAT, kind as u8]);
        Self(bytes)
    }

    pub(super) fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    #[cfg(test)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, number: i64) {
        self.word(number.cast_unsigned());
    }

    pub(super) fn count(&mut self, count: usize) {
        self.word(count as u64);
    }

    pub(super) fn sum(&mut self, sum: &Sum) {
        self.0.extend_from_slice(sum);
    }

    /// The blob and its sum.
    pub(super) fn finish(self) -> (Vec<u8>, Sum) {
        let mut bytes = self.0;
        let sum = sum_of(&bytes);
        bytes.splice(2..HEAD, sum);
        (bytes, sum)
    }
}

/// Over the format, the kind and the content.
fn sum_of(blob: &[u8]) -> Sum {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blob.get(..2).unwrap_or_default());
    hasher.update(blob.get(HEAD..).unwrap_or_default());
    let mut sum = Sum::default();
    sum.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    sum
}

/// Reads what a [`Writer`] wrote, and never more than there is.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Refuses a blob of another format, whose sum does not fit, or of another kind; tells the sum.
    pub(super) fn open(blob: &'a [u8], kind: Kind) -> Result<(Self, Sum), BlobError> {
        let (Some(&format), Some(&found)) = (blob.first(), blob.get(1)) else {
            return Err(BlobError::Damaged);
        };
        if format != FORMAT {
            return Err(BlobError::Format { found: format });
        }
        let sum = sum_of(blob);
        if blob.get(2..HEAD) != Some(sum.as_slice()) {
            return Err(BlobError::Damaged);
        }
        if found != kind as u8 {
            return Err(BlobError::Other);
        }
        Ok((Self(blob.get(HEAD..).unwrap_or_default()), sum))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Damage)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn word(&mut self) -> Result<u64, Damage> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    pub(super) fn number(&mut self) -> Result<i64, Damage> {
        Ok(self.word()?.cast_signed())
    }

    pub(super) fn count(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.word()?).map_err(|_| Damage)
    }

    pub(super) fn sum(&mut self) -> Result<Sum, Damage> {
        self.take()
    }

    pub(super) fn words(&mut self, count: usize) -> Result<Vec<u64>, Damage> {
        // What is taken has this length, so a false count takes no memory.
        let (bytes, rest) = self.0.split_at_checked(count.checked_mul(8).ok_or(Damage)?).ok_or(Damage)?;
        self.0 = rest;
        let (words, _) = bytes.as_chunks();
        Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    /// Refuses bytes that nobody asked for.
    pub(super) fn end(self) -> Result<(), Damage> {
        if self.0.is_empty() { Ok(()) } else { Err(Damage) }
    }
}
