//! `gsm rules plan`: how a rule set is answered, stage by stage.
use super::load;
use crate::output::{Outcome, print_json, print_table, say};
use clap::Args;
use gsm_core::limits::PARTY_SIZE_MAX;
use gsm_rules::{
    Aggregation, Batching, HoldBack, Measure, NumberColumn, NumberSource, Pairwise, Rule, RuleKind, RuleSet,
    SetAggregation, Stage, Term, WordColumn, WordSource,
};
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
                let rules = answers(&set, stage, before).into_iter().map(|answer| {
                    json!({ "rule": answer.rule, "type": answer.kind, "by": answer.by, "what": answer.what })
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
            let parts = objective.terms.iter().map(|term| part(&set, term)).collect::<Vec<_>>().join(" + ");
            let starved = objective.starvation.as_secs_f64();
            say(format_args!("by cost: {parts}; {held}; at {starved} s it is matched whatever it costs"));
        }
        for (stage, before) in versions(&set) {
            say(format_args!("from {} s: {}", stage.from().as_secs_f64(), sizes(&set, stage).join(", ")));
            let mut rows = vec![["rule", "type", "by", "what"].map(str::to_owned).to_vec()];
            for answer in answers(&set, stage, before) {
                rows.push(vec![answer.rule, answer.kind, answer.by.to_owned(), answer.what]);
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
            many => format!("{many} x {} {players}", team.name.trim_end_matches("_1")),
        })
    });
    of_one.collect()
}

/// What answers a rule.
pub(super) struct Answer {
    pub(super) rule: String,
    kind: String,
    pub(super) by: &'static str,
    pub(super) what: String,
}

/// Each stage, and the one before it.
fn versions(set: &RuleSet) -> impl Iterator<Item = (&Stage, Option<&Stage>)> {
    let before = std::iter::once(None).chain(set.stages().iter().map(Some));
    set.stages().iter().zip(before)
}

/// Of the rules that are not judged as in the stage before.
pub(super) fn answers(set: &RuleSet, stage: &Stage, before: Option<&Stage>) -> Vec<Answer> {
    let mut all = Vec::new();
    let is_new = |at: usize| before.is_none_or(|before| stage.changed(before).any(|changed| changed == at));
    for (at, rule) in set.rules().iter().enumerate().filter(|(at, _)| is_new(*at)) {
        let kind = serde_json::to_value(rule.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
        let mut add = |by, what| {
            all.push(Answer { rule: rule.name.clone(), kind: kind.clone().unwrap_or_default(), by, what });
        };
        if matches!(rule.kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort) {
            add("order", "the other tickets".to_owned());
            continue;
        }
        let conditions: Vec<&Pairwise> =
            stage.pairwise().iter().filter(|condition| condition.rule() == at).collect();
        for condition in &conditions {
            match condition {
                Pairwise::Unary { .. } => add("ticket", "fails by itself".to_owned()),
                condition => add("index", condition_text(set, stage, condition)),
            }
        }
        let deviation = stage.deviation().filter(|of| of.rule == at);
        if let Some(of) = deviation {
            let what = format!("deviation of {} at most {}", number(set, of.column), of.most);
            add("search", what);
        }
        // By cost pairs are chosen over the whole pool; without, all rules are asked of two before they are a candidate.
        let whole = if stage.is_duel() && set.objective().is_none() { "pair" } else { "candidate" };
        if let Some(places) = places_text(set, stage, at) {
            add(whole, places);
        } else if conditions.is_empty() {
            add(whole, if rule.counts_alone { String::new() } else { "through a compound".to_owned() });
        }
    }
    all
}

/// `tank 1, damage 2; 1 autofilled` of a rule about roles.
fn places_text(set: &RuleSet, stage: &Stage, rule: usize) -> Option<String> {
    let (places, autofill) = stage.places(rule)?;
    let symbols = set.symbols();
    let places: Vec<String> =
        places.iter().map(|(role, count)| format!("{} {count}", symbols.text(*role))).collect();
    let filled = if autofill == 0 { String::new() } else { format!("; {autofill} of a team autofilled") };
    Some(places.join(", ") + &filled)
}

fn condition_text(set: &RuleSet, stage: &Stage, condition: &Pairwise) -> String {
    match *condition {
        Pairwise::Within { column, width, .. } => format!("{} at most {width} apart", number(set, column)),
        Pairwise::SameNumber { column, .. } => format!("{} the same", number(set, column)),
        Pairwise::DifferentNumber { column, .. } => format!("{} different", number(set, column)),
        Pairwise::SameText { column, .. } => format!("{} the same", word(set, column)),
        Pairwise::DifferentText { column, .. } => format!("{} different", word(set, column)),
        Pairwise::Overlap { column, at_least, .. } => {
            format!("{}: at least {at_least} in common", word(set, column))
        }
        Pairwise::Region { column, max_ms, apart_ms, .. } => {
            let near = if max_ms.is_finite() {
                format!("a location within {max_ms} ms")
            } else {
                "a location in common".to_owned()
            };
            let apart = match apart_ms.is_finite() {
                true if prefers_near(set, stage) => {
                    format!(", at most {apart_ms} ms apart there, the nearest first")
                }
                true => format!(", at most {apart_ms} ms apart there"),
                false => String::new(),
            };
            format!("{near}{apart} ({})", word(set, column))
        }
        Pairwise::Unary { .. } => String::new(),
    }
}

/// Whether nothing else says in which order others are tried.
fn prefers_near(set: &RuleSet, stage: &Stage) -> bool {
    let is_sort = |rule: &Rule| matches!(rule.kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort);
    !set.rules().iter().any(is_sort) && stage.algorithm().batching != Batching::Sorted
}

fn attribute(set: &RuleSet, index: usize) -> &str {
    set.attributes().get(index).map_or("", |attribute| attribute.name.as_str())
}

const fn aggregated(by: Aggregation) -> &'static str {
    match by {
        Aggregation::Min => "smallest of a party",
        Aggregation::Max => "largest of a party",
        Aggregation::Avg => "average of a party",
    }
}

