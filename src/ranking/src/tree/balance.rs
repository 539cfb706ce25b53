//! Keeping nodes neither full nor thin.
use super::{FAN, Inner, LEAF, Leaf, NONE, Tree};
use crate::block::{self, Block};

impl Inner {
    pub(super) fn new() -> Self {
        Self { firsts: Block::new(), counts: Block::new(), kids: Block::new() }
    }

    fn level(left: &mut Self, right: &mut Self, keep: usize) {
        Block::level(&mut left.firsts, &mut right.firsts, keep);
        Block::level(&mut left.counts, &mut right.counts, keep);
        Block::level(&mut left.kids, &mut right.kids, keep);
    }

    fn remove(&mut self, at: usize) {
        self.firsts.remove(at);
        self.counts.remove(at);
        self.kids.remove(at);
    }
}

/// A node is named by its index and its level; leaves are level 0.
impl Tree {
    pub(super) const fn cap(level: u32) -> usize {
        if level == 0 { LEAF } else { FAN }
    }

    pub(super) const fn least(level: u32) -> usize {
        block::least(Self::cap(level))
    }

    /// Keys of a leaf, children of an inner node.
    pub(super) fn size(&self, node: u32, level: u32) -> usize {
        if level == 0 { self.leaves.get(node).keys.len() } else { self.inners.get(node).kids.len() }
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
        while self.height > 0 && self.inners.get(self.root).kids.len() == 1 {
            let only = self.inners.get(self.root).kids.get(0);
            self.inners.release(self.root);
            self.root = only;
            self.height -= 1;
        }
    }

    /// Makes `parent`'s full child `at` less than full; it may then be another child that a key belongs to.
    pub(super) fn make_room(&mut self, parent: u32, at: usize, level: u32) {
        let kids = self.inners.get(parent).kids;
        let roomy = |kid: usize| {
            let size = kids.as_slice().get(kid).map(|&kid| self.size(kid, level));
            size.is_some_and(|size| size <= block::roomy(Self::cap(level)))
        };
        let pair = if roomy(at + 1) { Some(at) } else { at.checked_sub(1).filter(|&left| roomy(left)) };
        match pair {
            Some(pair) => {
                let total = self.size(kids.get(pair), level) + self.size(kids.get(pair + 1), level);
                self.share(parent, pair, level, total / 2);
            }
            None => self.split(parent, at, level),
        }
    }

    /// Makes `parent`'s thin child `at` more than thin, with the help of a neighbour.
    pub(super) fn fill_up(&mut self, parent: u32, at: usize, level: u32) {
        let kids = self.inners.get(parent).kids;
        let pair = if at + 1 < kids.len() { at } else { at - 1 };
        let (left, right) = (kids.get(pair), kids.get(pair + 1));
        let total = self.size(left, level) + self.size(right, level);
        if total <= block::filled(Self::cap(level)) {
            self.merge(parent, pair, level, total);
        } else {
            // The odd item goes to the thin one.
            let keep = if pair == at { total.div_ceil(2) } else { total / 2 };
            self.share(parent, pair, level, keep);
        }
    }

    /// Moves items between children `pair` and `pair + 1`, so that the left has `keep`.
    fn share(&mut self, parent: u32, pair: usize, level: u32, keep: usize) {
        let kids = self.inners.get(parent).kids;
        self.level(kids.get(pair), kids.get(pair + 1), level, keep);
        self.refresh(parent, pair, level);
        self.refresh(parent, pair + 1, level);
    }

    fn split(&mut self, parent: u32, at: usize, level: u32) {
        let left = self.inners.get(parent).kids.get(at);
        let right = if level == 0 {
            let next = self.leaves.get(left).next;
            let right = self.leaves.insert(Leaf { keys: Block::new(), prev: left, next });
            self.link(left, right);
            self.link(right, next);
            right
        } else {
            self.inners.insert(Inner::new())
        };
        self.level(left, right, level, Self::cap(level) / 2);
        let mut inner = *self.inners.get(parent);
        self.adopt(&mut inner, at + 1, right, level);
        *self.inners.get_mut(parent) = inner;
        self.refresh(parent, at, level);
    }

    fn merge(&mut self, parent: u32, pair: usize, level: u32, total: usize) {
        let kids = self.inners.get(parent).kids;
        let (left, right) = (kids.get(pair), kids.get(pair + 1));
        self.level(left, right, level, total);
        if level == 0 {
            self.link(left, self.leaves.get(right).next);
            self.leaves.release(right);
        } else {
            self.inners.release(right);
        }
        self.inners.get_mut(parent).remove(pair + 1);
        self.refresh(parent, pair, level);
    }

    fn level(&mut self, left: u32, right: u32, level: u32, keep: usize) {
        if level == 0 {
            self.leaves.pair(left, right, |l, r| Block::level(&mut l.keys, &mut r.keys, keep));
        } else {
            self.inners.pair(left, right, |l, r| Inner::level(l, r, keep));
        }
    }

    pub(super) fn link(&mut self, left: u32, right: u32) {
        if left != NONE {
            self.leaves.get_mut(left).next = right;
        }
        if right != NONE {
            self.leaves.get_mut(right).prev = left;
        }
    }

    /// Puts a node among `inner`'s children.
    pub(super) fn adopt(&self, inner: &mut Inner, at: usize, node: u32, level: u32) {
        let (first, count) = self.summary(node, level);
        inner.firsts.insert(at, first);
        inner.counts.insert(at, count);
        inner.kids.insert(at, node);
    }

    /// Counts child `at` of `parent` anew.
    fn refresh(&mut self, parent: u32, at: usize, level: u32) {
        let (first, count) = self.summary(self.inners.get(parent).kids.get(at), level);
        let inner = self.inners.get_mut(parent);
        *inner.firsts.at_mut(at) = first;
        *inner.counts.at_mut(at) = count;
    }
}
