//! `gsm model eval`
use super::{
    Place, blamed,
    show::{RIGHT, figures, head},
    source::{Matches, Source},
    train::share,
};
use crate::{
    eval,
    history::drawn,
    output::{Failure, Outcome, grouped, note, print_table, say},
};
use clap::Args;
use gsm_adapters::models::{Models, Version};
use gsm_ml::{Figures, Forecaster, Plan, constant, data_hash, judge, rating_alone};
use gsm_rating::evaluation::ClosenessReport;
use indicatif::ProgressBar;
use serde_json::json;

/// `gsm model eval`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model eval --data-dir gsm-data                          every mode's champion, on the server's own results
  gsm model eval --data-dir gsm-data --version 3 --version 4
  gsm model eval --data-dir gsm-data --mode duel new.csv.gz --json

The last fifth of the matches counts (--holdout). A version goes through all of them: players are learnt from the first
match on, its weights only from matches after the window of its training. Where that reaches into the matches that count it
says so, and whether it was trained on these very matches: its figures are then better than they should be.

Exit code 0: done; 1: the data directory failed; 2: a file, a version or a flag makes no sense.")]
pub(super) struct Eval {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    source: Source,
    /// Only this version; may be repeated [default: the champion of each mode]
    #[arg(long, value_name = "VERSION")]
    version: Vec<u32>,
    /// The share of matches, from the end, that counts
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    holdout: f64,
    /// One JSON object a line, for each mode and model
    #[arg(long)]
    json: bool,
}

struct Row {
    name: String,
    figures: Option<Figures>,
    /// How close matches were beside the quality that a version told of them.
    closeness: Option<ClosenessReport>,
    /// The window of its training reaches into the matches that count...
    had_seen: bool,
    /// ... which it was trained on, every one and no others.
    is_same_data: bool,
}

impl Eval {
    pub(super) fn run(self) -> Outcome {
        let models = self.place.existing()?;
        let asked: Vec<&Version> =
            self.version.iter().map(|n| models.version(*n)).collect::<Result<_, _>>().map_err(blamed)?;
        let all = self.source.matches(&self.place.data_dir)?;
        if let Some(of) = asked.iter().find(|of| all.iter().all(|m| m.mode.as_str() != of.about.mode)) {
            let text = format!(
                "version {} predicts mode `{}`, of which there are no matches",
                of.version, of.about.mode
            );
            return Err(Failure::usage(text));
        }
        for matches in &all {
            let mode = matches.mode.as_str();
            let versions: Vec<&Version> = if self.version.is_empty() {
                models.champion(mode).into_iter().collect()
            } else {
                asked.iter().copied().filter(|of| of.about.mode == mode).collect()
            };
            self.one(&models, matches, &versions)?;
        }
        Ok(())
    }

    fn one(&self, models: &Models, matches: &Matches, versions: &[&Version]) -> Outcome {
        let history = &matches.history;
        let plan = Plan { history, holdout: self.holdout, forgetting: Some(0.0), trees: 0, champion: None };
        let work = (versions.len() as u64 + 1) * history.len() as u64;
        let bar = drawn(ProgressBar::new(work), "judging {msg}  {bar:40} {percent}%, {eta} to go");
        let bar = bar.with_message(matches.mode.to_string());
        let mut done = 0_u64;
        let mut each = || {
            done += 1;
            if done.is_multiple_of(4096) {
                bar.set_position(done);
            }
        };
        let (data, mut rows) = (data_hash(history, &matches.players), Vec::new());
        for of in versions {
            let file = match models.load(of) {
                Ok(file) => file,
                Err(error) if self.version.is_empty() => {
                    note(format_args!("the champion is left out: {error}"));
                    continue;
                }
                Err(error) => return Err(blamed(error)),
            };
            let seen = of.about.seen_to();
            let weights = file.weights(&plan.names(Vec::new()).variants);
            let forecaster = Forecaster::with(weights, history, Some(seen));
            let judged = judge(forecaster, &plan, &mut each).map_err(|unrated| matches.blame(unrated))?;
            let test = plan.windows().test;
            rows.push(Row {
                name: of.about.name.clone(),
                figures: Figures::of(&judged.scored.test.report()),
                closeness: judged.scored.closeness.report(),
                had_seen: test < history.len() && history.at(test) <= seen,
                is_same_data: of.about.data == data,
            });
        }
        let rating = rating_alone(&plan, &mut each).map_err(|unrated| matches.blame(unrated))?;
        bar.finish_and_clear();
        rows.push(Row {
            name: "rating system alone".to_owned(),
            figures: rating,
            closeness: None,
            had_seen: false,
            is_same_data: false,
        });
        rows.push(Row {
            name: "constant chance".to_owned(),
            figures: constant(&plan),
            closeness: None,
            had_seen: false,
            is_same_data: false,
        });
        if self.json {
            for Row { name, figures, closeness, had_seen, .. } in &rows {
                say(json!({ "mode": matches.mode, "model": name, "figures": figures, "closeness": closeness,
                    "had_seen": had_seen }));
            }
            return Ok(());
        }
        say(format_args!("{}: {} matches", matches.mode, grouped(history.len() as u64)));
        let mut table = vec![head("model")];
        table.extend(rows.iter().map(|row| figures(&row.name, row.figures.as_ref())));
        print_table(&table, &RIGHT);
        for Row { name, closeness, .. } in &rows {
            if let Some(of) = closeness {
                say(format_args!("how close matches were by the quality that {name} told:"));
                eval::closeness(of);
            }
        }
        for Row { name, is_same_data, .. } in rows.iter().filter(|row| row.had_seen) {
            if *is_same_data {
                note(format_args!(
                    "{name} was trained on these very matches: its figures are better than they should be"
                ));
            } else {
                note(format_args!(
                    "the training window of {name} reaches into these matches: those that it has seen favour it"
                ));
            }
        }
        Ok(())
    }
}
