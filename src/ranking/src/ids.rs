//! How a board names its players.
mod index;
mod players;

pub use players::PlayerIds;

use std::{fmt::Debug, hash::Hash};

/// A table between ids and the dense slots under which a board keeps its players. Not for implementing outside
/// this crate: [`PlayerIds`] and [`DenseIds`] are the two there are.
pub trait Ids: sealed::Sealed + Clone + Debug + Send + Sync + 'static {
    /// What callers name a player by. Its order decides between players with equal keys and times.
    type Id: Copy + Ord + Hash + Debug + Send + Sync + 'static;

    /// The slot of an id. A slot may be found for somebody who is not on the board.
    #[doc(hidden)]
    fn find(&self, id: Self::Id) -> Option<u32>;
    /// [`find`](Self::find) for each; `found` is as long as `ids`.
    #[doc(hidden)]
    fn find_all(&self, ids: &[Self::Id], found: &mut [Option<u32>]);
    /// The id of a slot in use.
    #[doc(hidden)]
    fn id(&self, slot: u32) -> Self::Id;
    /// The slot for an id that has none yet.
    #[doc(hidden)]
    fn insert(&mut self, id: Self::Id) -> u32;
    /// A slot for an id that is not looked for yet: [`index_all`](Self::index_all) must follow before anything else.
    #[doc(hidden)]
    fn push(&mut self, id: Self::Id) -> u32;
    /// Makes all ids found that were pushed into an empty table. Where one was pushed more than once, `newer` says
    /// whether its first slot gives way to its second, and the other one of the two is taken back. Returns the slots
    /// that were taken back.
    #[doc(hidden)]
    fn index_all(&mut self, newer: impl Fn(u32, u32) -> bool) -> Vec<u32>;
    /// Takes back the slot of an id.
    #[doc(hidden)]
    fn release(&mut self, slot: u32);
    /// An empty table that soon has so many ids.
    #[doc(hidden)]
    fn with_capacity(ids: usize) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::PlayerIds {}
    impl Sealed for super::DenseIds {}
}

/// Ids that are slots: small numbers that the caller counts up from 0. No table, no memory; a board takes memory for
/// every number up to the greatest that it has seen.
#[derive(Debug, Clone, Copy)]
pub struct DenseIds;

impl Ids for DenseIds {
    type Id = u32;

    fn find(&self, id: u32) -> Option<u32> {
        Some(id)
    }

    fn find_all(&self, ids: &[u32], found: &mut [Option<u32>]) {
        for (found, id) in found.iter_mut().zip(ids) {
            *found = Some(*id);
        }
    }

    fn id(&self, slot: u32) -> u32 {
        slot
    }

    fn insert(&mut self, id: u32) -> u32 {
        id
    }

    fn push(&mut self, id: u32) -> u32 {
        id
    }

    fn index_all(&mut self, _: impl Fn(u32, u32) -> bool) -> Vec<u32> {
        Vec::new()
    }

    fn release(&mut self, _: u32) {}

    fn with_capacity(_: usize) -> Self {
        Self
    }
}
