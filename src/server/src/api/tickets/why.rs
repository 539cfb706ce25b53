//! Why a ticket still waits.
use crate::api::dto::EstimatedWaitDto;
use gsm_core::QueueName;
use gsm_engine::{Explained, store::TicketRow};
use gsm_matchmaking::{Binding, Explain, RuleWhy, RuledExplain, StageWhy, WaitEstimate};
use gsm_rules::Answer;
use gsm_session::TicketState;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a ticket still waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainDto {
    /// False once it waits no longer; then the rest is absent, as it is while the rules of its queue do not look at it.
    waiting: bool,
    /// The same in a sentence.
    text: String,
    #[serde(flatten)]
    why: Option<TicketWhyDto>,
    /// Of a queue with a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<RulesDto>,
    /// Once enough others have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait: Option<EstimatedWaitDto>,
    /// Of a ticket in several queues: each of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<QueueWhyDto>,
}

/// Why a ticket still waits in one of its queues.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueWhyDto {
    queue: String,
    /// In a sentence.
    text: String,
    #[serde(flatten)]
    why: Option<TicketWhyDto>,
    /// Of a queue with a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<RulesDto>,
}

/// Counts and limits of a ticket that waits in a window of skill.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketWhyDto {
    /// Place in the queue: 1 is the longest waiting.
    position: usize,
    waited_ms: u64,
    /// Mean of the party's ratings.
    skill: f64,
    /// Points to either side that it takes now.
    window: f64,
    /// Other tickets within its own window.
    in_window: usize,
    /// Those of them that have it in their window too.
    consenting: usize,
    /// Players that are lacking to the smallest match it takes now.
    players_missing: usize,
    /// Its window in ten seconds.
    window_soon: f64,
    /// How many more tickets will consent in ten seconds, if nobody comes or goes.
    unlocked_soon: usize,
    /// What stands in the way: `too_few_players`, `party_fit`, `skill_window` or `nothing`.
    binding: &'static str,
    /// Whether all tickets were counted; otherwise the counts are at least so much.
    complete: bool,
}

fn sentence(why: &Explain) -> String {
    let now = match why.binding {
        Binding::TooFewPlayers => "fewer players wait than a match needs".to_owned(),
        Binding::PartyFit => "enough players wait, but their parties do not fill the sides".to_owned(),
        Binding::SkillWindow if why.players_missing == 0 => format!(
            "{} waiting tickets and this one take each other, but not enough of them take one another as well",
            why.consenting
        ),
        Binding::SkillWindow => format!(
            "of the waiting tickets {} are within {:.0} points and take this one too, too few for a match",
            why.consenting, why.window
        ),
        Binding::Nothing => {
            "a match is about to be made, unless longer waiting tickets take the partners".to_owned()
        }
    };
    if why.window_soon > why.window {
        format!(
            "{now}; in ten seconds the window is {:.0} points and {} more tickets fit",
            why.window_soon, why.unlocked_soon
        )
    } else {
        now
    }
}

/// What a rule set says of a ticket that waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct RulesDto {
    /// Place in the queue: 1 is the longest waiting.
    position: usize,
    waited_ms: u64,
    /// Why this rule set never matches it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    never: Option<String>,
    /// A rule that it fails by itself, whoever of those who wait plays with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fails_alone: Option<String>,
    /// What it pays for a match by now, where the rule set's `objective` holds matches back.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
    /// Whether nothing but its price may stand in the way: no rule does, and enough players for a match may be in one with it.
    held_back: bool,
    /// Other tickets that wait.
    others: usize,
    /// Those of them that may be in one match with it, as far as two tickets say.
    compatible: usize,
    rules: Vec<WaitRuleDto>,
    /// The rule that stands in the way most: the one that it fails by itself, else the one that alone keeps most others out, else
    /// the one that lets the fewest pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    /// The next expansion.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextDto>,
    /// Whether all tickets were counted; otherwise the counts are of the first 10,000, or of fewer where the rules are dear to judge.
    complete: bool,
}

