#![expect(
    clippy::indexing_slicing,
    reason = "segments and groups are reduced from a hash to the length of their list"
)]
//! A hash index of slots that grows a little at a time, by linear hashing: the table is a list of segments of 3,000 to
//! 8,000 slots, and as it fills, one segment after another is split in two. Within a segment open addressing by cache
//! lines, and growth by a fifth or so, in steps that allocators have sizes for. So no insertion moves more than a segment, and about four fifths are in use at any
//! size. Source of the scheme: W. Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980.

/// Slots in a line.
const LINE: usize = 12;
/// Slots of a segment, on average, above which one segment is split.
const SEGMENT: usize = if cfg!(test) { 40 } else { 4_096 };

/// Segments are filled by so many threads: as many as the smallest server has cores.
const HANDS: usize = 2;
/// From how many slots on.
const HANDS_FROM: u32 = if cfg!(test) { 50 } else { 1 << 17 };
/// Slots that are put in together.
const BATCH: usize = 64;

/// One cache line: slots, a byte of hash for each (0: free), and how many slots that belong here lie further on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Group {
    slots: [u32; LINE],
    /// The last byte is the number of slots that found this group full, counted up to [`PASSED_MAX`].
    tags: [u8; 16],
}

const PASSED: usize = 15;
/// A count that has reached this stays: nobody knows any more how many there are. Below 128, so it is like no tag.
const PASSED_MAX: u8 = 127;
const EMPTY: Group = Group { slots: [0; LINE], tags: [0; 16] };

impl Group {
    /// Which of the slots carry a tag: bit 7 of byte n for slot n. Slots after the first found may be wrong.
    #[inline]
    fn matches(&self, tag: u8) -> u128 {
        const ONES: u128 = u128::from_le_bytes([1; 16]);
        let differ = u128::from_le_bytes(self.tags) ^ (ONES * u128::from(tag));
        differ.wrapping_sub(ONES) & !differ & (ONES << 7) & ((1 << (8 * LINE)) - 1)
    }
}

#[inline]
fn tag(hash: u64) -> u8 {
    (hash >> 57) as u8 | 128
}

/// The next size after so many groups: four steps to a doubling, each a line less than what allocators have sizes for.
/// They take a line more for memory that begins with a line.
fn step(groups: usize) -> usize {
    let lines = groups + 1;
    let part = (lines.next_power_of_two() / 8).max(1);
    (lines / part + 1) * part - 1
}

#[derive(Clone)]
struct Segment {
    groups: Vec<Group>,
    len: u32,
}

impl Segment {
    /// As full as it should be once there are `len`.
    fn with_capacity(len: usize) -> Self {
        Self { groups: vec![EMPTY; step(len * 20 / 17 / LINE)], len: 0 }
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        let middle = (hash >> 24) & 0xffff_ffff;
        ((middle * self.groups.len() as u64) >> 32) as usize
    }

    fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let (tag, mut at) = (tag(hash), self.home(hash));
        for _ in 0..self.groups.len() {
            let group = &self.groups[at];
            let mut matches = group.matches(tag);
            while matches != 0 {
                let place = matches.trailing_zeros() as usize / 8;
                if is(group.slots[place]) {
                    return Some((at, place));
                }
                matches &= matches - 1;
            }
            if group.tags[PASSED] == 0 {
                return None;
            }
            at = if at + 1 == self.groups.len() { 0 } else { at + 1 };
        }
        None
    }

    /// Adds a slot, and grows if seven eighths are in use.
    fn add(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        if self.len as usize * 8 >= self.groups.len() * LINE * 7 {
            let mut larger = Self { groups: vec![EMPTY; step(self.groups.len())], len: 0 };
            self.slots().for_each(|slot| larger.put(hash_of(slot), slot));
            *self = larger;
        }
        self.put(hash, slot);
    }

    /// Reads the line of each hash, so that the processor waits for many at once and what follows finds them near.
    fn fetch(segments: &[Self], batch: &[(usize, u64, u32)]) {
        let line = |(segment, hash, _): &(usize, u64, u32)| {
            let segment = &segments[*segment];
            segment.groups[segment.home(*hash)].tags[PASSED]
        };
        std::hint::black_box(batch.iter().fold(0, |all, item| all | line(item)));
    }

    /// There must be room.
    fn put(&mut self, hash: u64, slot: u32) {
        let mut at = self.home(hash);
        loop {
            let group = &mut self.groups[at];
            let free = group.matches(0);
            if free != 0 {
                let place = free.trailing_zeros() as usize / 8;
                group.slots[place] = slot;
                group.tags[place] = tag(hash);
                self.len += 1;
                return;
            }
            group.tags[PASSED] = (group.tags[PASSED] + 1).min(PASSED_MAX);
            at = if at + 1 == self.groups.len() { 0 } else { at + 1 };
        }
    }

    fn remove(&mut self, hash: u64, slot: u32) {
        let Some((found, place)) = self.find(hash, |other| other == slot) else { return };
        self.groups[found].tags[place] = 0;
        self.len -= 1;
        let mut at = self.home(hash);
        while at != found {
            let passed = &mut self.groups[at].tags[PASSED];
            if *passed < PASSED_MAX {
                *passed -= 1;
            }
            at = if at + 1 == self.groups.len() { 0 } else { at + 1 };
        }
    }

    fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let used = |group: &Group| {
            let Group { slots, tags } = *group;
            slots.into_iter().zip(tags).filter(|(_, tag)| *tag != 0).map(|(slot, _)| slot)
        };
        self.groups.iter().flat_map(used)
    }
}

