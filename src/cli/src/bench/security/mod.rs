//! `gsm bench security`: what the firewall, the check of tokens, decisions and the audit log cost, and what slow clients and
//! too many calls cost the others.
mod audit;
mod gate;
mod lag;
mod limits;
mod overload;
mod slow;

use super::{Common, child::now, machine, report::Figure, took::Took};
use crate::output::{Failure, Outcome, note};
use clap::Args;
use std::time::Duration;

/// `gsm bench security`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench security
  gsm bench security --seconds 3 --records 100000 --callers 10000
  gsm bench security --dir /var/lib/gsm --markdown docs/benchmarks.md

Percentiles are by the wall, the clock's own time included. Slow connections last for the seconds of --seconds, and at most 9
of them: the server ends such connections after 10. Of too many calls each has its own instant, and is timed from there.")]
pub(crate) struct Command {
    /// For each figure over HTTP
    #[arg(long, value_name = "SECONDS", default_value_t = 8,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Records of the log that is verified
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    records: u64,
    /// Callers whom the limiter and the firewall know; of them 20,000 at most have sessions
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    callers: u32,
    #[command(flatten)]
    common: Common,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let work = self.common.work()?;
        let (dir, time) = (work.path(), Duration::from_secs(self.seconds));
        // First, while the process holds nothing else: memory is told.
        note("measuring limits of callers");
        let mut figures = limits::measure(self.callers)?;
        note("measuring tokens and decisions");
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        figures.extend(runtime.block_on(gate::measure(dir, self.callers))?);
        note("measuring the audit log");
        figures.push(audit::verify(dir, self.records)?);
        figures.extend(runtime.block_on(audit::share(dir, time))?);
        note("measuring beside slow connections");
        figures.extend(runtime.block_on(slow::measure(dir, time))?);
        note("measuring more calls than can be served");
        figures.extend(runtime.block_on(overload::measure(dir, time))?);
        self.common.show("gsm bench security", &machine::processors(), figures)
    }
}
