//! Moving an entry that stays in the tree: what most changes of a board are. Both places are found before anything is
//! written, so that the memory of both is waited for together; and above the lowest node that holds both, no count
//! changes.
use super::{LEAF, NONE, Tree};
use crate::{
    block::{self, Block, least},
    ids::Ids,
    key::Key,
    probe::Probe,
};

/// No tree of 2^32 entries has more levels above its leaves.
const HEIGHT_MAX: usize = if cfg!(test) { 32 } else { 8 };

/// The way from the root to the leaf in which an entry is, or would be. It holds until the tree changes.
#[derive(Clone, Copy)]
struct Path {
    /// Inner nodes, and which child of each the next one is.
    steps: [(u32, u32); HEIGHT_MAX],
    leaf: u32,
}

impl<K: Key> Tree<K> {
    /// The way to a place; the leaf at its end is on its way from memory.
    fn trace<I: Ids>(&self, probe: &Probe<'_, K, I>) -> Path {
        let mut path = Path { steps: [(NONE, 0); HEIGHT_MAX], leaf: self.root };
        for step in path.steps.iter_mut().take(self.height as usize) {
            let inner = self.inners.get(path.leaf);
            let at = inner.child_for(probe);
            *step = (path.leaf, at as u32);
            path.leaf = inner.kid(at);
        }
        gsm_core::prefetch(self.leaves.get(path.leaf));
        path
    }

    /// Brings near what a change at a place looks at.
    pub(crate) fn look_at<I: Ids>(&self, probe: &Probe<'_, K, I>) {
        self.trace(probe);
    }

    /// Moves the entry at `from`, which is in the tree, to `to`, which is not.
    pub(crate) fn shift<I: Ids>(&mut self, slot: u32, from: &Probe<'_, K, I>, to: &Probe<'_, K, I>) {
        let (way, back) = (self.trace(to), self.trace(from));
        if !self.shift_along(slot, (from, &back), (to, &way)) {
            self.remove(from);
            self.insert(slot, to);
        }
    }

    /// Does nothing and returns `false` if a node would become too full or too thin, or another first entry than it has.
    fn shift_along<I: Ids>(
        &mut self,
        slot: u32,
        (from, back): (&Probe<'_, K, I>, &Path),
        (to, way): (&Probe<'_, K, I>, &Path),
    ) -> bool {
        let (source, target) = (self.leaves.get(back.leaf), self.leaves.get(way.leaf));
        let (mut place, out) = (target.place(to), source.place(from));
        let is_one = back.leaf == way.leaf;
        let fits = is_one || source.len as usize > least(LEAF) && (target.len as usize) < LEAF;
        if out == 0 || place == 0 || !fits {
            return false;
        }
        for (&(old, out), &(new, into)) in back.steps.iter().zip(&way.steps).take(self.height as usize) {
            if old == new {
                self.inners.get_mut(old).count_move(out as usize, into as usize);
            } else {
                self.inners.get_mut(old).count(out as usize, u32::MAX);
                self.inners.get_mut(new).count(into as usize, 1);
            }
        }
        let source = self.leaves.get_mut(back.leaf);
        let len = source.len as usize;
        source.keys.remove(out, len);
        block::remove(&mut source.slots, out, len);
        source.len -= 1;
        place -= usize::from(is_one && out < place);
        let target = self.leaves.get_mut(way.leaf);
        let len = target.len as usize;
        target.keys.insert(place, len, to.key);
        block::insert(&mut target.slots, place, len, slot);
        target.len += 1;
        true
    }
}
