//! Going along the leaves.
use super::{NONE, Tree};
use crate::key::Key;

/// A place in a leaf.
#[derive(Clone, Copy)]
struct Cursor {
    leaf: u32,
    at: usize,
}

/// Consecutive keys, from either end. The far end is looked up only when asked for.
pub(crate) struct Keys<'a> {
    tree: &'a Tree,
    from: u64,
    left: u64,
    front: Cursor,
    /// One past the last key.
    back: Option<Cursor>,
}

impl Tree {
    /// `count` keys from position `from` on, fewer where the tree ends.
    pub(crate) fn keys(&self, from: u64, count: u64) -> Keys<'_> {
        let left = self.len.saturating_sub(from).min(count);
        let front = if left == 0 { Cursor { leaf: NONE, at: 0 } } else { self.seek(from) };
        Keys { tree: self, from, left, front, back: None }
    }

    /// The place of the key at a position below `len`.
    fn seek(&self, position: u64) -> Cursor {
        let (mut node, mut left) = (self.root, position);
        for _ in 0..self.height {
            let inner = self.inners.get(node);
            let mut at = 0;
            for &count in inner.counts.as_slice() {
                if left < u64::from(count) {
                    break;
                }
                left -= u64::from(count);
                at += 1;
            }
            node = inner.kids.get(at);
        }
        Cursor { leaf: node, at: left as usize }
    }
}

impl Iterator for Keys<'_> {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        self.left = self.left.checked_sub(1)?;
        let leaf = self.tree.leaves.get(self.front.leaf);
        let key = leaf.keys.get(self.front.at);
        self.from += 1;
        self.front.at += 1;
        if self.front.at == leaf.keys.len() {
            self.front = Cursor { leaf: leaf.next, at: 0 };
        }
        Some(key)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl DoubleEndedIterator for Keys<'_> {
    fn next_back(&mut self) -> Option<Key> {
        self.left = self.left.checked_sub(1)?;
        let mut back = self.back.unwrap_or_else(|| {
            let last = self.tree.seek(self.from + self.left);
            Cursor { leaf: last.leaf, at: last.at + 1 }
        });
        if back.at == 0 {
            let leaf = self.tree.leaves.get(back.leaf).prev;
            back = Cursor { leaf, at: self.tree.leaves.get(leaf).keys.len() };
        }
        back.at -= 1;
        self.back = Some(back);
        Some(self.tree.leaves.get(back.leaf).keys.get(back.at))
    }
}

impl ExactSizeIterator for Keys<'_> {}
