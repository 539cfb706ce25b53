use super::EloSettings;
use crate::field::{Composite, Sum, shares_of_pairs};
use crate::model::{Model, team};
use crate::numeric::logistic;
use crate::{Change, Entrant, Game, Lead, Rating, Scratch};
use gsm_core::Millis;

/// How far behind the best a side counts among many, in natural units: `exp` of it is still above 0.
const BEHIND_MAX: f64 = 700.0;

impl Model for EloSettings {
    type Sum = Sum;
    /// Its mean, in natural units from a newcomer's.
    type Team = f64;
    /// The expected score of the first.
    type Pair = f64;
    /// The actual score less the expected one.
    type Lesson = f64;

    fn initial(&self) -> Rating {
        self.newcomer()
    }

    #[inline(always)]
    fn home_advantage(&self) -> f64 {
        self.home_advantage
    }

    /// Time does nothing but to show the deviation of today's settings.
    #[inline(always)]
    fn grown(&self, rating: Rating, _: Millis) -> Rating {
        Rating { deviation: self.deviation, ..rating }
    }

    #[inline(always)]
    fn joined(&self, sum: Sum, player: &Entrant) -> Sum {
        sum.joined(self.mean_of(player.rating), 0.0, player.share)
    }

    #[inline(always)]
    fn team(&self, sum: Sum, advantage: f64) -> f64 {
        (Composite::of(sum).mean + advantage) * self.natural()
    }

    #[inline(always)]
    fn pair(&self, one: &f64, other: &f64) -> f64 {
        logistic(one - other)
    }

    #[inline]
    fn expected(&self, pair: &f64) -> (f64, f64) {
        (*pair, 1.0 - pair)
    }

    #[inline]
    fn lead(&self, one: &f64, other: &f64) -> Lead {
        Lead { logit: one - other, variance: 0.0 }
    }

    #[inline(always)]
    fn lessons(&self, pair: &f64, score: f64) -> (f64, f64) {
        (score - pair, pair - score)
    }

    #[inline(always)]
    fn applied(&self, player: &Entrant, lesson: &f64) -> Rating {
        Rating {
            mean: player.rating.mean + self.k_of(player) * player.share * lesson,
            deviation: self.deviation,
            volatility: player.rating.volatility,
        }
    }

    /// O(sides²) divisions, O(sides) exponentials.
    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        let Scratch { strengths, places, .. } = scratch;
        strengths.clear();
        strengths.extend(
            game.sides
                .iter()
                .enumerate()
                .map(|(at, side)| team(self, side.players.iter().copied(), game.home, at)),
        );
        // exp(a) / (exp(a) + exp(b)) is the logistic function of a - b: one exponential a side, not a pair.
        let best = strengths.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        strengths.iter_mut().for_each(|of| *of = crate::exp::exp((*of - best).max(-BEHIND_MAX)));
        places.clear();
        places.extend(game.sides.iter().map(|side| side.place));
        places.sort_unstable();
        let others = game.sides.len() as f64 - 1.0;
        for (side, own) in game.sides.iter().zip(strengths.iter()) {
            let expected = (shares_of_pairs(*own, strengths) - 0.5) / others;
            let score = mean_score(places, side.place);
            out.extend(side.players.iter().map(|player| {
                let actual = if player.quit { 0.0 } else { score };
                Change::of(player, self.applied(player, &(actual - expected)), expected, actual)
            }));
        }
    }
}

/// The mean score of a place against all others of `places`, which are sorted and include it.
fn mean_score(places: &[u32], own: u32) -> f64 {
    let better = places.partition_point(|place| *place < own);
    let ties = places.partition_point(|place| *place <= own) - better;
    let worse = places.len() - better - ties;
    (worse as f64 + 0.5 * (ties as f64 - 1.0)) / (places.len() as f64 - 1.0)
}
