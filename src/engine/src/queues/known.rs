//! The queues that this node knows, as commits tell of them.
use super::QueueConfig;
use crate::{store::RetiredRow, systems::Scheme};
use gsm_core::{Mode, QueueName, Timestamp, limits};
use gsm_rating::{System, options::RepeatedPair};
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

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
    pub(super) fn too_many_with(&self, name: &QueueName, mode: &Mode) -> Vec<(QueueName, Mode)> {
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
