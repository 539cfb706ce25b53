//! `gsm model explain`
use super::{Place, blamed, teams};
use crate::output::{Failure, Outcome, note, print_json, print_table, say};
use clap::Args;
use gsm_adapters::SystemClock;
use gsm_core::{Clock as _, Mode, Timestamp};
use gsm_ml::{Contribution, Home, NAMES, Oracle, Prediction, Premade, Query, Told, Who};
use serde_json::json;

/// `gsm model explain`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model explain --data-dir gsm-data --mode duel --team plr-5f0c… --team plr-91ab…
  gsm model explain --data-dir gsm-data --version 3 --team ann,kim --team bob,eve --variant clay --json

Players are told by the ids that the model was trained with: one trained by a server's own results knows the server's
(plr- and 32 digits, as GET /v1/rankings/duel and gsm boards export tell them), one trained by files the names there. Each feature is of the first team less the second; what they
add sums to the logit of the first team's expected score. What they mean: docs/prediction.md.

Exit code 0: done; 1: the model is damaged; 2: no such version, or the teams make no sense.")]
pub(super) struct Explain {
    #[command(flatten)]
    place: Place,
    /// The mode whose champion is asked
    #[arg(long, value_name = "MODE", required_unless_present = "version")]
    mode: Option<Mode>,
    /// This version instead of the champion
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
    /// The players of a team, with commas between; twice
    #[arg(long, value_name = "PLAYERS", required = true)]
    team: Vec<String>,
    /// Players who came together, with commas between; for each party
    #[arg(long, value_name = "PLAYERS")]
    party: Vec<String>,
    /// The variant played (map, surface)
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// When, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    at: Option<i64>,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let models = self.place.existing()?;
        let of = match (self.version, &self.mode) {
            (Some(version), mode) => {
                let of = models.version(version).map_err(blamed)?;
                if let Some(mode) = mode.as_ref().filter(|mode| mode.as_str() != of.about.mode) {
                    let text = format!("version {version} predicts mode `{}`, not `{mode}`", of.about.mode);
                    return Err(Failure::usage(text));
                }
                of
            }
            (None, mode) => {
                let mode = mode.as_ref().map_or("", Mode::as_str);
                let hint = "hint: gsm model promote, or name a --version";
                models
                    .champion(mode)
                    .ok_or_else(|| Failure::usage(format!("mode `{mode}` has no champion\n{hint}")))?
            }
        };
        let [one, other] = teams::teams(&self.team, Ok, |id| id)?;
        let parties = teams::parties(&self.party, &[one.as_slice(), &other].concat())?;
        let premade = [&one, &other].map(|team| Premade::among(team, &parties));
        let oracle = Oracle::new(models.load(of).map_err(blamed)?);
        if let Some(name) = self.variant.as_ref().filter(|name| !oracle.knows_variant(name)) {
            return Err(Failure::usage(format!("--variant: the model knows no `{name}`")));
        }
        let at = self.at.map_or_else(
            || SystemClock::new().now(),
            |seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)),
        );
        let [one, other] =
            [&one, &other].map(|team| team.iter().copied().map(Who::Named).collect::<Vec<_>>());
        let variant = self.variant.as_deref();
        let query = Query { at, variant, home: Home::AsEver, sides: [&one, &other], premade };
        let Told { features, prediction, unknown } = oracle.ask(&query).map_err(Failure::usage)?;
        let parts = oracle.explain(&features);
        if unknown.len() == one.len() + other.len() {
            note(format_args!(
                "{} knows none of these players: it speaks as of newcomers\nhint: a model trained by a server's own results knows players by their ids, plr- and 32 digits; one trained by files by the names there",
                of.about.name
            ));
        }
        if self.json {
            let seen = NAMES.into_iter().chain(["premade"]).zip(features.seen());
            let value = |name: &str| seen.clone().find(|(of, _)| *of == name).map(|(_, value)| value);
            let contributions: Vec<_> = parts
                .iter()
                .map(|part| json!({ "name": part.name, "value": value(part.name), "logit": part.logit }))
                .collect();
            return print_json(&json!({
                "model": { "name": of.about.name, "version": of.version, "hash": of.hash },
                "prediction": shown(&prediction),
                "unknown_players": unknown,
                "contributions": contributions,
            }));
        }
        text(&of.about.name, &prediction, &parts);
        if (1..one.len() + other.len()).contains(&unknown.len()) {
            note(format_args!("{} does not know: {}", of.about.name, unknown.join(", ")));
        }
        Ok(())
    }
}

fn shown(of: &Prediction) -> serde_json::Value {
    json!({
        "win": of.win, "draw": of.draw, "loss": of.loss, "expected": of.expected, "logit": of.logit,
        "low": of.low, "high": of.high, "margin": of.margin, "quality": of.quality,
    })
}

fn text(name: &str, of: &Prediction, parts: &[Contribution]) {
    say(format_args!("{name}: win {:.4}, draw {:.4}, loss {:.4}", of.win, of.draw, of.loss));
    say(format_args!(
        "expected score {:.4} ({:.4} to {:.4}), quality {:.4}",
        of.expected, of.low, of.high, of.quality
    ));
    if let Some(margin) = of.margin {
        say(format_args!("expected margin {margin:.2}"));
    }
    let mut rows = vec![vec!["feature".to_owned(), "logit".to_owned()]];
    let mut order: Vec<&Contribution> = parts.iter().filter(|part| part.logit != 0.0).collect();
    order.sort_by(|a, b| b.logit.abs().total_cmp(&a.logit.abs()));
    rows.extend(order.iter().map(|part| vec![part.name.to_owned(), format!("{:+.4}", part.logit)]));
    rows.push(vec!["sum".to_owned(), format!("{:+.4}", of.logit)]);
    print_table(&rows, &[false, true]);
}
