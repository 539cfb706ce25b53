//! How commands end and how they print.
use std::{
    fmt::Display,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Why output was not written, of the first that was not.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Whether whoever read standard output has gone.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For people; nothing where all was said already.
    pub(crate) text: String,
    /// 1: it failed; 2: what was asked or given makes no sense.
    pub(crate) code: u8,
}

impl Failure {
    pub(crate) fn failed(text: impl Display) -> Self {
        Self { text: text.to_string(), code: 1 }
    }
    pub(crate) fn usage(text: impl Display) -> Self {
        Self { text: text.to_string(), code: 2 }
    }
}

/// Prints a line; whoever reads no further (`| head`) has seen enough.
pub(crate) fn say(line: impl Display) {
    remember(writeln!(io::stdout(), "{line}"));
}

/// Standard output for what is much; as of [`say`], whoever reads no further has seen enough.
pub(crate) struct Out;

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_unread(io::stdout().write(bytes), bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        unless_unread(io::stdout().flush(), ())
    }
}

/// What was written, or what it would have been where nobody reads it any more.
fn unless_unread<T>(written: io::Result<T>, would_be: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            UNREAD.store(true, Ordering::Relaxed);
            Ok(would_be)
        }
        done => done,
    }
}

/// Whether more of standard output is of no use, as was seen when something was written: nobody reads it, or there is no room.
pub(crate) fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed) || UNWRITTEN.get().is_some()
}

/// Takes note of what could not be written. [`all_written`] tells of it at the end.
pub(crate) fn remember(written: io::Result<()>) {
    if let Err(error) = unless_unread(written, ()) {
        let _ = UNWRITTEN.set(error.to_string());
    }
}

/// Whether all that was printed was written: a full disk must not look like an answer that is short.
pub(crate) fn all_written() -> Outcome {
    remember(io::stdout().flush());
    match UNWRITTEN.get() {
        None => Ok(()),
        Some(why) => Err(Failure::failed(format!("the output could not be written: {why}"))),
    }
}

/// Prints a line for people, beside the output proper.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A file that has its name once it is whole; what had it before stays until then. Gone where it is not kept.
pub(crate) struct Draft {
    file: fs::File,
    path: PathBuf,
    /// Where it is written; none where it can have no other name.
    beside: Option<PathBuf>,
}

impl Draft {
    /// Begins one, with the mode of the file that it replaces. Of a link it is what the link leads to; devices and pipes are
    /// written as they are.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let old = match fs::metadata(&path) {
            Ok(old) if !old.is_file() => {
                return Ok(Self { file: fs::File::create(&path)?, path, beside: None });
            }
            old => old.ok(),
        };
        let beside = path.with_added_extension("new");
        let file = fs::File::create(&beside)?;
        let draft = Self { file, path, beside: Some(beside) };
        if let Some(old) = old {
            draft.file.set_permissions(old.permissions())?;
        }
        Ok(draft)
    }

    /// To write to.
    pub(crate) fn file(&self) -> io::Result<fs::File> {
        self.file.try_clone()
    }

    /// Gives it its name.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        if let Some(beside) = &self.beside {
            self.file.sync_all()?;
            fs::rename(beside, &self.path)?;
            self.beside = None;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            drop(fs::remove_file(beside));
        }
    }
}

/// What each command returns.
pub(crate) type Outcome = Result<(), Failure>;

/// Prints one JSON value as pretty text.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Outcome {
    say(serde_json::to_string_pretty(value).map_err(Failure::failed)?);
    Ok(())
}

/// Rows as a table with aligned columns; the first row is the head. `right` marks columns of numbers.
pub(crate) fn print_table(rows: &[Vec<String>], right: &[bool]) {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(width(column).saturating_sub(cell.chars().count()));
            let (before, after) =
                if right.get(column) == Some(&true) { (pad.as_str(), "") } else { ("", pad.as_str()) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        say(line.trim_end());
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

/// When work began of which is told how long it took.
#[expect(clippy::disallowed_methods, reason = "measures how long a command takes, decides nothing")]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}

/// A figure of a table; a dash where there is none.
pub(crate) fn figure(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

#[cfg(test)]
mod tests {
    use super::{Draft, figure, grouped};
    use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path};

    #[test]
    fn a_figure_has_four_digits_or_is_none() {
        assert_eq!([Some(0.5), Some(-0.00004), None].map(figure), ["0.5000", "-0.0000", "-"]);
    }

    #[test]
    fn a_draft_takes_the_place_of_a_file_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("board.csv"), dir.path().join("link"));
        let there = || {
            let names = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        let draft = Draft::new(&path).unwrap();
        draft.file().unwrap().write_all(b"old").unwrap();
        assert_eq!(there(), ["board.csv.new"]);
        draft.keep().unwrap();
        assert_eq!((there(), fs::read(&path).unwrap()), (vec!["board.csv".to_owned()], b"old".to_vec()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let begun = || {
            let draft = Draft::new(&link).unwrap();
            draft.file().unwrap().write_all(b"new").unwrap();
            draft
        };
        drop(begun());
        assert_eq!((there().len(), fs::read(&path).unwrap()), (2, b"old".to_vec()));
        begun().keep().unwrap();
        assert_eq!((there().len(), fs::read(&link).unwrap()), (2, b"new".to_vec()));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        // Nothing takes the place of a device.
        let device = Draft::new(Path::new("/dev/null")).unwrap();
        assert!(device.beside.is_none());
        device.keep().unwrap();
        assert!(Draft::new(dir.path()).is_err() && Draft::new(&path.join("x")).is_err());
    }

    #[test]
    fn thousands_are_apart() {
        let shown: Vec<String> = [0, 999, 1_000, 1_234_567].map(grouped).to_vec();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
