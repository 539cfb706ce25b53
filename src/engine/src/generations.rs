//! What was read lately, bounded: a map of two generations.
use gsm_core::Map;
use std::hash::Hash;

/// Keeps at least the `MAX` entries last put, and at most twice as many. When the newer generation is full the older one
/// is dropped and the newer becomes the older; what is still asked for moves over.
pub(crate) struct Generations<K, V, const MAX: usize> {
    newer: Map<K, V>,
    older: Map<K, V>,
}

impl<K, V, const MAX: usize> Default for Generations<K, V, MAX> {
    fn default() -> Self {
        Self { newer: Map::default(), older: Map::default() }
    }
}

impl<K: Hash + Eq + Copy, V: Clone, const MAX: usize> Generations<K, V, MAX> {
    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        if let Some(value) = self.newer.get(&key) {
            return Some(value.clone());
        }
        let value = self.older.remove(&key)?;
        self.put(key, value.clone());
        Some(value)
    }

    /// What is kept, to be changed in its place.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.newer.get_mut(&key).or_else(|| self.older.get_mut(&key))
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.newer.len() >= MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_generations_are_kept_and_what_is_asked_for_outlives_them() {
        let mut kept = Generations::<u32, u32, 4>::default();
        for key in 0..1_000 {
            kept.put(key, key);
            assert_eq!(kept.get(0), Some(0), "after {key}");
            assert!(kept.newer.len() + kept.older.len() <= 8);
        }
        assert_eq!(kept.get(999), Some(999));
        assert_eq!(kept.get(900), None);
    }
}
