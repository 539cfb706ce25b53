use crate::options::{Options, RepeatedPair, Smurf};
use crate::{Change, Entrant};
use serde::{Deserialize, Serialize};

/// What each further match leaves of the surprise before: a strong week long ago is no news.
const KEPT: f64 = 0.9;
/// The variance of an even match: one that went as expected stands before the first, so that a single upset is none
/// too surprising.
const VARIANCE_BEFORE: f64 = 0.25;

/// What the options need to know of a player's last matches. It is carried with the rating from match to match, and
/// is a function of the player's matches alone, so that a rebuild arrives at the same. What belongs to an option
/// that is off is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recent {
    /// Hashes of the last opponents' ids, of the newest match first, of one match side by side; at most
    /// [`crate::options::REMEMBERED_MAX`].
    opponents: Vec<u32>,
    /// By how much the actual scores exceeded the expected ones, older matches counting less.
    excess: f64,
    /// The variance of that sum, were the expectations right.
    variance: f64,
}

impl Recent {
    /// By how many standard errors the results exceed the expectations; negative where they fall short, 0 where
    /// nothing is known ([`Options::smurf`] off, or no newcomer any more).
    ///
    /// The sum over matches of actual minus expected score, each match counting nine tenths of the one after it,
    /// divided by the root of its variance `sum(expected (1 - expected))`, weighed likewise, and that of one even
    /// match. With more than two sides the true variance is smaller: such a surprise is understated.
    #[must_use]
    pub fn surprise(&self) -> f64 {
        self.excess / (self.variance + VARIANCE_BEFORE).sqrt()
    }

    /// How often a player is among the opponents that `option` remembers.
    #[must_use]
    pub fn times_met(&self, option: &RepeatedPair, id: u32) -> usize {
        self.opponents.iter().take(option.remembered()).filter(|met| **met == id).count()
    }

    /// After a match that was rated, for `weight` of a result. `met` are the opponents' id hashes, side by side: of more
    /// than are remembered the first count.
    pub(super) fn after(
        &self,
        options: &Options,
        player: &Entrant,
        change: &Change,
        weight: f64,
        met: impl Iterator<Item = u32>,
    ) -> Self {
        let mut next = Self::default();
        if let Some(option) = options.repeated_pair {
            next.opponents = met.chain(self.opponents.iter().copied()).take(option.remembered()).collect();
        }
        if options.smurf.is_some_and(|Smurf { games_max, .. }| player.games < games_max) {
            // Leaving early says nothing about skill; it must neither prove nor hide any.
            let evidence = if player.quit { 0.0 } else { weight * player.share };
            let expected = change.expected.get();
            next.excess = KEPT * self.excess + evidence * (change.actual - expected);
            next.variance = KEPT * KEPT * self.variance + evidence * evidence * expected * (1.0 - expected);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rating;

    fn options() -> Options {
        Options {
            repeated_pair: Some(RepeatedPair { remembered: 3, ..RepeatedPair::default() }),
            smurf: Some(Smurf { games_max: 9, ..Smurf::default() }),
            ..Options::default()
        }
    }

    fn after(recent: &Recent, options: &Options, player: &Entrant, actual: f64, met: &[u32]) -> Recent {
        let change = Change::of(player, player.rating, 0.5, actual);
        recent.after(options, player, &change, 1.0, met.iter().copied())
    }

    fn player() -> Entrant {
        Entrant::new(Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 })
    }

    #[test]
    fn the_last_opponents_are_remembered_newest_first() {
        let first = after(&Recent::default(), &options(), &player(), 1.0, &[4, 9]);
        let second = after(&first, &options(), &player(), 1.0, &[4, 5]);
        assert_eq!(second.opponents, [4, 5, 4]);
        let option = options().repeated_pair.unwrap();
        assert_eq!([4, 5, 9].map(|id| second.times_met(&option, id)), [2, 1, 0]);
        let shorter = RepeatedPair { remembered: 1, ..option };
        assert_eq!([4, 5].map(|id| second.times_met(&shorter, id)), [1, 0]);
    }
    #[test]
    fn surprise_is_in_standard_errors_and_fades() {
        let one = after(&Recent::default(), &options(), &player(), 1.0, &[]);
        // 0.5 / sqrt(0.25 + 0.25), by hand; then 0.95 / sqrt(0.25 * 0.81 + 0.25 + 0.25).
        assert!((one.surprise() - 0.5_f64.sqrt()).abs() < 1e-12);
        let two = after(&one, &options(), &player(), 1.0, &[]);
        assert!((two.surprise() - 0.95 / 0.7025_f64.sqrt()).abs() < 1e-12);
        let six = (2..6).fold(two, |recent, _| after(&recent, &options(), &player(), 1.0, &[]));
        assert!((six.surprise() - 2.1).abs() < 0.05, "{}", six.surprise());
        let drawn = after(&six, &options(), &player(), 0.5, &[]);
        assert!(drawn.surprise() > 0.0 && drawn.surprise() < six.surprise());
    }
    #[test]
    fn a_result_that_counts_less_proves_less() {
        let won = Change::of(&player(), player().rating, 0.5, 1.0);
        let surprise = |share, weight| {
            let player = Entrant { share, ..player() };
            Recent::default().after(&options(), &player, &won, weight, std::iter::empty()).surprise()
        };
        // Half of it: 0.25 / sqrt(0.25 / 4 + 0.25), by hand.
        let half = 0.25 / 0.3125_f64.sqrt();
        assert!((surprise(1.0, 0.5) - half).abs() < 1e-12 && (surprise(0.5, 1.0) - half).abs() < 1e-12);
        assert_eq!(surprise(1.0, 0.0), 0.0);
    }
    #[test]
    fn leaving_early_neither_proves_nor_hides_skill() {
        let left = Entrant { quit: true, ..player() };
        assert_eq!(after(&Recent::default(), &options(), &left, 0.0, &[]).surprise(), 0.0);
    }
    #[test]
    fn what_is_off_or_past_is_forgotten() {
        let known = after(&Recent::default(), &options(), &player(), 1.0, &[7]);
        assert_eq!(after(&known, &Options::default(), &player(), 1.0, &[8]), Recent::default());
        let grown = Entrant { games: 9, ..player() };
        let known = after(&known, &options(), &grown, 1.0, &[8]);
        assert_eq!((known.surprise(), known.opponents), (0.0, vec![8, 7]));
    }
}
