//! `gsm model live` and `gsm model fairness`: what a server's own predictions came to.
use crate::{
    eval,
    offline::{Offline, existing_dir},
    output::{Failure, Outcome, figure, grouped, print_json, print_table, say},
};
use clap::Args;
use gsm_core::Mode;
use gsm_engine::{ChallengerView, Engine, FairnessLine, ModelView};
use std::path::{Path, PathBuf};

/// `gsm model live`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model live --data-dir gsm-data
  gsm model live --data-dir gsm-data --mode duel --json      with calibration, and by region, party and experience

No server may run on the directory; a running one tells it by GET /v1/admin/models.

Exit code 0: done; 1: the data directory failed; 2: no such directory or mode.")]
pub(super) struct Live {
    #[command(flatten)]
    of: Of,
}

/// `gsm model fairness`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model fairness --data-dir gsm-data
  gsm model fairness --data-dir gsm-data --mode duel --json

No server may run on the directory; a running one tells it by GET /v1/admin/modes/{mode}/fairness.

Exit code 0: done; 1: the data directory failed; 2: no such directory or mode.")]
pub(super) struct Fairness {
    #[command(flatten)]
    of: Of,
}

/// Whose predictions, and for whom they are told.
#[derive(Args)]
struct Of {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Only this mode [default: all]
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Of {
    /// What `look` sees in each mode that has a model.
    fn each<T>(&self, look: impl Fn(&Engine, ModelView) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        existing_dir(&self.data_dir)?;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(async {
            let offline = Offline::existing(&self.data_dir, "a look at models").await?;
            let models = offline.engine.models().into_iter();
            let wanted = models.filter(|of| self.mode.as_ref().is_none_or(|mode| of.mode == *mode));
            let seen: Result<Vec<T>, Failure> = wanted.map(|of| look(&offline.engine, of)).collect();
            offline.close().await?;
            match (seen?, &self.mode) {
                (seen, Some(mode)) if seen.is_empty() => {
                    Err(Failure::usage(format!("no result of mode `{mode}` has been learnt from")))
                }
                (seen, _) => Ok(seen),
            }
        })
    }
}

/// The challengers of all modes.
pub(super) fn challengers(data_dir: &Path) -> Result<Vec<ChallengerView>, Failure> {
    let of = Of { data_dir: data_dir.to_owned(), mode: None, json: false };
    Ok(of.each(|_, model| Ok(model.challengers))?.into_iter().flatten().collect())
}

/// How many matches a challenger was judged by, its log loss, and the champion's over the same.
pub(super) fn beside(of: &ChallengerView) -> [String; 3] {
    [
        grouped(of.all.as_ref().map_or(0, |all| all.matches)),
        figure(of.all.as_ref().map(|all| all.log_loss)),
        figure(of.champion.as_ref().map(|all| all.log_loss)),
    ]
}

fn challenger(of: &ChallengerView) -> Vec<String> {
    let late = [&of.recent, &of.champion_recent].map(|of| figure(of.as_ref().map(|of| of.log_loss)));
    std::iter::once(of.model.clone()).chain(beside(of)).chain(late).collect()
}

impl Live {
    pub(super) fn run(self) -> Outcome {
        let models = self.of.each(|_, model| Ok(model))?;
        if self.of.json {
            return print_json(&serde_json::json!({ "models": models }));
        }
        if models.is_empty() {
            say("no result has been learnt from yet");
        }
        for model in models {
            say(format_args!(
                "{}: {} results learnt, {} predictions judged, {} players",
                model.mode,
                grouped(model.learnt),
                grouped(model.matches),
                grouped(model.players as u64)
            ));
            let head = [
                "",
                "matches",
                "accuracy",
                "log_loss",
                "brier",
                "ece",
                "accuracy of late",
                "log_loss of late",
                "ece of late",
            ];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            for of in &model.contenders {
                let (all, recent) = (of.all.as_ref(), of.recent.as_ref());
                rows.push(vec![
                    of.name.to_owned(),
                    grouped(all.map_or(0, |all| all.matches)),
                    figure(all.and_then(|all| all.accuracy)),
                    figure(all.map(|all| all.log_loss)),
                    figure(all.map(|all| all.brier)),
                    figure(all.map(|all| all.ece)),
                    figure(recent.and_then(|of| of.accuracy)),
                    figure(recent.map(|of| of.log_loss)),
                    figure(recent.map(|of| of.ece)),
                ]);
            }
            print_table(&rows, &[false, true, true, true, true, true, true, true, true]);
            if !model.challengers.is_empty() {
                let head = ["challenger", "matches", "log_loss", "champion", "of late", "champion of late"];
                let mut rows = vec![head.map(str::to_owned).to_vec()];
                rows.extend(model.challengers.iter().map(challenger));
                print_table(&rows, &[false, true, true, true, true, true]);
            }
            if let Some(closeness) = &model.closeness {
                say("how close matches were by the quality that was shown:");
                eval::closeness(closeness);
            }
            let drift = if model.drift.is_raised { "RAISED" } else { "not raised" };
            say(format_args!(
                "drift alarm: {drift} ({:.1} of {} nats), raised {} times so far",
                model.drift.lost, model.drift.raised_at, model.drift.alarms
            ));
        }
        Ok(())
    }
}

/// The parts of one mode.
#[derive(serde::Serialize)]
struct Parts {
    mode: Mode,
    parts: Vec<FairnessLine>,
}

impl Fairness {
    pub(super) fn run(self) -> Outcome {
        let all = self.of.each(|engine, model| {
            let parts = engine.fairness(&model.mode).map_err(Failure::failed)?;
            Ok(Parts { mode: model.mode, parts })
        })?;
        if self.of.json {
            return print_json(&serde_json::json!({ "modes": all }));
        }
        if all.is_empty() {
            say("no result has been learnt from yet");
        }
        for Parts { mode, parts } in all {
            say(format_args!("{mode}:"));
            let head = [
                "part",
                "matches",
                "score",
                "overrated",
                "accuracy",
                "quality",
                "wait s",
                "streaks of 3",
                "longest",
            ];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            for of in &parts {
                let by = |of: &gsm_engine::Segment| format!("{} {}", of.by.as_str(), of.value);
                rows.push(vec![
                    of.segment.as_ref().map_or_else(|| "everybody".to_owned(), by),
                    grouped(of.matches),
                    figure(of.score),
                    figure(of.overrated),
                    figure(of.accuracy),
                    figure(of.quality),
                    of.wait_ms_mean.map_or("-".to_owned(), |ms| format!("{:.1}", ms / 1e3)),
                    figure(of.losing_streaks),
                    of.losing_streak_max.to_string(),
                ]);
            }
            print_table(&rows, &[false, true, true, true, true, true, true, true, true]);
        }
        Ok(())
    }
}
