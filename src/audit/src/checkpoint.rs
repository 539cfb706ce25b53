//! Checkpoints (C2SP `tlog-checkpoint`): which log, how many records, which root.
use crate::{
    hash::Hash,
    note::{Note, NoteError, SigningKey, VerifierKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of the keys that sign it.
    pub origin: String,
    /// Records.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The note that says it, signed by each of `keys`.
    #[must_use]
    pub fn signed(&self, keys: &[&SigningKey]) -> Note {
        let root = STANDARD.encode(self.root);
        Note::sign(&format!("{}\n{}\n{root}\n", self.origin, self.size), keys)
    }

    /// Reads a note's text, whoever signed it.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Shape;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(_)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("a checkpoint has three lines"));
        };
        let digits = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = Some(size).filter(|_| digits).and_then(|size| size.parse().ok());
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        match (origin.is_empty(), size, root) {
            (false, Some(size), Some(root)) => Ok(Self { origin: origin.to_owned(), size, root }),
            _ => Err(bad("its three lines are not origin, size and root")),
        }
    }

    /// Reads what a note says, whoever signed it.
    pub fn claimed(note: &[u8]) -> Result<Self, NoteError> {
        Self::parse(Note::parse(note)?.unchecked())
    }

    /// Reads a note that one of `keys` signed, of the log that is named as they are.
    pub fn trusted(note: &[u8], keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let found = Self::parse(Note::parse(note)?.checked(keys)?)?;
        if keys.iter().any(|key| key.name() == found.origin) {
            Ok(found)
        } else {
            Err(NoteError::Untrusted(format!("the log `{}`", found.origin)))
        }
    }
}
