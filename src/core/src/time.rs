use serde::{Deserialize, Serialize};

/// A span of time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(u64);

impl Millis {
    /// No time.
    pub const ZERO: Self = Self(0);
    /// From milliseconds.
    #[must_use]
    pub const fn new(ms: u64) -> Self {
        Self(ms)
    }
    /// From seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000))
    }
    /// In milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
    /// In seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
    /// For the runtime's timers.
    #[must_use]
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z; negative before (old histories reach back).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }
    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    /// The time since `earlier`; zero if the clock stepped back.
    #[must_use]
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// Later by `span`, at most the end of time.
    #[must_use]
    pub fn saturating_add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }
    /// Earlier by `span`, at least the beginning of time.
    #[must_use]
    pub fn saturating_sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }
}

/// Tells the time. Read once at the start of a use case and passed on.
pub trait Clock: Send + Sync {
    /// The time by which everything waits, and in which it is stored: it never steps.
    fn now(&self) -> Timestamp;

    /// The system's own clock, which may have been set since and may step: for what others have dated or signed, and for
    /// what is dated for them. Tokens and signatures are judged by it.
    fn wall(&self) -> Timestamp {
        self.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stepping_back_is_no_wait() {
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(4_000));
        assert_eq!(late.since(early), Millis::from_secs(3));
        assert_eq!(early.since(late), Millis::ZERO);
    }

    #[test]
    fn time_ends_where_its_numbers_end() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(
            (last.saturating_add(Millis::new(1)), first.saturating_sub(Millis::new(1))),
            (last, first)
        );
        assert_eq!(Timestamp::EPOCH.saturating_add(Millis::new(u64::MAX)), last);
        assert_eq!(Timestamp::EPOCH.saturating_sub(Millis::new(u64::MAX)).as_millis(), -i64::MAX);
        assert_eq!((last.since(first).get(), first.since(last)), (i64::MAX as u64, Millis::ZERO));
        assert_eq!(Millis::from_secs(u64::MAX).get(), u64::MAX);
    }
}
