//! Where matches come from: files, or the results of a data directory.
use crate::{
    history::{Reading, merged, read_file},
    offline::{Offline, existing_dir},
    output::{Failure, note},
};
use clap::Args;
use gsm_core::Mode;
use gsm_ml::ModelFile;
use gsm_rating::{evaluation::Unrated, history::History};
use std::path::{Path, PathBuf};

/// Which matches.
#[derive(Args, Clone)]
pub(super) struct Source {
    /// Match histories, CSV or JSON lines, plain or gzip; without, the results of the data directory
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The mode [default: all of the data directory; with files it must be named]
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// Leave out matches with bad lines instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,
}

/// The matches of one mode.
#[derive(Debug)]
pub(crate) struct Matches {
    pub(crate) mode: Mode,
    pub(crate) history: History,
    /// The names of its players' numbers.
    pub(crate) players: Vec<String>,
    /// The number that a file gives each match; none from a data directory.
    numbers: Vec<u64>,
}

impl Matches {
    /// Says which match could not be learnt from, and why.
    pub(crate) fn blame(&self, unrated: Unrated) -> Failure {
        match self.numbers.get(unrated.index) {
            Some(number) => {
                Failure::usage(format!("match {number} cannot be learnt from: {}", unrated.error))
            }
            None => Failure::failed(format!("mode `{}`: {unrated}", self.mode)),
        }
    }

    /// Of files, as one history.
    pub(crate) fn of_files(files: &[PathBuf], mode: Mode, how: Reading) -> Result<Self, Failure> {
        let how = Reading { is_part: files.len() > 1, ..how };
        let read = merged(files.iter().map(|file| read_file(file, how)).collect::<Result<_, _>>()?);
        if read.repeated > 0 {
            note(format_args!("{} matches are in several files and count once", read.repeated));
        }
        Ok(Self { mode, history: read.history, players: read.names, numbers: read.numbers })
    }
}

impl Source {
    /// Whether they are the results of a data directory.
    pub(super) fn is_stored(&self) -> bool {
        self.files.is_empty()
    }

    /// The matches, of each mode that has some.
    pub(super) fn matches(&self, data_dir: &Path) -> Result<Vec<Matches>, Failure> {
        let mode = self.mode.clone();
        if self.files.is_empty() {
            existing_dir(data_dir)?;
            let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
            return runtime.block_on(stored(data_dir, mode));
        }
        let mode = mode.ok_or_else(|| Failure::usage("--mode is missing: name the mode of the files"))?;
        let matches =
            Matches::of_files(&self.files, mode, Reading { skip_bad: self.skip_bad, ..Reading::default() })?;
        if matches.history.is_empty() {
            return Err(Failure::usage("no match is left in the files"));
        }
        Ok(vec![matches])
    }
}

/// A model that was trained on the results of a directory, with the players as its server learns them.
pub(super) fn with_players(data_dir: &Path, mode: &Mode, file: ModelFile) -> Result<ModelFile, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
    runtime.block_on(async {
        let offline = Offline::existing(data_dir, "reading its results").await?;
        let learnt = offline.engine.with_players(mode, file).await.map_err(Failure::failed);
        offline.close().await?;
        learnt
    })
}

async fn stored(data_dir: &Path, mode: Option<Mode>) -> Result<Vec<Matches>, Failure> {
    let offline = Offline::existing(data_dir, "reading its results").await?;
    let read = async {
        let known = offline.engine.all_modes().await.map_err(Failure::failed)?;
        if let Some(mode) = mode.as_ref().filter(|mode| !known.contains(mode)) {
            return Err(Failure::usage(format!("--mode: `{mode}` has no matches here")));
        }
        let mut all = Vec::new();
        for mode in mode.map_or(known, |mode| vec![mode]) {
            let (history, players) =
                offline.engine.match_history_by_name(&mode).await.map_err(Failure::failed)?;
            if !history.is_empty() {
                let players = players.into_iter().map(|player| player.to_string()).collect();
                all.push(Matches { mode, history, players, numbers: Vec::new() });
            }
        }
        if all.is_empty() {
            return Err(Failure::usage(format!("`{}` has no results to learn from", data_dir.display())));
        }
        Ok(all)
    };
    let found = read.await;
    offline.close().await?;
    found
}
