use crate::{Change, Entrant, Offset, Rating, System, numeric};
use serde::{Deserialize, Serialize};

/// The largest bonus that counts, in points.
const BONUS_MAX: f64 = 1e6;

/// What the options did to one player of a match: stored with the result, it is all that an explanation needs later
/// beside the match itself. The default is what no option touched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adjusted {
    /// How much the result counted for having met these opponents before, `0.0..=1.0`; 1 is all of it.
    pub repeated_weight: f64,
    /// How much it counted for newcomers among the opponents, `0.0..=1.0`; 1 is all of it.
    pub newcomer_weight: f64,
    /// What the deviation was multiplied by, at least 1.
    pub boost: f64,
    /// What the player was worth more for playing in a party, in points.
    pub bonus: f64,
}

impl Default for Adjusted {
    fn default() -> Self {
        Self { repeated_weight: 1.0, newcomer_weight: 1.0, boost: 1.0, bonus: 0.0 }
    }
}

impl Adjusted {
    /// Whether no option touched the player.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How much the result counted, `0.0..=1.0`.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.repeated_weight * self.newcomer_weight
    }

    /// The same with every number in its range: what was stored may come back as anything.
    pub(super) fn in_range(self) -> Self {
        Self {
            repeated_weight: numeric::kept(self.repeated_weight, 0.0, 1.0, 1.0),
            newcomer_weight: numeric::kept(self.newcomer_weight, 0.0, 1.0, 1.0),
            boost: numeric::kept(self.boost, 1.0, f64::MAX, 1.0),
            bonus: numeric::kept(self.bonus, -BONUS_MAX, BONUS_MAX, 0.0),
        }
    }

    /// The player as the system is to see it.
    pub(super) fn before(&self, system: &System, player: &Entrant) -> Entrant {
        let Rating { mean, deviation, .. } = player.rating;
        let boost = effective(system, deviation, self.boost);
        let mean = mean + self.bonus;
        Entrant { rating: Rating { mean, deviation: deviation * boost, ..player.rating }, ..*player }
    }

    /// The change of the player as it is, from the change of the player as the system saw it: the bonus taken off,
    /// and all numbers gone `weight` of the way.
    pub(super) fn after(&self, player: &Entrant, seen: Change) -> Change {
        if self.is_none() {
            return seen;
        }
        let (before, weight) = (player.rating, self.weight());
        let offset = seen.offset.zip(player.offset).map(|(after, before)| Offset {
            mean: part(before.mean, after.mean, weight),
            deviation: part(before.deviation, after.deviation, weight),
        });
        Change {
            before,
            after: Rating {
                mean: before.mean + weight * seen.gain(),
                deviation: part(before.deviation, seen.after.deviation, weight),
                volatility: part(before.volatility, seen.after.volatility, weight),
            },
            offset,
            ..seen
        }
    }
}

/// A boost as it counts: it raises no deviation above that of a player without matches.
pub(super) fn effective(system: &System, deviation: f64, boost: f64) -> f64 {
    let most = system.initial().deviation;
    if deviation > 0.0 && deviation < most { boost.min(most / deviation) } else { 1.0 }
}

/// `weight` of the way; both ends exactly.
fn part(from: f64, to: f64, weight: f64) -> f64 {
    if weight == 1.0 { to } else { from + weight * (to - from) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Probability;

    const BEFORE: Rating = Rating { mean: 1600.0, deviation: 100.0, volatility: 0.06 };

    fn check(adjusted: Adjusted, seen: Rating, wanted: Rating) {
        let (system, player) = (System::default(), Entrant::new(BEFORE));
        let before = adjusted.before(&system, &player).rating;
        let seen = Change { before, after: seen, expected: Probability::HALF, actual: 1.0, offset: None };
        let found = adjusted.after(&player, seen);
        assert_eq!((found.before, found.after), (BEFORE, wanted));
    }

    fn rating(mean: f64, deviation: f64, volatility: f64) -> Rating {
        Rating { mean, deviation, volatility }
    }

    #[test]
    fn a_weight_goes_a_part_of_the_way() {
        let half = Adjusted { repeated_weight: 0.5, ..Adjusted::default() };
        check(half, rating(1640.0, 90.0, 0.07), rating(1620.0, 95.0, 0.065));
        check(Adjusted { newcomer_weight: 0.0, ..half }, rating(1640.0, 90.0, 0.07), BEFORE);
        check(
            Adjusted { newcomer_weight: 0.5, ..half },
            rating(1640.0, 80.0, 0.06),
            rating(1610.0, 95.0, 0.06),
        );
    }
    #[test]
    fn a_bonus_comes_off_again() {
        check(
            Adjusted { bonus: 40.0, ..Adjusted::default() },
            rating(1652.0, 90.0, 0.06),
            rating(1612.0, 90.0, 0.06),
        );
    }
    #[test]
    fn a_boost_widens_up_to_a_newcomers_deviation() {
        let check = |deviation: f64, boost, wanted: f64| {
            let player = Entrant::new(Rating { deviation, ..BEFORE });
            let seen = Adjusted { boost, ..Adjusted::default() }.before(&System::default(), &player);
            assert!((seen.rating.deviation - wanted).abs() < 1e-9, "{seen:?}");
        };
        check(100.0, 1.5, 150.0);
        check(100.0, 9.0, 350.0);
        check(400.0, 2.0, 400.0);
    }
    #[test]
    fn whatever_was_stored_counts_within_its_range() {
        let bad =
            Adjusted { repeated_weight: f64::NAN, newcomer_weight: 7.0, boost: 0.5, bonus: f64::INFINITY };
        let wanted = Adjusted { bonus: BONUS_MAX, ..Adjusted::default() };
        assert_eq!(bad.in_range(), wanted);
    }
}
