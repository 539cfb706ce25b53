//! The files of a log, whoever keeps them. Paths are relative to the log's directory, with `/` between their parts.
use std::io;

/// The directory of the records.
pub const SEGMENTS: &str = "segments";
/// The newest checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The directory of older ones, by size.
pub const CHECKPOINTS: &str = "checkpoints";
/// What is about to be appended, with the checkpoint that will cover it.
pub const PENDING: &str = "pending";
/// The keys that sign at present, for convenience: who checks a log brings his own copy.
pub const VKEY: &str = "log.vkey";

/// Reads files.
pub trait Files {
    /// The names in a directory, in any order; none where there is no such directory.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// A file's bytes; `None` where there is none.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;
}

/// Writes them.
pub trait Disk: Files {
    /// Puts a file in the place of another, whole or not at all; durable when this returns.
    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file off at `at` bytes (making it where there is none) and appends; durable when this returns. A failure may
    /// leave a part.
    fn append(&mut self, path: &str, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file, or a directory with all its files; nothing happens where there is none.
    fn remove(&mut self, path: &str) -> io::Result<()>;
}

/// Files as they are, of which a log may be opened without changing any: what is written is forgotten.
#[derive(Debug, Clone)]
pub struct Unwritten<F>(pub F);

impl<F: Files> Files for Unwritten<F> {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.read(path)
    }
}

impl<F: Files> Disk for Unwritten<F> {
    fn replace(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn append(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn remove(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
