//! Building a tree at once.
use super::{FAN, Inner, LEAF, Leaf, NONE, Tree};
use crate::{arena::Arena, block, block::Block, key::Key};
use std::ops::Range;

impl Tree {
    /// A tree of keys that are in order already. O(n).
    pub(crate) fn from_sorted(keys: &[Key]) -> Self {
        let (leaves, inners) = (Arena::new(), Arena::new());
        let mut tree = Self { leaves, inners, root: NONE, height: 0, len: keys.len() as u64 };
        let mut nodes = Vec::new();
        for part in parts(keys.len(), block::filled(LEAF)) {
            let mut leaf = Leaf { keys: Block::new(), prev: NONE, next: NONE };
            keys.iter().take(part.end).skip(part.start).for_each(|&key| leaf.keys.push(key));
            let node = tree.leaves.insert(leaf);
            tree.link(nodes.last().copied().unwrap_or(NONE), node);
            nodes.push(node);
        }
        while nodes.len() > 1 {
            let mut above = Vec::new();
            for part in parts(nodes.len(), block::filled(FAN)) {
                let mut inner = Inner::new();
                for (at, &node) in nodes.iter().take(part.end).skip(part.start).enumerate() {
                    tree.adopt(&mut inner, at, node, tree.height);
                }
                above.push(tree.inners.insert(inner));
            }
            nodes = above;
            tree.height += 1;
        }
        tree.root = nodes.first().copied().unwrap_or(NONE);
        tree
    }

    /// First key and number of keys below a node.
    pub(super) fn summary(&self, node: u32, level: u32) -> (Key, u32) {
        if level == 0 {
            let keys = self.leaves.get(node).keys.as_slice();
            (keys.first().copied().unwrap_or_default(), keys.len() as u32)
        } else {
            let inner = self.inners.get(node);
            let first = inner.firsts.as_slice().first().copied().unwrap_or_default();
            (first, inner.counts.as_slice().iter().sum())
        }
    }
}

/// Cuts `0..items` into as few parts of at most `size` as will do, at least one, all equal to within 1.
fn parts(items: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = items.div_ceil(size).max(1);
    (0..parts).map(move |part| items * part / parts..items * (part + 1) / parts)
}
