//! A file that holds room on the disk, to be let go when the disk is full.
use super::disk::Volume;
use std::{io, sync::Arc};

/// The file's name in the data directory.
pub(super) const FILE: &str = "reserve";
static CHUNK: [u8; 1 << 16] = [0x5a; 1 << 16];

/// The reserve of one data directory.
#[derive(Debug)]
pub(super) struct Reserve {
    pub(super) volume: Arc<dyn Volume>,
    pub(super) bytes: u64,
}

impl Reserve {
    /// Makes the file unless it is there whole; an error means there is no room for it.
    pub(super) fn fill(&self) -> io::Result<()> {
        self.fill_with(0)
    }

    /// Makes it if there is as much room again beside it. Its own release must not look like an end of the want, or
    /// the store would go to and fro.
    pub(super) fn fill_again(&self) -> io::Result<()> {
        self.fill_with(self.bytes)
    }

    fn fill_with(&self, more: u64) -> io::Result<()> {
        if self.bytes == 0 {
            return Ok(());
        }
        let disk = self.volume.open(FILE)?;
        if disk.len()? == self.bytes {
            return Ok(());
        }
        disk.set_len(0)?;
        let (mut at, end) = (0, self.bytes + more);
        let whole = (|| {
            while at < end {
                let part = usize::try_from(end - at).unwrap_or(CHUNK.len()).min(CHUNK.len());
                disk.write_at(at, CHUNK.get(..part).unwrap_or(&CHUNK))?;
                at += part as u64;
            }
            disk.set_len(self.bytes)?;
            disk.sync_data()
        })();
        if whole.is_err() {
            // Leave the room to others rather than hold a part of it.
            disk.set_len(0)?;
        }
        whole
    }

    /// Gives the room back.
    pub(super) fn release(&self) {
        if let Err(error) = self.volume.remove(FILE) {
            tracing::warn!(%error, "the reserve could not be released");
        }
    }
}
