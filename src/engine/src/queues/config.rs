//! What a queue says: who meets whom, how long it may take, and what it is rated in.
use crate::{EngineError, Penalties, Plausibility, Reports, systems::Scheme};
use gsm_core::{Millis, Mode, QueueName, RuleSetName, Timestamp, Variant, limits};
use gsm_matchmaking::{Format, MatchRules};
use gsm_rating::{System, options::Options};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest that a ticket or a match may be given.
pub(crate) const TIMEOUT_MAX: Millis = Millis::from_secs(24 * 3_600);
/// Longest that players may be given to accept.
const ACCEPTANCE_MAX: Millis = Millis::from_secs(600);

/// A queue: who meets whom, how long it may take, and what it is rated in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Its name.
    pub name: QueueName,
    /// The mode its matches are rated in.
    pub mode: Mode,
    /// Who meets whom.
    #[serde(default)]
    pub rules: MatchRules,
    /// How results move ratings; one system a mode.
    #[serde(default)]
    pub rating: System,
    /// What the mode asks for beside its rating system: all off if absent. One set of options a mode.
    #[serde(default, skip_serializing_if = "Options::are_off")]
    pub rating_options: Options,
    /// The side, from 0, that has the advantage of the game in every match the queue forms; absent: none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<usize>,
    /// The variant of the mode (map, surface) that its matches are made for; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// Milliseconds to accept a proposal; absent: matches start at once.
    #[serde(default)]
    pub acceptance_ms: Option<Millis>,
    /// Milliseconds until a waiting ticket times out.
    #[serde(default = "ticket_timeout")]
    pub ticket_timeout_ms: Millis,
    /// Milliseconds until a match without a result is abandoned.
    #[serde(default = "match_timeout")]
    pub match_timeout_ms: Millis,
    /// By what the sides of a match are made even, once `rules` have said who plays it.
    #[serde(default, skip_serializing_if = "Balance::is_rating")]
    pub balance: Balance,
    /// The rule set that says who meets whom, in place of `rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSetName>,
    /// Which version of the rule set, from 1. When a queue is put without one it is the newest of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_set_version: Option<u32>,
    /// The attribute of the rule set that is each player's rating in the mode: nobody brings it, the server fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating_attribute: Option<String>,
    /// The attributes that players may bring themselves; all others are for trusted callers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub player_attributes: Vec<String>,
    /// Which offences lock players out, and for how long; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalties: Option<Penalties>,
    /// What results are believed; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plausibility: Option<Plausibility>,
    /// That players report results themselves, and how many must say the same; absent: servers alone do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Reports>,
    /// What a configuration of the GameLift wire has beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamelift: Option<GameLift>,
}

/// By what the sides of a match are made even.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Ratings.
    #[default]
    Rating,
    /// What the mode's model expects of the players.
    Prediction,
}

impl Balance {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_rating(&self) -> bool {
        *self == Self::Rating
    }
}

/// What a matchmaking configuration of the GameLift wire has beside what every queue has. Kept and given back; the
/// event data goes out with the events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GameLift {
    /// When it was made, if that was on the wire.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// For people.
    pub description: Option<String>,
    /// Seconds to accept, kept also where acceptance is not required.
    pub acceptance_timeout_s: Option<u32>,
    /// Goes out with every event.
    pub custom_event_data: Option<String>,
    /// The topic that the events go to.
    pub notification_target: Option<String>,
    /// Places kept free in the game session.
    pub additional_player_count: Option<u32>,
    /// For the game session, by key.
    pub game_properties: Vec<(String, String)>,
    /// For the game session.
    pub game_session_data: Option<String>,
    /// `AUTOMATIC` or `MANUAL`.
    pub backfill_mode: Option<String>,
    /// `STANDALONE` or `WITH_QUEUE`.
    pub flex_match_mode: Option<String>,
    /// The game-session queues that it places with.
    pub game_session_queue_arns: Vec<String>,
    /// Tags of the configuration.
    pub tags: BTreeMap<String, String>,
    /// The region that its maker spoke of: that of its events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

