//! What has a time at which it is up.
use gsm_core::{Map, Timestamp};
use std::{collections::BTreeSet, hash::Hash, ops::Bound};

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

    /// All, each once: from behind `after` on, then those before.
    pub(super) fn round(&self, after: Option<(Timestamp, T)>) -> impl Iterator<Item = &(Timestamp, T)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let before = after.map(|upto| self.in_time.range(..=upto));
        self.in_time.range((from, Bound::Unbounded)).chain(before.into_iter().flatten())
    }

    pub(super) fn len(&self) -> usize {
        self.in_time.len()
    }
}
