//! `gsm model`: models that predict matches, from training to champion and back.
mod eval;
mod explain;
mod list;
mod live;
mod promote;
mod show;
mod source;
pub(crate) mod teams;
mod train;

use crate::{
    offline::existing_dir,
    output::{Failure, Outcome},
};
use clap::{Args, Subcommand};
use gsm_adapters::models::{Models, ModelsError};
use std::path::PathBuf;

pub(crate) use show::figure_line;
pub(crate) use source::Matches;
pub(crate) use train::{Recipe, forgetting, share, trained, trees};

/// `gsm model`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Train a model on the matches of a data directory, or of files, and keep it as a new version
    Train(train::Train),
    /// How well versions predict matches, beside a rating system alone and a constant chance
    Eval(eval::Eval),
    /// The versions there are, and which of them are champions
    List(list::List),
    /// Make a version the champion of its mode, if it is better than the one there is
    Promote(promote::Promote),
    /// Make the champion before the last promotion the champion again
    Rollback(promote::Rollback),
    /// How the predictions that a server made before its matches held up, and whether the game has drifted away from them
    Live(live::Live),
    /// Whether all parts of the players are treated alike
    Fairness(live::Fairness),
    /// What each feature of a match adds to the logit of its prediction
    Explain(explain::Explain),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Train(command) => command.run(),
            What::Eval(command) => command.run(),
            What::List(command) => command.run(),
            What::Promote(command) => command.run(),
            What::Rollback(command) => command.run(),
            What::Live(command) => command.run(),
            What::Fairness(command) => command.run(),
            What::Explain(command) => command.run(),
        }
    }
}

/// Whose models these are.
#[derive(Args, Clone)]
struct Place {
    /// The data directory; models are in `models` in it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

impl Place {
    fn models(&self) -> Result<Models, Failure> {
        if self.data_dir.exists() {
            existing_dir(&self.data_dir)?;
        }
        Models::open(&self.data_dir).map_err(blamed)
    }

    /// The same of a directory that must be there already.
    fn existing(&self) -> Result<Models, Failure> {
        existing_dir(&self.data_dir)?;
        self.models()
    }
}

/// What the caller asked for makes no sense, or the registry failed.
fn blamed(error: ModelsError) -> Failure {
    match error {
        ModelsError::NoSuchVersion { .. } | ModelsError::Champion { .. } | ModelsError::NoneBefore { .. } => {
            Failure::usage(error)
        }
        ModelsError::NotBetter { .. } => Failure::failed(format!(
            "{error}\nhint: --margin says by how much; --force --reason TEXT promotes it all the same"
        )),
        _ => Failure::failed(error),
    }
}

/// Who does it, in the ledger.
#[derive(Args, Clone)]
struct Who {
    /// Who does this, for the ledger
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator", hide_env_values = true)]
    by: String,
}

impl Who {
    fn name(&self) -> Result<&str, Failure> {
        let fits = !self.by.is_empty() && self.by.len() <= 128 && !self.by.chars().any(char::is_control);
        if fits {
            Ok(&self.by)
        } else {
            Err(Failure::usage("--by: 1 to 128 bytes without control characters"))
        }
    }
}
