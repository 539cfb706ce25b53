//! What came of runs, in figures.
use crate::{
    calibration::Calibration,
    ran::{End, Fate, Made, Ran},
    run::SAMPLES,
    segments::{Fairness, Segment, fairness, segments},
};
use gsm_core::Millis;
use serde::Serialize;

/// Steps of a curve of quantiles, each a hundredth.
const CURVE: usize = 100;

/// A number of tickets, and the share of all that count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// `0.0..=1.0`; 0 of none.
    pub share: f64,
}

/// Where values lie; nothing of no value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quantiles {
    /// The arithmetic mean.
    pub mean: f64,
    /// So many of a hundred are at most this, by nearest rank.
    pub p50: f64,
    /// As above.
    pub p75: f64,
    /// As above.
    pub p90: f64,
    /// As above.
    pub p95: f64,
    /// As above.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// How many matches were made under which expansions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageShare {
    /// The age at which the expansions begin.
    pub from_s: f64,
    /// Matches.
    pub matches: usize,
    /// Of all matches, `0.0..=1.0`.
    pub share: f64,
}

/// How players of matches fared with the roles that they named.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RoleShares {
    /// Players who have a role.
    pub players: usize,
    /// Of them: the one that they named first, `0.0..=1.0`.
    pub first_share: f64,
    /// One that they did not name.
    pub autofilled_share: f64,
}

/// What came of one or more runs of a rule set. Only tickets count that are measured and came; waits are in seconds,
/// and of matched tickets, where nothing else is said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Tickets that count.
    pub tickets: usize,
    /// Their players.
    pub players: usize,
    /// In a match.
    pub matched: Share,
    /// Waited as long as they may.
    pub timed_out: Share,
    /// Gave up.
    pub cancelled: Share,
    /// Declined a match or did not answer.
    pub declined: Share,
    /// Waited at the end of the traffic.
    pub waiting: Share,
    /// Did not come, since a player of them waited already; they count nowhere else.
    pub busy: usize,
    /// Matches in which one of the tickets is.
    pub matches: usize,
    /// Matches that were proposed and not accepted.
    pub failed_proposals: usize,
    /// Waits until the match began.
    pub wait_s: Option<Quantiles>,
    /// Waits until the end of any kind.
    pub any_wait_s: Option<Quantiles>,
    /// From the weakest to the strongest player of a match.
    pub gap: Option<Quantiles>,
    /// From the weakest to the strongest team of a match, by mean skill.
    pub imbalance: Option<Quantiles>,
    /// How far from one half the stronger team's expected score is.
    pub lopsided: Option<Quantiles>,
    /// Latency of the farthest player of a match, at the location that is best for it.
    pub latency_ms: Option<Quantiles>,
    /// Under which expansions matches were made.
    pub stages: Vec<StageShare>,
    /// Of players who have a role; nothing where no rule gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<RoleShares>,
    /// By region, skill and size of the party.
    pub segments: Vec<Segment>,
    /// How evenly waits fall on the segments of a kind.
    pub fairness: Vec<Fairness>,
    /// How what tickets were told held.
    pub calibration: Calibration,
    /// Waits that 0, 1, .. 100 of a hundred matched tickets reached at most.
    pub wait_curve_s: Vec<f64>,
    /// Gaps of matches, in the same way.
    pub gap_curve: Vec<f64>,
    /// Waiting tickets at even times from the beginning to the end, in the mean of the runs.
    pub waiting_curve: Vec<f64>,
    /// Work units of the matcher for each ticket that came, measured or not.
    pub work_per_ticket: f64,
}

impl Quantiles {
    /// Of some values.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |hundredths| quantile(&values, hundredths);
        Some(Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            p50: at(50)?,
            p75: at(75)?,
            p90: at(90)?,
            p95: at(95)?,
            p99: at(99)?,
            max: at(100)?,
        })
    }
}

/// The value that so many of a hundred ascending values reach at most, by nearest rank.
fn quantile(values: &[f64], hundredths: usize) -> Option<f64> {
    // In whole numbers: as a float, 7 of 100 values are a little more than 7.
    let rank = (hundredths * values.len()).div_ceil(CURVE);
    values.get(rank.saturating_sub(1)).copied()
}

fn curve(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    (0..=CURVE).filter_map(|at| quantile(&values, at)).collect()
}

pub(crate) fn seconds(of: impl Iterator<Item = Millis>) -> Vec<f64> {
    of.map(Millis::as_secs_f64).collect()
}

pub(crate) fn share(count: usize, of: usize) -> Share {
    Share { count, share: if of == 0 { 0.0 } else { count as f64 / of as f64 } }
}

