#![expect(
    clippy::indexing_slicing,
    reason = "a node holds at most `N` items; positions come from a search of the same node"
)]
//! Lists in place: what the nodes of the tree are made of. Their length is the node's.
use crate::key::{Narrow, Wide};
use std::ops::Range;

/// Up to `N` keys in order.
pub(crate) trait Block<K>: Copy + Send + Sync {
    const EMPTY: Self;
    fn get(&self, at: usize) -> K;
    fn iter(&self, part: Range<usize>) -> impl Iterator<Item = K>;
    fn set(&mut self, at: usize, key: K);
    /// There must be room.
    fn insert(&mut self, at: usize, len: usize, key: K);
    fn remove(&mut self, at: usize, len: usize);
    /// See [`level`].
    fn level(left: &mut Self, l: usize, right: &mut Self, r: usize, keep: usize);
    /// How many of the first `len` keys have better columns than `key`, or with `OR_EQUAL` not worse ones.
    fn better<const OR_EQUAL: bool>(&self, len: usize, key: K) -> usize;
}

pub(crate) fn insert<T: Copy>(items: &mut [T], at: usize, len: usize, item: T) {
    items.copy_within(at..len, at + 1);
    items[at] = item;
}

pub(crate) fn remove<T: Copy>(items: &mut [T], at: usize, len: usize) {
    items.copy_within(at + 1..len, at);
}

/// Moves items over the border between two neighbours that hold `l` and `r`, so that `left` has `keep` of them.
pub(crate) fn level<T: Copy>(left: &mut [T], l: usize, right: &mut [T], r: usize, keep: usize) {
    if l > keep {
        let moved = l - keep;
        right.copy_within(..r, moved);
        right[..moved].copy_from_slice(&left[keep..l]);
    } else {
        let moved = keep - l;
        left[l..keep].copy_from_slice(&right[..moved]);
        right.copy_within(moved..r, 0);
    }
}

/// 14 bytes a key: scores side by side, so that a search compares several at once and touches nothing else. Scores
/// past the length are [`i32::MAX`], worse than any key, so that a search needs no length and has no branches.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct NarrowBlock<const N: usize> {
    scores: [i32; N],
    at_low: [u32; N],
    at_high: [i16; N],
}

impl<const N: usize> Block<Narrow> for NarrowBlock<N> {
    const EMPTY: Self = Self { scores: [i32::MAX; N], at_low: [0; N], at_high: [0; N] };

    fn get(&self, at: usize) -> Narrow {
        let time = i64::from(self.at_high[at]) << 32 | i64::from(self.at_low[at]);
        Narrow { score: self.scores[at], at: time }
    }

    fn iter(&self, part: Range<usize>) -> impl Iterator<Item = Narrow> {
        let times = self.at_high[part.clone()].iter().zip(&self.at_low[part.clone()]);
        let times = times.map(|(high, low)| i64::from(*high) << 32 | i64::from(*low));
        self.scores[part].iter().zip(times).map(|(score, at)| Narrow { score: *score, at })
    }

    fn set(&mut self, at: usize, key: Narrow) {
        self.scores[at] = key.score;
        self.at_low[at] = key.at as u32;
        self.at_high[at] = (key.at >> 32) as i16;
    }

    fn insert(&mut self, at: usize, len: usize, key: Narrow) {
        insert(&mut self.scores, at, len, key.score);
        insert(&mut self.at_low, at, len, key.at as u32);
        insert(&mut self.at_high, at, len, (key.at >> 32) as i16);
    }

    fn remove(&mut self, at: usize, len: usize) {
        remove(&mut self.scores, at, len);
        remove(&mut self.at_low, at, len);
        remove(&mut self.at_high, at, len);
        self.scores[len - 1] = i32::MAX;
    }

    fn level(left: &mut Self, l: usize, right: &mut Self, r: usize, keep: usize) {
        level(&mut left.scores, l, &mut right.scores, r, keep);
        level(&mut left.at_low, l, &mut right.at_low, r, keep);
        level(&mut left.at_high, l, &mut right.at_high, r, keep);
        left.scores[keep..].fill(i32::MAX);
        right.scores[l + r - keep..].fill(i32::MAX);
    }

    fn better<const OR_EQUAL: bool>(&self, len: usize, key: Narrow) -> usize {
        let limit = if OR_EQUAL { key.score.checked_add(1) } else { Some(key.score) };
        let Some(limit) = limit else { return len };
        self.scores.iter().map(|score| u32::from(*score < limit)).sum::<u32>() as usize
    }
}

#[derive(Clone, Copy)]
pub(crate) struct WideBlock<const C: usize, const N: usize>([Wide<C>; N]);

impl<const C: usize, const N: usize> Block<Wide<C>> for WideBlock<C, N> {
    const EMPTY: Self = Self([Wide::ZERO; N]);

    fn get(&self, at: usize) -> Wide<C> {
        self.0[at]
    }

    fn iter(&self, part: Range<usize>) -> impl Iterator<Item = Wide<C>> {
        self.0[part].iter().copied()
    }

    fn set(&mut self, at: usize, key: Wide<C>) {
        self.0[at] = key;
    }

    fn insert(&mut self, at: usize, len: usize, key: Wide<C>) {
        insert(&mut self.0, at, len, key);
    }

    fn remove(&mut self, at: usize, len: usize) {
        remove(&mut self.0, at, len);
    }

    fn level(left: &mut Self, l: usize, right: &mut Self, r: usize, keep: usize) {
        level(&mut left.0, l, &mut right.0, r, keep);
    }

    fn better<const OR_EQUAL: bool>(&self, len: usize, key: Wide<C>) -> usize {
        self.0[..len].partition_point(|own| {
            let order = own.order_columns(&key);
            order.is_lt() || (OR_EQUAL && order.is_eq())
        })
    }
}

/// The least filling of a node of `cap` that has neighbours. Less than half, and a merged node is less than full
/// ([`filled`]), so that a player who comes and goes does not split and merge each time.
pub(crate) const fn least(cap: usize) -> usize {
    if cap < 6 { 2 } else { cap * 7 / 16 }
}

/// How far a node of `cap` is filled by merging and by building.
pub(crate) const fn filled(cap: usize) -> usize {
    cap - cap / 8
}

/// The greatest filling at which a node of `cap` takes over items from a full neighbour, which spares a split.
/// Nearly full: the more such sharing, the fuller the nodes (four fifths where players move at random).
pub(crate) const fn roomy(cap: usize) -> usize {
    cap - if cap / 16 < 2 { 2 } else { cap / 16 }
}
