//! `gsm eval`: how well each rating system predicts match histories, by the evaluation protocol, version 1
//! (docs/eval.md).
mod contenders;
mod plot;
mod show;

use crate::{
    history::{Reading, drawn, read_file},
    model::trees,
    output::{Failure, Outcome, stopwatch},
};
use clap::Args;
pub(crate) use contenders::{Choice, Contender, chosen, parse};
use gsm_ml::Forecaster;
use gsm_rating::{
    System,
    evaluation::{ClosenessReport, Report, Unrated, evaluate, evaluate_by},
    history::History,
    tuning::tune,
};
use indicatif::ProgressBar;
pub(crate) use plot::write;
pub(crate) use show::{closeness, json_line, table};
use std::path::PathBuf;

/// `gsm eval`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm eval rocket_league.csv.gz                    all systems as they are: a table, and calibration.svg
  gsm eval *.csv.gz --tune                         each system with the best settings for each file
  gsm eval tennis.csv --system gsm --system glicko2 --json
  gsm eval tennis.csv --system gsm --trees 100     with boosted trees, grown anew with twice as many matches each time

Of each history the first fifth is not scored, settings are chosen on the next three tenths (--tune), and the second
half is reported: matches of one timestamp are all predicted before the first of them counts. The file format is that
of `gsm replay --help`; the column mode (map, surface, ..) is used by systems that know variants. The system gsm is the project's model: several
rating systems and more, learning as it goes, with nothing to tune.

Columns: n matches of the second half; accuracy; log_loss (what systems are compared by, less is better); brier; ece,
the calibration error. Of free-for-all histories, where every pair of a match is judged: pair_accuracy, pair_log_loss,
pair_brier. Log losses compare systems on one file, never two files.

Below the table of the system gsm: how close matches were (docs/prediction.md), by the quality that was predicted of them; error is
the mean distance of the two.

Exit code 0: done; 1: the plot cannot be written; 2: a file or a system makes no sense.")]
pub(crate) struct Command {
    /// Match histories, CSV, plain or gzip
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only this system; may be repeated
    #[arg(long, value_name = "SYSTEM", value_parser = contenders::parse)]
    system: Vec<Choice>,
    /// Choose each system's settings for each file, on its tuning window
    #[arg(long)]
    tune: bool,
    /// Let the system gsm grow so many trees above its regressions, 0 to 1000
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = trees)]
    trees: usize,
    /// Leave out matches with bad lines instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,
    /// Where the calibration plot goes (default: calibration.svg; none with --json)
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON object a line, for each file and system
    #[arg(long)]
    json: bool,
}

/// What one system reached on one file.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// With the settings that counted; none for the model, which has none.
    pub(crate) system: Option<System>,
    pub(crate) trees: usize,
    pub(crate) tuned: bool,
    pub(crate) test: Report,
    /// How close matches were beside the quality that the model told of them.
    pub(crate) closeness: Option<ClosenessReport>,
    pub(crate) matches_per_s: f64,
}

/// One file's rows.
pub(crate) struct Table {
    pub(crate) file: String,
    pub(crate) matches: usize,
    pub(crate) players: usize,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Without rows.
    pub(crate) fn new(file: String, history: &History) -> Self {
        Self { file, matches: history.len(), players: history.seats(), rows: Vec::new() }
    }
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let mut contenders = contenders::chosen(&self.system);
        for contender in contenders.iter_mut().filter(|of| of.system.is_none()) {
            contender.trees = self.trees;
        }
        let mut tables = Vec::new();
        for file in &self.files {
            let read = read_file(file, Reading { skip_bad: self.skip_bad, ..Reading::default() })?;
            if read.history.is_empty() {
                return Err(Failure::usage(format!("{}: no match is left", file.display())));
            }
            let mut table = Table::new(file.display().to_string(), &read.history);
            for contender in &contenders {
                let row = judged(&read.history, contender, self.tune, |unrated| read.blame(unrated))?;
                if self.json {
                    show::json_line("file", &table.file, &row)?;
                }
                table.rows.push(row);
            }
            if !self.json {
                show::table(&table);
            }
            tables.push(table);
        }
        let plot = match (&self.plot, self.json) {
            (Some(path), _) => Some(path.clone()),
            (None, false) => Some(PathBuf::from("calibration.svg")),
            (None, true) => None,
        };
        match plot {
            Some(path) if self.plot.is_some() || plot::is_drawable(&tables) => plot::write(&path, &tables),
            _ => Ok(()),
        }
    }
}

/// Runs one system through one history; tunes it first where that is asked and possible.
pub(crate) fn judged(
    history: &History,
    contender: &Contender,
    tunes: bool,
    blame: impl Fn(Unrated) -> Failure,
) -> Result<Row, Failure> {
    let tunes = tunes && contender.tunable;
    let name = contender.name;
    let system = match &contender.system {
        Some(system) if tunes => {
            let bar =
                drawn(ProgressBar::new_spinner(), "tuning {msg}  {pos} runs, {elapsed}").with_message(name);
            let tuned = tune(system, history, || bar.inc(1)).map_err(&blame);
            bar.finish_and_clear();
            Some(tuned?.system)
        }
        system => system.clone(),
    };
    let bar = drawn(ProgressBar::new(history.len() as u64), "{msg}  {bar:40} {percent}%, {eta} to go");
    let bar = bar.with_message(name);
    let begin = stopwatch();
    let mut done = 0_u64;
    let each = || {
        done += 1;
        if done.is_multiple_of(4096) {
            bar.set_position(done);
        }
    };
    let scored = match &system {
        Some(system) => evaluate(system, history, history.len(), each),
        None => {
            let mut model = Forecaster::new(history).growing(contender.trees);
            evaluate_by(&mut model, history, history.len(), each)
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let scored = scored.map_err(blame)?;
    let matches_per_s = history.len() as f64 / seconds.max(1e-9);
    let (test, closeness) = (scored.test.report(), scored.closeness.report());
    Ok(Row { name, system, trees: contender.trees, tuned: tunes, test, closeness, matches_per_s })
}
