//! Keys in order: one flat sorted array, and beside it the few that came since it was made.
use std::{collections::BTreeSet, iter::Peekable};

/// So many new keys are kept apart at least.
const RECENT_MIN: usize = 1_024;

/// Keys in order, each once. A key is not taken out when its ticket goes: who reads asks whether it is alive, and the
/// dead are swept out when they are half of all.
///
/// A new key lies with those that came since [`Sorted::settle`]. Many of them are sorted at once; few are put in order one
/// by one.
#[derive(Debug, Clone)]
pub(super) struct Sorted<K> {
    main: Vec<K>,
    recent: BTreeSet<K>,
    /// Not in order yet.
    coming: Vec<K>,
    dead: usize,
}

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self { main: Vec::new(), recent: BTreeSet::new(), coming: Vec::new(), dead: 0 }
    }
}

impl<K: Ord + Copy> Sorted<K> {
    pub(super) fn insert(&mut self, key: K, is_alive: impl Fn(&K) -> bool) {
        self.coming.push(key);
        if self.coming.len() + self.recent.len() > self.recent_max() {
            self.sweep(is_alive);
        }
    }

    /// Puts in order what has come, so that it is cheap to read.
    pub(super) fn settle(&mut self, is_alive: impl Fn(&K) -> bool) {
        if self.coming.len() > RECENT_MIN {
            self.sweep(is_alive);
        } else {
            self.recent.extend(self.coming.drain(..).filter(is_alive));
        }
    }

    fn recent_max(&self) -> usize {
        RECENT_MIN.max(self.main.len() / 8)
    }

    /// Notes that a key has died.
    pub(super) fn bury(&mut self, is_alive: impl Fn(&K) -> bool) {
        self.dead += 1;
        if self.dead > RECENT_MIN.max((self.main.len() + self.recent.len() + self.coming.len()) / 2) {
            self.sweep(is_alive);
        }
    }

    fn sweep(&mut self, is_alive: impl Fn(&K) -> bool) {
        self.main.retain(&is_alive);
        let mut new = std::mem::take(&mut self.coming);
        new.retain(&is_alive);
        new.extend(std::mem::take(&mut self.recent).into_iter().filter(&is_alive));
        new.sort_unstable();
        merge(&mut self.main, &new);
        new.clear();
        self.coming = new;
        self.dead = 0;
    }

    /// From `from` on, ascending.
    pub(super) fn up(&self, from: K) -> impl Iterator<Item = K> {
        let at = self.main.partition_point(|key| *key < from);
        let main = self.main.get(at..).unwrap_or_default().iter().copied();
        let recent = merged(main, self.recent.range(from..).copied(), |a, b| a < b);
        merged(recent, self.coming(|key| *key >= from).into_iter(), |a, b| a < b)
    }

    /// Those less than `from`, descending.
    pub(super) fn down(&self, from: K) -> impl Iterator<Item = K> {
        let at = self.main.partition_point(|key| *key < from);
        let main = self.main.get(..at).unwrap_or_default().iter().rev().copied();
        let recent = merged(main, self.recent.range(..from).rev().copied(), |a, b| a > b);
        merged(recent, self.coming(|key| *key < from).into_iter().rev(), |a, b| a > b)
    }

    /// All, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = K> {
        let recent = merged(self.main.iter().copied(), self.recent.iter().copied(), |a, b| a < b);
        merged(recent, self.coming(|_| true).into_iter(), |a, b| a < b)
    }

    /// Those that are not in order yet, in order: none after [`Sorted::settle`].
    fn coming(&self, wanted: impl Fn(&K) -> bool) -> Vec<K> {
        let mut coming: Vec<K> = self.coming.iter().copied().filter(wanted).collect();
        coming.sort_unstable();
        coming
    }
}

/// Puts sorted keys among sorted keys, from the last to the first: no memory but theirs.
fn merge<K: Ord + Copy>(main: &mut Vec<K>, new: &[K]) {
    let (mut old, mut left) = (main.len(), new);
    let all = old + new.len();
    if main.capacity() < all {
        main.reserve_exact(all - old + all / 8);
    }
    main.extend_from_slice(new);
    let mut place = all;
    while let Some((last, before)) = left.split_last() {
        place -= 1;
        let greater = old.checked_sub(1).and_then(|at| main.get(at)).copied().filter(|of| of > last);
        let key = greater.unwrap_or(*last);
        if greater.is_some() {
            old -= 1;
        } else {
            left = before;
        }
        if let Some(slot) = main.get_mut(place) {
            *slot = key;
        }
    }
    if main.capacity() > 2 * all {
        main.shrink_to(all + all / 8);
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