/// A part of a cost.
fn part(set: &RuleSet, term: &Term) -> String {
    let measure = match term.measure {
        Measure::Spread(column) => format!("spread of {}", number(set, column)),
        Measure::Imbalance(column) => format!("imbalance of {}", number(set, column)),
        Measure::Unevenness(column) => format!("unevenness by {}", number(set, column)),
        Measure::LostQuality { strength, rating } => {
            format!("lost quality by {}, else by {}", number(set, strength), number(set, rating))
        }
        Measure::LatencyAbove { ms, .. } => format!("latency above {ms} ms"),
        Measure::RoleChoice(column) => format!("role choice of {}", word(set, column)),
    };
    format!("{} x {measure}", term.weight)
}

fn number(set: &RuleSet, column: NumberColumn) -> String {
    let source = set.number_columns().find(|(other, _)| *other == column);
    source.map_or_else(String::new, |(_, source)| match source {
        NumberSource::Attribute { attribute: index, aggregation } => {
            format!("`{}` ({})", attribute(set, index), aggregated(aggregation))
        }
        NumberSource::Strength => "what the model expects of the players".to_owned(),
        NumberSource::Skill => "the players' ratings".to_owned(),
    })
}

fn word(set: &RuleSet, column: WordColumn) -> String {
    match set.word_columns().find(|(other, _)| *other == column).map(|(_, source)| source) {
        Some(
            WordSource::Texts { attribute: index }
            | WordSource::Lists { attribute: index }
            | WordSource::Ranked { attribute: index }
            | WordSource::Avoided { attribute: index },
        ) => {
            format!("`{}`", attribute(set, index))
        }
        Some(WordSource::Set { attribute: index, aggregation }) => {
            let by = if aggregation == SetAggregation::Union { "any of a party" } else { "all of a party" };
            format!("`{}` ({by})", attribute(set, index))
        }
        Some(WordSource::Map { attribute: index, aggregation }) => {
            format!("`{}` ({})", attribute(set, index), aggregated(aggregation))
        }
        Some(WordSource::Latency { aggregation }) => aggregated(aggregation).to_owned(),
        Some(WordSource::Players | WordSource::Ids) => "players".to_owned(),
        None => String::new(),
    }
}
