//! One server per data directory.
use super::OpenError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The file's name in the data directory.
pub(super) const FILE: &str = "LOCK";

/// Held as long as it lives; the system lets go of it when the process dies.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the directory, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(FILE);
        let broken = |error: std::io::Error| OpenError::Io { path: path.clone(), what: error.to_string() };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(broken)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = file.take(32).read_to_string(&mut pid);
                let pid = if read.is_ok() && !pid.trim().is_empty() {
                    pid.trim().to_owned()
                } else {
                    "?".to_owned()
                };
                return Err(OpenError::Locked { dir: dir.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(broken(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        match written {
            // The lock counts, not the number in it: on a full disk the store must still open.
            Err(error) if error.kind() != std::io::ErrorKind::StorageFull => Err(broken(error)),
            _ => Ok(Self(file)),
        }
    }
}
