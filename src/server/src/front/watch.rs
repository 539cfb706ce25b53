//! Files that are read again when they change.
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// What tells a file's content from another: its times to the nanosecond, its place and its length; and its mode, for which
/// a file may have been refused.
pub(crate) type Mark = (i64, i64, u64, u64, u32);

/// A file, and how it looked when it was last read.
#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    seen: Option<Mark>,
}

/// How a file looks now; `None` where that cannot be told.
pub(crate) fn mark(path: &Path) -> Option<Mark> {
    let of = fs::metadata(path).ok()?;
    Some((of.mtime(), of.mtime_nsec(), of.ino(), of.len(), of.mode()))
}

impl FileWatch {
    /// The file as it is now.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: mark(path) }
    }

    /// Whether it is another file than at the last look. A file that is gone for a moment has not changed.
    pub fn has_changed(&mut self) -> bool {
        let now = mark(&self.path);
        let changed = now.is_some() && now != self.seen;
        if changed {
            self.seen = now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_change_is_seen_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "a").unwrap();
        let mut watch = FileWatch::new(&path);
        assert!(!watch.has_changed());
        fs::write(dir.path().join("new"), "b").unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert!(watch.has_changed() && !watch.has_changed());
        fs::remove_file(&path).unwrap();
        assert!(!watch.has_changed(), "gone is not changed");
        fs::write(&path, "longer").unwrap();
        assert!(watch.has_changed());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(watch.has_changed() && !watch.has_changed());
    }
}
