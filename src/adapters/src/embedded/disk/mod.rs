//! The files below the library: a small surface of our own, so that tests can put faults there.
mod checked;
mod directory;
mod health;

pub(super) use checked::Checked;
pub use directory::Directory;
pub use health::{Health, Illness};

use std::{fmt, io, sync::Arc};

/// One open file. Reads and writes are at offsets; nothing is durable before [`Disk::sync_data`].
pub trait Disk: fmt::Debug + Send + Sync {
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
    /// Fills `out` from `offset`; an end of file before that is an error.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Writes all of `data` at `offset`, growing the file as needed.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Cuts or grows (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Returns when all that was written is durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// A directory of files. Changes of names are durable when the call returns.
pub trait Volume: fmt::Debug + Send + Sync {
    /// Opens a file, creating it if there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>>;
    /// Whether there is a file of that name.
    fn exists(&self, name: &str) -> io::Result<bool>;
    /// Renames a file, replacing one that has the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, if there is one.
    fn remove(&self, name: &str) -> io::Result<()>;
}
