//! `gsm rating rebuild`.
use crate::{
    offline::{Offline, existing_dir},
    output::{Failure, Outcome, grouped, print_json, print_table},
};
use clap::Args;
use gsm_core::Mode;
use gsm_engine::{Call, EngineError, RebuildReport};
use std::path::PathBuf;

/// `gsm rating rebuild`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm rating rebuild --data-dir gsm-data                 every mode
  gsm rating rebuild --data-dir gsm-data --mode duel --repair

No server may run on the directory; a running one does it by POST /v1/admin/modes/{mode}/rebuild.

Exit code 0: nothing differs, or what did was put right; 1: rows differ, or the data directory failed;
2: there is no such directory or mode.")]
pub(super) struct Rebuild {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Only this mode [default: all]
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// Put right what differs
    #[arg(long)]
    repair: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Found {
    mode: Mode,
    #[serde(flatten)]
    report: RebuildReport,
}

impl Rebuild {
    pub(super) fn run(self) -> Outcome {
        existing_dir(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        let found = runtime.block_on(self.rebuild(self.mode.clone()))?;
        let differing: u64 = found.iter().map(|found| found.report.differing).sum();
        if self.json {
            let ok = self.repair || differing == 0;
            print_json(&serde_json::json!({ "ok": ok, "modes": found }))?;
        } else {
            let head = ["mode", "players", "results", "set by hand", "rows that differ"].map(str::to_owned);
            let rows = found.iter().map(|Found { mode, report }| {
                let counts = [report.players, report.results, report.adjustments, report.differing];
                std::iter::once(mode.to_string()).chain(counts.map(grouped)).collect()
            });
            let rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(rows).collect();
            print_table(&rows, &[false, true, true, true, true]);
        }
        if self.repair || differing == 0 {
            return Ok(());
        }
        let text = format!(
            "{} rows are not what the results give\nhint: --repair puts them right",
            grouped(differing)
        );
        Err(Failure::failed(text))
    }

    async fn rebuild(&self, mode: Option<Mode>) -> Result<Vec<Found>, Failure> {
        let offline = Offline::existing(&self.data_dir, "a rebuild").await?;
        let engine = &offline.engine;
        let mut found = Vec::new();
        let mut failed = None;
        let modes = match mode {
            Some(mode) => vec![mode],
            None => engine.all_modes().await.unwrap_or_else(|error| {
                failed = Some(Failure::failed(error));
                Vec::new()
            }),
        };
        for mode in modes {
            let call = Call::system("gsm:RebuildRatings", engine.clock().now());
            match engine.rebuild(&call, &mode, self.repair).await {
                Ok(report) => found.push(Found { mode, report }),
                Err(error @ EngineError::Unknown { .. }) => {
                    failed = Some(Failure::usage(format!("--mode: `{mode}`: {error}")));
                    break;
                }
                Err(error) => {
                    failed = Some(Failure::failed(format!("mode `{mode}`: {error}")));
                    break;
                }
            }
        }
        offline.close().await?;
        failed.map_or(Ok(found), Err)
    }
}
