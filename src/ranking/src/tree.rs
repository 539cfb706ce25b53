//! A counted B+tree of entries (a key and a slot): inner nodes know how many entries lie below each child, so that a
//! position is found on the way down. Changes also go from the root down in one pass, making room (or filling up)
//! before they step into a child, so nodes need no way back to their parents.
//!
//! What makes it fast is the shape of the nodes. A leaf is fourteen cache lines, and the four that a rank needs lie side
//! by side, so that they are waited for together; a search within a node has no branches; inner nodes keep running
//! totals, of which one is read.
//!
//! Invariants: an inner node's `firsts` and `ends` equal those of its children; every node but the root holds
//! at least [`least`](crate::block::least) items; leaves are linked in order.
mod balance;
mod build;
mod many;
mod shift;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use many::LANES;

use crate::{
    arena::Arena,
    block::{self, Block},
    ids::Ids,
    key::Key,
    probe::Probe,
};

/// Entries of a leaf: 63 narrow ones fill 14 cache lines, with the length and all scores but one in the first four.
const LEAF: usize = if cfg!(test) { 4 } else { 63 };
/// Children of an inner node.
const FAN: usize = if cfg!(test) { 5 } else { 64 };
/// No leaf.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Leaf<K: Key> {
    len: u32,
    next: u32,
    keys: K::Block<LEAF>,
    slots: [u32; LEAF],
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Inner<K: Key> {
    len: u32,
    firsts: K::Block<FAN>,
    /// Entries below the children up to this one, this one included.
    ends: [u32; FAN],
    kids: [u32; FAN],
    /// Of `firsts`.
    slots: [u32; FAN],
}

