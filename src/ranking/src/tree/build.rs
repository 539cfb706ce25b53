//! Building a tree at once.
use super::{FAN, Inner, LEAF, Leaf, NONE, Tree};
use crate::{arena::Arena, block, block::Block, key::Key};
use std::ops::Range;

impl<K: Key> Tree<K> {
    pub(crate) fn new() -> Self {
        Self::from_sorted(0, std::iter::empty())
    }

    /// A tree of exactly `len` entries that come in order. O(n).
    pub(crate) fn from_sorted(len: usize, mut entries: impl Iterator<Item = (K, u32)>) -> Self {
        let leaves = Arena::with_capacity(len.div_ceil(block::filled(LEAF)).max(1));
        let inners = Arena::new();
        let mut tree = Self { leaves, inners, root: NONE, height: 0, len: len as u64 };
        let mut nodes: Vec<u32> = Vec::new();
        for part in parts(len, block::filled(LEAF)) {
            let mut leaf = Leaf::<K>::new();
            for (at, (key, slot)) in entries.by_ref().take(part.len()).enumerate() {
                leaf.keys.set(at, key);
                block::insert(&mut leaf.slots, at, at, slot);
                leaf.len += 1;
            }
            let node = tree.leaves.insert(leaf);
            if let Some(last) = nodes.last() {
                tree.leaves.get_mut(*last).next = node;
            }
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
}

/// Cuts `0..items` into as few parts of at most `size` as will do, at least one, all equal to within 1.
fn parts(items: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = items.div_ceil(size).max(1);
    (0..parts).map(move |part| items * part / parts..items * (part + 1) / parts)
}
