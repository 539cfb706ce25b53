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
    /// The chance of the opposite.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(1.0 - self.0)
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
