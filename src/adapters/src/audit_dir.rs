//! The files of an audit log in a directory.
use gsm_audit::{Disk, Files, Vault};
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Behind the name of a file that is not whole yet.
const DRAFT: &str = ".new";

/// A directory with an audit log, or without one.
#[derive(Debug, Clone)]
pub struct AuditDir {
    dir: PathBuf,
}

impl AuditDir {
    /// The log in `dir`; nothing is made before something is written.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The log of the server of a data directory.
    #[must_use]
    pub fn beside(data_dir: &Path) -> Self {
        Self::new(&data_dir.join("audit"))
    }

    /// Makes the directories of a file, durably, and gives its place.
    fn place(&self, path: &str) -> io::Result<PathBuf> {
        let file = self.dir.join(path);
        let parent = file.parent().unwrap_or(&self.dir);
        let mut missing: Vec<&Path> = parent.ancestors().take_while(|dir| is_missing(dir)).collect();
        while let Some(dir) = missing.pop() {
            match fs::create_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_dir(dir.parent())?,
            }
        }
        Ok(file)
    }
}

/// The empty path is the directory that one is in.
fn is_missing(dir: &Path) -> bool {
    !dir.as_os_str().is_empty() && !dir.exists()
}

fn sync_dir(dir: Option<&Path>) -> io::Result<()> {
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(dir)?.sync_all()
}

/// `None` where there is nothing of the name.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl Files for AuditDir {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in found(fs::read_dir(self.dir.join(dir)))?.into_iter().flatten() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(DRAFT) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        found(fs::read(self.dir.join(path)))
    }
}

impl Disk for AuditDir {
    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.place(path)?;
        let mut draft = file.clone().into_os_string();
        draft.push(DRAFT);
        let mut writing = fs::File::create(&draft)?;
        writing.write_all(bytes)?;
        writing.sync_all()?;
        fs::rename(&draft, &file)?;
        sync_dir(file.parent())
    }

    fn append(&mut self, path: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.place(path)?;
        let is_new = !file.exists();
        let mut writing = fs::OpenOptions::new().create(true).append(true).open(&file)?;
        if writing.metadata()?.len() != at {
            writing.set_len(at)?;
        }
        writing.write_all(bytes)?;
        writing.sync_data()?;
        if is_new { sync_dir(file.parent()) } else { Ok(()) }
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        let file = self.dir.join(path);
        let gone = if file.is_dir() { fs::remove_dir_all(&file) } else { fs::remove_file(&file) };
        found(gone).map(drop)
    }
}

/// A copy in a directory, which is as safe as the directory is: on another machine, or one that takes files only once.
impl Vault for AuditDir {
    fn put_new(&mut self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        let file = self.place(path)?;
        let mut draft = file.clone().into_os_string();
        draft.push(format!(".{}{DRAFT}", std::process::id()));
        let mut writing = fs::File::create(&draft)?;
        writing.write_all(bytes)?;
        writing.sync_all()?;
        // Unlike a rename, a link takes no other file's place.
        let linked = fs::hard_link(&draft, &file);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.and_then(|()| sync_dir(file.parent())).map(|()| true),
        }
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.replace(path, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_audit::{Limits, Log, Record, SigningKey, Verdict, ship, verify};

    #[test]
    fn a_relative_path_begins_in_a_directory_that_there_is() {
        let made: Vec<_> = Path::new("no/such/place").ancestors().take_while(|dir| is_missing(dir)).collect();
        assert_eq!(made, ["no/such/place", "no/such", "no"].map(Path::new));
    }

    #[test]
    fn a_copy_in_a_directory_is_a_log_that_can_be_checked_and_nothing_in_it_is_put_twice() {
        let dir = tempfile::tempdir().expect("a directory");
        let (files, mut copy) =
            (AuditDir::new(&dir.path().join("audit")), AuditDir::new(&dir.path().join("copy")));
        let key = || SigningKey::of("gsm/test", [7; 32]).expect("a key");
        let trusted = [key().verifier().clone()];
        for round in 1..=3u64 {
            let mut log = Log::open(files.clone(), vec![key()], Limits::default()).expect("opens");
            log.append(&vec![Record { name: "gsm:Test", ..Record::default() }; 300]).expect("appends");
            let shipped = ship(&files, &mut copy, &trusted, &mut |_| true).expect("ships");
            assert_eq!((shipped.before, shipped.size), ((round - 1) * 300, round * 300));
            let found = verify(&copy, &trusted, None);
            assert!(
                matches!(&found, Verdict::Whole(whole) if whole.checkpoint.size == round * 300),
                "{found:?}"
            );
        }
        let first = "segments/00000000000000000000.jsonl";
        let before = copy.read(first).expect("reads");
        assert!(!copy.put_new(first, b"another").expect("answers"));
        assert_eq!(copy.read(first).expect("reads"), before);
        let drafts = fs::read_dir(dir.path().join("copy/segments")).expect("reads").count();
        assert_eq!(drafts, 3, "no drafts are left");
    }

    #[test]
    fn a_log_in_a_directory_is_written_whole_and_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = AuditDir::new(&dir.path().join("audit"));
        let key = || SigningKey::of("gsm/test", [7; 32]).expect("a key");
        let trusted = [key().verifier().clone()];
        for round in 1..=3u64 {
            let mut log = Log::open(files.clone(), vec![key()], Limits::default()).expect("opens");
            assert_eq!(log.size(), (round - 1) * 300);
            let records = vec![Record { name: "gsm:Test", ..Record::default() }; 150];
            log.append(&records).expect("appends");
            log.append(&records).expect("appends");
            let found = verify(&files, &trusted, None);
            assert!(
                matches!(&found, Verdict::Whole(whole) if whole.checkpoint.size == round * 300),
                "{found:?}"
            );
        }
        // A draft that was left behind is no file of the log, and a file longer than it is known to be is cut off.
        fs::write(dir.path().join("audit/checkpoints/1.new"), "half").expect("writes");
        assert!(matches!(verify(&files, &trusted, None), Verdict::Whole(_)));
        let mut again = files.clone();
        again.append("segments/x", 0, b"abcdef").expect("appends");
        again.append("segments/x", 3, b"x").expect("appends");
        assert_eq!(files.read("segments/x").expect("reads"), Some(b"abcx".to_vec()));
        again.remove("tile").expect("removes");
        again.remove("tile").expect("nothing to remove");
        assert!(matches!(verify(&files, &trusted, None), Verdict::Damaged(_)));
    }
}
