use gsm_core::Millis;

/// Up to this limit every request's time is kept; above it groups share one.
pub const EXACT_LIMIT_MAX: u32 = 512;
/// The highest limit of a rate.
pub const LIMIT_MAX: u32 = 1_000_000_000;
/// The longest window of a rate.
pub const WINDOW_MAX: Millis = Millis::from_secs(600);

/// Why a limit and a window are no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Zero or too high.
    #[error("`limit` is `{0}`, a limit is between 1 and {LIMIT_MAX}")]
    Limit(u32),
    /// Zero or too long.
    #[error("`window` is `{0}` ms, a window is between 1 and {max} ms", max = WINDOW_MAX.get())]
    Window(u64),
}

/// At most `limit` requests of one key in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    limit: u32,
    window: Millis,
}

impl Rate {
    /// Refuses a limit outside `1..=LIMIT_MAX` and a window outside 1 ms to [`WINDOW_MAX`].
    pub const fn new(limit: u32, window: Millis) -> Result<Self, RateError> {
        if limit == 0 || limit > LIMIT_MAX {
            return Err(RateError::Limit(limit));
        }
        if window.get() == 0 || window.get() > WINDOW_MAX.get() {
            return Err(RateError::Window(window.get()));
        }
        Ok(Self { limit, window })
    }

    /// The most requests that pass.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// In any span of this length.
    #[must_use]
    pub const fn window(self) -> Millis {
        self.window
    }

    /// How many requests share one kept time: 1 is exact. A group counts until its last request leaves the window, so
    /// at most `group - 1` requests, no more than 1 % of the limit, count too long.
    pub(crate) const fn group(self) -> u32 {
        if self.limit <= EXACT_LIMIT_MAX { 1 } else { 1 + self.limit / 100 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: u32, window: u64, expected: Result<(), RateError>) {
        assert_eq!(Rate::new(limit, Millis::new(window)).map(drop), expected);
    }

    #[test]
    fn a_rate_keeps_to_its_bounds() {
        check(1, 1, Ok(()));
        check(LIMIT_MAX, WINDOW_MAX.get(), Ok(()));
        check(0, 1, Err(RateError::Limit(0)));
        check(LIMIT_MAX + 1, 1, Err(RateError::Limit(LIMIT_MAX + 1)));
        check(1, 0, Err(RateError::Window(0)));
        check(1, WINDOW_MAX.get() + 1, Err(RateError::Window(WINDOW_MAX.get() + 1)));
    }

    #[test]
    fn a_group_is_at_most_one_percent_too_big() {
        for limit in [1, 100, EXACT_LIMIT_MAX, EXACT_LIMIT_MAX + 1, 2_000, 1_000_000, LIMIT_MAX] {
            let group = Rate { limit, window: WINDOW_MAX }.group();
            assert!(u64::from(group - 1) * 100 <= u64::from(limit), "{limit}");
            assert!(limit / group <= EXACT_LIMIT_MAX, "{limit}");
        }
    }
}
