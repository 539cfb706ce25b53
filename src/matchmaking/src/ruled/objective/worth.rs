//! What matches are compared by.
use std::{
    cmp::Ordering,
    ops::{Add, Neg, Sub},
};

/// What a match leaves over, or several do, or one instead of others.
///
/// Where tickets pay anything a match is worth more than whatever others cost less; of as many matches the costs decide. So
/// costs count by comparison alone, however small or great they are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Worth {
    /// Matches whose tickets pay anything.
    pub(super) free: i32,
    /// Prices less costs, where tickets pay anything only costs.
    pub(super) over: f64,
}

/// A cost counts as this at most, so that sums of them are numbers.
const COST_MAX: f64 = 1e300;
/// What sums of floats err by, in parts of what was added.
const ROUNDING: f64 = 1e-12;

impl Worth {
    pub(super) const NOTHING: Self = Self { free: 0, over: 0.0 };

    /// Of a match whose tickets pay so much together; none where it is not to be made for that.
    pub(super) fn of(price: f64, cost: f64) -> Option<Self> {
        let cost = cost.min(COST_MAX);
        let worth = if price == f64::INFINITY {
            Self { free: 1, over: 0.0 - cost }
        } else {
            Self { free: 0, over: price - cost }
        };
        (worth > Self::NOTHING).then_some(worth)
    }

    /// Whether it is more than nothing beyond what the sum of `parts` errs by.
    pub(super) fn gains(self, parts: impl Iterator<Item = Self>) -> bool {
        self.free > 0 || (self.free == 0 && self.over > ROUNDING * parts.map(|of| of.over.abs()).sum::<f64>())
    }
}

impl Eq for Worth {}
impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Worth {
    fn cmp(&self, other: &Self) -> Ordering {
        self.free.cmp(&other.free).then_with(|| self.over.total_cmp(&other.over))
    }
}

impl Add for Worth {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { free: self.free + other.free, over: self.over + other.over }
    }
}
impl Sub for Worth {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { free: self.free - other.free, over: self.over - other.over }
    }
}
impl Neg for Worth {
    type Output = Self;
    fn neg(self) -> Self {
        Self::NOTHING - self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_count_first_and_then_what_they_cost() {
        let of = |price, cost| Worth::of(price, cost).unwrap();
        let any = f64::INFINITY;
        assert!(
            of(any, 3.0) > of(any, 4.0) && of(any, 3e-30) > of(any, 4e-30) && of(any, 3e30) > of(any, 4e30)
        );
        assert!(of(any, f64::INFINITY) + of(any, f64::INFINITY) > of(any, 0.0));
        assert!(of(5.0, 3.0) > of(9.0, 8.0));
        assert_eq!((Worth::of(5.0, 5.0), Worth::of(5.0, f64::INFINITY)), (None, None));
        assert_eq!(of(any, 0.0) - of(any, 0.0), Worth::NOTHING);
        let parts = [of(any, 1.0), of(any, 2.0)];
        let gain = |over| Worth { free: 0, over }.gains(parts.into_iter());
        assert_eq!((gain(1e-3), gain(1e-13), gain(-1.0)), (true, false, false));
    }
}
