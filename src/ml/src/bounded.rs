//! A memory of many keys that forgets those that were not met for longest.
use gsm_core::Map;
use std::hash::Hash;

/// Two generations. When the young one is full the old one is forgotten and the young one grows old; what is met again
/// is young again. So a key is kept until at least half of `MOST` others were met since, and at most `MOST` are kept.
#[derive(Clone, Debug)]
pub(crate) struct Bounded<K, V, const MOST: usize> {
    young: Map<K, V>,
    old: Map<K, V>,
}

impl<K, V, const MOST: usize> Default for Bounded<K, V, MOST> {
    fn default() -> Self {
        Self { young: Map::default(), old: Map::default() }
    }
}

impl<K: Eq + Hash, V: Default, const MOST: usize> Bounded<K, V, MOST> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value of a key that is met, a new one if it is not known.
    pub(crate) fn meet(&mut self, key: K) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= MOST / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with_key(|key| old.remove(key).unwrap_or_default())
    }

    /// The young and the old.
    pub(crate) const fn generations(&self) -> [&Map<K, V>; 2] {
        [&self.young, &self.old]
    }

    /// A memory of these; none of more than it holds, or of a key that is both young and old.
    pub(crate) fn with([young, old]: [Map<K, V>; 2]) -> Option<Self> {
        let fits = young.len() <= MOST / 2 && old.len() <= MOST / 2;
        let apart = || old.keys().all(|key| !young.contains_key(key));
        (fits && apart()).then_some(Self { young, old })
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_met_stays_and_the_rest_goes() {
        let mut memory: Bounded<u32, u32, 8> = Bounded::default();
        for n in 0..100 {
            *memory.meet(7) += 1;
            *memory.meet(1_000 + n) += 1;
        }
        assert_eq!(memory.get(&7), Some(&100));
        assert_eq!((memory.get(&1_000), memory.get(&1_099)), (None, Some(&1)));
    }

    proptest! {
        /// The slow twin: all keys with the time that they were last met.
        #[test]
        fn at_most_so_many_and_none_too_early(keys in prop::collection::vec(0..24_u32, 0..300)) {
            let mut memory: Bounded<u32, u32, 8> = Bounded::default();
            let mut met: Vec<u32> = Vec::new();
            for key in keys {
                *memory.meet(key) += 1;
                met.push(key);
                prop_assert!(memory.len() <= 8);
                for key in 0..24 {
                    let Some(last) = met.iter().rposition(|of| *of == key) else { continue };
                    let mut since: Vec<u32> = met[last + 1..].to_vec();
                    since.sort_unstable();
                    since.dedup();
                    prop_assert!(since.len() >= 4 || memory.get(&key).is_some());
                }
            }
        }
    }
}
