//! Versions of a rule set: each never changes, and queues are pointed from one to another.
use super::parsed;
use crate::{
    Call, Engine, EngineError, QueueConfig,
    store::{ChangeSet, Home, Key, KeyRange, Row, RuleSetRow, RuleSetVersionRow, Version},
};
use gsm_core::{RuleSetName, Timestamp, limits};
use gsm_rules::{Dialect, RuleSet};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A version of a rule set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSetVersion {
    /// The name of the rule set.
    pub name: RuleSetName,
    /// Which version, from 1.
    pub version: u32,
    /// The text, byte for byte as it came.
    pub body: String,
    /// When this version was made.
    pub created_at: Timestamp,
    /// The tags of the rule set.
    pub tags: BTreeMap<String, String>,
}

impl RuleSetVersion {
    fn first(row: &RuleSetRow) -> Self {
        let RuleSetRow { name, body, created_at, tags } = row.clone();
        Self { name, version: 1, body, created_at, tags }
    }
    fn later(first: &RuleSetRow, version: u32, row: &RuleSetVersionRow) -> Self {
        let RuleSetVersionRow { body, created_at } = row.clone();
        Self { name: first.name.clone(), version, body, created_at, tags: first.tags.clone() }
    }
}

/// A version behind the first, as it is known.
#[derive(Clone)]
pub(super) struct Later {
    row: Arc<RuleSetVersionRow>,
    set: Option<Arc<RuleSet>>,
}

impl super::RuleSets {
    pub(crate) fn put_version(&self, name: &RuleSetName, version: u32, row: &RuleSetVersionRow) {
        // It is written again as it is when a queue is pointed to it.
        let is_known = |of: &Later| of.row.body == row.body;
        if self.later.read().get(name).and_then(|of| of.get(&version)).is_some_and(is_known) {
            return;
        }
        let known = Later { row: Arc::new(row.clone()), set: parsed(name, version, &row.body) };
        self.later.write().entry(name.clone()).or_default().insert(version, known);
    }

    pub(crate) fn remove_version(&self, name: &RuleSetName, version: u32) {
        let mut later = self.later.write();
        if let Some(versions) = later.get_mut(name) {
            versions.remove(&version);
            if versions.is_empty() {
                later.remove(name);
            }
        }
    }

    fn has_version(&self, name: &RuleSetName, version: u32) -> bool {
        self.later.read().get(name).is_some_and(|versions| versions.contains_key(&version))
    }

    /// Whether a queue goes by a rule set that is stored, and that this version of the language does not take.
    pub(crate) fn is_unusable(&self, queue: &QueueConfig) -> bool {
        match queue.rules_by() {
            None => false,
            Some((name, 1)) => self.first.read().get(name).is_some_and(|of| of.set.is_none()),
            Some((name, version)) => {
                let later = self.later.read();
                later.get(name).and_then(|of| of.get(&version)).is_some_and(|of| of.set.is_none())
            }
        }
    }

    /// The rule set that a queue goes by.
    pub(crate) fn of(&self, queue: &QueueConfig) -> Option<Arc<RuleSet>> {
        match queue.rules_by()? {
            (name, 1) => self.first.read().get(name)?.set.clone(),
            (name, version) => self.later.read().get(name)?.get(&version)?.set.clone(),
        }
    }
}

impl Engine {
    /// All versions of a rule set, oldest first.
    pub fn rule_set_versions(&self, name: &RuleSetName) -> Result<Vec<RuleSetVersion>, EngineError> {
        let first = self.rule_set(name)?;
        let mut versions = vec![RuleSetVersion::first(&first)];
        if let Some(later) = self.views.rule_sets.later.read().get(name) {
            versions.extend(later.iter().map(|(at, of)| RuleSetVersion::later(&first, *at, &of.row)));
        }
        Ok(versions)
    }

    /// A version of a rule set; the newest where none is named.
    pub fn rule_set_version(
        &self,
        name: &RuleSetName,
        version: Option<u32>,
    ) -> Result<RuleSetVersion, EngineError> {
        let mut versions = self.rule_set_versions(name)?;
        let found = match version {
            None => versions.pop(),
            Some(version) => versions.into_iter().find(|of| of.version == version),
        };
        found.ok_or(EngineError::Unknown { what: "version of the rule set" })
    }

    /// The queues that go by a version of a rule set.
    #[must_use]
    pub fn queues_by(&self, name: &RuleSetName, version: u32) -> Vec<Arc<QueueConfig>> {
        let mut queues = self.queues();
        queues.retain(|queue| queue.rules_by() == Some((name, version)));
        queues
    }

