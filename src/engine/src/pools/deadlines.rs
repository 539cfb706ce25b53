//! What has a time at which it is up.
use gsm_core::{Map, Timestamp};
use std::{collections::BTreeSet, hash::Hash};

/// Things by when their time is up.
pub(super) struct Deadlines<T> {
    in_time: BTreeSet<(Timestamp, T)>,
    of: Map<T, Timestamp>,
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self { in_time: BTreeSet::new(), of: Map::default() }
    }
}

impl<T: Copy + Ord + Hash> Deadlines<T> {
    /// Takes one, or moves its time.
    pub(super) fn put(&mut self, id: T, at: Timestamp) {
        self.remove(id);
        self.in_time.insert((at, id));
        self.of.insert(id, at);
    }

    pub(super) fn remove(&mut self, id: T) {
        if let Some(at) = self.of.remove(&id) {
            self.in_time.remove(&(at, id));
        }
    }

    /// Those whose time is up, the longest first.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<T> {
        self.in_time.iter().take_while(|(at, _)| *at <= now).take(limit).map(|(_, id)| *id).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> {
        self.in_time.iter().map(|(_, id)| *id)
    }

    pub(super) fn len(&self) -> usize {
        self.in_time.len()
    }
}
