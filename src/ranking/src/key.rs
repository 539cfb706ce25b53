//! What the tree sorts by, in two widths: [`Narrow`] for boards as most are, [`Wide`] for all others.
use crate::{
    Keys, Order,
    block::{Block, NarrowBlock, WideBlock},
    flags::Flags,
    order::{COLUMNS_MAX, Turned},
};
use std::cmp::Ordering;

/// Turned columns and a time, in a form that compares fast. The smaller is listed first.
pub(crate) trait Key: Copy + Ord + Send + Sync + 'static {
    /// `N` keys, laid out for search.
    type Block<const N: usize>: Block<Self>;
    /// What is kept of a player, whether ranked or not.
    type Member: Member<Self>;

    /// The form in which a column is stored relative to `origin`; `None` if something does not fit.
    fn new(origin: i64, columns: &Turned, at: i64) -> Option<Self>;
    /// The same for a key that is only looked for: what does not fit becomes the first or last of all.
    fn nearest(origin: i64, columns: &Turned, at: i64) -> Self;
    fn columns(self, origin: i64) -> Turned;
    /// The columns turned back.
    fn keys(self, origin: i64, order: &Order) -> Keys;
    fn at(self) -> i64;
    fn same_columns(self, other: Self) -> bool;
    /// The same columns at one and the same time.
    fn timeless(self) -> Self;
}

/// A key with its version and flags.
pub(crate) trait Member<K>: Copy + Send + Sync + 'static {
    /// No player.
    const NONE: Self;
    /// `None` if the version does not fit.
    fn new(key: K, version: u64, flags: Flags) -> Option<Self>;
    fn key(&self) -> K;
    fn version(&self) -> u64;
    fn flags(&self) -> Flags;
    fn set_flags(&mut self, flags: Flags);
}

/// One column that lies within 2^31 of the board's origin, and a time within 2^43 ms of 1970 (the years 1691 to
/// 2248); both ends excluded, so that there is always a key before and after all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Narrow {
    pub(crate) score: i32,
    pub(crate) at: i64,
}

/// No narrow time is as far from 1970.
const AT_END: i64 = 1 << 43;

impl Key for Narrow {
    type Block<const N: usize> = NarrowBlock<N>;
    type Member = NarrowMember;

    #[inline]
    fn new(origin: i64, [first, ..]: &Turned, at: i64) -> Option<Self> {
        let score = i32::try_from(first.checked_sub(origin)?).ok()?;
        let inside = score > i32::MIN && score < i32::MAX && at > -AT_END && at < AT_END - 1;
        inside.then_some(Self { score, at })
    }

    #[inline]
    fn nearest(origin: i64, [first, ..]: &Turned, at: i64) -> Self {
        let score = first.saturating_sub(origin).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        Self { score, at: at.clamp(-AT_END, AT_END - 1) }
    }

    #[inline]
    fn columns(self, origin: i64) -> Turned {
        // It was made from an i64 by the difference, so the sum is one.
        [origin.wrapping_add(self.score.into()), 0, 0, 0, 0]
    }

    #[inline]
    fn keys(self, origin: i64, order: &Order) -> Keys {
        let [first, ..] = self.columns(origin);
        order.turn_first(first).into()
    }

    #[inline]
    fn at(self) -> i64 {
        self.at
    }

    #[inline]
    fn same_columns(self, other: Self) -> bool {
        self.score == other.score
    }

    #[inline]
    fn timeless(self) -> Self {
        Self { at: 0, ..self }
    }
}

/// 14 bytes: the score, 44 bits of time, 4 flags, a version below 2^32.
#[derive(Clone, Copy)]
#[repr(C, packed(2))]
pub(crate) struct NarrowMember {
    score: i32,
    at_low: u32,
    version: u32,
    /// The upper 12 bits of the time, then the flags.
    at_high: i16,
}

impl Member<Narrow> for NarrowMember {
    const NONE: Self = Self { score: 0, at_low: 0, version: 0, at_high: 0 };

    #[inline]
    fn new(key: Narrow, version: u64, flags: Flags) -> Option<Self> {
        let at_high = ((key.at >> 32) << 4) as i16 | i16::from(flags.bits());
        Some(Self { score: key.score, at_low: key.at as u32, version: version.try_into().ok()?, at_high })
    }

    #[inline]
    fn key(&self) -> Narrow {
        Narrow { score: self.score, at: i64::from(self.at_high >> 4) << 32 | i64::from(self.at_low) }
    }

    #[inline]
    fn version(&self) -> u64 {
        self.version.into()
    }

    #[inline]
    fn flags(&self) -> Flags {
        Flags::from_bits(self.at_high as u8 & 15)
    }

    #[inline]
    fn set_flags(&mut self, flags: Flags) {
        self.at_high = self.at_high & !15 | i16::from(flags.bits());
    }
}

/// Up to `C` columns of any size, at any time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide<const C: usize> {
    columns: [i64; C],
    pub(crate) at: i64,
}

impl<const C: usize> Wide<C> {
    pub(crate) const ZERO: Self = Self { columns: [0; C], at: 0 };

    /// `Less` if `self` is better, whatever the times.
    pub(crate) fn order_columns(&self, other: &Self) -> Ordering {
        self.columns.cmp(&other.columns)
    }
}

impl<const C: usize> Key for Wide<C> {
    type Block<const N: usize> = WideBlock<C, N>;
    type Member = WideMember<C>;

    fn new(origin: i64, columns: &Turned, at: i64) -> Option<Self> {
        Some(Self::nearest(origin, columns, at))
    }

    fn nearest(_: i64, columns: &Turned, at: i64) -> Self {
        let mut own = [0; C];
        for (own, column) in own.iter_mut().zip(columns) {
            *own = *column;
        }
        Self { columns: own, at }
    }

    fn columns(self, _: i64) -> Turned {
        let mut all = [0; COLUMNS_MAX];
        for (all, own) in all.iter_mut().zip(self.columns) {
            *all = own;
        }
        all
    }

    fn keys(self, origin: i64, order: &Order) -> Keys {
        order.turn(self.columns(origin).into()).into()
    }

    fn at(self) -> i64 {
        self.at
    }

    fn same_columns(self, other: Self) -> bool {
        self.columns == other.columns
    }

    fn timeless(self) -> Self {
        Self { at: 0, ..self }
    }
}

#[derive(Clone, Copy)]
#[repr(C, packed)]
pub(crate) struct WideMember<const C: usize> {
    key: Wide<C>,
    version: u64,
    flags: Flags,
}

impl<const C: usize> Member<Wide<C>> for WideMember<C> {
    const NONE: Self = Self { key: Wide::ZERO, version: 0, flags: Flags::NONE };

    fn new(key: Wide<C>, version: u64, flags: Flags) -> Option<Self> {
        Some(Self { key, version, flags })
    }

    fn key(&self) -> Wide<C> {
        self.key
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn flags(&self) -> Flags {
        self.flags
    }

    fn set_flags(&mut self, flags: Flags) {
        self.flags = flags;
    }
}
