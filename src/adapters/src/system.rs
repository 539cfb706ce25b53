use gsm_core::{Clock, IdSource, Timestamp};
use parking_lot::Mutex;
use std::{
    cell::RefCell,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// So much faster or slower than the monotonic clock the time runs at most: a part in so many.
const SLEW_PART: i128 = 20;
/// A deviation that is told.
const TOLD_FROM: Duration = Duration::from_secs(1);
/// Between two lines that tell it.
const TOLD_EVERY: Duration = Duration::from_secs(3_600);

/// The system's clock. [`Clock::now`] is wall time at the start, carried on by the monotonic clock: it never steps, and where
/// the system's clock is set it follows by running up to a twentieth faster or slower. [`Clock::wall`] is the system's clock
/// as it is.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    course: Mutex<Course>,
}

impl SystemClock {
    /// Begins with the wall time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn new() -> Self {
        let (wall, started) = (wall_nanos(), Instant::now());
        Self { started, course: Mutex::new(Course::from(wall)) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (now, told) = {
            let mut course = self.course.lock();
            course.read(self.started.elapsed(), wall_nanos())
        };
        if let Some(deviation_ms) = told {
            tracing::warn!(
                deviation_ms,
                "the system's clock was set: what waits follows it slowly, a restart takes it over at once"
            );
        }
        now
    }

    fn wall(&self) -> Timestamp {
        stamp(wall_nanos())
    }
}

/// Nanoseconds since 1970 by the system's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
fn wall_nanos() -> i128 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

fn nanos(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

fn stamp(nanos: i128) -> Timestamp {
    let ms = nanos.div_euclid(1_000_000);
    Timestamp::from_millis(i64::try_from(ms).unwrap_or(if ms < 0 { i64::MIN } else { i64::MAX }))
}

/// A time that goes by the monotonic clock and bends towards the wall clock. All in nanoseconds.
#[derive(Debug)]
struct Course {
    /// The monotonic clock when it was last read, and what was shown then.
    read_at: Duration,
    shown: i128,
    told_at: Option<Duration>,
}

impl Course {
    fn from(wall: i128) -> Self {
        Self { read_at: Duration::ZERO, shown: wall, told_at: None }
    }

    /// The time now, and by how many milliseconds the wall clock is ahead of it, where that is to be told.
    fn read(&mut self, monotonic: Duration, wall: i128) -> (Timestamp, Option<i64>) {
        let gone = nanos(monotonic.saturating_sub(self.read_at));
        self.read_at = self.read_at.max(monotonic);
        let most = gone / SLEW_PART;
        let bend = (wall - self.shown - gone).clamp(-most, most);
        self.shown += gone + bend;
        let ahead = wall - self.shown;
        let is_due = self.told_at.is_none_or(|at| self.read_at.saturating_sub(at) >= TOLD_EVERY);
        let is_told = is_due && ahead.abs() > nanos(TOLD_FROM);
        if is_told {
            self.told_at = Some(self.read_at);
        }
        (stamp(self.shown), is_told.then(|| i64::try_from(ahead / 1_000_000).unwrap_or(i64::MAX)))
    }
}

/// Ids drawn in one call to the system.
const IDS_PER_DRAW: usize = 64;

/// Ids from the system's randomness, drawn in batches per thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

thread_local! {
    static DRAWN: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

impl IdSource for SystemIds {
    fn next_u128(&self) -> u128 {
        DRAWN.with_borrow_mut(|drawn| {
            loop {
                if let Some(id) = drawn.pop() {
                    return id;
                }
                let mut bytes = [0u8; 16 * IDS_PER_DRAW];
                // Without randomness no id is lawful, and none is handed out: wait for the system to have some.
                while getrandom::fill(&mut bytes).is_err() {
                    std::thread::yield_now();
                }
                drawn.extend(bytes.as_chunks::<16>().0.iter().map(|chunk| u128::from_ne_bytes(*chunk)));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_differ_across_draws_and_threads() {
        let draw = || (0..3 * IDS_PER_DRAW).map(|_| SystemIds.next_u128()).collect::<Vec<_>>();
        let other = std::thread::spawn(draw);
        let mut all: BTreeSet<u128> = draw().into_iter().collect();
        all.extend(other.join().expect("joined"));
        assert_eq!(all.len(), 6 * IDS_PER_DRAW);
    }

    #[test]
    fn the_clock_shows_this_century_and_never_steps_back() {
        let clock = SystemClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second && first.as_millis() > 1_700_000_000_000);
        assert!(clock.wall().since(first) < gsm_core::Millis::from_secs(60));
    }

    const S: i128 = 1_000_000_000;

    /// What a course shows, in milliseconds, after so many seconds in as many readings as asked for, the wall clock being so
    /// many seconds ahead of the monotonic one; and what was told.
    fn go(course: &mut Course, from_s: u64, for_s: u64, readings: u64, ahead_s: i128) -> (i64, Vec<i64>) {
        let (mut last, mut all) = (stamp(course.shown), Vec::new());
        for n in 1..=readings {
            let monotonic =
                Duration::from_secs(from_s) + Duration::from_secs(for_s) * n as u32 / readings as u32;
            let (now, told) = course.read(monotonic, nanos(monotonic) + ahead_s * S);
            assert!(now >= last, "it stepped back");
            last = now;
            all.extend(told);
        }
        (last.as_millis(), all)
    }

    #[test]
    fn a_clock_that_is_set_is_followed_slowly_and_told() {
        // An hour ahead, then an hour back: 100 s of waiting are 95 to 105 s, however often anybody looks.
        for readings in [1, 7, 10_000] {
            let mut course = Course::from(0);
            // Parts of nanoseconds are lost.
            assert!((104_999..=105_000).contains(&go(&mut course, 0, 100, readings, 3_600).0));
            assert!((161_998..=162_000).contains(&go(&mut course, 100, 60, readings, 0).0));
            assert_eq!(go(&mut course, 160, 40, readings, 0).0, 200_000, "it has arrived and stays");
        }
        // Not beyond where the wall is, and not told while that is near.
        let mut course = Course::from(0);
        assert_eq!(go(&mut course, 0, 1_000, 1_000, 1), (1_001_000, vec![]));
        assert_eq!(go(&mut course, 1_000, 100, 10, 1), (1_101_000, vec![]));
    }

    #[test]
    fn a_deviation_is_told_once_an_hour() {
        let mut course = Course::from(0);
        let (_, told) = go(&mut course, 0, 3 * 3_600, 3 * 3_600, -7_200);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.is_sorted() && (-7_201_000..-7_198_000).contains(&told[0]), "{told:?}");
    }

    #[test]
    fn a_monotonic_clock_that_goes_back_stands() {
        let mut course = Course::from(5 * S);
        let later = course.read(Duration::from_secs(2), 7 * S).0;
        assert_eq!(course.read(Duration::from_secs(1), 7 * S), (later, None));
    }
}
