//! Queues: matchmaking configurations, kept as documents and followed in memory.
use crate::{
    Call, Engine, EngineError, Penalties, Plausibility, Reports,
    store::{ChangeSet, Expect, Home, Key, Op, RetiredRow, Row, Version},
    systems::Scheme,
};
use gsm_core::{Millis, Mode, QueueName, RuleSetName, Timestamp, Variant, limits};
use gsm_matchmaking::{Format, MatchRules};
use gsm_rating::{
    System,
    options::{Options, RepeatedPair},
};
use gsm_rules::AttributeKind;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Longest that a ticket or a match may be given.
const TIMEOUT_MAX: Millis = Millis::from_secs(24 * 3_600);
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
    Millis::from_secs(600)
}
const fn match_timeout() -> Millis {
    Millis::from_secs(2 * 3_600)
}

impl QueueConfig {
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
            ticket_timeout_ms: ticket_timeout(),
            match_timeout_ms: match_timeout(),
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

/// The queues as they stand, and as those were that are gone.
#[derive(Default)]
pub(crate) struct Queues(RwLock<Known>);

#[derive(Default)]
struct Known {
    standing: BTreeMap<QueueName, Arc<QueueConfig>>,
    /// In modes that they are not in any more, with the time since when: for the matches that they formed there.
    retired: BTreeMap<(QueueName, Mode), (Timestamp, Arc<QueueConfig>)>,
}

impl Known {
    /// A queue that says how a mode rates: one that stands, else the last that did.
    fn of_mode(&self, mode: &Mode) -> Option<&Arc<QueueConfig>> {
        let last = || {
            let of_mode = self.retired.values().filter(|(_, queue)| queue.mode == *mode);
            of_mode.max_by_key(|(at, _)| *at).map(|(_, queue)| queue)
        };
        self.standing.values().find(|queue| queue.mode == *mode).or_else(last)
    }
}

impl Queues {
    pub(crate) fn put(&self, config: QueueConfig) {
        self.0.write().standing.insert(config.name.clone(), Arc::new(config));
    }
    pub(crate) fn remove(&self, name: &QueueName) {
        self.0.write().standing.remove(name);
    }
    pub(crate) fn get(&self, name: &QueueName) -> Option<Arc<QueueConfig>> {
        self.0.read().standing.get(name).cloned()
    }
    pub(crate) fn all(&self) -> Vec<Arc<QueueConfig>> {
        self.0.read().standing.values().cloned().collect()
    }
    pub(crate) fn has_mode(&self, mode: &Mode) -> bool {
        self.0.read().standing.values().any(|q| q.mode == *mode)
    }
    /// Follows a row of a queue as it was. One that was read stands behind what a commit of the meantime has told.
    pub(crate) fn retire(&self, row: &RetiredRow, is_told: bool) -> Result<(), serde_json::Error> {
        let config = QueueConfig::from_json(&row.config)?;
        let key = (config.name.clone(), config.mode.clone());
        let retired = &mut self.0.write().retired;
        if is_told || !retired.contains_key(&key) {
            retired.insert(key, (row.at, Arc::new(config)));
        }
        Ok(())
    }
    pub(crate) fn forget(&self, name: &QueueName, mode: &Mode) {
        self.0.write().retired.remove(&(name.clone(), mode.clone()));
    }
    /// All queues as they were.
    pub(crate) fn retired(&self) -> Vec<Arc<QueueConfig>> {
        self.0.read().retired.values().map(|(_, queue)| queue.clone()).collect()
    }
    /// Which are kept the longest, where another one makes them too many.
    fn too_many_with(&self, name: &QueueName, mode: &Mode) -> Vec<(QueueName, Mode)> {
        let known = self.0.read();
        let others = known.retired.iter().filter(|((of, in_mode), _)| (of, in_mode) != (name, mode));
        let mut others: Vec<_> = others.map(|(key, (at, _))| (*at, key)).collect();
        others.sort_unstable();
        let more = (others.len() + 1).saturating_sub(limits::RETIRED_QUEUES_MAX);
        others.into_iter().take(more).map(|(_, key)| key.clone()).collect()
    }
    /// What a match of this queue and mode is judged by: the queue as it stands, or as it was when it left the mode.
    pub(crate) fn of_match(&self, name: &QueueName, mode: &Mode) -> Option<Arc<QueueConfig>> {
        let known = self.0.read();
        let standing = known.standing.get(name).filter(|queue| queue.mode == *mode);
        let was = || known.retired.get(&(name.clone(), mode.clone())).map(|(_, queue)| queue);
        standing.or_else(was).cloned()
    }
    /// The queue as it was when it asked players for an answer before `deadline`, as far as that can be told: as it is, unless it
    /// has left its mode since.
    pub(crate) fn when_asked(&self, name: &QueueName, deadline: Timestamp) -> Option<Arc<QueueConfig>> {
        let known = self.0.read();
        let standing = known.standing.get(name);
        let asked_here = |at: Timestamp, queue: &QueueConfig| {
            let patience = queue.acceptance_ms.unwrap_or_default();
            *name == queue.name
                && standing.is_none_or(|now| now.mode != queue.mode)
                && at.saturating_add(patience) > deadline
        };
        let left = known.retired.values().filter(|(at, queue)| asked_here(*at, queue));
        left.min_by_key(|(at, _)| *at).map(|(_, queue)| queue).or(standing).cloned()
    }
    /// How a mode rates by its settings, without what is learnt.
    pub(crate) fn scheme_of(&self, mode: &Mode) -> Option<Scheme> {
        self.0.read().of_mode(mode).map(|q| q.scheme())
    }
    /// How a mode damps repeated pairs, if it does.
    pub(crate) fn repeated_pair(&self, mode: &Mode) -> Option<RepeatedPair> {
        self.0.read().of_mode(mode)?.rating_options.repeated_pair
    }
    pub(crate) fn system_of(&self, mode: &Mode) -> Option<System> {
        self.scheme_of(mode).map(|scheme| scheme.system)
    }
}

impl Engine {
    /// All queues, by name.
    #[must_use]
    pub fn queues(&self) -> Vec<Arc<QueueConfig>> {
        self.views.queues.all()
    }

