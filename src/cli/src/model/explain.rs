//! `gsm model explain`
use super::{Place, blamed};
use crate::output::{Failure, Outcome, note, print_json, print_table, say};
use clap::Args;
use gsm_adapters::SystemClock;
use gsm_core::{Clock as _, Mode, Timestamp, limits::MATCH_PLAYERS_MAX};
use gsm_ml::{Contribution, Meeting, Prediction};
use serde_json::json;
use std::collections::HashMap;

/// `gsm model explain`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model explain --data-dir gsm-data --mode duel --team ann --team bob
  gsm model explain --data-dir gsm-data --version 3 --team ann,kim --team bob,eve --variant clay --json

Players are told by the ids that the model was trained with. Each feature is of the first team less the second; what they
add sums to the logit of the first team's expected score. What they mean: docs/prediction.md.

Exit code 0: done; 1: the model is damaged; 2: no such version, or the teams make no sense.")]
pub(super) struct Explain {
    #[command(flatten)]
    place: Place,
    /// The mode whose champion is asked
    #[arg(long, value_name = "MODE", required_unless_present = "version")]
    mode: Option<String>,
    /// This version instead of the champion
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
    /// The players of a team, with commas between; twice
    #[arg(long, value_name = "PLAYERS", required = true)]
    team: Vec<String>,
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
            (Some(version), _) => models.version(version).map_err(blamed)?,
            (None, mode) => {
                let mode = mode.as_deref().unwrap_or_default();
                Mode::new(mode).map_err(|error| Failure::usage(format!("--mode: {error}")))?;
                let hint = "hint: gsm model promote, or name a --version";
                models
                    .champion(mode)
                    .ok_or_else(|| Failure::usage(format!("mode `{mode}` has no champion\n{hint}")))?
            }
        };
        let [one, other] = self.teams()?;
        let mut file = models.load(of).map_err(blamed)?;
        let numbers: HashMap<&str, u32> =
            file.names.players.iter().map(String::as_str).zip(0_u32..).collect();
        let players = one.iter().chain(&other).copied();
        let unknown: Vec<&str> = players.filter(|player| !numbers.contains_key(player)).collect();
        // Who is not known gets a number that no player has.
        let number = |player: &&str| {
            let new = || numbers.len() + unknown.iter().position(|of| of == player).unwrap_or_default();
            numbers.get(*player).copied().unwrap_or_else(|| u32::try_from(new()).unwrap_or(u32::MAX))
        };
        let sides = [&one, &other].map(|team| team.iter().map(number).collect::<Vec<u32>>());
        let variant = self.variant(&file.names.variants)?;
        let at = self.at.map_or_else(
            || SystemClock::new().now(),
            |seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)),
        );
        let [a, b] = &sides;
        let home = file.names.home.get(usize::from(variant.unwrap_or_default())).copied().unwrap_or(false);
        let meeting = Meeting { at, variant, home: home.then_some(0), sides: [a, b] };
        let features = file.model.features(&meeting).map_err(Failure::usage)?;
        let prediction = file.model.predict(&features);
        let parts = file.model.explain(&features);
        if self.json {
            let values = features.values().iter().copied().map(Some).chain([None]);
            let contributions: Vec<_> = (parts.iter().zip(values))
                .map(|(part, value)| json!({ "name": part.name, "value": value, "logit": part.logit }))
                .collect();
            return print_json(&json!({
                "model": { "name": of.about.name, "version": of.version, "hash": of.hash },
                "prediction": shown(&prediction),
                "unknown_players": unknown,
                "contributions": contributions,
            }));
        }
        text(&of.about.name, &prediction, &parts);
        if !unknown.is_empty() {
            note(format_args!("{} does not know: {}", of.about.name, unknown.join(", ")));
        }
        Ok(())
    }

    fn teams(&self) -> Result<[Vec<&str>; 2], Failure> {
        let [one, other] = self.team.as_slice() else {
            return Err(Failure::usage(format!("--team comes twice, not {} times", self.team.len())));
        };
        let teams = [one, other].map(|team| team.split(',').map(str::trim).collect::<Vec<&str>>());
        let mut all: Vec<&str> = teams.iter().flatten().copied().collect();
        if all.iter().any(|player| player.is_empty()) {
            return Err(Failure::usage("--team: a player without a name"));
        }
        if all.len() > MATCH_PLAYERS_MAX {
            return Err(Failure::usage(format!("--team: a match has at most {MATCH_PLAYERS_MAX} players")));
        }
        all.sort_unstable();
        match all.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Failure::usage(format!("--team: `{}` comes twice", pair[0]))),
            None => Ok(teams),
        }
    }

    fn variant(&self, known: &[String]) -> Result<Option<u16>, Failure> {
        let Some(name) = &self.variant else { return Ok(None) };
        let found = known.iter().position(|of| of == name).filter(|_| known.len() > 1);
        let number = found.and_then(|at| u16::try_from(at).ok());
        number.map(Some).ok_or_else(|| Failure::usage(format!("--variant: the model knows no `{name}`")))
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
