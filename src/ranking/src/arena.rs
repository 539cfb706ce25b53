#![expect(
    clippy::indexing_slicing,
    reason = "an index comes from `insert` or `push`; a wrong one is a broken invariant"
)]

/// Bytes of a chunk: half a megabyte, less the line that an allocator adds to what it hands out or takes to align it. What
/// is one byte above a size that it has is given the next one, and with huge pages all of that is resident, as is all that
/// is reserved and not yet filled.
const CHUNK_BYTES: usize = (512 << 10) - 64;

/// Items at stable `u32` indexes, in chunks, so that growing neither copies nor doubles. Only the first chunk grows by
/// copying; the others are reserved whole and touched as they fill.
#[derive(Clone)]
pub(crate) struct Arena<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
}

impl<T: Copy> Arena<T> {
    /// Items of a chunk.
    const CHUNK: usize = CHUNK_BYTES / size_of::<T>();

    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new() }
    }

    /// Does not copy while it grows to so many items.
    pub(crate) fn with_capacity(items: usize) -> Self {
        let mut arena = Self::new();
        arena.chunks.push(Vec::with_capacity(items.min(Self::CHUNK)));
        arena
    }

    /// How many indexes were ever used.
    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * Self::CHUNK + last.len())
    }

    pub(crate) fn get(&self, index: u32) -> &T {
        &self.chunks[index as usize / Self::CHUNK][index as usize % Self::CHUNK]
    }

    /// The item, if there was ever one at this index.
    pub(crate) fn find(&self, index: u32) -> Option<&T> {
        self.chunks.get(index as usize / Self::CHUNK)?.get(index as usize % Self::CHUNK)
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut self.chunks[index as usize / Self::CHUNK][index as usize % Self::CHUNK]
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, item: T) -> u32 {
        if self.chunks.last().is_none_or(|last| last.len() == Self::CHUNK) {
            self.chunks.push(Vec::with_capacity(if self.chunks.is_empty() { 0 } else { Self::CHUNK }));
        }
        let index = self.len();
        assert!(index < u32::MAX as usize, "a board ends at 2^32 - 1 players");
        let last = self.chunks.len() - 1;
        let last = &mut self.chunks[last];
        if last.len() == last.capacity() {
            last.reserve_exact(last.len().max(4).min(Self::CHUNK - last.len()));
        }
        last.push(item);
        index as u32
    }

    /// Puts an item at a released index, or at the end.
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        let Some(index) = self.free.pop() else { return self.push(item) };
        *self.get_mut(index) = item;
        index
    }

    /// The index may be handed out again by `insert`; nobody may hold it any more.
    pub(crate) fn release(&mut self, index: u32) {
        self.free.push(index);
    }

    /// Changes two items at once; the indexes differ.
    pub(crate) fn pair(&mut self, left: u32, right: u32, change: impl FnOnce(&mut T, &mut T)) {
        let mut copy = *self.get(right);
        change(self.get_mut(left), &mut copy);
        *self.get_mut(right) = copy;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}
