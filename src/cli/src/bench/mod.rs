//! `gsm bench`: the figures that the project promises, measured on this machine, ratios within one run.
mod child;
mod http;
mod load;
mod process;
mod push;
mod report;
mod start;

use crate::output::{Failure, Outcome, note};
use clap::{Args, ValueEnum};
use report::{Figure, Report};
use std::{path::PathBuf, time::Duration};

/// `gsm bench`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench                                    all figures, some minutes
  gsm bench --only results --seconds 10
  gsm bench --markdown docs/benchmarks.md      the table of the documentation

Takes a release build to be worth anything: cargo run --release -- bench")]
pub(crate) struct Command {
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Seconds that each figure is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Where the data directories of the measurements lie; give a directory on the disk that counts
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    json: bool,
    /// Write the table to this file
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Serve a bare echo, to compare with (the bench starts it by itself)
    #[arg(long, hide = true)]
    echo: bool,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Start on an empty directory, memory when idle
    Start,
    /// Durable results in process
    Results,
    /// Durable results over HTTP
    HttpResults,
    /// Rank reads over HTTP against a bare echo
    Ranks,
    /// From a ticket to the pushed match
    Push,
}

impl Part {
    const ALL: [Self; 5] = [Self::Start, Self::Results, Self::HttpResults, Self::Ranks, Self::Push];
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        if self.echo {
            return runtime.block_on(gsm_server::echo()).map_err(Failure::failed);
        }
        if cfg!(debug_assertions) {
            note("warning: this is a debug build; its figures mean nothing");
        }
        let dir = self
            .dir
            .clone()
            .unwrap_or_else(std::env::temp_dir)
            .join(format!("gsm-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(Failure::failed)?;
        let measured = runtime.block_on(self.measure(&dir));
        let removed = std::fs::remove_dir_all(&dir);
        let report = Report::new(measured?);
        removed.map_err(Failure::failed)?;
        if let Some(path) = &self.markdown {
            std::fs::write(path, report.markdown()).map_err(Failure::failed)?;
        }
        report.print(self.json)
    }

    async fn measure(&self, dir: &std::path::Path) -> Result<Vec<Figure>, Failure> {
        let time = Duration::from_secs(self.seconds);
        let mut figures = vec![process::sync_figure(dir)?];
        for part in Part::ALL {
            if !self.only.is_empty() && !self.only.contains(&part) {
                continue;
            }
            note(format_args!(
                "measuring {}",
                part.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
            ));
            figures.extend(match part {
                Part::Start => start::measure(dir).await?,
                Part::Results => process::measure(dir, time).await?,
                Part::HttpResults => http::results(dir, time).await?,
                Part::Ranks => http::ranks(dir, time).await?,
                Part::Push => push::measure(dir, time).await?,
            });
        }
        Ok(figures)
    }
}