    /// Makes a rule set, or the next version of one. The document that is the newest version already makes none.
    pub async fn put_rule_set(
        &self,
        call: &Call,
        name: &RuleSetName,
        body: &str,
    ) -> Result<RuleSetVersion, EngineError> {
        self.check_rule_set(body, Dialect::Extended)?;
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_put_rule_set(call, name, body).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_put_rule_set(
        &self,
        call: &Call,
        name: &RuleSetName,
        body: &str,
    ) -> Result<RuleSetVersion, EngineError> {
        if let Some(first) = self.replayed(call, Home::Document).await? {
            return Ok(first);
        }
        let mut changes = self.changes(call, &[name]);
        let made = match self.first_version(name).await? {
            None => {
                if self.views.rule_sets.len() >= limits::RULE_SETS_MAX {
                    return Err(EngineError::TooManyRuleSets);
                }
                let (body, created_at) = (body.to_owned(), call.now);
                let row = RuleSetRow { name: name.clone(), body, created_at, tags: BTreeMap::new() };
                changes.create(Key::RuleSet(name.clone()), Row::RuleSet(row.clone()));
                RuleSetVersion::first(&row)
            }
            Some((first, at)) => {
                let later = self.later_versions(name).await?;
                let newest = match later.last() {
                    Some((version, row)) => RuleSetVersion::later(&first, *version, row),
                    None => RuleSetVersion::first(&first),
                };
                if is_same(&newest.body, body) {
                    if call.once.is_some() {
                        self.remember(&mut changes, call, Home::Document, &newest)?;
                        self.commit(Home::Document, changes).await?;
                    }
                    return Ok(newest);
                }
                if later.len() + 1 >= limits::RULE_SET_VERSIONS_MAX {
                    return Err(EngineError::TooManyRuleSetVersions);
                }
                let row = RuleSetVersionRow { body: body.to_owned(), created_at: call.now };
                let version = newest.version.saturating_add(1);
                if let Some(audit) = &mut changes.audit {
                    audit.resources.push(version.to_string());
                }
                // The first is written again as it is, so that nobody who saw no such version can take all away.
                changes.replace(Key::RuleSet(name.clone()), Some(at), Row::RuleSet(first.clone()));
                let key = Key::RuleSetVersion(name.clone(), version);
                changes.create(key, Row::RuleSetVersion(row.clone()));
                RuleSetVersion::later(&first, version, &row)
            }
        };
        self.remember(&mut changes, call, Home::Document, &made)?;
        self.commit(Home::Document, changes).await?;
        Ok(made)
    }

    /// Takes a version away, neither the first nor the newest; refused while a queue goes by it.
    pub async fn delete_rule_set_version(
        &self,
        call: &Call,
        name: &RuleSetName,
        version: u32,
    ) -> Result<(), EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_delete_version(call, name, version).await {
                Err(EngineError::Raced(_)) => {}
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_delete_version(
        &self,
        call: &Call,
        name: &RuleSetName,
        version: u32,
    ) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        self.first_version(name).await?.ok_or(EngineError::Unknown { what: "rule set" })?;
        let newest = self.newest_version(name).await?;
        let key = Key::RuleSetVersion(name.clone(), version);
        let found = self.get_one(&key).await?;
        if version == 1 || version == newest {
            return Err(EngineError::RuleSetVersionStays);
        }
        let found = found.ok_or(EngineError::Unknown { what: "version of the rule set" })?;
        if let Some(queue) = self.queues_by(name, version).first() {
            return Err(EngineError::RuleSetInUse { queue: queue.name.to_string() });
        }
        let mut changes = self.changes(call, &[name, &version]);
        changes.delete(key, found.version);
        self.remember(&mut changes, call, Home::Document, &())?;
        self.commit(Home::Document, changes).await?;
        Ok(())
    }

    /// The newest version of a rule set, as the store has it.
    pub(crate) async fn newest_version(&self, name: &RuleSetName) -> Result<u32, EngineError> {
        Ok(self.later_versions(name).await?.last().map_or(1, |(version, _)| *version))
    }

    /// Writes the version that a queue is to go by as it is, so that nobody who saw no such queue can take it away.
    pub(crate) async fn hold_rule_set(
        &self,
        changes: &mut ChangeSet,
        name: &RuleSetName,
        version: u32,
    ) -> Result<(), EngineError> {
        let (first, at) = self.first_version(name).await?.ok_or(EngineError::Unknown { what: "rule set" })?;
        changes.replace(Key::RuleSet(name.clone()), Some(at), Row::RuleSet(first));
        if version == 1 {
            return Ok(());
        }
        let key = Key::RuleSetVersion(name.clone(), version);
        let found = self.get_one(&key).await?;
        let found = found.ok_or(EngineError::Unknown { what: "version of the rule set" })?;
        changes.replace(key, Some(found.version), (*found.row).clone());
        Ok(())
    }

    /// Adds to `changes` that all versions behind the first go.
    pub(super) async fn delete_later(
        &self,
        changes: &mut ChangeSet,
        name: &RuleSetName,
    ) -> Result<(), EngineError> {
        self.each(KeyRange::RuleSetVersions(name.clone()), |key, found| {
            changes.delete(key, found.version);
            Ok(())
        })
        .await
    }

    pub(super) async fn load_rule_set_versions(&self) -> Result<(), EngineError> {
        self.each(KeyRange::AllRuleSetVersions, |key, found| {
            let (Key::RuleSetVersion(name, version), Row::RuleSetVersion(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            if !self.views.rule_sets.has_version(name, *version) {
                self.views.rule_sets.put_version(name, *version, row);
            }
            Ok(())
        })
        .await
    }

    async fn first_version(&self, name: &RuleSetName) -> Result<Option<(RuleSetRow, Version)>, EngineError> {
        let key = Key::RuleSet(name.clone());
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::RuleSet(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(Some((row.clone(), found.version)))
    }

    async fn later_versions(&self, name: &RuleSetName) -> Result<Vec<(u32, RuleSetVersionRow)>, EngineError> {
        let mut versions = Vec::new();
        self.each(KeyRange::RuleSetVersions(name.clone()), |key, found| {
            let (Key::RuleSetVersion(_, version), Row::RuleSetVersion(row)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            versions.push((*version, row.clone()));
            Ok(())
        })
        .await?;
        Ok(versions)
    }
}

/// Whether two texts are the same document.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}
