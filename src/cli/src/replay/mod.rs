//! `gsm replay`: rates a match history, says how well its outcomes were predicted, and can fill a data directory.
mod rated;
mod show;
mod store;

use crate::history::{Chronicle, Reading, drawn, read_file};
use crate::output::{Failure, Outcome, stopwatch};
use clap::Args;
use gsm_core::Mode;
use gsm_rating::System;
use indicatif::ProgressBar;
use rated::Rated;
use show::Summary;
use std::path::{Path, PathBuf};
use store::{Done, Target};

/// `gsm replay`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm replay rocket_league.csv.gz
  gsm replay history.csv --data-dir gsm-data     and then: gsm serve --data-dir gsm-data
  gsm replay history.csv --skip-bad --json

The file is CSV, plain or gzip, one row per player per match, sorted by time and match_id, without quoting:
  match_id,timestamp,team,player_id,rank,score,mode
  1,1700000000,0,ann,1,3,
  1,1700000000,1,bob,2,1,
timestamp is in seconds since 1970, team counts from 0, rank 1 is the best team and equal ranks are a tie; score may be
empty, and mode is the variant that was played (map, surface), kept with the result; ratings are those of --mode.
Replaying the same file into the same directory again counts nothing twice, and goes on where a stop came between.

Exit code 0: done; 1: the data directory failed; 2: a line of the file is wrong (`FILE:line N: ..`).")]
pub(crate) struct Command {
    /// The match history
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Count the matches in this data directory; its boards are then served by `gsm serve`
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The mode they are rated in [default: the file's name up to its first dot]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Take only the first N matches
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Leave out matches with a bad line instead of stopping there
    #[arg(long)]
    skip_bad: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let mode = mode_of(self.mode.as_deref(), &self.file)?;
        let begin = stopwatch();
        let history = self.read()?;
        let read_s = begin.elapsed().as_secs_f64();
        if history.history.is_empty() {
            return Err(Failure::usage(format!("{}: no match is left", self.file.display())));
        }
        let (rated, rate_s, system, done) = match &self.data_dir {
            None => {
                let (rated, rate_s) = rate(&history, &System::default(), self.bar(&history, "rating"))?;
                (rated, rate_s, System::default(), None)
            }
            Some(dir) => {
                let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
                runtime.block_on(self.fill(dir, &mode, &history))?
            }
        };
        let done = done.as_ref();
        let (file, system) = (self.file.as_path(), system.name());
        let summary =
            Summary { file, mode: &mode, system, history: &history, rated: &rated, read_s, rate_s, done };
        if self.json {
            return summary.json();
        }
        summary.text();
        Ok(())
    }

    fn read(&self) -> Result<Chronicle, Failure> {
        let (limit, skip_bad, is_kept) = (self.limit, self.skip_bad, self.data_dir.is_some());
        read_file(&self.file, Reading { limit, skip_bad, is_kept, ..Reading::default() })
    }

    /// Rates the history here, counts it there, and compares.
    async fn fill(
        &self,
        dir: &Path,
        mode: &Mode,
        history: &Chronicle,
    ) -> Result<(Rated, f64, System, Option<Done>), Failure> {
        let target = Target::open(dir, mode.clone()).await?;
        let work = async {
            let system = target.system();
            let (rated, rate_s) = rate(history, &system, self.bar(history, "rating"))?;
            let bar = self.bar(history, "storing");
            let done = target.import(history, &rated, |n| bar.inc(n)).await;
            bar.finish_and_clear();
            Ok((rated, rate_s, system, Some(done?)))
        };
        let worked = work.await;
        let closed = target.close().await;
        let worked = worked?;
        closed?;
        Ok(worked)
    }

    fn bar(&self, history: &Chronicle, what: &str) -> ProgressBar {
        let template = format!("{what}  {{bar:40}} {{human_pos}}/{{human_len}}, {{per_sec}}, {{eta}} to go");
        drawn(ProgressBar::new(history.history.len() as u64), &template)
    }
}

fn rate(history: &Chronicle, system: &System, bar: ProgressBar) -> Result<(Rated, f64), Failure> {
    let begin = stopwatch();
    let rated = rated::rate(history, system, || bar.inc(1));
    let seconds = begin.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let rated = rated.map_err(|unrated| history.blame(unrated))?;
    Ok((rated, seconds))
}

fn mode_of(flag: Option<&str>, file: &Path) -> Result<Mode, Failure> {
    let stem = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.split('.').next().unwrap_or_default();
    Mode::new(flag.unwrap_or(stem)).map_err(|error| {
        let hint = "name one with --mode: letters, digits, `-`, `_` and `.`";
        Failure::usage(format!("{error}\nhint: {hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_the_files_stem() {
        let mode = |flag, file: &str| mode_of(flag, Path::new(file)).map(|mode| mode.to_string()).ok();
        assert_eq!(mode(None, "/x/rocket_league.csv.gz").as_deref(), Some("rocket_league"));
        assert_eq!(mode(Some("duel"), "x.csv").as_deref(), Some("duel"));
        assert_eq!(mode(None, "my games.csv"), None);
        assert_eq!(mode(None, ".csv"), None);
        assert_eq!(mode(Some("a b"), "x.csv"), None);
    }
}
