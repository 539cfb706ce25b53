use super::GlickoSettings;
use crate::field::{self, Composite, Lesson, Pair, Sum};
use crate::model::Model;
use crate::{Change, Entrant, Game, Lead, Rating, Scratch, numeric};
use gsm_core::Millis;

const POINTS: f64 = GlickoSettings::POINTS;
/// Natural units per point.
const UNITS: f64 = 1.0 / POINTS;

impl Model for GlickoSettings {
    type Sum = Sum;
    type Team = Composite;
    type Pair = Pair;
    type Lesson = Lesson;

    fn initial(&self) -> Rating {
        self.newcomer()
    }

    #[inline(always)]
    fn home_advantage(&self) -> f64 {
        self.home_advantage
    }

    /// Step 1.
    #[inline(always)]
    fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        let grown = numeric::grown(self.deviation_of(rating), self.growth_per_day, idle);
        Rating { deviation: self.in_range(grown), ..rating }
    }

    /// In natural units.
    #[inline(always)]
    fn joined(&self, sum: Sum, player: &Entrant) -> Sum {
        let (mean, deviation) = (self.mean_of(player.rating), self.deviation_of(player.rating));
        sum.joined(mean * UNITS, deviation * UNITS, player.share)
    }

    #[inline(always)]
    fn team(&self, sum: Sum, advantage: f64) -> Composite {
        let side = Composite::of(sum);
        Composite { mean: side.mean + advantage * UNITS, ..side }
    }

    #[inline(always)]
    fn pair(&self, one: &Composite, other: &Composite) -> Pair {
        Pair::of(one, other)
    }

    #[inline]
    fn expected(&self, pair: &Pair) -> (f64, f64) {
        pair.expected
    }

    #[inline]
    fn predicted(&self, one: &Composite, other: &Composite) -> f64 {
        one.predicted(other)
    }

    #[inline]
    fn lead(&self, one: &Composite, other: &Composite) -> Lead {
        one.lead(other)
    }

    #[inline(always)]
    fn lessons(&self, pair: &Pair, score: f64) -> (Lesson, Lesson) {
        pair.lessons(score)
    }

    /// Step 2.
    #[inline(always)]
    fn applied(&self, player: &Entrant, lesson: &Lesson) -> Rating {
        let evidence = lesson.of_player(player.share);
        let deviation = self.deviation_of(player.rating) * UNITS;
        let variance = deviation * deviation;
        let after = variance / (1.0 + variance * evidence.information);
        Rating {
            mean: player.rating.mean + POINTS * after * evidence.surprise,
            deviation: self.in_range(POINTS * after.sqrt()),
            volatility: player.rating.volatility,
        }
    }

    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        field::rate(self, self.field_exponent, game, &mut scratch.seen, out);
    }
}
