#![expect(
    clippy::indexing_slicing,
    reason = "an index comes from `insert`; a wrong one is a broken invariant"
)]

/// Items at stable `u32` indexes, in chunks, so that growing neither copies nor doubles. `CHUNK` is a power of two.
#[derive(Clone)]
pub(crate) struct Arena<T, const CHUNK: usize> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
}

impl<T: Copy, const CHUNK: usize> Arena<T, CHUNK> {
    pub(crate) const fn new() -> Self {
        assert!(CHUNK.is_power_of_two());
        Self { chunks: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn get(&self, index: u32) -> &T {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    /// Takes a released index first.
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        if let Some(index) = self.free.pop() {
            *self.get_mut(index) = item;
            return index;
        }
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.chunks.push(Vec::new());
        }
        let last = self.chunks.len() - 1;
        let index = last * CHUNK + self.chunks[last].len();
        assert!(index < u32::MAX as usize, "a board ends at 2^32 - 1 players");
        self.chunks[last].push(item);
        index as u32
    }

    /// The index may be handed out again; nobody may hold it any more.
    pub(crate) fn release(&mut self, index: u32) {
        self.free.push(index);
    }

    /// Changes two items at once; the indexes differ.
    pub(crate) fn pair(&mut self, left: u32, right: u32, change: impl FnOnce(&mut T, &mut T)) {
        let mut copy = *self.get(right);
        change(self.get_mut(left), &mut copy);
        *self.get_mut(right) = copy;
    }
}