fn segments_for(slots: usize) -> usize {
    (slots / SEGMENT + 1).next_power_of_two()
}

/// Slots by the hash of what they hold.
#[derive(Clone)]
pub(super) struct Index {
    segments: Vec<Segment>,
    len: usize,
}

impl Index {
    /// Sized for so many slots.
    pub(super) fn with_capacity(slots: usize) -> Self {
        let segments = segments_for(slots);
        Self { segments: vec![Segment::with_capacity(slots / segments); segments], len: 0 }
    }

    /// Whether [`with_capacity`](Self::with_capacity) would give as many segments.
    pub(super) fn is_made_for(&self, slots: usize) -> bool {
        self.segments.len() == segments_for(slots)
    }

    /// Puts the slots `0..slots` into an empty index that was made for so many. Slots that are the `same` as one before
    /// them stay out and are returned.
    pub(super) fn fill(
        &mut self,
        slots: u32,
        hash_of: impl Fn(u32) -> u64 + Sync,
        same: impl Fn(u32, u32) -> bool + Sync,
    ) -> Vec<u32> {
        let (hash_of, same, mask) = (&hash_of, &same, self.segments.len() - 1);
        let part = |(first, segments): (usize, &mut [Segment])| {
            fill_part(segments, slots, |hash| (hash as usize & mask).wrapping_sub(first), hash_of, same)
        };
        let doubled = if slots < HANDS_FROM {
            part((0, &mut self.segments))
        } else {
            let share = self.segments.len().div_ceil(HANDS);
            let parts = (0..).step_by(share).zip(self.segments.chunks_mut(share));
            std::thread::scope(|scope| {
                let hands: Vec<_> = parts.map(|its| scope.spawn(move || part(its))).collect();
                hands
                    .into_iter()
                    .flat_map(|hand| hand.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            })
        };
        self.len = self.segments.iter().map(|segment| segment.len as usize).sum();
        doubled
    }

    /// Puts a slot in the place of another with the same hash.
    pub(super) fn replace(&mut self, hash: u64, old: u32, new: u32) {
        let at = self.segment(hash);
        let segment = &mut self.segments[at];
        if let Some((group, place)) = segment.find(hash, |slot| slot == old) {
            segment.groups[group].slots[place] = new;
        }
    }

    /// The segment of a hash: by as many low bits as there are segments for, one bit less where the list ends early.
    #[inline]
    fn segment(&self, hash: u64) -> usize {
        let mask = self.segments.len().next_power_of_two() - 1;
        let at = hash as usize & mask;
        if at < self.segments.len() { at } else { at & (mask >> 1) }
    }

    /// The slot of this hash for which `is` holds.
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let segment = &self.segments[self.segment(hash)];
        segment.find(hash, is).map(|(at, place)| segment.groups[at].slots[place])
    }

