use super::{
    Glicko2Settings, evidence,
    scale::{POINTS, UNITS},
};
use crate::field::{self, Composite, Lesson, Pair, Sum};
use crate::model::Model;
use crate::{Change, Entrant, Game, Rating, Scratch};
use gsm_core::Millis;

impl Model for Glicko2Settings {
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

    /// Step 6 for a player who does not play, by fractions of a period.
    #[inline(always)]
    fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        let periods = idle.get() as f64 / self.period_ms.get().max(1) as f64;
        let wander = self.volatility_of(rating) * POINTS;
        let deviation = self.deviation_of(rating);
        let grown = (deviation * deviation + wander * wander * periods).sqrt();
        Rating { deviation: self.in_range(grown), ..rating }
    }

    /// In the Glicko-2 scale.
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

    #[inline(always)]
    fn lessons(&self, pair: &Pair, score: f64) -> (Lesson, Lesson) {
        pair.lessons(score)
    }

    #[inline(always)]
    fn applied(&self, player: &Entrant, lesson: &Lesson) -> Rating {
        evidence::applied(self, &lesson.of_player(player.share), player.rating)
    }

    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        field::rate(self, self.field_exponent, game, &mut scratch.seen, out);
    }
}
