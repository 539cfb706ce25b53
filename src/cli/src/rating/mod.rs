//! `gsm rating`: what ratings are made of, looked at without a server.
mod compare;
mod rebuild;

use crate::output::Outcome;
use clap::{Args, Subcommand};

/// `gsm rating`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// How well each rating system predicts the matches of a data directory
    Compare(compare::Compare),
    /// Rebuild all ratings of a data directory from its results and compare them bit for bit
    Rebuild(rebuild::Rebuild),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Compare(command) => command.run(),
            What::Rebuild(command) => command.run(),
        }
    }
}
