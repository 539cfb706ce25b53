//! Several searches side by side: level by level, so that the memory lines of all are waited for together.
use super::Tree;
use crate::{block::Block, key::Key};

/// Searches side by side: enough to keep all line buffers of a core busy.
pub(crate) const LANES: usize = 32;

impl<K: Key> Tree<K> {
    /// [`better`](Self::better) for each of up to [`LANES`] keys.
    pub(crate) fn better_many(&self, keys: &[K], counts: &mut [u64]) {
        let mut nodes = [self.root; LANES];
        counts.fill(0);
        for _ in 0..self.height {
            for ((key, count), node) in keys.iter().zip(counts.iter_mut()).zip(&mut nodes) {
                let inner = self.inners.get(*node);
                // Better than all: the first child counts none as well.
                let at = inner.firsts.better::<false>(inner.len as usize, *key).saturating_sub(1);
                *count += inner.before(at);
                *node = inner.kid(at);
            }
        }
        for ((key, count), node) in keys.iter().zip(counts).zip(&nodes) {
            let leaf = self.leaves.get(*node);
            *count += leaf.keys.better::<false>(leaf.len as usize, *key) as u64;
        }
    }
}
