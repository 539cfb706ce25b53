//! Why a ticket under a rule set still waits.
use super::{RulePool, candidates::holds, ticket::Waiting};
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_rules::Stage;
use serde::{Deserialize, Serialize};

/// Other tickets that are looked at.
const LOOKED_AT_MAX: usize = 10_000;

/// Why a ticket still waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuledExplain {
    /// Place by age: 1 is the longest waiting.
    pub position: usize,
    /// How long it has waited.
    pub waited: Millis,
    /// Why it is never matched by this rule set, if so.
    pub never: Option<String>,
    /// A rule that it fails by itself, whoever plays with it.
    pub alone: Option<String>,
    /// What it pays for a match now, where the rule set has an objective and it does not pay anything.
    pub price: Option<f64>,
    /// Other tickets that wait.
    pub others: usize,
    /// Those of them that may be in one match with it, as far as two tickets say.
    pub compatible: usize,
    /// What each rule says, in the order of the rule set.
    pub rules: Vec<RuleWhy>,
    /// The rule that lets the fewest pass, if one stands in the way.
    pub binding: Option<String>,
    /// The next expansion, if one comes.
    pub next: Option<StageWhy>,
    /// Whether all tickets were counted; otherwise the counts are of the first of them.
    pub complete: bool,
}

/// What one rule says about a waiting ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWhy {
    /// The rule.
    pub rule: String,
    /// Other tickets that it lets be in one match with this one, as far as two tickets say.
    pub passing: usize,
    /// How often it held for candidates that were judged for the ticket's sake.
    pub held: u64,
    /// How often it did not.
    pub failed: u64,
}

/// What an expansion will do for a waiting ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWhy {
    /// The age at which it begins.
    pub at: Millis,
    /// Tickets that may be in one match with it then and may not now, if nobody comes or goes.
    pub unlocked: usize,
}

impl RulePool {
    /// Why the ticket still waits; `None` if it does not.
    #[must_use]
    pub fn explain(&self, id: TicketId, now: Timestamp) -> Option<RuledExplain> {
        let own = self.waiting.get(&id)?;
        let waited = now.since(own.turn.started_at);
        let at = self.set.stage_at(waited);
        let stage = self.set.stages().get(at)?;
        let others = || {
            self.waiting
                .in_turn()
                .map(|(_, other)| other)
                .filter(|other| other.turn.id != id)
                .take(LOOKED_AT_MAX)
        };
        let compatible = |stage: &Stage| {
            others().filter(|other| other.never.is_none() && fails(stage, own, other).is_none()).count()
        };
        let now_compatible = compatible(stage);
        let counts = self.counts(id);
        let rules: Vec<RuleWhy> = self
            .set
            .rules()
            .iter()
            .zip(counts)
            .enumerate()
            .map(|(at, (rule, (held, failed)))| RuleWhy {
                rule: rule.name.clone(),
                passing: others().filter(|other| passes(stage, at, own, other)).count(),
                held,
                failed,
            })
            .collect();
        let name = |rule: usize| self.set.rules().get(rule).map(|rule| rule.name.clone());
        let counted = others().count();
        let least = rules.iter().min_by_key(|why| why.passing).filter(|why| why.passing < counted);
        let failing = || rules.iter().filter(|why| why.failed > 0).max_by_key(|why| why.failed);
        let next = self.set.stages().get(at + 1).map(|next| StageWhy {
            at: next.from(),
            unlocked: compatible(next).saturating_sub(now_compatible),
        });
        Some(RuledExplain {
            position: 1 + self.waiting.older(own.turn.started_at, id),
            waited,
            never: own.never.as_ref().map(ToString::to_string),
            alone: own.party().and_then(|party| stage.alone(party)).and_then(name),
            price: self.set.objective().map(|of| of.price(waited)).filter(|price| price.is_finite()),
            others: self.waiting.len().saturating_sub(1),
            compatible: now_compatible,
            binding: least.or_else(failing).map(|why| why.rule.clone()),
            rules,
            next,
            complete: counted + 1 >= self.waiting.len(),
        })
    }
}

/// The first rule that keeps the two out of one match.
fn fails(stage: &Stage, one: &Waiting, two: &Waiting) -> Option<usize> {
    let mut pairs = one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    pairs.find_map(|(a, b)| stage.pairwise().iter().find(|pair| !holds(pair, a, b)).map(|pair| pair.rule()))
}

/// Whether one rule lets the two be in one match, as far as two tickets say.
fn passes(stage: &Stage, rule: usize, one: &Waiting, two: &Waiting) -> bool {
    let asked = stage.pairwise().iter().filter(|pair| pair.rule() == rule);
    let both = || one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    let mut asked = asked.flat_map(|pair| both().map(move |(a, b)| (pair, a, b)));
    asked.all(|(pair, a, b)| holds(pair, a, b))
}
