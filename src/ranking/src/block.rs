#![expect(
    clippy::indexing_slicing,
    reason = "`len <= N` always; positions come from a search of the same block"
)]

/// A short list in place: what the nodes of the tree are made of.
#[derive(Clone, Copy)]
pub(crate) struct Block<T, const N: usize> {
    len: u32,
    items: [T; N],
}

impl<T: Copy + Default, const N: usize> Block<T, N> {
    pub(crate) fn new() -> Self {
        Self { len: 0, items: [T::default(); N] }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items[..self.len as usize]
    }

    pub(crate) fn get(&self, at: usize) -> T {
        self.as_slice()[at]
    }

    pub(crate) fn at_mut(&mut self, at: usize) -> &mut T {
        &mut self.items[..self.len as usize][at]
    }

    pub(crate) fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// There must be room.
    pub(crate) fn insert(&mut self, at: usize, item: T) {
        let len = self.len();
        self.items.copy_within(at..len, at + 1);
        self.items[at] = item;
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.items.copy_within(at + 1..len, at);
        self.len -= 1;
    }

    /// Moves items over the border between two neighbours, so that `left` has `keep` of them.
    pub(crate) fn level(left: &mut Self, right: &mut Self, keep: usize) {
        let (l, r) = (left.len(), right.len());
        if l > keep {
            let moved = l - keep;
            right.items.copy_within(..r, moved);
            right.items[..moved].copy_from_slice(&left.items[keep..l]);
        } else {
            let moved = keep - l;
            left.items[l..keep].copy_from_slice(&right.items[..moved]);
            right.items.copy_within(moved..r, 0);
        }
        left.len = keep as u32;
        right.len = (l + r - keep) as u32;
    }
}

/// The least filling of a block of `cap` that has neighbours. Less than half, and a merged block is less than full
/// ([`filled`]), so that a player who comes and goes does not split and merge each time.
pub(crate) const fn least(cap: usize) -> usize {
    cap / 2 - cap / 8
}

/// How far a block of `cap` is filled by merging and by building.
pub(crate) const fn filled(cap: usize) -> usize {
    cap - cap / 8
}

/// The greatest filling at which a block of `cap` takes over items from a full neighbour, which spares a split.
pub(crate) const fn roomy(cap: usize) -> usize {
    cap - if cap / 4 < 2 { 2 } else { cap / 4 }
}