impl Summary {
    /// Of the runs of one rule set, together.
    #[must_use]
    pub fn of(runs: &[&Ran]) -> Self {
        let measured = || runs.iter().flat_map(|ran| &ran.fates).filter(|fate| fate.is_measured);
        let came: Vec<&Fate> = measured().filter(|fate| fate.end != End::Busy).collect();
        let made: Vec<&Made> =
            runs.iter().flat_map(|ran| &ran.made).filter(|made| made.is_measured).collect();
        let matched = |fate: &&&Fate| matches!(fate.end, End::Matched(_));
        let ended = |end| share(came.iter().filter(|fate| fate.end == end).count(), came.len());
        let waits = seconds(came.iter().filter(matched).map(|fate| fate.wait));
        let of = |value: &dyn Fn(&Made) -> Option<f64>| -> Vec<f64> {
            made.iter().filter_map(|made| value(made)).collect()
        };
        let gaps = of(&|made| made.gap);
        let segments = segments(runs, &came);
        let all: usize = runs.iter().map(|ran| ran.fates.len()).sum();
        Self {
            tickets: came.len(),
            players: came.iter().map(|fate| fate.size).sum(),
            matched: share(waits.len(), came.len()),
            timed_out: ended(End::TimedOut),
            cancelled: ended(End::Cancelled),
            declined: ended(End::Declined),
            waiting: ended(End::Waiting),
            busy: measured().filter(|fate| fate.end == End::Busy).count(),
            matches: made.len(),
            failed_proposals: runs.iter().map(|ran| ran.failed_proposals).sum(),
            any_wait_s: Quantiles::of(seconds(came.iter().map(|fate| fate.wait))),
            gap: Quantiles::of(gaps.clone()),
            imbalance: Quantiles::of(of(&|made| made.imbalance)),
            lopsided: Quantiles::of(of(&|made| made.lopsided)),
            latency_ms: Quantiles::of(of(&|made| made.latency_ms.map(f64::from))),
            stages: stages(runs, &made),
            roles: roles(&made),
            fairness: fairness(&segments),
            segments,
            calibration: Calibration::of(came.iter().copied()),
            wait_curve_s: curve(waits.clone()),
            wait_s: Quantiles::of(waits),
            gap_curve: curve(gaps),
            waiting_curve: waiting_curve(runs),
            work_per_ticket: runs.iter().map(|ran| ran.work).sum::<u64>() as f64 / all.max(1) as f64,
        }
    }

    /// The figures that rule sets are compared by: name, what it is, and the value where there is one.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, Option<f64>)> {
        let wait = |of: fn(&Quantiles) -> f64| self.wait_s.as_ref().map(of);
        let mut metrics = vec![
            ("matched_share".to_owned(), Some(self.matched.share)),
            ("timed_out_share".to_owned(), Some(self.timed_out.share)),
            ("cancelled_share".to_owned(), Some(self.cancelled.share)),
            ("declined_share".to_owned(), Some(self.declined.share)),
            ("wait_mean_s".to_owned(), wait(|of| of.mean)),
            ("wait_p50_s".to_owned(), wait(|of| of.p50)),
            ("wait_p90_s".to_owned(), wait(|of| of.p90)),
            ("wait_p99_s".to_owned(), wait(|of| of.p99)),
            ("gap_mean".to_owned(), self.gap.as_ref().map(|of| of.mean)),
            ("gap_p90".to_owned(), self.gap.as_ref().map(|of| of.p90)),
            ("imbalance_mean".to_owned(), self.imbalance.as_ref().map(|of| of.mean)),
            ("lopsided_mean".to_owned(), self.lopsided.as_ref().map(|of| of.mean)),
            ("latency_mean_ms".to_owned(), self.latency_ms.as_ref().map(|of| of.mean)),
            ("p50_coverage".to_owned(), self.calibration.p50_coverage),
            ("p90_coverage".to_owned(), self.calibration.p90_coverage),
            ("unrelaxed_share".to_owned(), self.stages.first().map(|stage| stage.share)),
        ];
        if let Some(roles) = &self.roles {
            metrics.push(("first_role_share".to_owned(), Some(roles.first_share)));
            metrics.push(("autofilled_share".to_owned(), Some(roles.autofilled_share)));
        }
        for of in &self.fairness {
            metrics.push((format!("wait_ratio_{}", of.kind.name()), Some(of.wait_ratio)));
        }
        metrics
    }
}

fn stages(runs: &[&Ran], made: &[&Made]) -> Vec<StageShare> {
    let ages = runs.first().map_or(&[][..], |ran| ran.stages.as_slice());
    let of = |(at, from): (usize, &Millis)| {
        let matches = made.iter().filter(|made| made.stage == at).count();
        StageShare { from_s: from.as_secs_f64(), matches, share: share(matches, made.len()).share }
    };
    ages.iter().enumerate().map(of).collect()
}

fn roles(made: &[&Made]) -> Option<RoleShares> {
    let sum = |of: fn(&Made) -> usize| made.iter().map(|made| of(made)).sum::<usize>();
    let (first, autofilled) = (sum(|of| of.roles.first), sum(|of| of.roles.autofilled));
    let players = first + autofilled + sum(|of| of.roles.later);
    (players > 0).then(|| RoleShares {
        players,
        first_share: share(first, players).share,
        autofilled_share: share(autofilled, players).share,
    })
}

fn waiting_curve(runs: &[&Ran]) -> Vec<f64> {
    let at = |at| runs.iter().filter_map(|ran| ran.waiting.get(at)).sum::<usize>() as f64;
    (0..SAMPLES).map(|nth| at(nth) / runs.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let of = Quantiles::of((1..=10).rev().map(f64::from).collect()).unwrap();
        assert_eq!((of.mean, of.p50, of.p75, of.p90, of.p95, of.max), (5.5, 5.0, 8.0, 9.0, 10.0, 10.0));
        assert_eq!(Quantiles::of(Vec::new()), None);
        assert_eq!(curve(vec![3.0, 1.0]).len(), 101);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(curve(hundred.clone())[1..], hundred);
        assert_eq!(curve(Vec::new()), Vec::<f64>::new());
    }
}
