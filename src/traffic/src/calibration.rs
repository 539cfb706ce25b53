//! Whether tickets waited as long as they were told.
use crate::ran::{End, Fate};
use gsm_core::Millis;
use gsm_matchmaking::WaitEstimate;
use serde::Serialize;

/// How what tickets were told when they came held. A ticket that ended in any way counts, and one that still waits at the
/// end of the traffic when it has outlasted what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// Tickets that were told and count.
    pub told: usize,
    /// Tickets that were told nothing: too few had ended before them.
    pub untold: usize,
    /// Share that ended inside the p50; one half is right.
    pub p50_coverage: Option<f64>,
    /// Share that ended inside the p90; nine tenths are right.
    pub p90_coverage: Option<f64>,
    /// The same of those alone that did not leave before: matched or timed out.
    pub p90_coverage_stayed: Option<f64>,
    /// The mean of the p90 that they were told, in seconds.
    pub p90_mean_s: Option<f64>,
}

impl Calibration {
    /// Of tickets that count.
    pub(crate) fn of<'a>(fates: impl Iterator<Item = &'a Fate>) -> Self {
        let (mut untold, mut told) = (0, Vec::new());
        for fate in fates {
            match fate.stated {
                None => untold += 1,
                Some(stated) if fate.end != End::Waiting || fate.wait > stated.p90 => {
                    told.push((fate, stated))
                }
                Some(_) => {}
            }
        }
        let coverage = |told: &[(&Fate, WaitEstimate)], of: fn(&WaitEstimate) -> Millis| {
            let held = told.iter().filter(|(fate, stated)| fate.wait <= of(stated)).count();
            (!told.is_empty()).then(|| held as f64 / told.len() as f64)
        };
        let stayed = |(fate, _): &(&Fate, WaitEstimate)| !matches!(fate.end, End::Cancelled | End::Declined);
        let those: Vec<_> = told.iter().copied().filter(stayed).collect();
        let sum: f64 = told.iter().map(|(_, stated)| stated.p90.as_secs_f64()).sum();
        Self {
            told: told.len(),
            untold,
            p50_coverage: coverage(&told, |stated| stated.p50),
            p90_coverage: coverage(&told, |stated| stated.p90),
            p90_coverage_stayed: coverage(&those, |stated| stated.p90),
            p90_mean_s: (!told.is_empty()).then(|| sum / told.len() as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_still_waits_counts_once_he_has_outlasted_what_he_was_told() {
        let fate = |wait: u64, end| Fate {
            at: Millis::ZERO,
            wait: Millis::new(wait),
            end,
            is_measured: true,
            size: 1,
            skill: None,
            region: None,
            stated: Some(WaitEstimate { p50: Millis::new(10), p90: Millis::new(20) }),
        };
        let untold = Fate { stated: None, ..fate(1, End::TimedOut) };
        let fates = [
            fate(10, End::Matched(0)),
            fate(20, End::Cancelled),
            fate(21, End::TimedOut),
            fate(15, End::Waiting),
            fate(25, End::Waiting),
            untold,
        ];
        let of = Calibration::of(fates.iter());
        assert_eq!((of.told, of.untold, of.p50_coverage, of.p90_coverage), (4, 1, Some(0.25), Some(0.5)));
        assert_eq!((of.p90_coverage_stayed, of.p90_mean_s), (Some(1.0 / 3.0), Some(0.02)));
    }
}
