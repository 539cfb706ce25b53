//! `gsm model train`
use super::{
    Place, Who, blamed,
    show::{RIGHT, figures, head, since},
    source::{Matches, Source, with_players},
};
use crate::{
    history::drawn,
    output::{Failure, Outcome, grouped, note, print_table, say},
};
use clap::Args;
use gsm_adapters::{SystemClock, models::Models};
use gsm_core::{Clock as _, Timestamp};
use gsm_ml::{
    About, Model, ModelFile, Plan, TREES_MATCHES_MIN, TREES_MAX, Trained, better, data_hash, train,
};
use indicatif::ProgressBar;
use serde_json::json;

/// By so much lower must the log loss of a model be that becomes champion.
pub(super) const MARGIN: f64 = 0.001;

/// `gsm model train`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model train --data-dir gsm-data                         every mode, by the server's own results
  gsm model train --data-dir gsm-data --mode duel --json
  gsm model train --data-dir gsm-data --mode duel --trees 100   with boosted trees above the regressions
  gsm model train --data-dir gsm-data --mode duel duels.csv.gz      by files; gsm-data keeps the model

The model learns from each match in turn, after it has predicted it. On the last fifth of them (--holdout) its
predictions count, beside those of a rating system alone, of a constant chance, and of today's champion. How much the
weights forget is chosen by the matches before. With --trees the model is also judged without them. The version is kept in DIR/models; nothing is promoted. No server may
run on the directory while its results are read.

Files are those of `gsm replay --help`, or JSON lines: {\"match_id\":1,\"timestamp\":1700000000,\"mode\":\"\",\"teams\":
[{\"players\":[\"ann\"],\"rank\":1,\"score\":3},{\"players\":[\"bob\"],\"rank\":2,\"score\":1}]}

Exit code 0: done; 1: the data directory failed; 2: a file or a flag makes no sense.")]
pub(super) struct Train {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    source: Source,
    /// The share of matches, from the end, that the model is judged by
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    holdout: f64,
    /// How much the weights forget in a match, 0 to 0.1 [default: what predicts best]
    #[arg(long, value_name = "SHARE", value_parser = forgetting)]
    forgetting: Option<f64>,
    /// Grow so many trees above the regressions, 0 to 1000; more than a hundred thousand matches are worth it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = trees)]
    trees: usize,
    #[command(flatten)]
    who: Who,
    /// One JSON object a line, for each mode
    #[arg(long)]
    json: bool,
}

/// Above 0, at most one half.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 0.5 => Ok(share),
        _ => Err("a number above 0, at most 0.5".to_owned()),
    }
}

/// At least 0, at most a tenth.
pub(crate) fn forgetting(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=0.1).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 0.1".to_owned()),
    }
}

/// As many trees as a model can have.
pub(crate) fn trees(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(trees) if trees <= TREES_MAX => Ok(trees),
        _ => Err(format!("a whole number from 0 to {TREES_MAX}")),
    }
}

/// How, beside whom.
pub(crate) struct Recipe<'a> {
    pub(crate) holdout: f64,
    pub(crate) forgetting: Option<f64>,
    pub(crate) trees: usize,
    pub(crate) champion: Option<(&'a ModelFile, &'a str)>,
}

