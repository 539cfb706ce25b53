/// A queue of times in one allocation, none while it is empty. Word 0 holds head and length, 16 bits each; the rest
/// is the ring. A `VecDeque` would cost every key of a limiter 16 bytes more.
#[derive(Default)]
pub(crate) struct Ring(Box<[u32]>);

impl Ring {
    const WORDS_MIN: usize = 4;

    /// Head and length.
    fn ends(&self) -> (usize, usize) {
        let word = self.0.first().copied().unwrap_or(0);
        ((word & 0xffff) as usize, (word >> 16) as usize)
    }

    fn set_ends(&mut self, head: usize, len: usize) {
        if let Some(word) = self.0.first_mut() {
            *word = (head & 0xffff) as u32 | (len as u32) << 16;
        }
    }

    fn capacity(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends().1
    }

    /// The oldest time.
    pub(crate) fn front(&self) -> Option<u32> {
        self.get(0)
    }

    /// The time behind so many older ones.
    pub(crate) fn get(&self, at: usize) -> Option<u32> {
        let (head, len) = self.ends();
        if at >= len { None } else { self.0.get(1 + (head + at) % self.capacity()).copied() }
    }

    /// Forgets the oldest time; the last one gives the memory back.
    pub(crate) fn pop_front(&mut self) {
        let (head, len) = self.ends();
        if len <= 1 {
            self.0 = Box::default();
        } else {
            self.set_ends((head + 1) % self.capacity(), len - 1);
        }
    }

    /// Appends a time. The caller has at most `max` (below 2^16) times in a ring; it grows by doubling up to that.
    pub(crate) fn push_back(&mut self, time: u32, max: usize) {
        if self.len() == self.capacity() {
            self.grow(max);
        }
        let (head, len) = self.ends();
        let at = 1 + (head + len) % self.capacity().max(1);
        if let Some(word) = self.0.get_mut(at) {
            *word = time;
            self.set_ends(head, len + 1);
        }
    }

    fn grow(&mut self, max: usize) {
        let (head, len) = self.ends();
        let words = (2 * self.0.len()).max(Self::WORDS_MIN).min(max + 1).max(len + 2);
        let times = self.0.get(1..).unwrap_or_default();
        let (wrapped, first) = times.split_at(head.min(times.len()));
        let mut grown = Vec::with_capacity(words);
        grown.push(0);
        grown.extend_from_slice(first);
        grown.extend_from_slice(wrapped);
        grown.resize(words, 0);
        self.0 = grown.into_boxed_slice();
        self.set_ends(0, len);
    }

    /// Moves every time `shift` towards zero, at most to zero.
    pub(crate) fn rebase(&mut self, shift: u32) {
        for time in self.0.iter_mut().skip(1) {
            *time = time.saturating_sub(shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn an_empty_ring_holds_no_memory() {
        let mut ring = Ring::default();
        ring.pop_front();
        ring.push_back(7, 10);
        assert_eq!((ring.front(), ring.len(), ring.0.len()), (Some(7), 1, Ring::WORDS_MIN));
        ring.pop_front();
        assert_eq!((ring.front(), ring.len(), ring.0.len()), (None, 0, 0));
    }

    #[test]
    fn a_ring_grows_to_its_maximum_and_no_further() {
        let mut ring = Ring::default();
        (0..19).for_each(|t| ring.push_back(t, 19));
        assert_eq!((ring.len(), ring.0.len()), (19, 20));
    }

    proptest! {
        #[test]
        fn a_ring_is_a_queue(steps in prop::collection::vec(prop::option::weighted(0.6, any::<u32>()), 0..200)) {
            let (mut ring, mut twin) = (Ring::default(), VecDeque::new());
            for step in steps {
                match step {
                    Some(time) => { ring.push_back(time, 200); twin.push_back(time); }
                    None => { ring.pop_front(); twin.pop_front(); }
                }
                prop_assert_eq!((ring.front(), ring.len()), (twin.front().copied(), twin.len()));
                let all: Vec<_> = (0..=twin.len()).map_while(|at| ring.get(at)).collect();
                prop_assert_eq!(all, Vec::from_iter(twin.iter().copied()));
            }
            ring.rebase(1 << 31);
            prop_assert_eq!(ring.front(), twin.front().map(|t| t.saturating_sub(1 << 31)));
        }
    }
}
