//! `gsm boards`: boards in and out of a data directory, without a server.
mod export;
mod import;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod redis;

use crate::output::{Failure, Outcome};
use clap::{Args, Subcommand};
use gsm_core::BoardName;

/// `gsm boards`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write a whole board, best first, as CSV, JSON lines or Parquet
    Export(export::Export),
    /// Submit scores to a board: of CSV, of what Nakama and PlayFab answer, of a sorted set of Redis
    Import(import::Import),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Export(command) => command.run(),
            What::Import(command) => command.run(),
        }
    }
}

fn board(name: &str) -> Result<BoardName, Failure> {
    BoardName::new(name).map_err(|error| Failure::usage(format!("--board: {error}")))
}
