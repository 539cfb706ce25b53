//! `gsm bench security`: what the firewall, the check of tokens, decisions and the audit log cost, and what slow clients cost
//! the others.
mod audit;
mod gate;
mod limits;
mod slow;

use super::{Common, child::now, machine, report::Figure};
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
of them: the server ends such connections after 10.")]
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
        self.common.show("gsm bench security", &machine::processors(), figures)
    }
}

/// How long each of many took.
struct Took(Vec<u64>);

impl Took {
    /// Of so many, in nanoseconds each.
    fn of(count: usize, mut one: impl FnMut(usize)) -> Self {
        let each = |n| {
            let begin = now();
            one(n);
            begin.elapsed().as_nanos() as u64
        };
        Self::sorted((0..count).map(each).collect())
    }

    fn sorted(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// Below which so many of a hundred are, in nanoseconds.
    fn at(&self, percent: usize) -> f64 {
        self.0.get(self.0.len() * percent / 100).map_or(f64::NAN, |ns| *ns as f64)
    }

    /// The median of `what`, and its 99th of a hundred, in units of so many nanoseconds, which shall be at most `goal`.
    fn figures(&self, what: &str, (unit, ns): (&'static str, f64), goal: Option<f64>) -> [Figure; 2] {
        let p99 = Figure::new(format!("{what}, p99"), self.at(99) / ns, unit);
        let p99 = match goal {
            Some(goal) => p99.at_most(goal),
            None => p99,
        };
        [Figure::new(format!("{what}, p50"), self.at(50) / ns, unit), p99]
    }
}
