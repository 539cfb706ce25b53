//! Keys in order: one flat sorted array, and beside it the few that came since it was made.
use std::{collections::BTreeSet, iter::Peekable};

/// So many new keys are kept apart at least.
const RECENT_MIN: usize = 1_024;

/// So far ahead it is told which key comes.
const AHEAD: usize = 16;

/// What is known of keys elsewhere.
pub(super) trait Fates<K> {
    /// Whether a key's ticket still waits.
    fn is_alive(&self, key: &K) -> bool;
    /// That will soon be asked of this one.
    fn soon(&self, key: &K);
}

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
    pub(super) fn insert(&mut self, key: K, fates: &(impl Fates<K> + ?Sized)) {
        self.coming.push(key);
        if self.coming.len() + self.recent.len() > self.recent_max() {
            self.sweep(fates);
        }
    }

    /// Puts in order what has come, so that it is cheap to read.
    /// `wholly`: into one array, for who is to read all of them.
    pub(super) fn settle(&mut self, wholly: bool, fates: &(impl Fates<K> + ?Sized)) {
        if self.coming.len() > RECENT_MIN || (wholly && !(self.coming.is_empty() && self.recent.is_empty())) {
            self.sweep(fates);
        } else {
            self.recent.extend(self.coming.drain(..).filter(|key| fates.is_alive(key)));
        }
    }

    fn recent_max(&self) -> usize {
        RECENT_MIN.max(self.main.len() / 8)
    }

    /// Notes that a key has died; [`Sorted::tidy`] is to follow.
    pub(super) fn bury(&mut self) {
        self.dead += 1;
    }

    /// Sweeps the dead out where they are many.
    pub(super) fn tidy(&mut self, fates: &(impl Fates<K> + ?Sized)) {
        if self.dead > RECENT_MIN.max((self.main.len() + self.recent.len() + self.coming.len()) / 2) {
            self.sweep(fates);
        }
    }

    fn sweep(&mut self, fates: &(impl Fates<K> + ?Sized)) {
        let mut kept = 0;
        for at in 0..self.main.len() {
            if let Some(next) = self.main.get(at + AHEAD) {
                fates.soon(next);
            }
            let Some(key) = self.main.get(at).copied().filter(|key| fates.is_alive(key)) else { continue };
            if let Some(place) = self.main.get_mut(kept) {
                *place = key;
            }
            kept += 1;
        }
        self.main.truncate(kept);
        let mut new = std::mem::take(&mut self.coming);
        new.retain(|key| fates.is_alive(key));
        new.extend(std::mem::take(&mut self.recent).into_iter().filter(|key| fates.is_alive(key)));
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
        // Most often they are in one array.
        let is_one = self.recent.is_empty() && self.coming.is_empty();
        let (alone, main) = if is_one { (&*self.main, [].as_slice()) } else { ([].as_slice(), &*self.main) };
        let alone = alone.iter().copied();
        let recent = merged(main.iter().copied(), self.recent.iter().copied(), |a, b| a < b);
        alone.chain(merged(recent, self.coming(|_| true).into_iter(), |a, b| a < b))
    }

    /// `each` with all, ascending; where they are in one array, what is known of them is at hand by then.
    pub(super) fn for_each(&self, fates: &(impl Fates<K> + ?Sized), mut each: impl FnMut(K)) {
        if !(self.recent.is_empty() && self.coming.is_empty()) {
            return self.iter().for_each(each);
        }
        let mut next = self.main.iter().skip(AHEAD);
        for key in &self.main {
            if let Some(next) = next.next() {
                fates.soon(next);
            }
            each(*key);
        }
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
    if main.capacity() > 4 * all {
        main.shrink_to(2 * all);
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

    /// Those that the number divides live.
    struct Multiples(u64);

    impl Fates<u64> for Multiples {
        fn is_alive(&self, key: &u64) -> bool {
            key.is_multiple_of(self.0)
        }
        fn soon(&self, _: &u64) {}
    }

    #[test]
    fn keys_come_in_order_whenever_they_came() {
        let mut sorted = Sorted::default();
        for key in 0..10_000_u64 {
            sorted.insert(key * 7_919 % 10_007, &Multiples(1));
        }
        let mut all: Vec<u64> = (0..10_000).map(|key| key * 7_919 % 10_007).collect();
        all.sort_unstable();
        assert_eq!(sorted.iter().collect::<Vec<_>>(), all);
        let (low, high): (Vec<u64>, Vec<u64>) = all.iter().partition(|key| **key < 5_000);
        assert_eq!(sorted.up(5_000).collect::<Vec<_>>(), high);
        assert_eq!(sorted.down(5_000).collect::<Vec<_>>(), low.into_iter().rev().collect::<Vec<_>>());
        (0..9_000).for_each(|_| sorted.bury());
        sorted.tidy(&Multiples(10));
        let left: Vec<u64> = all.into_iter().filter(|key| key % 10 == 0).collect();
        assert_eq!(sorted.iter().collect::<Vec<_>>(), left);
        sorted.insert(5, &Multiples(1));
        let each = |sorted: &Sorted<u64>| {
            let mut each = Vec::new();
            sorted.for_each(&Multiples(1), |key| each.push(key));
            each
        };
        let before = each(&sorted);
        assert_eq!((before.len(), before[0], before[1]), (left.len() + 1, 0, 5));
        sorted.settle(true, &Multiples(1));
        assert!(sorted.recent.is_empty() && sorted.coming.is_empty());
        assert_eq!((each(&sorted), sorted.iter().collect::<Vec<_>>()), (before.clone(), before));
    }
}
