use super::pairs::{self, Pair};
use super::{WengLinModel as Kind, WengLinSettings, lists};
use crate::model::{Model, team};
use crate::{Change, Entrant, Game, Rating, Scratch, numeric};
use gsm_core::Millis;

/// What a match says about the skill of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lesson {
    /// By how much a mean moves, per unit of its variance (`omega / variance` in the paper).
    pub(super) push: f64,
    /// By how much a variance shrinks, per unit of its square (`delta / variance`; without `gamma` until
    /// [`Lesson::tempered`]).
    pub(super) pull: f64,
}

impl Lesson {
    /// With the paper's `gamma`, which is the side's deviation over `c` (whose powers are in `pull` already).
    #[inline]
    pub(super) fn tempered(self, variance: f64) -> Self {
        Self { pull: variance.sqrt() * self.pull, ..self }
    }
}

/// A side as the sum of its players before the match.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// A side of a match of more than two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    /// Its index in the match.
    pub(super) side: usize,
    pub(super) place: u32,
    pub(super) sum: Sum,
    /// Whether somebody left, so that [`Team::quit`] is needed.
    pub(super) has_quit: bool,
    /// For those who stayed.
    pub(super) stayed: Lesson,
    /// For those who left: as if the side had lost to every other.
    pub(super) quit: Lesson,
    /// Sums over the sides that were met.
    pub(super) expected: f64,
    pub(super) actual: f64,
    pub(super) met: f64,
    /// Where the whole order is drawn at once: its strength, and that of all who were not better placed.
    pub(super) strength: f64,
    pub(super) present: f64,
}

/// The variance of a player who is about to play.
#[inline]
fn variance(settings: &WengLinSettings, rating: Rating) -> f64 {
    let deviation = settings.deviation_of(rating);
    deviation * deviation + settings.tau * settings.tau
}

impl Model for WengLinSettings {
    type Sum = Sum;
    type Team = Sum;
    type Pair = Pair;
    type Lesson = Lesson;

    fn initial(&self) -> Rating {
        self.newcomer()
    }

    #[inline(always)]
    fn home_advantage(&self) -> f64 {
        self.home_advantage
    }

    #[inline(always)]
    fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        let of = self.deviation_of(rating);
        let deviation = numeric::grown_to(of, self.growth_per_day, idle, self.deviation_max);
        Rating { deviation, ..rating }
    }

    #[inline(always)]
    fn joined(&self, sum: Sum, player: &Entrant) -> Sum {
        let Entrant { rating, share, .. } = *player;
        Sum {
            mean: sum.mean + share * self.mean_of(rating),
            variance: sum.variance + share * share * variance(self, rating),
        }
    }

    #[inline(always)]
    fn team(&self, sum: Sum, advantage: f64) -> Sum {
        Sum { mean: sum.mean + advantage, ..sum }
    }

    /// Of two, a list is a pair.
    #[inline(always)]
    fn pair(&self, one: &Sum, other: &Sum) -> Pair {
        Pair::of(self, one, other)
    }

    #[inline]
    fn expected(&self, pair: &Pair) -> (f64, f64) {
        let expected = pair.expected();
        (expected, 1.0 - expected)
    }

    fn drawn(&self, pair: &Pair) -> Option<f64> {
        pair.drawn()
    }

    #[inline(always)]
    fn lessons(&self, pair: &Pair, score: f64) -> (Lesson, Lesson) {
        let of = pair.lesson(score);
        (of.tempered(pair.variances.0), Lesson { push: -of.push, ..of }.tempered(pair.variances.1))
    }

    #[inline(always)]
    fn applied(&self, player: &Entrant, lesson: &Lesson) -> Rating {
        let variance = variance(self, player.rating);
        let left = 1.0 - player.share * player.share * variance * lesson.pull;
        let left = if left > self.kappa { left } else { self.kappa };
        let deviation = (variance * left).sqrt();
        Rating {
            mean: player.rating.mean + player.share * variance * lesson.push,
            deviation: numeric::deviation(deviation, self.deviation),
            volatility: player.rating.volatility,
        }
    }

    /// The cost is the model's ([`Kind`]).
    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        let Scratch { teams, strengths, .. } = scratch;
        teams.clear();
        teams.extend(game.sides.iter().enumerate().map(|(side, of)| Team {
            side,
            place: of.place,
            sum: team(self, of.players.iter().copied(), game.home, side),
            has_quit: of.players.iter().any(|player| player.quit),
            stayed: Lesson::default(),
            quit: Lesson::default(),
            expected: 0.0,
            actual: 0.0,
            met: 0.0,
            strength: 0.0,
            present: 0.0,
        }));
        match self.model {
            Kind::BradleyTerryFull | Kind::ThurstoneMostellerFull => pairs::meet_all(self, teams),
            Kind::BradleyTerryPart | Kind::ThurstoneMostellerPart => pairs::meet_near(self, teams),
            Kind::PlackettLuce => lists::rank(self, teams, strengths),
        }
        for (side, team) in game.sides.iter().zip(teams.iter()) {
            let (stayed, quit) =
                (team.stayed.tempered(team.sum.variance), team.quit.tempered(team.sum.variance));
            let expected = team.expected / team.met;
            out.extend(side.players.iter().map(|player| {
                let (lesson, actual) =
                    if player.quit { (&quit, 0.0) } else { (&stayed, team.actual / team.met) };
                Change::of(player, self.applied(player, lesson), expected, actual)
            }));
        }
    }
}
