//! Files that are whole or not there.
use super::ModelsError;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// Of a file that is being written; one that a stop left is written over.
const NEW: &str = "new";

fn blame(path: &Path) -> impl Fn(io::Error) -> ModelsError {
    let file = path.display().to_string();
    move |source| ModelsError::Io { file: file.clone(), source }
}

/// All of a file; none where there is none.
pub(super) fn take(path: &Path) -> Result<Option<Vec<u8>>, ModelsError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(blame(path)(error)),
    }
}

/// The names, without `suffix`, of the files of a directory that end so; none where there is no directory.
pub(super) fn names(dir: &Path, suffix: &str) -> Result<Vec<String>, ModelsError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(blame(dir)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(blame(dir))?.file_name();
        names.extend(name.to_string_lossy().strip_suffix(suffix).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// Puts a file in place of what was there, synced. Its directory is there.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), ModelsError> {
    let new = path.with_added_extension(NEW);
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    written().map_err(|error| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&new);
        blame(path)(error)
    })
}

/// Held by whoever writes; the system lets go of it when the process dies.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Self, ModelsError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(blame(dir))?;
        let path = dir.join("LOCK");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(blame(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(ModelsError::Locked { dir: dir.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(blame(&path)(error)),
        }
    }
}
