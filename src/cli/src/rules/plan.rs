//! `gsm rules plan`: how a rule set is answered, stage by stage.
use super::load;
use crate::output::{Outcome, print_json, print_table, say};
use clap::Args;
use gsm_core::limits::PARTY_SIZE_MAX;
use gsm_rules::{Answer, HoldBack, RuleSet, Stage};
use serde_json::json;
use std::path::PathBuf;

/// `gsm rules plan`
#[derive(Args)]
#[command(after_help = "Example: gsm rules plan config/rule-sets/fives.json

The sizes of the teams, and for each rule what answers it; then, for each age at which expansions change something, the
sizes and the rules that have changed.
  index      any two tickets of a match must fulfil it: the pool looks up who can meet whom
  ticket     each ticket by itself must fulfil it
  pair       a match is two players: asked of any two as soon as one looks for the other
  search     asked of a part of a match: whether those who are left can still make it one
  candidate  asked of each candidate match, when it is complete
  order      sorts the other tickets for the oldest one
Every rule is asked of each complete candidate as well; the others only keep hopeless ones away.
Exit code 0: done; 2: the rule set is not lawful, or cannot be read.")]
pub(crate) struct Plan {
    /// A rule set
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(crate) fn run(self) -> Outcome {
        let (set, _) = load(&self.file)?;
        if self.json {
            let stages = versions(&set).map(|(stage, before)| {
                let rules = set.plan(stage, before).into_iter().map(|answer| {
                    let (rule, kind) = named(&set, &answer);
                    json!({ "rule": rule, "type": kind, "by": answer.by, "what": answer.what })
                });
                json!({ "from_s": stage.from().as_secs_f64(), "teams": sizes(&set, stage), "rules": rules.collect::<Vec<_>>() })
            });
            return print_json(&stages.collect::<Vec<_>>());
        }
        if set.party_max() != PARTY_SIZE_MAX || set.splits_parties() {
            let split = if set.splits_parties() { ", split where they fit no team" } else { "" };
            say(format_args!("parties of up to {} players{split}", set.party_max()));
        }
        if let Some(objective) = set.objective() {
            let held = match objective.hold_back {
                HoldBack::None => "nothing is held back".to_owned(),
                HoldBack::Price { start, per_second } => {
                    format!("a ticket pays {start}, and {per_second} more each second")
                }
            };
            let parts = objective.terms.iter().map(|term| term.text(&set)).collect::<Vec<_>>().join(" + ");
            let starved = objective.starvation.as_secs_f64();
            say(format_args!("by cost: {parts}; {held}; at {starved} s it is matched whatever it costs"));
        }
        for (stage, before) in versions(&set) {
            say(format_args!("from {} s: {}", stage.from().as_secs_f64(), sizes(&set, stage).join(", ")));
            let mut rows = vec![["rule", "type", "by", "what"].map(str::to_owned).to_vec()];
            for answer in set.plan(stage, before) {
                let (rule, kind) = named(&set, &answer);
                rows.push(vec![rule, kind, answer.by.as_str().to_owned(), answer.what]);
            }
            if rows.len() > 1 {
                print_table(&rows, &[]);
            }
            say("");
        }
        Ok(())
    }
}

/// `red 5`, `squad (4) 1-3`: teams of one entry together.
fn sizes(set: &RuleSet, stage: &Stage) -> Vec<String> {
    let teams: Vec<_> = set.teams().iter().zip(stage.teams()).collect();
    let of_one = teams.chunk_by(|(a, _), (b, _)| a.entry == b.entry).filter_map(|same| {
        let (team, size) = same.first()?;
        let players =
            if size.min == size.max { size.max.to_string() } else { format!("{}-{}", size.min, size.max) };
        Some(match same.len() {
            1 => format!("{} {players}", team.name),
            many => format!("{many} x {} {players}", team.name.strip_suffix("_1").unwrap_or(&team.name)),
        })
    });
    of_one.collect()
}

/// Each stage, and the one before it.
fn versions(set: &RuleSet) -> impl Iterator<Item = (&Stage, Option<&Stage>)> {
    let before = std::iter::once(None).chain(set.stages().iter().map(Some));
    set.stages().iter().zip(before)
}

/// The name of the rule that is answered, and its type.
fn named(set: &RuleSet, answer: &Answer) -> (String, String) {
    let rule = set.rules().get(answer.rule);
    let kind = rule.and_then(|rule| serde_json::to_value(rule.kind).ok());
    let kind = kind.and_then(|kind| kind.as_str().map(str::to_owned));
    (rule.map(|rule| rule.name.clone()).unwrap_or_default(), kind.unwrap_or_default())
}
