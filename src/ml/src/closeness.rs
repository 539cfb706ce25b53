//! How close results are, and how close a match is to be: its quality.
//!
//! Closeness is told beside that of equals, whose results have 1 on the mean. A result has what the side that was expected
//! to do worse got of it, twice: 0 where it lost, 1 for a draw, 2 where it won; of more sides, the same on the mean of their
//! pairs. Where results have scores, it is the mean of that and of how small the lead was: `1 / (1 + (lead / usual lead)²)`
//! over what that is between equals. Quality is the closeness that is expected: twice the expected score of the weaker side,
//! and what leads have been at such odds.
use crate::blr::Blr;
use crate::field::{TOLD_STRIDES, sampled};
use crate::numeric::{ln, logistic};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How close a match is to be by its odds alone: twice the expected score of the side that may expect less, 1 of equals.
#[must_use]
pub fn evenness(expected: f64) -> f64 {
    2.0 * expected.min(1.0 - expected).max(0.0)
}

/// How two sides ended beside what was expected of them: 1 in that order, -1 in the other, 0 where neither was expected to be
/// ahead or neither was.
pub(crate) fn as_expected(expected: [f64; 2], places: [u32; 2]) -> f64 {
    let sign = |of: Ordering| f64::from(of as i8);
    sign(expected[0].total_cmp(&expected[1])) * sign(places[1].cmp(&places[0]))
}

/// How close a free-for-all was: over pairs of sides, twice the score of the one that was expected to do worse, 1 where neither
/// was. Pairs that tied are left out, as they are where the chances of pairs are learnt, and those beyond some are sampled as
/// [`crate::Shares`] are. None where no pair is left. O(sides log sides).
#[must_use]
pub fn upset(expected: &[f64], places: &[u32]) -> Option<f64> {
    let mut order: Vec<usize> = (0..expected.len().min(places.len())).collect();
    let chance = |side: usize| expected.get(side).copied().unwrap_or(0.5);
    order.sort_by(|one, other| chance(*other).total_cmp(&chance(*one)));
    let (mut sum, mut pairs) = (0.0, 0.0_f64);
    for (one, other) in sampled(&order, TOLD_STRIDES) {
        let (Some(place), Some(against)) = (places.get(one), places.get(other)) else { continue };
        if place != against {
            sum += 1.0 - as_expected([chance(one), chance(other)], [*place, *against]);
            pairs += 1.0;
        }
    }
    (pairs > 0.0).then(|| sum / pairs)
}

/// How small leads are at which odds: a regression of `1 / (1 + (lead / usual lead)²)` on `4 p (1 - p)` and its logarithm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Leads(Blr<SIZE>);

/// A constant, and how even a match is.
const SIZE: usize = 3;
/// About the means and the spread of what seven histories said on the windows where choices are allowed (docs/prediction.md).
const PRIOR: [f64; SIZE] = [0.5, 0.3, 0.3];
const VARIANCES: [f64; SIZE] = [0.25, 0.1, 0.25];
const FORGETTING: f64 = 1e-4;

fn input(logit: f64) -> [f64; SIZE] {
    let even = 4.0 * logistic(logit) * logistic(-logit);
    [1.0, ln(even), even - 1.0]
}

impl Leads {
    pub(crate) fn new() -> Self {
        Self(Blr::new(PRIOR, VARIANCES, FORGETTING))
    }

    /// How small a lead is, of so many usual ones: 1 of none.
    pub(crate) fn smallness(lead: f64, usual: f64) -> f64 {
        let lead = if usual > 0.0 { lead / usual } else { 0.0 };
        1.0 / (1.0 + lead * lead)
    }

    /// What leads are between equals on the mean.
    pub(crate) fn of_equals(&self) -> f64 {
        logistic(self.0.logit(&input(0.0)))
    }

    /// What they are at these odds, over that of equals: never more where odds are less even, whatever few matches said.
    pub(crate) fn closeness(&self, logit: f64) -> f64 {
        let [equals, by_log, by_share] = *self.0.weights();
        let (by_log, [_, log, share]) = (by_log.max(0.0), input(logit));
        let uneven = by_log * log + by_share.max(-by_log) * share;
        logistic(equals + uneven) / logistic(equals)
    }

    pub(crate) fn learn(&mut self, logit: f64, smallness: f64) {
        self.0.learn(&input(logit), smallness, 1.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_become_what_they_were_at_each_odds() {
        let mut leads = Leads::new();
        assert_eq!(leads.closeness(0.0), 1.0);
        for nth in 0..4_000 {
            let logit = if nth % 2 == 0 { 0.0 } else { -2.0 };
            let small = if nth % 2 == 0 { [0.9, 0.5] } else { [0.5, 0.1] };
            leads.learn(logit, small[nth / 2 % 2]);
        }
        assert!((leads.of_equals() - 0.7).abs() < 0.01, "{}", leads.of_equals());
        assert!((leads.closeness(2.0) - 0.3 / 0.7).abs() < 0.03, "{}", leads.closeness(2.0));
        let told = [0.0, 0.5, -1.0, 3.0, 35.0].map(|logit| leads.closeness(logit));
        assert!(told.is_sorted_by(|one, next| one > next) && told[4] >= 0.0, "{told:?}");
    }

    /// Wider leads between equals than in uneven matches are chance, or a game in which who is ahead lets go.
    #[test]
    fn nothing_is_closer_than_equals() {
        let mut leads = Leads::new();
        (0..2_000).for_each(|nth| leads.learn(f64::from(nth % 2) * 3.0, f64::from(nth % 2)));
        assert_eq!(leads.closeness(3.0), 1.0);
    }

    #[test]
    fn a_lead_is_small_beside_what_is_usual() {
        let of = |lead: f64, usual: f64| Leads::smallness(lead, usual);
        assert_eq!((of(0.0, 3.0), of(-3.0, 3.0), of(3.0, 3.0), of(9.0, 0.0)), (1.0, 0.5, 0.5, 1.0));
        assert_eq!(
            (evenness(0.5), evenness(0.2), evenness(1.0), evenness(0.8)),
            (1.0, 0.4, 0.0, 2.0 * (1.0 - 0.8))
        );
    }
}
