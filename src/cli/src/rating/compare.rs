//! `gsm rating compare`: `gsm eval` on the matches that a server has rated itself.
use crate::{
    eval::{self, Choice, Table},
    offline::{Offline, existing_dir},
    output::{Failure, Outcome},
};
use clap::Args;
use gsm_core::Mode;
use std::path::PathBuf;

/// `gsm rating compare`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm rating compare --data-dir gsm-data                     every mode, all systems as they are
  gsm rating compare --data-dir gsm-data --mode duel --tune  with the best settings for this game

What the figures mean: gsm eval --help. Results that were voided are left out. No server may run on the directory.

Exit code 0: done; 1: the data directory failed; 2: no such mode.")]
pub(super) struct Compare {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Only this mode [default: all]
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// Only this system; may be repeated
    #[arg(long, value_name = "SYSTEM", value_parser = eval::parse)]
    system: Vec<Choice>,
    /// Choose each system's settings for each mode, on its tuning window
    #[arg(long)]
    tune: bool,
    /// Where a calibration plot goes; none without
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON object a line, for each mode and system
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub(super) fn run(self) -> Outcome {
        existing_dir(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let histories = runtime.block_on(self.histories(self.mode.clone()))?;
        let contenders = eval::chosen(&self.system);
        let mut tables = Vec::new();
        for (mode, history) in &histories {
            let mut table = Table::new(mode.to_string(), history);
            let blame = |unrated: gsm_rating::evaluation::Unrated| {
                Failure::failed(format!("mode `{mode}`: {unrated}"))
            };
            for contender in &contenders {
                let row = eval::judged(history, contender, self.tune, blame)?;
                if self.json {
                    eval::json_line("mode", &table.file, &row)?;
                }
                table.rows.push(row);
            }
            if !self.json {
                eval::table(&table);
            }
            tables.push(table);
        }
        self.plot.map_or(Ok(()), |path| eval::write(&path, &tables))
    }

    async fn histories(
        &self,
        mode: Option<Mode>,
    ) -> Result<Vec<(Mode, gsm_rating::history::History)>, Failure> {
        let offline = Offline::existing(&self.data_dir, "a comparison").await?;
        let read = async {
            let known = offline.engine.all_modes().await.map_err(Failure::failed)?;
            if let Some(mode) = mode.as_ref().filter(|mode| !known.contains(mode)) {
                return Err(Failure::usage(format!("--mode: `{mode}` has no matches here")));
            }
            let mut histories = Vec::new();
            for mode in mode.map_or(known, |mode| vec![mode]) {
                let history = offline.engine.match_history(&mode).await.map_err(Failure::failed)?;
                if !history.is_empty() {
                    histories.push((mode, history));
                }
            }
            Ok(histories)
        };
        let found = read.await;
        offline.close().await?;
        found
    }
}
