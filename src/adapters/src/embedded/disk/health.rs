use parking_lot::Mutex;
use std::io;

/// What is wrong with a file, as seen below the library; the worst that was met stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Illness {
    /// No room: what was being written is not there, and can be written again once there is room.
    Full(String),
    /// Bytes that are not what was written.
    Damaged(String),
    /// Reads or writes fail.
    Io(String),
    /// A sync failed: nobody knows what of the unsynced writes is on the disk, now or later.
    Sync(String),
}

/// The record of one open file's illness.
#[derive(Debug, Default)]
pub struct Health(Mutex<Option<Illness>>);

impl Health {
    /// The worst so far.
    #[must_use]
    pub fn illness(&self) -> Option<Illness> {
        self.0.lock().clone()
    }
    /// Notes an illness, unless a worse one is known.
    pub(super) fn note(&self, illness: Illness) {
        let mut worst = self.0.lock();
        if worst.as_ref().is_none_or(|known| *known < illness) {
            *worst = Some(illness);
        }
    }
    /// Notes a failed read or write.
    pub(super) fn note_io(&self, what: &str, error: &io::Error) {
        use io::ErrorKind::{QuotaExceeded, StorageFull, UnexpectedEof};
        let text = format!("{what}: {error}");
        self.note(match error.kind() {
            StorageFull | QuotaExceeded => Illness::Full(text),
            UnexpectedEof => Illness::Damaged(text),
            _ => Illness::Io(text),
        });
    }
}
