//! Keeping nodes neither full nor thin.
use super::{FAN, Inner, LEAF, Leaf, NONE, Tree};
use crate::{
    block::{self, Block},
    key::Key,
};

impl<K: Key> Leaf<K> {
    pub(super) fn new() -> Self {
        Self { len: 0, next: NONE, keys: K::Block::EMPTY, slots: [NONE; LEAF] }
    }

    fn level(left: &mut Self, right: &mut Self, keep: usize) {
        let (l, r) = (left.len as usize, right.len as usize);
        Block::level(&mut left.keys, l, &mut right.keys, r, keep);
        block::level(&mut left.slots, l, &mut right.slots, r, keep);
        (left.len, right.len) = (keep as u32, (l + r - keep) as u32);
    }
}

impl<K: Key> Inner<K> {
    pub(super) fn new() -> Self {
        Self { len: 0, firsts: K::Block::EMPTY, ends: [0; FAN], kids: [NONE; FAN], slots: [NONE; FAN] }
    }

    /// Names the first entry of a child.
    pub(super) fn name(&mut self, at: usize, key: K, slot: u32) {
        self.firsts.set(at, key);
        if let Some(first) = self.slots.get_mut(at) {
            *first = slot;
        }
    }

    /// Turns running totals into a count for each child.
    fn apart(&mut self) {
        let mut before = 0;
        for end in self.ends.iter_mut().take(self.len as usize) {
            (*end, before) = (*end - before, *end);
        }
    }

    /// Turns counts into running totals.
    fn together(&mut self) {
        let mut before = 0;
        for end in self.ends.iter_mut().take(self.len as usize) {
            before += *end;
            *end = before;
        }
    }

    fn level(left: &mut Self, right: &mut Self, keep: usize) {
        let (l, r) = (left.len as usize, right.len as usize);
        left.apart();
        right.apart();
        Block::level(&mut left.firsts, l, &mut right.firsts, r, keep);
        block::level(&mut left.ends, l, &mut right.ends, r, keep);
        block::level(&mut left.kids, l, &mut right.kids, r, keep);
        block::level(&mut left.slots, l, &mut right.slots, r, keep);
        (left.len, right.len) = (keep as u32, (l + r - keep) as u32);
        left.together();
        right.together();
    }

    /// Adds a child; all after it count on from there.
    fn insert(&mut self, at: usize, (key, slot): (K, u32), count: u32, kid: u32) {
        let len = self.len as usize;
        self.apart();
        self.firsts.insert(at, len, key);
        block::insert(&mut self.ends, at, len, count);
        block::insert(&mut self.kids, at, len, kid);
        block::insert(&mut self.slots, at, len, slot);
        self.len += 1;
        self.together();
    }

    fn remove(&mut self, at: usize) {
        let len = self.len as usize;
        self.apart();
        self.firsts.remove(at, len);
        block::remove(&mut self.ends, at, len);
        block::remove(&mut self.kids, at, len);
        block::remove(&mut self.slots, at, len);
        self.len -= 1;
        self.together();
    }
}

/// A node is named by its index and its level; leaves are level 0.
impl<K: Key> Tree<K> {
    pub(super) const fn cap(level: u32) -> usize {
        if level == 0 { LEAF } else { FAN }
    }

    pub(super) const fn least(level: u32) -> usize {
        block::least(Self::cap(level))
    }

    /// Entries of a leaf, children of an inner node.
    pub(super) fn size(&self, node: u32, level: u32) -> usize {
        (if level == 0 { self.leaves.get(node).len } else { self.inners.get(node).len }) as usize
    }

    /// The first entry of a leaf that is not empty.
    pub(super) fn first(&self, leaf: u32) -> (K, u32) {
        let Leaf { keys, slots: [slot, ..], .. } = self.leaves.get(leaf);
        (keys.get(0), *slot)
    }

    /// First entry and number of entries below a node.
    fn summary(&self, node: u32, level: u32) -> ((K, u32), u32) {
        if level == 0 {
            (self.first(node), self.leaves.get(node).len)
        } else {
            let inner = self.inners.get(node);
            let [slot, ..] = inner.slots;
            ((inner.firsts.get(0), slot), inner.before(inner.len as usize) as u32)
        }
    }

    /// Puts a node among `inner`'s children.
    pub(super) fn adopt(&self, inner: &mut Inner<K>, at: usize, node: u32, level: u32) {
        let (first, count) = self.summary(node, level);
        inner.insert(at, first, count, node);
    }

