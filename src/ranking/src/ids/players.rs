use super::{Ids, index::Index};
use crate::arena::Arena;
use gsm_core::{FixedState, PlayerId};
use std::{fmt, hash::BuildHasher};

/// The slots of players with 16-byte ids: about 23 bytes each, 16 of them the id.
#[derive(Clone)]
pub struct PlayerIds {
    ids: Arena<PlayerId>,
    index: Index,
}

#[inline]
fn hash(id: PlayerId) -> u64 {
    FixedState::default().hash_one(id)
}

impl fmt::Debug for PlayerIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlayerIds").field("slots", &self.ids.len()).finish()
    }
}

impl Ids for PlayerIds {
    type Id = PlayerId;

    #[inline]
    fn find(&self, id: PlayerId) -> Option<u32> {
        self.index.find(hash(id), |slot| *self.ids.get(slot) == id)
    }

    /// First all lines of the index, then all ids they name: the processor waits for many at once.
    fn find_all(&self, ids: &[PlayerId], found: &mut [Option<u32>]) {
        for (found, id) in found.iter_mut().zip(ids) {
            *found = self.index.likely(hash(*id));
        }
        for (found, id) in found.iter_mut().zip(ids) {
            if found.is_none_or(|slot| *self.ids.get(slot) != *id) {
                *found = self.find(*id);
            }
        }
    }

    #[inline]
    fn id(&self, slot: u32) -> PlayerId {
        *self.ids.get(slot)
    }

    fn insert(&mut self, id: PlayerId) -> u32 {
        let slot = self.ids.insert(id);
        let Self { ids, index } = self;
        index.insert(hash(id), slot, |slot| hash(*ids.get(slot)));
        slot
    }

    fn push(&mut self, id: PlayerId) -> u32 {
        self.ids.push(id)
    }

    fn index_all(&mut self, newer: impl Fn(u32, u32) -> bool) -> Vec<u32> {
        let Self { ids, index } = self;
        if !index.is_made_for(ids.len()) {
            *index = Index::with_capacity(ids.len());
        }
        let ids_of = |slot| *ids.get(slot);
        let doubled = index.fill(ids.len() as u32, |slot| hash(ids_of(slot)), |a, b| ids_of(a) == ids_of(b));
        let mut gone = Vec::with_capacity(doubled.len());
        for slot in doubled {
            let (id, key) = (ids_of(slot), hash(ids_of(slot)));
            let Some(first) = index.find(key, |slot| ids_of(slot) == id) else { continue };
            if newer(first, slot) {
                index.replace(key, first, slot);
                gone.push(first);
            } else {
                gone.push(slot);
            }
        }
        gone.iter().for_each(|slot| self.ids.release(*slot));
        gone
    }

    fn release(&mut self, slot: u32) {
        self.index.remove(hash(self.id(slot)), slot);
        self.ids.release(slot);
    }

    fn with_capacity(ids: usize) -> Self {
        Self { ids: Arena::with_capacity(ids), index: Index::with_capacity(ids) }
    }
}