    /// A queue.
    pub fn queue(&self, name: &QueueName) -> Result<Arc<QueueConfig>, EngineError> {
        self.views.queues.get(name).ok_or(EngineError::Unknown { what: "queue" })
    }

    /// Makes a queue, or changes it under its waiting tickets.
    pub async fn put_queue(&self, call: &Call, config: QueueConfig) -> Result<QueueConfig, EngineError> {
        config.validate()?;
        let _turn = self.defining.lock().await;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_put_queue(call, &config).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// The rating system that a mode's queues name, without what is learnt: of one whose queues are gone the last, else the
    /// default one.
    #[must_use]
    pub fn named_system(&self, mode: &Mode) -> System {
        self.views.queues.system_of(mode).unwrap_or_default()
    }

    /// Takes a queue away; refused while tickets wait in it. Matches that it formed go on, and are judged and rated by what it
    /// said.
    pub async fn delete_queue(&self, call: &Call, name: &QueueName) -> Result<(), EngineError> {
        // Else a ticket on its way in would be taken, and lost with its queue. Before the lines, as tickets pass.
        let _closed = self.doors.close(name).await;
        let mut tries = self.lines.tries_at(&Key::Queue(name.clone()));
        while tries.again().await {
            match self.try_delete_queue(call, name).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_delete_queue(&self, call: &Call, name: &QueueName) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        let key = Key::Queue(name.clone());
        let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "queue" })?;
        if self.views.pools.get(name).is_some_and(|pool| pool.is_in_use()) {
            return Err(EngineError::QueueInUse { queue: name.to_string() });
        }
        let mut changes = self.changes(call, &[name]);
        // One that cannot be read judges nothing.
        if let Row::Queue(json) = &*found.row
            && let Ok(config) = QueueConfig::from_json(json)
        {
            self.retire(&mut changes, &config)?;
        }
        changes.delete(key, found.version);
        self.remember(&mut changes, call, Home::Document, &())?;
        self.commit(Home::Document, changes).await?;
        Ok(())
    }

    async fn try_put_queue(&self, call: &Call, config: &QueueConfig) -> Result<QueueConfig, EngineError> {
        if let Some(first) = self.replayed(call, Home::Document).await? {
            return Ok(first);
        }
        let found = self.queue_row(&config.name).await?;
        let mut config = config.clone();
        config.gamelift = config.gamelift.or(found.as_ref().and_then(|(old, _)| old.gamelift.clone()));
        if let (Some(name), None) = (&config.rule_set, config.rule_set_version) {
            config.rule_set_version = Some(self.newest_version(name).await?);
        }
        self.write_queue(call, config, found).await
    }