    /// Counts children `pair` and `pair + 1` of `parent` anew; together they hold what they held.
    fn refresh(&mut self, parent: u32, pair: usize, level: u32) {
        let inner = self.inners.get(parent);
        let (left, count) = self.summary(inner.kid(pair), level);
        let (right, _) = self.summary(inner.kid(pair + 1), level);
        let inner = self.inners.get_mut(parent);
        let end = inner.before(pair) as u32 + count;
        inner.name(pair, left.0, left.1);
        inner.name(pair + 1, right.0, right.1);
        if let Some(place) = inner.ends.get_mut(pair) {
            *place = end;
        }
    }

    /// A new root above the root.
    pub(super) fn grow(&mut self) {
        let mut inner = Inner::new();
        self.adopt(&mut inner, 0, self.root, self.height);
        self.root = self.inners.insert(inner);
        self.height += 1;
    }

    /// Drops roots with one child.
    pub(super) fn shrink(&mut self) {
        while self.height > 0 && self.inners.get(self.root).len == 1 {
            let only = self.inners.get(self.root).kid(0);
            self.inners.release(self.root);
            self.root = only;
            self.height -= 1;
        }
    }

    /// Makes `parent`'s full child `at` less than full; it may then be another child that an entry belongs to.
    pub(super) fn make_room(&mut self, parent: u32, at: usize, level: u32) {
        let Inner { kids, len, .. } = self.inners.get(parent);
        let roomy = |kid: usize| {
            let kid = kids.get(kid).filter(|_| kid < *len as usize);
            kid.is_some_and(|kid| self.size(*kid, level) <= block::roomy(Self::cap(level)))
        };
        let pair = if roomy(at + 1) { Some(at) } else { at.checked_sub(1).filter(|&left| roomy(left)) };
        match pair {
            Some(pair) => {
                let total = self.pair_size(parent, pair, level);
                self.share(parent, pair, level, total / 2);
            }
            None => self.split(parent, at, level),
        }
    }

    /// Makes `parent`'s thin child `at` more than thin, with the help of a neighbour.
    pub(super) fn fill_up(&mut self, parent: u32, at: usize, level: u32) {
        let pair = if at + 1 < self.inners.get(parent).len as usize { at } else { at - 1 };
        let total = self.pair_size(parent, pair, level);
        if total <= block::filled(Self::cap(level)) {
            self.merge(parent, pair, level, total);
        } else {
            // The odd item goes to the thin one.
            let keep = if pair == at { total.div_ceil(2) } else { total / 2 };
            self.share(parent, pair, level, keep);
        }
    }

    fn pair_size(&self, parent: u32, pair: usize, level: u32) -> usize {
        let inner = self.inners.get(parent);
        self.size(inner.kid(pair), level) + self.size(inner.kid(pair + 1), level)
    }

    /// Moves items between children `pair` and `pair + 1`, so that the left has `keep`.
    fn share(&mut self, parent: u32, pair: usize, level: u32, keep: usize) {
        let inner = self.inners.get(parent);
        self.level(inner.kid(pair), inner.kid(pair + 1), level, keep);
        self.refresh(parent, pair, level);
    }

    fn split(&mut self, parent: u32, at: usize, level: u32) {
        let left = self.inners.get(parent).kid(at);
        let right = if level == 0 {
            let next = self.leaves.get(left).next;
            let right = self.leaves.insert(Leaf { next, ..Leaf::new() });
            self.leaves.get_mut(left).next = right;
            right
        } else {
            self.inners.insert(Inner::new())
        };
        self.level(left, right, level, Self::cap(level) / 2);
        let (first, _) = self.summary(right, level);
        // Counted as empty until the pair is counted anew.
        self.inners.get_mut(parent).insert(at + 1, first, 0, right);
        self.refresh(parent, at, level);
    }

    fn merge(&mut self, parent: u32, pair: usize, level: u32, total: usize) {
        let inner = self.inners.get(parent);
        let (left, right) = (inner.kid(pair), inner.kid(pair + 1));
        self.level(left, right, level, total);
        if level == 0 {
            self.leaves.get_mut(left).next = self.leaves.get(right).next;
            self.leaves.release(right);
        } else {
            self.inners.release(right);
        }
        let inner = self.inners.get_mut(parent);
        let end = inner.before(pair + 2) as u32;
        if let Some(place) = inner.ends.get_mut(pair) {
            *place = end;
        }
        inner.remove(pair + 1);
    }

    fn level(&mut self, left: u32, right: u32, level: u32, keep: usize) {
        if level == 0 {
            self.leaves.pair(left, right, |l, r| Leaf::level(l, r, keep));
        } else {
            self.inners.pair(left, right, |l, r| Inner::level(l, r, keep));
        }
    }
}
