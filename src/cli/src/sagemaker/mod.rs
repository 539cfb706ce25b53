//! `gsm sagemaker`: the container contract of SageMaker, `train` and `serve` (docs/models.md).
#[cfg(feature = "sagemaker")]
mod ask;
mod channels;
mod hyperparameters;
mod serve;
mod train;

use crate::output::Outcome;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// `gsm sagemaker`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Train on the channels of /opt/ml and leave the model there, as a training job does
    Train(train::Train),
    /// Serve the model of /opt/ml on port 8080, as an endpoint does
    Serve(serve::Serve),
    /// Ask an endpoint about a match, and say who spoke
    #[cfg(feature = "sagemaker")]
    Ask(ask::Ask),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Train(command) => command.run(),
            What::Serve(command) => command.run(),
            #[cfg(feature = "sagemaker")]
            What::Ask(command) => command.run(),
        }
    }
}

/// Where the platform puts things.
#[derive(Args, Clone)]
struct Layout {
    /// What stands for /opt/ml
    #[arg(long, value_name = "DIR", env = "GSM_ML_PREFIX", default_value = "/opt/ml")]
    prefix: PathBuf,
}

impl Layout {
    fn at(&self, path: &str) -> PathBuf {
        self.prefix.join(path)
    }

    fn model(&self) -> PathBuf {
        self.at("model")
    }
}

/// A file of the platform's configuration, as JSON; none where there is no such file.
fn config(path: &Path) -> Result<Option<serde_json::Value>, String> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read `{}`: {error}", path.display())),
    };
    let value = serde_json::from_slice(&text);
    value.map(Some).map_err(|error| format!("`{}` is not JSON: {error}", path.display()))
}