const fn ticket_timeout() -> Millis {
    QueueConfig::TICKET_TIMEOUT
}
const fn match_timeout() -> Millis {
    QueueConfig::MATCH_TIMEOUT
}

impl QueueConfig {
    /// Until a waiting ticket times out, where nobody says otherwise.
    pub const TICKET_TIMEOUT: Millis = Millis::from_secs(600);
    /// Until a match without a result is abandoned, where nobody says otherwise.
    pub const MATCH_TIMEOUT: Millis = Millis::from_secs(2 * 3_600);

    /// A queue with default time-outs, no acceptance.
    #[must_use]
    pub fn new(name: QueueName, mode: Mode, rules: MatchRules) -> Self {
        Self {
            name,
            mode,
            rules,
            rating: System::default(),
            rating_options: Options::default(),
            home: None,
            variant: None,
            acceptance_ms: None,
            ticket_timeout_ms: Self::TICKET_TIMEOUT,
            match_timeout_ms: Self::MATCH_TIMEOUT,
            rule_set: None,
            rule_set_version: None,
            rating_attribute: None,
            player_attributes: Vec::new(),
            balance: Balance::Rating,
            penalties: None,
            plausibility: None,
            reports: None,
            gamelift: None,
        }
    }

    /// Refuses what could never work, naming the field.
    pub fn validate(&self) -> Result<(), EngineError> {
        self.rules.validate().map_err(|e| EngineError::invalid("rules", e))?;
        self.rating.validate().map_err(|e| EngineError::invalid("rating", e))?;
        self.rating_options
            .validate()
            .map_err(|e| EngineError::invalid(format!("rating_options.{}", e.setting), e))?;
        let sides = match self.rules.format {
            Format::Teams { teams, .. } => teams,
            Format::FreeForAll { min, .. } => min,
        };
        if self.home.is_some_and(|home| home >= sides) {
            return Err(EngineError::invalid(
                "home",
                format!("must be a side of every match, below {sides}"),
            ));
        }
        if self.rule_set_version.is_some() && self.rule_set.is_none() {
            return Err(EngineError::invalid("rule_set_version", "only a queue with a rule set has one"));
        }
        let within = |field: &str, span: Millis, max: Millis| {
            if span == Millis::ZERO || span > max {
                return Err(EngineError::invalid(field, format!("must be 1 to {} milliseconds", max.get())));
            }
            Ok(())
        };
        self.penalties.as_ref().map_or(Ok(()), Penalties::validate)?;
        self.plausibility.as_ref().map_or(Ok(()), Plausibility::validate)?;
        self.reports.as_ref().map_or(Ok(()), |reports| reports.validate(self))?;
        within("ticket_timeout_ms", self.ticket_timeout_ms, TIMEOUT_MAX)?;
        within("match_timeout_ms", self.match_timeout_ms, TIMEOUT_MAX)?;
        self.acceptance_ms.map_or(Ok(()), |span| within("acceptance_ms", span, ACCEPTANCE_MAX))
    }

    /// The biggest party that a match has room for on one side, as far as is known without the rule set.
    pub(crate) fn party_max(&self) -> usize {
        if self.rule_set.is_some() { limits::PARTY_SIZE_MAX } else { self.rules.format.side_size() }
    }

    /// The rule set that it goes by, and which version: kept without one, it was kept when there was only the first.
    #[must_use]
    pub fn rules_by(&self) -> Option<(&RuleSetName, u32)> {
        let name = self.rule_set.as_ref()?;
        Some((name, self.rule_set_version.unwrap_or(1)))
    }

    /// How it rates, without what is learnt.
    pub(crate) fn scheme(&self) -> Scheme {
        Scheme { system: self.rating.clone(), options: self.rating_options }
    }

    /// Whether what both form is rated alike.
    pub(crate) fn rates_as(&self, other: &Self) -> bool {
        (&self.mode, &self.variant) == (&other.mode, &other.variant)
    }

    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
    pub(crate) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}
