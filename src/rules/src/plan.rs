//! What answers the rules of a set, in words.
use crate::{
    Aggregation, Batching, Measure, NumberColumn, NumberSource, Pairwise, Rule, RuleKind, RuleSet,
    SetAggregation, Stage, Term, WordColumn, WordSource,
};
use serde::{Deserialize, Serialize};

/// What answers a rule, or a part of it, in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Index of the rule.
    pub rule: usize,
    /// Where it is asked.
    pub by: AnsweredBy,
    /// What is asked there, in words; empty where that is the rule itself.
    pub what: String,
}

/// Where a rule is asked, before it is asked of each complete candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// Any two tickets of a match must fulfil it: the pool looks up who can meet whom.
    Index,
    /// Each ticket by itself must.
    Ticket,
    /// A match is two players: of any two as soon as one looks for the other.
    Pair,
    /// Of a part of a match: whether those who are left can still make it one.
    Search,
    /// Of complete candidates alone.
    Candidate,
    /// Nowhere: it sorts the other tickets for the oldest one.
    Order,
}

impl AnsweredBy {
    /// Its name: `index`, `ticket`, `pair`, `search`, `candidate` or `order`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Ticket => "ticket",
            Self::Pair => "pair",
            Self::Search => "search",
            Self::Candidate => "candidate",
            Self::Order => "order",
        }
    }
}

impl RuleSet {
    /// What answers each rule in a stage; with the stage `before` it, of the rules alone that are judged otherwise there.
    #[must_use]
    pub fn plan(&self, stage: &Stage, before: Option<&Stage>) -> Vec<Answer> {
        let mut all = Vec::new();
        let is_new =
            |at: usize| before.is_none_or(|before| stage.changed(before).any(|changed| changed == at));
        for (at, rule) in self.rules().iter().enumerate().filter(|(at, _)| is_new(*at)) {
            let mut add = |by, what| all.push(Answer { rule: at, by, what });
            if matches!(rule.kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort) {
                add(AnsweredBy::Order, "the other tickets".to_owned());
                continue;
            }
            let conditions: Vec<&Pairwise> =
                stage.pairwise().iter().filter(|condition| condition.rule() == at).collect();
            for condition in &conditions {
                match condition {
                    Pairwise::Unary { .. } => add(AnsweredBy::Ticket, "fails by itself".to_owned()),
                    condition => add(AnsweredBy::Index, condition_text(self, stage, condition)),
                }
            }
            let deviation = stage.deviation().filter(|of| of.rule == at);
            if let Some(of) = deviation {
                let what = format!("deviation of {} at most {}", number(self, of.column), of.most);
                add(AnsweredBy::Search, what);
            }
            // By cost pairs are chosen over the whole pool; without, all rules are asked of two before they are a candidate.
            let is_pair = stage.is_duel() && self.objective().is_none();
            let whole = if is_pair { AnsweredBy::Pair } else { AnsweredBy::Candidate };
            if let Some(places) = places_text(self, stage, at) {
                add(whole, places);
            } else if conditions.is_empty() {
                add(whole, if rule.counts_alone { String::new() } else { "through a compound".to_owned() });
            }
        }
        all
    }
}

impl Term {
    /// It in words, `2 x spread of ..`.
    #[must_use]
    pub fn text(&self, set: &RuleSet) -> String {
        let measure = match self.measure {
            Measure::Spread(column) => format!("spread of {}", number(set, column)),
            Measure::Imbalance(column) => format!("imbalance of {}", number(set, column)),
            Measure::Unevenness(column) => format!("unevenness by {}", number(set, column)),
            Measure::LostQuality { strength, rating } => {
                format!("lost quality by {}, else by {}", number(set, strength), number(set, rating))
            }
            Measure::LatencyAbove { ms, .. } => format!("latency above {ms} ms"),
            Measure::RoleChoice(column) => format!("role choice of {}", word(set, column)),
        };
        format!("{} x {measure}", self.weight)
    }
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
