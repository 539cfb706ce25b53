use super::disk::{Health, Illness};
use std::{fmt::Display, path::PathBuf};

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the data directory `{}` is in use by process `{pid}` hint: stop that server, or give this one another --data-dir", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// What the lock file says; `?` if it says nothing.
        pid: String,
    },
    /// A file does not hold what was written to it.
    #[error(
        "`{file}` is damaged: {what} hint: put the whole data directory of one backup back, `audit/` and the keys too, into an empty directory, or start the gsm that wrote the files; nothing was changed"
    )]
    Damaged {
        /// What was found.
        what: String,
        /// Where.
        file: String,
    },
    /// Written by a later release.
    #[error(
        "`{file}` has format `{found}`, this release reads up to `{known}` hint: start the newer release"
    )]
    NewerFormat {
        /// Which file.
        file: String,
        /// Its format.
        found: u64,
        /// The newest known here.
        known: u64,
    },
    /// The file system refused.
    #[error("`{}` could not be opened: {what} hint: check that it is a writable directory with free space", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        what: String,
    },
}

/// What went wrong below the store, judged by what the file layer saw rather than by the library's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// No room: can be written again once there is.
    #[error("disk full: {0}")]
    Full(String),
    /// Not what was written.
    #[error("{0}")]
    Damaged(String),
    /// Anything after which the files' state is not known.
    #[error("{0}")]
    Fatal(String),
    /// A format that this release does not know.
    #[error("format `{found}` is newer than `{known}`")]
    Newer {
        /// What was found.
        found: u64,
        /// What is known.
        known: u64,
    },
}

impl Fault {
    /// Judges a library error on the file `name`.
    pub(super) fn of(error: impl Display, name: &str, health: &Health) -> Self {
        match health.illness() {
            Some(Illness::Full(text)) => Self::Full(text),
            Some(Illness::Damaged(text)) => Self::Damaged(text),
            Some(Illness::Sync(text) | Illness::Io(text)) => Self::Fatal(text),
            None => Self::Damaged(format!("`{name}`: {error}")),
        }
    }
}