    /// Makes a queue, or refuses where there is one of its name.
    pub async fn create_queue(&self, call: &Call, config: QueueConfig) -> Result<QueueConfig, EngineError> {
        config.validate()?;
        let _turn = self.defining.lock().await;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.queue_row(&config.name).await?.is_some() {
                return Err(EngineError::NameTaken { what: "queue" });
            }
            match self.write_queue(call, config.clone(), None).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// Changes some of a queue's settings under its waiting tickets; what stays as it is is not written.
    pub async fn change_queue(
        &self,
        call: &Call,
        name: &QueueName,
        change: impl Fn(&mut QueueConfig) -> Result<(), EngineError>,
    ) -> Result<QueueConfig, EngineError> {
        let _turn = self.defining.lock().await;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let found = self.queue_row(name).await?;
            let found = found.ok_or(EngineError::Unknown { what: "queue" })?;
            let before = &found.0;
            let mut config = before.clone();
            change(&mut config)?;
            if config == *before {
                return Ok(config);
            }
            config.validate()?;
            match self.write_queue(call, config, Some(found)).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// The attribute that the server fills in must be a number of the rule set.
    fn check_rating_attribute(&self, config: &QueueConfig) -> Result<(), EngineError> {
        let Some(name) = &config.rating_attribute else { return Ok(()) };
        // A rule set that this node has not heard of yet is checked where it is known.
        let Some(set) = self.views.rule_sets.of(config) else { return Ok(()) };
        let is_number = |of: &gsm_rules::Attribute| of.name == *name && of.kind == AttributeKind::Number;
        if set.attributes().iter().any(is_number) {
            return Ok(());
        }
        Err(EngineError::invalid(
            "rating_attribute",
            format!("the rule set has no number attribute `{name}`"),
        ))
    }

    async fn queue_row(&self, name: &QueueName) -> Result<Option<(QueueConfig, Version)>, EngineError> {
        let key = Key::Queue(name.clone());
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::Queue(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
        let config = QueueConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
        Ok(Some((config, found.version)))
    }

    /// Writes a queue, for who has the turn of those who define something: what the others are is known from memory.
    async fn write_queue(
        &self,
        call: &Call,
        config: QueueConfig,
        found: Option<(QueueConfig, Version)>,
    ) -> Result<QueueConfig, EngineError> {
        let (before, version) = found.unzip();
        let others = self.queues();
        let rates_otherwise =
            |q: &QueueConfig| q.mode == config.mode && q.name != config.name && q.scheme() != config.scheme();
        if others.iter().any(|q| rates_otherwise(q)) {
            return Err(EngineError::ModeSystem { mode: config.mode.to_string() });
        }
        if version.is_none() && others.len() >= limits::QUEUES_MAX {
            return Err(EngineError::TooManyQueues);
        }
        self.check_new_mode(&config.mode)?;
        let json = config.to_json().map_err(|e| EngineError::invalid("queue", e))?;
        let mut changes = self.changes(call, &[&config.name]);
        if let Some((name, number)) = config.rules_by() {
            self.hold_rule_set(&mut changes, name, number).await?;
            self.check_rating_attribute(&config)?;
        }
        if let Some(before) = before.filter(|before| before.mode != config.mode) {
            self.retire(&mut changes, &before)?;
        }
        changes.replace(Key::Queue(config.name.clone()), version, Row::Queue(json));
        self.remember(&mut changes, call, Home::Document, &config)?;
        self.commit(Home::Document, changes).await?;
        Ok(config)
    }

    /// Keeps a queue as it is for the matches that it formed, as it leaves its mode: before the change itself, so that who looks
    /// for it meanwhile finds one or the other.
    fn retire(&self, changes: &mut ChangeSet, config: &QueueConfig) -> Result<(), EngineError> {
        for (name, mode) in self.views.queues.too_many_with(&config.name, &config.mode) {
            changes.write(Key::Retired(name, mode), Expect::Any, Op::Delete);
        }
        let json = config.to_json().map_err(|e| EngineError::invalid("queue", e))?;
        let row = Row::Retired(RetiredRow { config: json, at: changes.at });
        let op = Op::Put { row: Arc::new(row), expires_at: None };
        changes.write(Key::Retired(config.name.clone(), config.mode.clone()), Expect::Any, op);
        Ok(())
    }
}
