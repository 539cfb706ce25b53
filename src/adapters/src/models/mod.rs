//! A registry of models: files of one directory, and a ledger of what they are and which of them are champions.
//!
//! `<name>.gsmmodel` are model files as they were trained, `registry.json` is the ledger. Both are written whole under another
//! name, synced, and put in place, so that a stop at any moment leaves what was or what is meant. Whoever writes holds
//! `LOCK`. A file is used only if its hash is that of the ledger, and none is ever written over.
mod beginnings;
mod error;
mod files;
mod ledger;

pub use beginnings::beginnings;
pub use error::ModelsError;
pub use ledger::{Promotion, Version};

use files::{Lock, names, put, take};
use gsm_core::{Mode, Timestamp};
use gsm_ml::{FileError, Kept, ModelFile, better};
use ledger::Ledger;
use std::path::{Path, PathBuf};

/// The ledger's file.
const LEDGER: &str = "registry.json";
/// After the name of a model.
const SUFFIX: &str = ".gsmmodel";
/// The ledger holds so many versions, and no line of it can be taken away, for it has a hash: beyond, the directory is moved away
/// and a new one begun.
const VERSIONS_MAX: usize = 10_000;

/// Who promotes what, and why.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: &'a str,
    /// Why; operators who force must say.
    pub reason: Option<&'a str>,
}

/// The models of a data directory.
#[derive(Clone, Debug)]
pub struct Models {
    dir: PathBuf,
    ledger: Ledger,
}

impl Models {
    /// The registry of a data directory; empty where there is none yet. Nothing is written.
    ///
    /// # Errors
    /// A ledger that cannot be read, is damaged, or is of a later release; none beside model files.
    pub fn open(data_dir: &Path) -> Result<Self, ModelsError> {
        let dir = data_dir.join("models");
        let ledger = read(&dir)?;
        Ok(Self { dir, ledger })
    }

