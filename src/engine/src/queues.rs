//! Queues: matchmaking configurations, kept as documents and followed in memory.
mod config;
mod known;

pub(crate) use config::TIMEOUT_MAX;
pub use config::{Balance, GameLift, QueueConfig};
pub(crate) use known::Queues;

use crate::{
    Call, Engine, EngineError,
    store::{ChangeSet, Expect, Home, Key, Op, RetiredRow, Row, Version},
};
use gsm_core::{Mode, QueueName, limits};
use gsm_rating::System;
use gsm_rules::AttributeKind;
use std::sync::Arc;

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
