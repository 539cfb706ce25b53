/// A number outside its range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{value}` is not between {min} and {max}")]
pub struct OutOfRange {
    /// What came.
    pub value: f64,
    /// The least that is taken.
    pub min: f64,
    /// The most that is taken.
    pub max: f64,
}

/// A probability, `0.0..=1.0`; never NaN.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// An even chance.
    pub const HALF: Self = Self(0.5);
    /// Refuses NaN and anything outside `0.0..=1.0`.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange { value, min: 0.0, max: 1.0 })
        }
    }
    /// The nearest probability; NaN becomes one half.
    #[must_use]
    pub fn saturating(value: f64) -> Self {
        if value.is_nan() { Self::HALF } else { Self(value.clamp(0.0, 1.0)) }
    }
    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}
impl TryFrom<f64> for Probability {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        Self::new(value)
    }
}
impl From<Probability> for f64 {
    fn from(p: Probability) -> f64 {
        p.0
    }
}

/// A place on a board: 1 is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Rank(std::num::NonZeroU64);

impl Rank {
    /// The rank of someone whom `better` others beat.
    #[must_use]
    pub fn after(better: u64) -> Self {
        Self(std::num::NonZeroU64::MIN.saturating_add(better))
    }
    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}
impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_keeps_to_its_range() {
        for (value, ok) in [(0.0, true), (-0.0, true), (1.0, true), (1.0 + f64::EPSILON, false)] {
            assert_eq!(Probability::new(value).is_ok(), ok, "{value}");
        }
        assert!([f64::NAN, -1e-9, f64::INFINITY].into_iter().all(|value| Probability::new(value).is_err()));
        assert_eq!(
            Probability::new(2.0).map_err(|e| e.to_string()),
            Err("`2` is not between 0 and 1".to_owned())
        );
    }

    #[test]
    fn the_nearest_probability_of_nothing_known_is_even() {
        let nearest = [f64::NEG_INFINITY, -0.1, 0.3, 7.0, f64::NAN].map(|v| Probability::saturating(v).get());
        assert_eq!(nearest, [0.0, 0.0, 0.3, 1.0, 0.5]);
    }

    #[test]
    fn ranks_begin_at_one_and_end_at_the_last_number() {
        assert_eq!([0, 1, u64::MAX].map(|better| Rank::after(better).get()), [1, 2, u64::MAX]);
        assert_eq!(Rank::after(41).to_string(), "42");
    }
}