/// Trains on matches, with a progress bar; a model that has seen nothing where there are none.
pub(crate) fn trained(
    matches: &Matches,
    recipe: &Recipe<'_>,
    at: Timestamp,
    by: &str,
) -> Result<ModelFile, Failure> {
    let Recipe { holdout, forgetting, trees, champion } = *recipe;
    let plan = Plan { history: &matches.history, holdout, forgetting, trees, champion };
    let work = plan.passes() as u64 * matches.history.len() as u64;
    let bar = drawn(ProgressBar::new(work), "training {msg}  {bar:40} {percent}%, {per_sec}, {eta} to go");
    let bar = bar.with_message(matches.mode.to_string());
    let mut done = 0_u64;
    let outcome = train(&plan, || {
        done += 1;
        if done.is_multiple_of(4096) {
            bar.set_position(done);
        }
    });
    bar.finish_and_clear();
    let outcome = outcome.map_err(|unrated| matches.blame(unrated))?;
    let mut about = About::new("", matches.mode.as_str(), at, by);
    let names = plan.names(matches.players.clone());
    let Some(Trained { model, forgetting, metrics, window }) = outcome else {
        return Ok(ModelFile { about, names, model: Model::new() });
    };
    (about.forgetting, about.metrics, about.window) = (forgetting, metrics, window);
    about.trees = u32::try_from(model.trees()).unwrap_or(u32::MAX);
    if trees > 0 && about.trees == 0 {
        note(format_args!(
            "mode `{}`: no trees were grown; {TREES_MATCHES_MIN} matches of two sides are needed, and something in them that the regressions do \
             not see",
            matches.mode
        ));
    }
    about.data = data_hash(&matches.history, &matches.players);
    // Who trains on the server's own results says which.
    about.results_to = Some(0);
    Ok(ModelFile { about, names, model })
}

impl Train {
    pub(super) fn run(self) -> Outcome {
        let by = self.who.name()?;
        let mut models = self.place.models()?;
        for matches in self.source.matches(&self.place.data_dir)? {
            self.one(&matches, &mut models, by)?;
        }
        Ok(())
    }

    fn one(&self, matches: &Matches, models: &mut Models, by: &str) -> Outcome {
        let champion = models.champion(matches.mode.as_str()).cloned();
        let loaded = champion.as_ref().and_then(|of| match models.load(of) {
            Ok(file) => Some(file),
            Err(error) => {
                note(format_args!("not compared with the champion: {error}"));
                None
            }
        });
        let recipe = Recipe {
            holdout: self.holdout,
            forgetting: self.forgetting,
            trees: self.trees,
            champion: loaded.as_ref().zip(champion.as_ref().map(|of| of.hash.as_str())),
        };
        let mut file = trained(matches, &recipe, SystemClock::new().now(), by)?;
        if self.source.is_stored() {
            file = with_players(&self.place.data_dir, &matches.mode, file)?;
        }
        drop(loaded);
        let version = models.add(file).map_err(blamed)?;
        let metrics = &version.about.metrics;
        let verdict = better(metrics, champion.as_ref().map(|of| of.hash.as_str()), MARGIN);
        let why = verdict.as_ref().err().map(ToString::to_string);
        if self.json {
            let file = models.path(&version).display().to_string();
            say(json!({ "version": version, "file": file, "better": verdict.is_ok(), "why_not": why }));
            return Ok(());
        }
        let (about, window) = (&version.about, version.about.window);
        say(format_args!(
            "{}: version {}, {} matches of {} players, {} to {}",
            about.name,
            version.version,
            grouped(window.matches),
            grouped(window.players),
            since(window.from),
            since(window.to)
        ));
        let mut rows = vec![head("on matches it had not seen")];
        rows.push(figures(&about.name, metrics.model.as_ref()));
        if metrics.without_trees.is_some() {
            rows.push(figures("without its trees", metrics.without_trees.as_ref()));
        }
        rows.push(figures("rating system alone", metrics.rating.as_ref()));
        rows.push(figures("constant chance", metrics.constant.as_ref()));
        if let (Some(compared), Some(champion)) = (&metrics.champion, &champion) {
            let name = format!("{} (champion)", champion.about.name);
            rows.push(figures(&name, Some(&compared.figures)));
            if compared.had_seen {
                note(
                    "the champion's training window reaches into these matches: those that it has seen favour it",
                );
            }
        }
        print_table(&rows, &RIGHT);
        match why {
            None => say(format_args!("better by at least {MARGIN}: gsm model promote {}", version.version)),
            Some(why) => say(format_args!("not to be promoted: {why}")),
        }
        Ok(())
    }
}