/// What one rule says.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitRuleDto {
    rule: String,
    /// What answers it at the ticket's age, before it is asked of each complete candidate.
    plan: Vec<AnswerDto>,
    /// Other tickets that it lets be in one match with this one, as far as two tickets say.
    passing: usize,
    /// How often it held when it was judged for the ticket's sake.
    held: u64,
    /// How often it did not.
    failed: u64,
}

/// What answers a rule, or a part of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnswerDto {
    /// `index`: the pool looks up who can meet whom; `ticket`: each ticket is asked by itself; `pair`: any two, where two
    /// players are a match; `search`: a part of a match; `candidate`: complete candidates alone; `order`: it sorts the others.
    by: &'static str,
    /// What is asked there, in words; empty where that is the rule itself.
    what: String,
}

/// Why a ticket still waits, in short, by a look at the first of the others. All of it: `GET /v1/tickets/{ticket_id}/explain`.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ShortWhyDto {
    /// In a sentence.
    text: String,
    /// The rule that stands in the way most, by its name; in a queue without a rule set `too_few_players`, `party_fit` or
    /// `skill_window`. Absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    /// Other tickets that wait. Of a queue with a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<usize>,
    /// Those of them that may be in one match with it, as far as two tickets say.
    compatible: usize,
    /// Those that the rule which stands in the way lets be in one match with it, or that are within the ticket's own window.
    #[serde(skip_serializing_if = "Option::is_none")]
    passing: Option<usize>,
    /// The next expansion. Of a queue with a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextDto>,
    /// How many more tickets will fit in ten seconds, if nobody comes or goes. Of a queue without a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    unlocked_soon: Option<usize>,
    /// Whether all tickets were counted.
    complete: bool,
}

impl ShortWhyDto {
    pub(crate) fn new(why: &Explained) -> Self {
        match why {
            Explained::Window(why) => Self {
                text: sentence(why),
                binding: Some(why.binding).filter(|of| *of != Binding::Nothing).map(|of| name(of).to_owned()),
                others: None,
                compatible: why.consenting,
                passing: Some(why.in_window),
                next: None,
                unlocked_soon: Some(why.unlocked_soon),
                complete: why.complete,
            },
            Explained::Ruled(why) => Self {
                text: ruled_sentence(why),
                binding: why.binding.clone(),
                others: Some(why.others),
                compatible: why.compatible,
                passing: why
                    .rules
                    .iter()
                    .find(|of| Some(&of.rule) == why.binding.as_ref())
                    .map(|of| of.passing),
                next: why.next.map(NextDto::from),
                unlocked_soon: None,
                complete: why.complete,
            },
        }
    }

    /// Whether it says the same but for how the time passes.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        *self == Self { text: self.text.clone(), ..other.clone() }
    }
}

/// What an expansion will do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct NextDto {
    /// The ticket's own age when it first lets somebody in: one of two begins for a match by the younger's age, unless the
    /// rule set says otherwise. Of one that lets nobody in: when it begins.
    at_ms: u64,
    /// How many more tickets it lets be in one match with it, if nobody comes or goes; some of them perhaps later.
    unlocked: usize,
}

impl From<StageWhy> for NextDto {
    fn from(next: StageWhy) -> Self {
        Self { at_ms: next.at.get(), unlocked: next.unlocked }
    }
}

impl ExplainDto {
    /// Of a ticket that waits in no pool, if there is nothing to explain.
    pub(super) fn new(
        row: &TicketRow,
        explained: Vec<(QueueName, Explained)>,
        estimate: Option<WaitEstimate>,
    ) -> Self {
        let several = explained.len() > 1;
        let Some((_, first)) = explained.first() else {
            let waiting = matches!(row.state, TicketState::Queued | TicketState::Searching);
            let text = match (waiting, row.backfill) {
                (true, true) => "its queue goes by no rule set now: a backfill waits until it does",
                (true, false) => {
                    "its queue has other rules since it came: it is about to be looked at by them, or waits until its time is up if \
                     its party does not fit them"
                }
                (false, _) => "the ticket waits no longer",
            };
            return Self {
                waiting,
                text: text.to_owned(),
                why: None,
                rule_set: None,
                estimated_wait: None,
                queues: Vec::new(),
            };
        };
        let (text, why, rule_set) = parts(first.clone());
        let each = |(queue, why): (QueueName, Explained)| {
            let (text, why, rule_set) = parts(why);
            QueueWhyDto { queue: queue.to_string(), text, why, rule_set }
        };
        let queues = explained.into_iter().filter(|_| several).map(each).collect();
        Self { waiting: true, text, why, rule_set, estimated_wait: estimate.map(Into::into), queues }
    }
}