    /// All versions, in the order they were added.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.ledger.versions
    }

    /// All promotions and rollbacks, the last at the end.
    #[must_use]
    pub fn promotions(&self) -> &[Promotion] {
        &self.ledger.promotions
    }

    /// One version.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub fn version(&self, number: u32) -> Result<&Version, ModelsError> {
        let found = self.ledger.versions.iter().find(|of| of.version == number);
        found.ok_or(ModelsError::NoSuchVersion { version: number })
    }

    /// The model that predicts a mode.
    #[must_use]
    pub fn champion(&self, mode: &str) -> Option<&Version> {
        let number = self.ledger.champion(mode)?;
        self.ledger.versions.iter().find(|of| of.version == number)
    }

    /// The champion of a mode and those before it, in the order in which each would take the place of one that cannot be
    /// used.
    #[must_use]
    pub fn champions(&self, mode: &str) -> Vec<&Version> {
        let mut found: Vec<&Version> = Vec::new();
        for number in self.ledger.line(mode).into_iter().rev() {
            let of = self.ledger.versions.iter().find(|of| of.version == number);
            found.extend(of.filter(|of| found.iter().all(|known| known.version != of.version)));
        }
        found
    }

    /// Where a version's file is.
    #[must_use]
    pub fn path(&self, of: &Version) -> PathBuf {
        self.dir.join(format!("{}{SUFFIX}", of.about.name))
    }

    /// A version's file as it is, after its hash was found right.
    ///
    /// # Errors
    /// A file that is not there, is damaged, or is not the one that was added.
    pub fn bytes(&self, of: &Version) -> Result<Vec<u8>, ModelsError> {
        let path = self.path(of);
        let file = path.display().to_string();
        let bytes = take(&path)?.ok_or_else(|| ModelsError::Gone { file: file.clone() })?;
        let hash = ModelFile::hash_of(&bytes).map_err(|error| ModelsError::File {
            file: file.clone(),
            hash: of.hash.clone(),
            error,
        })?;
        if hash == of.hash {
            Ok(bytes)
        } else {
            Err(ModelsError::Exchanged { file, told: of.hash.clone(), found: hash })
        }
    }

    /// A version's model.
    ///
    /// # Errors
    /// As [`Models::bytes`], and a model that this release cannot use.
    pub fn load(&self, of: &Version) -> Result<ModelFile, ModelsError> {
        let bytes = self.bytes(of)?;
        ModelFile::read(&bytes).map_err(|error| {
            let file = self.path(of).display().to_string();
            ModelsError::File { file, hash: of.hash.clone(), error }
        })
    }

    /// Keeps a model as the next version, named after its mode and number. A number that any file has, whether the ledger knows
    /// it or not, is not given again.
    ///
    /// # Errors
    /// A directory that cannot be written to, or that another command is at; a ledger as in [`Models::open`].
    pub fn add(&mut self, mut model: ModelFile) -> Result<Version, ModelsError> {
        let _lock = self.lock()?;
        if self.ledger.versions.len() >= VERSIONS_MAX {
            return Err(ModelsError::Full { max: VERSIONS_MAX });
        }
        let files = names(&self.dir, SUFFIX)?;
        let used = files.iter().filter_map(|name| name.rsplit_once('-')?.1.parse().ok());
        let last: u32 = self.ledger.versions.iter().map(|of| of.version).chain(used).max().unwrap_or(0);
        let version = last.checked_add(1).ok_or(ModelsError::Full { max: VERSIONS_MAX })?;
        model.about.name = format!("{}-{version}", model.about.mode);
        let name = model.about.name.clone();
        let unwritable = |error| ModelsError::File { file: name.clone(), hash: "none".to_owned(), error };
        Mode::new(&model.about.mode).map_err(|_| unwritable(FileError::Unwritable { part: "mode" }))?;
        let bytes = model.to_bytes(Kept::All).map_err(unwritable)?;
        let hash = ModelFile::hash_of(&bytes).map_err(unwritable)?;
        let added = Version { version, hash, about: model.about };
        // The first file does not stand without a ledger, wherever a stop comes.
        if self.ledger == Ledger::default() {
            self.replace(Ledger::default())?;
        }
        put(&self.path(&added), &bytes)?;
        let mut ledger = self.ledger.clone();
        ledger.versions.push(added.clone());
        self.replace(ledger)?;
        Ok(added)
    }

    /// Makes a version the champion of its mode, if it is better than the one there is and than the baselines by `margin` of
    /// log loss; with no margin it is not asked (the decision says why). Answers whom it replaced.
    ///
    /// # Errors
    /// A version that is not better, that is the champion already, or whose file is damaged; the champion stays.
    pub fn promote(
        &mut self,
        version: u32,
        decision: &Decision<'_>,
        margin: Option<f64>,
    ) -> Result<Option<u32>, ModelsError> {
        let _lock = self.lock()?;
        let of = self.version(version)?.clone();
        let champion = self.champion(&of.about.mode).cloned();
        if champion.as_ref().is_some_and(|champion| champion.version == version) {
            return Err(ModelsError::Champion { name: of.about.name });
        }
        if let Some(margin) = margin {
            let champion = champion.as_ref().map(|champion| champion.hash.as_str());
            better(&of.about.metrics, champion, margin)
                .map_err(|why| ModelsError::NotBetter { name: of.about.name.clone(), why })?;
        }
        self.load(&of)?;
        let replaced = champion.map(|champion| champion.version);
        self.enter(&of, decision, replaced, margin.is_none(), false)?;
        Ok(replaced)
    }

    /// Makes the champion before the last promotion the champion again. A second rollback goes back one further. Answers the
    /// version that predicts from now on.
    ///
    /// # Errors
    /// Where there was none before, or its file is damaged; the champion stays.
    pub fn rollback(&mut self, mode: &str, decision: &Decision<'_>) -> Result<Version, ModelsError> {
        let _lock = self.lock()?;
        let before =
            self.ledger.before(mode).ok_or_else(|| ModelsError::NoneBefore { mode: mode.to_owned() })?;
        let of = self.version(before)?.clone();
        self.load(&of)?;
        let replaced = self.ledger.champion(mode);
        self.enter(&of, decision, replaced, false, true)?;
        Ok(of)
    }

    fn enter(
        &mut self,
        of: &Version,
        decision: &Decision<'_>,
        replaced: Option<u32>,
        forced: bool,
        rollback: bool,
    ) -> Result<(), ModelsError> {
        let mut ledger = self.ledger.clone();
        ledger.promotions.push(Promotion {
            mode: of.about.mode.clone(),
            version: of.version,
            at: decision.at,
            by: decision.by.to_owned(),
            reason: decision.reason.map(str::to_owned),
            replaced,
            forced,
            rollback,
        });
        self.replace(ledger)
    }

    /// Takes the directory, and looks what another command has left in it.
    fn lock(&mut self) -> Result<Lock, ModelsError> {
        let lock = Lock::take(&self.dir)?;
        self.ledger = read(&self.dir)?;
        Ok(lock)
    }

    fn replace(&mut self, ledger: Ledger) -> Result<(), ModelsError> {
        put(&self.dir.join(LEDGER), &ledger.to_bytes()?)?;
        self.ledger = ledger;
        Ok(())
    }
}

/// The ledger of a directory; empty where there is nothing at all yet.
fn read(dir: &Path) -> Result<Ledger, ModelsError> {
    let path = dir.join(LEDGER);
    if let Some(ledger) = Ledger::read(&path)? {
        return Ok(ledger);
    }
    match names(dir, SUFFIX)?.first() {
        Some(name) => {
            Err(ModelsError::NoLedger { ledger: path.display().to_string(), file: format!("{name}{SUFFIX}") })
        }
        None => Ok(Ledger::default()),
    }
}
