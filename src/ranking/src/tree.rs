//! A counted B+tree of keys: every inner node knows how many keys lie below each child, so that a position is found
//! on the way down. Changes also go from the root down in one pass, making room (or filling up) before they
//! step into a child, so nodes need no way back to their parents.
//!
//! Invariants: an inner node's `firsts` and `counts` equal those of its children; every node but the root holds
//! at least [`least`](crate::block::least) items; leaves are linked in order.
mod balance;
mod build;
mod keys;

#[cfg(test)]
mod tests;

use crate::{
    arena::Arena,
    block::Block,
    key::{Key, Probe},
    roster::Roster,
};

/// Keys of a leaf.
const LEAF: usize = if cfg!(test) { 4 } else { 128 };
/// Children of an inner node.
const FAN: usize = if cfg!(test) { 5 } else { 64 };
/// No leaf.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Leaf {
    keys: Block<Key, LEAF>,
    prev: u32,
    next: u32,
}

#[derive(Clone, Copy)]
struct Inner {
    firsts: Block<Key, FAN>,
    counts: Block<u32, FAN>,
    kids: Block<u32, FAN>,
}

impl Inner {
    /// The child in which a key is, or would be.
    fn child_for(&self, probe: &Probe<'_>) -> usize {
        self.firsts.as_slice().partition_point(|first| probe.order(*first).is_le()).saturating_sub(1)
    }

    /// How many keys lie below the first `kids` children.
    fn before(&self, kids: usize) -> u64 {
        self.counts.as_slice().get(..kids).unwrap_or_default().iter().sum::<u32>().into()
    }
}

#[derive(Clone)]
pub(crate) struct Tree {
    leaves: Arena<Leaf, 16>,
    inners: Arena<Inner, 16>,
    root: u32,
    /// Levels of inner nodes; leaves are level 0 and the root is level `height`.
    height: u32,
    len: u64,
}

impl Tree {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How many keys have a score above `score`.
    pub(crate) fn better(&self, score: i64) -> u64 {
        let (mut node, mut before) = (self.root, 0);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let kids = inner.firsts.as_slice().partition_point(|first| first.score > score);
            let Some(at) = kids.checked_sub(1) else { return before };
            before += inner.before(at);
            node = inner.kids.get(at);
        }
        before + self.leaves.get(node).keys.as_slice().partition_point(|key| key.score > score) as u64
    }

    /// How many keys are listed before `key`.
    pub(crate) fn position(&self, key: Key, roster: &Roster) -> u64 {
        let probe = Probe::new(key, roster);
        let (mut node, mut before) = (self.root, 0);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let at = inner.child_for(&probe);
            before += inner.before(at);
            node = inner.kids.get(at);
        }
        before + self.place_in(node, &probe) as u64
    }

    /// Adds a key that is not in the tree.
    pub(crate) fn insert(&mut self, key: Key, roster: &Roster) {
        let probe = Probe::new(key, roster);
        if self.size(self.root, self.height) == Self::cap(self.height) {
            self.grow();
        }
        let mut node = self.root;
        for level in (0..self.height).rev() {
            let mut at = self.inners.get(node).child_for(&probe);
            if self.size(self.inners.get(node).kids.get(at), level) == Self::cap(level) {
                self.make_room(node, at, level);
                at = self.inners.get(node).child_for(&probe);
            }
            let inner = self.inners.get_mut(node);
            *inner.counts.at_mut(at) += 1;
            if probe.order(inner.firsts.get(at)).is_gt() {
                *inner.firsts.at_mut(at) = key;
            }
            node = inner.kids.get(at);
        }
        let place = self.place_in(node, &probe);
        self.leaves.get_mut(node).keys.insert(place, key);
        self.len += 1;
    }

    /// Takes out a key that is in the tree.
    pub(crate) fn remove(&mut self, key: Key, roster: &Roster) {
        let probe = Probe::new(key, roster);
        let mut node = self.root;
        for level in (0..self.height).rev() {
            let mut at = self.inners.get(node).child_for(&probe);
            if self.size(self.inners.get(node).kids.get(at), level) <= Self::least(level) {
                self.fill_up(node, at, level);
                at = self.inners.get(node).child_for(&probe);
            }
            let inner = self.inners.get_mut(node);
            *inner.counts.at_mut(at) -= 1;
            node = inner.kids.get(at);
        }
        let place = self.place_in(node, &probe);
        let keys = &mut self.leaves.get_mut(node).keys;
        debug_assert_eq!({ keys.get(place).slot }, { key.slot }, "only keys of the tree are removed");
        keys.remove(place);
        self.len -= 1;
        if place == 0
            && let Some(&first) = keys.as_slice().first()
        {
            self.rename(&probe, first);
        }
        self.shrink();
    }

    /// Where in a leaf a key is, or would be.
    fn place_in(&self, leaf: u32, probe: &Probe<'_>) -> usize {
        self.leaves.get(leaf).keys.as_slice().partition_point(|key| probe.order(*key).is_lt())
    }

    /// Puts `first` in the place of a key that was the first of its leaf and is gone.
    fn rename(&mut self, gone: &Probe<'_>, first: Key) {
        let mut node = self.root;
        for _ in 0..self.height {
            let inner = self.inners.get_mut(node);
            let at = inner.child_for(gone);
            if inner.firsts.get(at).slot == gone.slot() {
                *inner.firsts.at_mut(at) = first;
            }
            node = inner.kids.get(at);
        }
    }
}
