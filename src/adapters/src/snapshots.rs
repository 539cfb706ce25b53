//! Snapshots of boards as files: `<board>.board` in a directory of their own.
use gsm_core::BoardName;
use gsm_engine::Snapshots;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const SUFFIX: &str = ".board";
/// Of a file that is being written; one that a crash left is written over.
const NEW: &str = ".new";
/// Bytes that are handed to the system at once.
const BUFFER: usize = 1 << 20;
/// Bytes after which the disk is waited for, so that other syncs never stand behind a whole snapshot.
const SYNC_EVERY: u64 = 8 << 20;

/// The snapshots of a server, made private to it.
#[derive(Debug)]
pub struct SnapshotFiles(PathBuf);

impl SnapshotFiles {
    /// Those in a directory, which is made with the first.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    fn path(&self, name: &BoardName) -> PathBuf {
        self.0.join(format!("{name}{SUFFIX}"))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

/// `None` where there is no such file.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl Snapshots for SnapshotFiles {
    fn names(&self) -> io::Result<Vec<BoardName>> {
        let mut names = Vec::new();
        for entry in there(fs::read_dir(&self.0))?.into_iter().flatten() {
            let file = entry?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(SUFFIX));
            names.extend(name.and_then(|name| BoardName::new(name).ok()));
        }
        Ok(names)
    }

    fn read(&self, name: &BoardName) -> io::Result<Option<Box<dyn Read + Send>>> {
        let file = there(File::open(self.path(name)))?;
        Ok(file.map(|file| Box::new(BufReader::with_capacity(BUFFER, file)) as _))
    }

    fn replace(
        &self,
        name: &BoardName,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let path = self.path(name);
        let new = self.0.join(format!("{name}{SUFFIX}{NEW}"));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut out = BufWriter::with_capacity(BUFFER, Steady { file, unsynced: 0 });
        let written = fill(&mut out).and_then(|()| out.flush()).and_then(|()| out.get_ref().file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&new, &path)) {
            // The first error is the one to tell.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        self.sync_names()
    }

    fn remove(&self, name: &BoardName) -> io::Result<()> {
        match there(fs::remove_file(self.path(name)))? {
            Some(()) => self.sync_names(),
            None => Ok(()),
        }
    }
}

/// A file that does not run far ahead of its disk.
struct Steady {
    file: File,
    unsynced: u64,
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