    /// The first slot that may be the one of this hash; one memory line, no proof.
    #[inline]
    pub(super) fn likely(&self, hash: u64) -> Option<u32> {
        let segment = &self.segments[self.segment(hash)];
        let group = &segment.groups[segment.home(hash)];
        let place = group.matches(tag(hash)).trailing_zeros() as usize / 8;
        group.slots.get(place).copied()
    }

    /// Adds a slot that is not in it; `hash_of` tells the hashes of the others.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) {
        if self.len >= self.segments.len() * SEGMENT {
            self.split(&hash_of);
        }
        let at = self.segment(hash);
        let segment = &mut self.segments[at];
        segment.add(hash, slot, hash_of);
        self.len += 1;
    }

    /// Adds a segment: the next in turn gives about half of its slots to it.
    fn split(&mut self, hash_of: impl Fn(u32) -> u64) {
        let count = self.segments.len();
        let from = if count.is_power_of_two() { 0 } else { count - count.next_power_of_two() / 2 };
        let slots: Vec<u32> = self.segments[from].slots().collect();
        self.segments[from] = Segment::with_capacity(slots.len() / 2);
        self.segments.push(Segment::with_capacity(slots.len() / 2));
        for slot in slots {
            let hash = hash_of(slot);
            let at = self.segment(hash);
            let segment = &mut self.segments[at];
            segment.add(hash, slot, &hash_of);
        }
    }

    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let at = self.segment(hash);
        let segment = &mut self.segments[at];
        let before = segment.len;
        segment.remove(hash, slot);
        self.len -= (before - segment.len) as usize;
    }
}

/// What one thread does of [`Index::fill`]: those of the slots whose `place` is among `segments`.
fn fill_part(
    segments: &mut [Segment],
    slots: u32,
    place: impl Fn(u64) -> usize,
    hash_of: &impl Fn(u32) -> u64,
    same: &impl Fn(u32, u32) -> bool,
) -> Vec<u32> {
    let (count, mut doubled, mut batch) = (segments.len(), Vec::new(), Vec::with_capacity(BATCH));
    let mut left = 0..slots;
    while !left.is_empty() {
        batch.clear();
        while batch.len() < BATCH
            && let Some(slot) = left.next()
        {
            let hash = hash_of(slot);
            let at = place(hash);
            if at < count {
                batch.push((at, hash, slot));
            }
        }
        Segment::fetch(segments, &batch);
        for &(at, hash, slot) in &batch {
            let segment = &mut segments[at];
            if segment.find(hash, |other| same(other, slot)).is_some() {
                doubled.push(slot);
            } else {
                segment.add(hash, slot, hash_of);
            }
        }
    }
    doubled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// Slots come and go under hashes good and bad: `kinds` different ones, the worst being one for all.
    fn check(kinds: u64, steps: &[u32]) {
        let hash = |slot: u32| (u64::from(slot) % kinds).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        let mut index = Index::with_capacity(steps.len() / 3);
        let mut inside = std::collections::BTreeSet::new();
        for &slot in steps {
            if inside.remove(&slot) {
                index.remove(hash(slot), slot);
            } else {
                inside.insert(slot);
                index.insert(hash(slot), slot, hash);
            }
            assert_eq!(index.len, inside.len());
        }
        for slot in 0..700 {
            let found = index.find(hash(slot), |other| other == slot);
            assert_eq!(found, inside.contains(&slot).then_some(slot));
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_found(
            kinds in prop_oneof![Just(1), 2..9u64, Just(1 << 40)], steps in vec(0..700u32, 0..2_000),
        ) {
            check(kinds, &steps);
        }
    }

    /// Growing moves no more than a segment, and leaves most of the table in use.
    #[test]
    fn four_fifths_are_in_use_at_any_size() {
        let hash = |slot: u32| (u64::from(slot) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let mut index = Index::with_capacity(0);
        for slot in 0..20_000u32 {
            index.insert(hash(slot), slot, hash);
            let room = index.segments.iter().map(|segment| segment.groups.len() * LINE).sum::<usize>();
            let longest = index.segments.iter().map(|segment| segment.len as usize).max();
            assert!(slot < 1_000 || index.len * 100 >= room * 60, "{} in {room}", index.len);
            assert!(longest.is_some_and(|longest| longest < 5 * SEGMENT), "{longest:?}");
        }
    }
}
