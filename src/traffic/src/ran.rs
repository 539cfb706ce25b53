//! What is run, and what came of it.
use gsm_core::Millis;
use gsm_matchmaking::WaitEstimate;
use gsm_rules::RuleSet;
use std::sync::Arc;

/// What is run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The rule set.
    pub set: Arc<RuleSet>,
    /// A ticket that has waited so long times out.
    pub timeout: Millis,
    /// Time from a turn of the matcher to the next: tickets that come together are looked at together.
    pub turn: Millis,
    /// The attribute that says how good a player is.
    pub skill: Option<String>,
    /// A difference in skill at which the better one wins ten times of eleven.
    pub points: f64,
    /// Draws what players answer.
    pub seed: u64,
}

impl Setup {
    /// With the engine's times, and skill as the rule set tells.
    #[must_use]
    pub fn of(set: Arc<RuleSet>, seed: u64) -> Self {
        Self {
            timeout: Millis::from_secs(600),
            turn: Millis::new(100),
            skill: crate::skill_attribute(&set).map(str::to_owned),
            points: 400.0,
            seed,
            set,
        }
    }
}

/// How a ticket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// In a match: which of [`Ran::made`].
    Matched(usize),
    /// It waited as long as it may.
    TimedOut,
    /// It gave up.
    Cancelled,
    /// It declined a match, or did not answer.
    Declined,
    /// The traffic was over.
    Waiting,
    /// A player of it waited already: it never came.
    Busy,
}

/// What became of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Fate {
    /// When it came.
    pub at: Millis,
    /// How long it waited until its end.
    pub wait: Millis,
    /// How it ended.
    pub end: End,
    /// Whether it counts.
    pub is_measured: bool,
    /// Its players.
    pub size: usize,
    /// Their mean skill.
    pub skill: Option<f64>,
    /// The location that is nearest to them.
    pub region: Option<Arc<str>>,
    /// How long it was told that it would wait, when it came.
    pub stated: Option<WaitEstimate>,
}

/// A match.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// When it began.
    pub at: Millis,
    /// Whether one of its tickets counts.
    pub is_measured: bool,
    /// Its players.
    pub players: usize,
    /// Which expansions its candidate was judged under: an index of [`RuleSet::stages`].
    pub stage: usize,
    /// From the weakest to the strongest player.
    pub gap: Option<f64>,
    /// From the weakest to the strongest team, by mean skill.
    pub imbalance: Option<f64>,
    /// How far from one half the stronger team's chance is, `0.0..=0.5`.
    pub lopsided: Option<f64>,
    /// Latency of the player who is farthest from the location that is best for the match.
    pub latency_ms: Option<u32>,
    /// Players by the role that they have.
    pub roles: RolesMade,
}

/// Players of a match by the role that they have, where rules give roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RolesMade {
    /// The one that they named first.
    pub first: usize,
    /// Another that they named.
    pub later: usize,
    /// One that they did not name.
    pub autofilled: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Of each ticket, in the order of arrival.
    pub fates: Vec<Fate>,
    /// The matches that began, in that order.
    pub made: Vec<Made>,
    /// Ages at which the rule set's stages begin.
    pub stages: Vec<Millis>,
    /// Matches that were proposed and not accepted.
    pub failed_proposals: usize,
    /// Waiting tickets at even times from beginning to end.
    pub waiting: Vec<usize>,
    /// When it was over.
    pub until: Millis,
    /// Work units used.
    pub work: u64,
}
