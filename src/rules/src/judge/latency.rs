//! Latency rules: a location that is near enough for everybody.
use crate::{columns::WordColumn, seat::Seat, stage::Verdict};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Latency {
    pub(crate) column: WordColumn,
    /// Locations above it do not count; infinite where the rule has none.
    pub(crate) max_ms: f64,
    pub(crate) spread: Option<Spread>,
}

/// How far from the match's best or average anybody may be, in one location.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) max_ms: f64,
    pub(crate) from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Min,
    Avg,
}

/// How far rounding may move a bound, in parts.
const ROUNDING: f64 = 1e-9;

impl Latency {
    /// How far apart any two of a match may be in its location.
    pub(crate) fn apart_ms(&self) -> f64 {
        match self.spread {
            None => f64::INFINITY,
            Some(Spread { max_ms, from: From::Min }) => max_ms,
            // Both are near what lies between them.
            Some(Spread { max_ms, from: From::Avg }) => 2.0 * max_ms * (1.0 + ROUNDING) + ROUNDING,
        }
    }
    pub(crate) fn verdict(&self, seats: &[Seat<'_>]) -> Verdict {
        if seats.is_empty() {
            return Verdict::NoValue;
        }
        if self.location(seats, true) { Verdict::Holds } else { Verdict::Fails }
    }
    /// Is there a location that all tickets share and can use? Whoever joins can only take locations away; an
    /// average may change, so partial candidates are asked without (`with_average`).
    pub(crate) fn location(&self, seats: &[Seat<'_>], with_average: bool) -> bool {
        let Some((first, rest)) = seats.split_first() else { return true };
        first.party.entries(self.column).any(|(place, ms)| {
            if ms > self.max_ms {
                return false;
            }
            let (mut min, mut max) = (ms, ms);
            let (mut sum, mut players) = (ms * f64::from(first.party.size()), f64::from(first.party.size()));
            for seat in rest {
                let Some(ms) = seat.party.entry(self.column, place).filter(|ms| *ms <= self.max_ms) else {
                    return false;
                };
                (min, max) = (min.min(ms), max.max(ms));
                sum += ms * f64::from(seat.party.size());
                players += f64::from(seat.party.size());
            }
            match self.spread {
                None => true,
                Some(Spread { max_ms, from: From::Min }) => max - min <= max_ms,
                Some(Spread { from: From::Avg, .. }) if !with_average => max - min <= self.apart_ms(),
                Some(Spread { max_ms, from: From::Avg }) => {
                    let average = sum / players;
                    max - average <= max_ms && average - min <= max_ms
                }
            }
        })
    }
}
