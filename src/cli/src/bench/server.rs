//! `gsm bench`: the server as a whole.
use super::{Common, http, machine, process, push, report::Figure, start};
use crate::output::{Failure, Outcome, note};
use clap::{Args, ValueEnum};
use std::{path::Path, time::Duration};

/// `gsm bench` without more
#[derive(Args)]
pub(crate) struct Server {
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Seconds that each figure is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    #[command(flatten)]
    common: Common,
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

impl Server {
    pub(crate) fn run(self) -> Outcome {
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        if self.echo {
            return runtime.block_on(gsm_server::echo()).map_err(Failure::failed);
        }
        let work = self.common.work()?;
        let figures = runtime.block_on(self.measure(work.path()))?;
        self.common.show("gsm bench", &machine::processors(), figures)
    }

    async fn measure(&self, dir: &Path) -> Result<Vec<Figure>, Failure> {
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
