//! Going along the leaves.
use super::{Leaf, Tree};
use crate::{block::Block, key::Key};

/// Consecutive entries.
pub(crate) struct Walk<'a, K: Key> {
    tree: &'a Tree<K>,
    leaf: &'a Leaf<K>,
    at: usize,
    left: u64,
}

impl<K: Key> Tree<K> {
    /// `count` entries from a position on, fewer where the tree ends.
    pub(crate) fn walk(&self, from: u64, count: u64) -> Walk<'_, K> {
        let left = self.len.saturating_sub(from).min(count);
        let (leaf, at) = self.seek(if left == 0 { 0 } else { from });
        Walk { tree: self, leaf, at, left }
    }

    /// The key at a position.
    pub(crate) fn key_at(&self, position: u64) -> Option<K> {
        self.walk(position, 1).next().map(|(key, _)| key)
    }

    /// The place of the entry at a position below `len`; on an empty tree, of none.
    fn seek(&self, position: u64) -> (&Leaf<K>, usize) {
        let (mut node, mut left) = (self.root, position);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let ends = inner.ends.get(..inner.len as usize).unwrap_or_default();
            let at = ends.iter().map(|end| u32::from(u64::from(*end) <= left)).sum::<u32>() as usize;
            left -= inner.before(at);
            node = inner.kid(at);
        }
        (self.leaves.get(node), left as usize)
    }
}

impl<K: Key> Walk<'_, K> {
    /// The entry that comes next.
    pub(crate) fn peek(&self) -> Option<(K, u32)> {
        Walk { ..*self }.next()
    }
}

impl<K: Key> Iterator for Walk<'_, K> {
    type Item = (K, u32);

    fn next(&mut self) -> Option<(K, u32)> {
        self.left = self.left.checked_sub(1)?;
        if self.at == self.leaf.len as usize {
            self.leaf = self.tree.leaves.get(self.leaf.next);
            self.at = 0;
        }
        let item = (self.leaf.keys.get(self.at), *self.leaf.slots.get(self.at)?);
        self.at += 1;
        Some(item)
    }

    /// Leaf by leaf, several times faster than one by one.
    fn fold<B, F: FnMut(B, (K, u32)) -> B>(mut self, init: B, mut each: F) -> B {
        let mut folded = init;
        loop {
            let len = self.leaf.len as usize;
            let end = len.min(self.at + usize::try_from(self.left).unwrap_or(len));
            let slots = self.leaf.slots.get(self.at..end).unwrap_or_default();
            for (key, slot) in self.leaf.keys.iter(self.at..end).zip(slots) {
                folded = each(folded, (key, *slot));
            }
            self.left -= (end - self.at) as u64;
            if self.left == 0 {
                return folded;
            }
            self.leaf = self.tree.leaves.get(self.leaf.next);
            self.at = 0;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<K: Key> ExactSizeIterator for Walk<'_, K> {}
