//! Rule sets: documents that never change, kept as they came and followed in memory.
mod versions;

pub use versions::RuleSetVersion;

use crate::{
    Call, Engine, EngineError,
    aside::aside,
    store::{Home, Key, KeyRange, Row, RuleSetRow},
};
use gsm_core::{RuleSetName, limits};
use gsm_rules::{Dialect, RuleSet, parse};
use parking_lot::RwLock;
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};
use versions::Later;

/// Bytes of what is said of the faults of a text; a hundred faults and more are named.
const FAULTS_BYTES_MAX: usize = 32 * 1_024;

/// The rule sets as they stand.
#[derive(Default)]
pub(crate) struct RuleSets {
    first: RwLock<BTreeMap<RuleSetName, Known>>,
    later: RwLock<BTreeMap<RuleSetName, BTreeMap<u32, Later>>>,
}

#[derive(Clone)]
struct Known {
    row: Arc<RuleSetRow>,
    /// Nothing where this version of the language no longer takes the text.
    set: Option<Arc<RuleSet>>,
}

impl RuleSets {
    pub(crate) fn put(&self, row: &RuleSetRow) {
        // A text never changes; only its tags do. A new one is read before the lock is taken: others ask meanwhile.
        let known = self.first.read().get(&row.name).filter(|old| old.row.body == row.body).cloned();
        let set = match known {
            Some(old) => old.set,
            None => parsed(&row.name, 1, &row.body),
        };
        self.first.write().insert(row.name.clone(), Known { row: Arc::new(row.clone()), set });
    }
    pub(crate) fn remove(&self, name: &RuleSetName) {
        self.first.write().remove(name);
    }
    fn get(&self, name: &RuleSetName) -> Option<Arc<RuleSetRow>> {
        self.first.read().get(name).map(|known| known.row.clone())
    }
    fn len(&self) -> usize {
        self.first.read().len()
    }
}

/// The rule set of a stored text.
fn parsed(name: &RuleSetName, version: u32, body: &str) -> Option<Arc<RuleSet>> {
    match parse(body, Dialect::Extended) {
        Ok(parsed) => Some(Arc::new(parsed.set)),
        Err(faults) => {
            let fault = faults.first().map(ToString::to_string);
            tracing::error!(rule_set = %name, version, fault, "stored rule set cannot be used");
            None
        }
    }
}

impl Engine {
    /// Refuses a text that is no rule set in this dialect, naming its faults.
    pub fn check_rule_set(&self, body: &str, dialect: Dialect) -> Result<(), EngineError> {
        let Err(faults) = aside(|| parse(body, dialect)) else { return Ok(()) };
        let mut left = FAULTS_BYTES_MAX;
        let fits = |text: &String| {
            let rest = left.checked_sub(text.len());
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        let mut named: Vec<String> = faults.iter().map(ToString::to_string).take_while(fits).collect();
        if named.len() < faults.len() {
            named.push(format!("and {} more", faults.len() - named.len()));
        }
        Err(EngineError::invalid("body", named.join("; ")))
    }

    /// A rule set with its first version.
    pub fn rule_set(&self, name: &RuleSetName) -> Result<Arc<RuleSetRow>, EngineError> {
        self.views.rule_sets.get(name).ok_or(EngineError::Unknown { what: "rule set" })
    }

    /// At most `limit` rule sets by name, those behind `after`.
    #[must_use]
    pub fn rule_sets(&self, after: Option<&RuleSetName>, limit: usize) -> Vec<Arc<RuleSetRow>> {
        let from = after.map_or(Unbounded, Excluded);
        let rows = self.views.rule_sets.first.read();
        rows.range::<RuleSetName, _>((from, Unbounded))
            .take(limit)
            .map(|(_, known)| known.row.clone())
            .collect()
    }

    /// Makes a rule set, which may use the extensions of the language; what there is under the name is never replaced.
    pub async fn create_rule_set(
        &self,
        call: &Call,
        name: &RuleSetName,
        body: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<RuleSetRow, EngineError> {
        self.check_rule_set(body, Dialect::Extended)?;
        TagChange::Put(tags.clone()).apply(&mut BTreeMap::new())?;
        let key = Key::RuleSet(name.clone());
        let row = RuleSetRow { name: name.clone(), body: body.to_owned(), created_at: call.now, tags };
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.get_one(&key).await?.is_some() {
                return Err(EngineError::NameTaken { what: "rule set" });
            }
            if self.views.rule_sets.len() >= limits::RULE_SETS_MAX {
                return Err(EngineError::TooManyRuleSets);
            }
            let mut changes = self.changes(call, &[name]);
            changes.create(key.clone(), Row::RuleSet(row.clone()));
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(row),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Takes a rule set away with all its versions; refused while a queue goes by it.
    pub async fn delete_rule_set(&self, call: &Call, name: &RuleSetName) -> Result<(), EngineError> {
        let key = Key::RuleSet(name.clone());
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Document).await?.is_some() {
                return Ok(());
            }
            let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "rule set" })?;
            if let Some(queue) = self.queues().iter().find(|queue| queue.rule_set.as_ref() == Some(name)) {
                return Err(EngineError::RuleSetInUse { queue: queue.name.to_string() });
            }
            let mut changes = self.changes(call, &[name]);
            changes.delete(key.clone(), found.version);
            self.delete_later(&mut changes, name).await?;
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Changes the tags of a rule set; those that stay as they are are not written.
    pub async fn tag_rule_set(
        &self,
        call: &Call,
        name: &RuleSetName,
        change: &TagChange,
    ) -> Result<(), EngineError> {
        let key = Key::RuleSet(name.clone());
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "rule set" })?;
            let Row::RuleSet(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let before = &row.tags;
            let mut row = row.clone();
            change.apply(&mut row.tags)?;
            if row.tags == *before {
                return Ok(());
            }
            let mut changes = self.changes(call, &[name]);
            changes.replace(key.clone(), Some(found.version), Row::RuleSet(row));
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Reads all rule sets; how many there are.
    pub(crate) async fn load_rule_sets(&self) -> Result<usize, EngineError> {
        let mut count = 0;
        self.each(KeyRange::RuleSets, |key, found| {
            let Row::RuleSet(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            // What a commit of the meantime has told already is newer than this row.
            if self.views.rule_sets.get(&row.name).is_none() {
                self.views.rule_sets.put(row);
            }
            count += 1;
            Ok(())
        })
        .await?;
        self.load_rule_set_versions().await?;
        Ok(count)
    }
}

/// What becomes of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// These are put, in place of those of the same key.
    Put(BTreeMap<String, String>),
    /// Those of these keys go; keys that are not there are passed over.
    Remove(Vec<String>),
}

impl TagChange {
    /// Changes these; refused if there would be too many.
    pub fn apply(&self, tags: &mut BTreeMap<String, String>) -> Result<(), EngineError> {
        match self {
            Self::Put(new) => tags.extend(new.clone()),
            // There may be more from a time when more could be put.
            Self::Remove(keys) => {
                tags.retain(|key, _| !keys.contains(key));
                return Ok(());
            }
        }
        if tags.len() > limits::TAGS_MAX {
            return Err(EngineError::invalid("tags", format!("at most {}", limits::TAGS_MAX)));
        }
        Ok(())
    }
}
