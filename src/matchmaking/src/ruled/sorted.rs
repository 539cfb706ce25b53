//! Keys in order: one flat sorted array, and beside it the few that came since it was made.
use std::{collections::BTreeSet, iter::Peekable};

/// So many new keys are kept apart at least.
const RECENT_MIN: usize = 1_024;

/// Keys in order, each once. A key is not taken out when its ticket goes: who reads asks whether it is alive, and the
/// dead are swept out when they are half of all.
#[derive(Debug, Clone)]
pub(super) struct Sorted<K> {
    main: Vec<K>,
    recent: BTreeSet<K>,
    dead: usize,
}

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self { main: Vec::new(), recent: BTreeSet::new(), dead: 0 }
    }
}

impl<K: Ord + Copy> Sorted<K> {
    pub(super) fn insert(&mut self, key: K, is_alive: impl Fn(&K) -> bool) {
        self.recent.insert(key);
        if self.recent.len() > RECENT_MIN.max(self.main.len() / 8) {
            self.sweep(is_alive);
        }
    }

    /// Notes that a key has died.
    pub(super) fn bury(&mut self, is_alive: impl Fn(&K) -> bool) {
        self.dead += 1;
        if self.dead > RECENT_MIN.max((self.main.len() + self.recent.len()) / 2) {
            self.sweep(is_alive);
        }
    }

    fn sweep(&mut self, is_alive: impl Fn(&K) -> bool) {
        self.main.retain(&is_alive);
        let recent = std::mem::take(&mut self.recent);
        self.main.extend(recent.into_iter().filter(&is_alive));
        // Two sorted runs: merged in one pass.
        self.main.sort();
        self.main.shrink_to(self.main.len() + self.main.len() / 8);
        self.dead = 0;
    }

    /// From `from` on, ascending.
    pub(super) fn up(&self, from: K) -> impl Iterator<Item = K> {
        let at = self.main.partition_point(|key| *key < from);
        let main = self.main.get(at..).unwrap_or_default().iter().copied();
        merged(main, self.recent.range(from..).copied(), |a, b| a < b)
    }

    /// Those less than `from`, descending.
    pub(super) fn down(&self, from: K) -> impl Iterator<Item = K> {
        let at = self.main.partition_point(|key| *key < from);
        let main = self.main.get(..at).unwrap_or_default().iter().rev().copied();
        merged(main, self.recent.range(..from).rev().copied(), |a, b| a > b)
    }

    /// All, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = K> {
        merged(self.main.iter().copied(), self.recent.iter().copied(), |a, b| a < b)
    }
}

fn merged<K: Copy>(
    one: impl Iterator<Item = K>,
    two: impl Iterator<Item = K>,
    is_first: fn(&K, &K) -> bool,
) -> impl Iterator<Item = K> {
    let (mut one, mut two): (Peekable<_>, Peekable<_>) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || match (one.peek(), two.peek()) {
        (Some(a), Some(b)) if is_first(b, a) => two.next(),
        (Some(_), _) => one.next(),
        (None, _) => two.next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_whenever_they_came() {
        let mut sorted = Sorted::default();
        for key in 0..10_000_u64 {
            sorted.insert(key * 7_919 % 10_007, |_| true);
        }
        let mut all: Vec<u64> = (0..10_000).map(|key| key * 7_919 % 10_007).collect();
        all.sort_unstable();
        assert_eq!(sorted.iter().collect::<Vec<_>>(), all);
        let (low, high): (Vec<u64>, Vec<u64>) = all.iter().partition(|key| **key < 5_000);
        assert_eq!(sorted.up(5_000).collect::<Vec<_>>(), high);
        assert_eq!(sorted.down(5_000).collect::<Vec<_>>(), low.into_iter().rev().collect::<Vec<_>>());
        (0..9_000).for_each(|_| sorted.bury(|key| key % 10 == 0));
        assert!(sorted.iter().count() < 5_000);
    }
}
