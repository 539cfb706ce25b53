//! Why a ticket still waits.
use crate::api::dto::EstimatedWaitDto;
use gsm_engine::Explained;
use gsm_matchmaking::{Binding, Explain, RuledExplain, WaitEstimate};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a ticket still waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainDto {
    /// False once it waits no longer; then the rest is absent.
    waiting: bool,
    /// The same in a sentence.
    text: String,
    #[serde(flatten)]
    why: Option<WhyDto>,
    /// Of a queue with a rule set.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<RulesDto>,
    /// Once enough others have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait: Option<EstimatedWaitDto>,
}

/// Counts and limits of a ticket that waits in a window of skill.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhyDto {
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
    /// A rule that it fails by itself, whoever plays with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fails_alone: Option<String>,
    /// Other tickets that wait.
    others: usize,
    /// Those of them that may be in one match with it, as far as two tickets say.
    compatible: usize,
    rules: Vec<RuleDto>,
    /// The rule that stands in the way most.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    /// The next expansion.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextDto>,
    /// Whether all tickets were counted; otherwise the counts are of the first 10,000.
    complete: bool,
}

/// What one rule says.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleDto {
    rule: String,
    /// Other tickets that it lets be in one match with this one, as far as two tickets say.
    passing: usize,
    /// How often it held when it was judged for the ticket's sake.
    held: u64,
    /// How often it did not.
    failed: u64,
}

/// What an expansion will do.
#[derive(Serialize, ToSchema)]
pub(crate) struct NextDto {
    /// The age at which it begins.
    at_ms: u64,
    /// How many more tickets may then be in one match with it, if nobody comes or goes.
    unlocked: usize,
}

impl ExplainDto {
    pub(super) fn over() -> Self {
        let text = "the ticket waits no longer".to_owned();
        Self { waiting: false, text, why: None, rule_set: None, estimated_wait: None }
    }

    /// With how long the ticket will wait.
    pub(super) fn expecting(self, estimate: Option<WaitEstimate>) -> Self {
        Self { estimated_wait: estimate.map(Into::into), ..self }
    }
}

impl From<Explained> for ExplainDto {
    fn from(explained: Explained) -> Self {
        match explained {
            Explained::Window(why) => Self {
                waiting: true,
                text: sentence(&why),
                why: Some(window(&why)),
                rule_set: None,
                estimated_wait: None,
            },
            Explained::Ruled(why) => Self {
                waiting: true,
                text: ruled_sentence(&why),
                why: None,
                rule_set: Some(rules(*why)),
                estimated_wait: None,
            },
        }
    }
}

fn window(why: &Explain) -> WhyDto {
    let binding = match why.binding {
        Binding::TooFewPlayers => "too_few_players",
        Binding::PartyFit => "party_fit",
        Binding::SkillWindow => "skill_window",
        Binding::Nothing => "nothing",
    };
    WhyDto {
        position: why.position,
        waited_ms: why.waited.get(),
        skill: why.skill,
        window: why.window,
        in_window: why.in_window,
        consenting: why.consenting,
        players_missing: why.players_missing,
        window_soon: why.window_soon,
        unlocked_soon: why.unlocked_soon,
        binding,
        complete: why.complete,
    }
}

fn rules(why: RuledExplain) -> RulesDto {
    let rule = |rule: gsm_matchmaking::RuleWhy| RuleDto {
        rule: rule.rule,
        passing: rule.passing,
        held: rule.held,
        failed: rule.failed,
    };
    RulesDto {
        position: why.position,
        waited_ms: why.waited.get(),
        never: why.never,
        fails_alone: why.alone,
        others: why.others,
        compatible: why.compatible,
        rules: why.rules.into_iter().map(rule).collect(),
        binding: why.binding,
        next: why.next.map(|next| NextDto { at_ms: next.at.get(), unlocked: next.unlocked }),
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
        None => format!(
            "{} of {} others may play with it, too few for a match that holds",
            why.compatible, why.others
        ),
    };
    match &why.next {
        Some(next) => {
            let seconds = next.at.get().saturating_sub(why.waited.get()).div_ceil(1_000);
            format!("{now}; in {seconds} seconds an expansion lets {} more in", next.unlocked)
        }
        None => now,
    }
}
