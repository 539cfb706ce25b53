//! `gsm bench prediction`: single predictions beside LightGBM and ONNX Runtime, training a million matches, and the endpoint
//! beside the usual Python servers, in the same run.
mod alone;
mod hanging;
mod invocations;
mod peers;
mod single;
mod training;

use super::{Common, Peers, machine};
use crate::output::{Failure, Outcome, grouped, note};
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// `gsm bench prediction`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench prediction
  gsm bench prediction --matches 100000 --seconds 3
  gsm bench prediction --python .venv/bin/python --markdown docs/benchmarks.md

The model by itself first, in this process; beside it LightGBM's C API (called from Python, whose own time for a call is taken
off) and ONNX Runtime (as Python calls it), each with 200 trees and 40 numbers. Then trains as `gsm sagemaker train` does,
without trees and with 200, and asks `gsm sagemaker serve` with these 200 on /invocations.
Beside it, one after the other: FastAPI on uvicorn[standard], and Flask on gunicorn, each one process with a LightGBM
model of 200 trees and 40 numbers. What is missing comes by pip. The figure is the server's processor time for a call, since
the load takes its share of the cores. In the end matches are created while the endpoint that is to predict them never
answers (builds with the feature `sagemaker`).")]
pub(crate) struct Command {
    /// Matches that are trained
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    matches: u64,
    /// For each server
    #[arg(long, value_name = "SECONDS", default_value_t = 8,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A Python, best with fastapi, uvicorn, flask, gunicorn, lightgbm, numpy, onnxruntime and onnxmltools
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    peers: Peers,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let work = self.common.work()?;
        // The peers come first: where something has to be installed, nothing else is measured meanwhile.
        let python = peers::python(&self.python, work.path());
        let onnx = peers::onnx(python.as_ref().unwrap_or(&self.python), work.path());
        let mut missing = Vec::new();
        let beside = single::measure(&python, &onnx, work.path(), &mut missing);
        note("measuring the model by itself");
        let mut figures = alone::measure(self.matches, &beside)?;
        let job = training::Job::new(work.path(), self.matches)?;
        let is_whole = self.matches >= 1_000_000;
        for trees in [0, 200] {
            note(format_args!("training {} matches, {trees} trees", grouped(self.matches)));
            figures.extend(job.train(trees, is_whole)?);
        }
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let time = Duration::from_secs(self.seconds);
        figures.extend(runtime.block_on(invocations::measure(
            &job,
            python,
            work.path(),
            time,
            &mut missing,
        ))?);
        note("measuring beside an endpoint that never answers");
        figures.extend(runtime.block_on(hanging::measure(work.path(), time))?);
        self.peers.tell(&missing)?;
        let with = format!(
            "{} matches, {} s a server, {}",
            grouped(self.matches),
            self.seconds,
            machine::processors()
        );
        self.common.show("gsm bench prediction", &with, figures)
    }
}
