//! `gsm bench`: the figures that the project promises, measured on this machine, ratios within one run.
mod child;
mod http;
mod load;
mod machine;
mod matchmaking;
mod prediction;
mod process;
mod push;
mod python;
mod ranking;
mod rating;
mod report;
mod security;
mod server;
mod start;
mod took;

use crate::output::{Failure, Outcome, note};
use clap::{Args, Subcommand, builder::FalseyValueParser};
use report::{Figure, Report, with_section};
use std::path::{Path, PathBuf};

/// `gsm bench`
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  gsm bench                                    the server as a whole, some minutes
  gsm bench --only results --seconds 10
  gsm bench ranking                            boards beside Redis
  gsm bench rating                             rating systems beside skillratings and openskill.py
  gsm bench matchmaking                        pools of waiting tickets beside Nakama's figures
  gsm bench prediction                         training, and the endpoint beside FastAPI and Flask
  gsm bench security                           limits, tokens, the audit log, slow connections, too many calls
  gsm bench --markdown docs/benchmarks.md      the table of the documentation, put in its place there

Takes a release build to be worth anything: cargo run --release -- bench"
)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    server: server::Server,
}

#[derive(Subcommand)]
enum What {
    /// Boards beside Redis: update, rank, around, top, memory
    Ranking(ranking::Command),
    /// Rating systems beside skillratings and openskill.py
    Rating(rating::Command),
    /// Pools of waiting tickets, and tickets over the API, beside Nakama's figures
    Matchmaking(matchmaking::Command),
    /// Single predictions beside LightGBM and ONNX Runtime, training a million matches, the endpoint beside FastAPI and Flask
    Prediction(prediction::Command),
    /// Limits of callers, token and decision, the audit log, slow connections, too many calls
    Security(security::Command),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            None => self.server.run(),
            Some(What::Ranking(command)) => command.run(),
            Some(What::Rating(command)) => command.run(),
            Some(What::Matchmaking(command)) => command.run(),
            Some(What::Prediction(command)) => command.run(),
            Some(What::Security(command)) => command.run(),
        }
    }
}

/// What every bench is told.
#[derive(Args)]
struct Common {
    /// Where the files of the measurements lie; give a directory on the disk that counts
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    json: bool,
    /// Write the table into this file, in the place of the one from before
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

impl Common {
    fn work(&self) -> Result<Work, Failure> {
        if cfg!(debug_assertions) {
            note("warning: this is a debug build; its figures mean nothing");
        }
        let dir = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        let dir = dir.join(format!("gsm-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(Failure::failed)?;
        Ok(Work(dir))
    }

    /// Shows the figures of `section`; `with` tells what they were measured with.
    fn show(&self, section: &str, with: &str, figures: Vec<Figure>) -> Outcome {
        let report = Report::new(figures);
        if let Some(path) = &self.markdown {
            let failed = |error| Failure::failed(format!("cannot write `{}`: {error}", path.display()));
            let before = match std::fs::read_to_string(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                read => read.map_err(failed)?,
            };
            let content = format!("{}\n`{section}`, {with}.\n", report.markdown());
            std::fs::write(path, with_section(&before, section, &content)).map_err(failed)?;
        }
        report.print(self.json)
    }
}

/// What a bench that has peers is told of them.
#[derive(Args)]
struct Peers {
    /// A peer that cannot be measured is a failure, and not only said
    #[arg(long, env = "CI", value_parser = FalseyValueParser::new())]
    peers_required: bool,
}

impl Peers {
    /// Says what is missing.
    fn tell(&self, missing: &[String]) -> Outcome {
        for what in missing {
            note(format_args!("NOT MEASURED: {what}"));
        }
        if self.peers_required && !missing.is_empty() {
            return Err(Failure::failed("a peer is missing, and --peers-required (or CI) is set"));
        }
        Ok(())
    }
}

/// A directory of this run, gone when it ends.
struct Work(PathBuf);

impl Work {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            note(format_args!("cannot remove `{}`: {error}", self.0.display()));
        }
    }
}