/// How many of the first `len` items, which are in order, are listed before the probe; or not after it.
fn search<K: Key, I: Ids, B: Block<K>>(
    keys: &B,
    slots: &[u32],
    len: u32,
    probe: &Probe<'_, K, I>,
    or_equal: bool,
) -> usize {
    let len = len as usize;
    let (mut low, mut high) = (keys.better::<false>(len, probe.key), len);
    if low == len || !keys.get(low).same_columns(probe.key) {
        return low;
    }
    while low < high {
        let middle = usize::midpoint(low, high);
        let order = probe.order(keys.get(middle), slots.get(middle).copied().unwrap_or(NONE));
        if order.is_lt() || (or_equal && order.is_eq()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl<K: Key> Leaf<K> {
    fn place<I: Ids>(&self, probe: &Probe<'_, K, I>) -> usize {
        search(&self.keys, &self.slots, self.len, probe, false)
    }
}

impl<K: Key> Inner<K> {
    /// The child in which an entry is, or would be.
    fn child_for<I: Ids>(&self, probe: &Probe<'_, K, I>) -> usize {
        search(&self.firsts, &self.slots, self.len, probe, true).saturating_sub(1)
    }

    /// How many entries lie below the first `kids` children.
    fn before(&self, kids: usize) -> u64 {
        kids.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0).into()
    }

    fn kid(&self, at: usize) -> u32 {
        self.kids.get(at).copied().unwrap_or(NONE)
    }

    /// Counts one entry more, or less (`u32::MAX`), below a child.
    fn count(&mut self, kid: usize, by: u32) {
        let ends = self.ends.get_mut(kid..self.len as usize).unwrap_or_default();
        ends.iter_mut().for_each(|end| *end = end.wrapping_add(by));
    }

    /// Counts one entry as moved from below one child to below another.
    fn count_move(&mut self, from: usize, to: usize) {
        let by = if from < to { u32::MAX } else { 1 };
        let ends = self.ends.get_mut(from.min(to)..from.max(to)).unwrap_or_default();
        ends.iter_mut().for_each(|end| *end = end.wrapping_add(by));
    }
}

#[derive(Clone)]
pub(crate) struct Tree<K: Key> {
    leaves: Arena<Leaf<K>>,
    inners: Arena<Inner<K>>,
    root: u32,
    /// Levels of inner nodes; leaves are level 0 and the root is level `height`.
    height: u32,
    len: u64,
}

impl<K: Key> Tree<K> {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How many entries have better columns than `key`, or with `OR_EQUAL` not worse ones, whatever the times.
    pub(crate) fn better<const OR_EQUAL: bool>(&self, key: K) -> u64 {
        let (mut node, mut before) = (self.root, 0);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let kids = inner.firsts.better::<OR_EQUAL>(inner.len as usize, key);
            let Some(at) = kids.checked_sub(1) else { return before };
            before += inner.before(at);
            node = inner.kid(at);
        }
        let leaf = self.leaves.get(node);
        before + leaf.keys.better::<OR_EQUAL>(leaf.len as usize, key) as u64
    }

    /// How many entries are listed before a place; with `or_equal`, an entry at that place counts as well.
    pub(crate) fn position<I: Ids>(&self, probe: &Probe<'_, K, I>, or_equal: bool) -> u64 {
        let (mut node, mut before) = (self.root, 0);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let at = inner.child_for(probe);
            before += inner.before(at);
            node = inner.kid(at);
        }
        let leaf = self.leaves.get(node);
        before + search(&leaf.keys, &leaf.slots, leaf.len, probe, or_equal) as u64
    }

    /// Adds an entry that is not in the tree.
    pub(crate) fn insert<I: Ids>(&mut self, slot: u32, probe: &Probe<'_, K, I>) {
        if self.size(self.root, self.height) == Self::cap(self.height) {
            self.grow();
        }
        let mut node = self.root;
        for level in (0..self.height).rev() {
            let inner = self.inners.get(node);
            let mut at = inner.child_for(probe);
            if self.size(inner.kid(at), level) == Self::cap(level) {
                self.make_room(node, at, level);
                at = self.inners.get(node).child_for(probe);
            }
            let inner = self.inners.get_mut(node);
            inner.count(at, 1);
            if at == 0
                && inner.slots.first().is_some_and(|first| probe.order(inner.firsts.get(0), *first).is_gt())
            {
                inner.name(0, probe.key, slot);
            }
            node = inner.kid(at);
        }
        let leaf = self.leaves.get_mut(node);
        let (place, len) = (leaf.place(probe), leaf.len as usize);
        leaf.keys.insert(place, len, probe.key);
        block::insert(&mut leaf.slots, place, len, slot);
        leaf.len += 1;
        self.len += 1;
    }

    /// Takes out the entry at a place; there must be one.
    pub(crate) fn remove<I: Ids>(&mut self, probe: &Probe<'_, K, I>) {
        let mut node = self.root;
        for level in (0..self.height).rev() {
            let inner = self.inners.get(node);
            let mut at = inner.child_for(probe);
            if self.size(inner.kid(at), level) <= Self::least(level) {
                self.fill_up(node, at, level);
                at = self.inners.get(node).child_for(probe);
            }
            let inner = self.inners.get_mut(node);
            inner.count(at, u32::MAX);
            node = inner.kid(at);
        }
        let leaf = self.leaves.get_mut(node);
        let (place, len) = (leaf.place(probe), leaf.len as usize);
        debug_assert!(place < len, "only entries of the tree are removed");
        leaf.keys.remove(place, len);
        block::remove(&mut leaf.slots, place, len);
        leaf.len -= 1;
        self.len -= 1;
        if place == 0 && len > 1 {
            let first = self.first(node);
            self.rename(probe, first);
        }
        self.shrink();
    }

    /// Puts `first` in the place of an entry that was the first of its leaf and is gone. Its id must still be known.
    fn rename<I: Ids>(&mut self, gone: &Probe<'_, K, I>, (key, slot): (K, u32)) {
        let mut node = self.root;
        for _ in 0..self.height {
            let inner = self.inners.get_mut(node);
            let at = inner.child_for(gone);
            let named = inner.slots.get(at).copied().unwrap_or(NONE);
            if gone.order(inner.firsts.get(at), named).is_eq() {
                inner.name(at, key, slot);
            }
            node = inner.kid(at);
        }
    }
}
