//! How long each of many took, and what is told of it.
use super::{child::now, report::Figure};

/// How long each of many took.
pub(crate) struct Took(Vec<u64>);

impl Took {
    /// Of so many, in nanoseconds each.
    pub(crate) fn of(count: usize, mut one: impl FnMut(usize)) -> Self {
        let each = |n| {
            let begin = now();
            one(n);
            begin.elapsed().as_nanos() as u64
        };
        Self::sorted((0..count).map(each).collect())
    }

    /// Of nanoseconds in any order.
    pub(crate) fn sorted(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Below which so many of a hundred are, in nanoseconds.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        self.0.get(self.0.len() * percent / 100).map_or(f64::NAN, |ns| *ns as f64)
    }

    /// The longest, in nanoseconds.
    pub(crate) fn most(&self) -> f64 {
        self.0.last().map_or(f64::NAN, |ns| *ns as f64)
    }

    /// The median of `what`, and its 99th of a hundred, in units of so many nanoseconds, which shall be at most `goal`.
    pub(crate) fn figures(
        &self,
        what: &str,
        (unit, ns): (&'static str, f64),
        goal: Option<f64>,
    ) -> [Figure; 2] {
        let p99 = Figure::new(format!("{what}, p99"), self.at(99) / ns, unit);
        let p99 = match goal {
            Some(goal) => p99.at_most(goal),
            None => p99,
        };
        [Figure::new(format!("{what}, p50"), self.at(50) / ns, unit), p99]
    }
}
