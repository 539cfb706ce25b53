use gsm_ml::{FileError, Refusal};

/// Why a registry of models cannot do what is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// A file or directory cannot be used.
    #[error("cannot use `{file}`: {source}")]
    Io {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Another command writes.
    #[error("another command is at `{dir}`; repeat it when that has ended")]
    Locked {
        /// The directory.
        dir: String,
    },
    /// The ledger is not as it was written.
    #[error(
        "the ledger `{file}` is damaged ({what}); put back a copy of it, or move the directory away and train again"
    )]
    Ledger {
        /// The ledger's file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// There are model files, and nothing that says what they are.
    #[error(
        "the ledger `{ledger}` is missing while there are model files (`{file}`): put back a copy of it, or move the files away"
    )]
    NoLedger {
        /// The ledger's file.
        ledger: String,
        /// One of the model files.
        file: String,
    },
    /// There is no such version.
    #[error("there is no version {version}; `gsm model list` shows those there are")]
    NoSuchVersion {
        /// What was asked for.
        version: u32,
    },
    /// A version's file is not there.
    #[error("the model file `{file}` is gone; put back a copy of it")]
    Gone {
        /// The file.
        file: String,
    },
    /// A version's file cannot be used.
    #[error("`{file}` (hash {hash}): {error}")]
    File {
        /// The file.
        file: String,
        /// The hash that the ledger knows.
        hash: String,
        /// Why.
        error: FileError,
    },
    /// A version's file is whole, but another model.
    #[error(
        "`{file}` is another model than the one that was trained: its hash is {found}, must be {told}; put back a copy"
    )]
    Exchanged {
        /// The file.
        file: String,
        /// The hash that the ledger knows.
        told: String,
        /// The hash of the file.
        found: String,
    },
    /// It predicts already.
    #[error("`{name}` is the champion already")]
    Champion {
        /// The model.
        name: String,
    },
    /// It is not good enough.
    #[error("`{name}` is not promoted: {why}")]
    NotBetter {
        /// The model.
        name: String,
        /// Why.
        why: Refusal,
    },
    /// No champion to go back to.
    #[error("mode `{mode}` had no champion before this one")]
    NoneBefore {
        /// The mode.
        mode: String,
    },
    /// As many versions as it holds.
    #[error("the registry holds {max} versions, that is as many as it may; move it away and begin a new one")]
    Full {
        /// How many.
        max: usize,
    },
}
