use crate::{ids::Ids, key::Key};
use std::cmp::Ordering;

/// A place in the order of a tree: a key, and an id that decides among entries with the same key. Ids are looked up
/// only there.
pub(crate) struct Probe<'a, K, I: Ids> {
    pub(crate) key: K,
    pub(crate) id: I::Id,
    pub(crate) ids: &'a I,
}

impl<K: Key, I: Ids> Probe<'_, K, I> {
    /// `Less` if an entry is listed before this place.
    pub(crate) fn order(&self, key: K, slot: u32) -> Ordering {
        key.cmp(&self.key).then_with(|| self.ids.id(slot).cmp(&self.id))
    }
}