fn parts(explained: Explained) -> (String, Option<TicketWhyDto>, Option<RulesDto>) {
    match explained {
        Explained::Window(why) => (sentence(&why), Some(window(&why)), None),
        Explained::Ruled(why) => (ruled_sentence(&why), None, Some(rules(*why))),
    }
}

const fn name(binding: Binding) -> &'static str {
    match binding {
        Binding::TooFewPlayers => "too_few_players",
        Binding::PartyFit => "party_fit",
        Binding::SkillWindow => "skill_window",
        Binding::Nothing => "nothing",
    }
}

fn window(why: &Explain) -> TicketWhyDto {
    TicketWhyDto {
        position: why.position,
        waited_ms: why.waited.get(),
        skill: why.skill,
        window: why.window,
        in_window: why.in_window,
        consenting: why.consenting,
        players_missing: why.players_missing,
        window_soon: why.window_soon,
        unlocked_soon: why.unlocked_soon,
        binding: name(why.binding),
        complete: why.complete,
    }
}

fn rules(why: RuledExplain) -> RulesDto {
    let answer = |of: Answer| AnswerDto { by: of.by.as_str(), what: of.what };
    let rule = |rule: RuleWhy| WaitRuleDto {
        rule: rule.rule,
        plan: rule.plan.into_iter().map(answer).collect(),
        passing: rule.passing,
        held: rule.held,
        failed: rule.failed,
    };
    RulesDto {
        position: why.position,
        waited_ms: why.waited.get(),
        never: why.never,
        fails_alone: why.alone,
        price: why.price,
        held_back: why.held_back,
        others: why.others,
        compatible: why.compatible,
        rules: why.rules.into_iter().map(rule).collect(),
        binding: why.binding,
        next: why.next.map(NextDto::from),
        complete: why.complete,
    }
}

fn ruled_sentence(why: &RuledExplain) -> String {
    if let Some(never) = &why.never {
        return format!("this rule set never matches it: {never}");
    }
    if let Some(rule) = &why.alone {
        return format!("it fails the rule `{rule}` by itself");
    }
    let now = match &why.binding {
        _ if why.others == 0 => "nobody else waits".to_owned(),
        Some(rule) => {
            format!(
                "{} of {} others may play with it; the rule `{rule}` stands in the way most",
                why.compatible, why.others
            )
        }
        None if why.held_back => format!(
            "{} of {} others may play with it; a match is held back until what its tickets pay reaches what it costs",
            why.compatible, why.others
        ),
        None => format!(
            "{} of {} others may play with it, too few for a match that holds",
            why.compatible, why.others
        ),
    };
    let now = match why.price {
        Some(price) if why.compatible > 0 => format!("{now}; it pays {price:.0} for a match by now"),
        _ => now,
    };
    match &why.next {
        Some(next) => {
            let seconds = next.at.get().saturating_sub(why.waited.get()).div_ceil(1_000);
            format!("{now}; in {seconds} seconds an expansion lets {} more in", next.unlocked)
        }
        None => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_with_the_time_alone_is_like_what_was_told() {
        let next = Some(NextDto { at_ms: 30_000, unlocked: 1 });
        let told = ShortWhyDto {
            text: "in 9 seconds".to_owned(),
            binding: Some("Near".to_owned()),
            others: Some(3),
            compatible: 1,
            passing: Some(2),
            next,
            unlocked_soon: None,
            complete: true,
        };
        assert!(told.is_like(&ShortWhyDto { text: "in 4 seconds".to_owned(), ..told.clone() }));
        assert!(!told.is_like(&ShortWhyDto { passing: Some(3), ..told.clone() }));
        assert!(!told.is_like(&ShortWhyDto { binding: None, ..told.clone() }));
        assert!(!told.is_like(&ShortWhyDto { next: None, ..told.clone() }));
    }
}
