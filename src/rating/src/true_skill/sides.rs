use super::{TrueSkillSettings, chain};
use crate::gaussian::{Moved, below, drawn, quantile, won};
use crate::model::{Model, team};
use crate::numeric::score;
use crate::{Change, Entrant, Game, Rating, Scratch, numeric};
use gsm_core::Millis;

/// What a match says about the skill of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lesson {
    /// By how much a mean moves, per unit of its variance.
    pub(super) push: f64,
    /// By how much a variance shrinks, per unit of its square.
    pub(super) pull: f64,
}

/// A side as the sum of its players' performances.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Who played any part.
    pub(super) players: f64,
}

/// A side of a match of more than two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    pub(super) place: u32,
    pub(super) sum: Sum,
    stayed: Lesson,
    quit: Lesson,
    /// Sums over the other sides.
    expected: f64,
    actual: f64,
}

/// The margin for draws, as the factor of `sqrt(players)`: section 3.3 of the paper, "draw margin". Kept from match
/// to match because the quantile takes longer than a duel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Margin {
    draw_probability: f64,
    /// In units of `beta`.
    factor: f64,
}

impl Margin {
    pub(crate) fn of(settings: &TrueSkillSettings) -> Self {
        let draw_probability = settings.draw_probability;
        Self { draw_probability, factor: quantile(0.5 * (draw_probability + 1.0)) }
    }
    pub(crate) fn refresh(&mut self, settings: &TrueSkillSettings) {
        if self.draw_probability != settings.draw_probability {
            *self = Self::of(settings);
        }
    }
    /// Between two sides of this many players together, in points.
    #[inline]
    pub(super) fn for_players(self, settings: &TrueSkillSettings, players: f64) -> f64 {
        self.factor * settings.beta * players.sqrt()
    }
}

/// The settings with the margin that follows from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrueSkill<'a> {
    pub(crate) settings: &'a TrueSkillSettings,
    pub(crate) margin: Margin,
}

/// Two sides before their result is known, in units of the deviation of their difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    scale: f64,
    lead: f64,
    margin: f64,
}

impl Pair {
    /// The score the first is expected to make; a draw is half.
    #[inline]
    fn expected(&self) -> f64 {
        0.5 * (below(self.lead - self.margin) + below(self.lead + self.margin))
    }

    /// The chance of a draw.
    pub(crate) fn drawn(&self) -> f64 {
        below(self.margin - self.lead) - below(-self.margin - self.lead)
    }

    #[inline]
    fn moved(&self, score: f64) -> Moved {
        if score == 0.5 {
            return drawn(self.lead, self.margin);
        }
        let sign = if score > 0.5 { 1.0 } else { -1.0 };
        let Moved { mean, shrink } = won(sign * self.lead - self.margin);
        Moved { mean: sign * mean, shrink }
    }
}

impl<'a> TrueSkill<'a> {
    pub(crate) fn new(settings: &'a TrueSkillSettings) -> Self {
        Self { settings, margin: Margin::of(settings) }
    }

    /// The variance of a player's skill before a match.
    #[inline]
    fn variance(&self, rating: Rating) -> f64 {
        let (deviation, tau) = (self.settings.deviation_of(rating), self.settings.tau);
        deviation * deviation + tau * tau
    }
}

impl Model for TrueSkill<'_> {
    type Sum = Sum;
    type Team = Sum;
    type Pair = Pair;
    type Lesson = Lesson;

    fn initial(&self) -> Rating {
        self.settings.newcomer()
    }

    #[inline(always)]
    fn home_advantage(&self) -> f64 {
        self.settings.home_advantage
    }

    #[inline(always)]
    fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        let TrueSkillSettings { growth_per_day, deviation_max, .. } = *self.settings;
        let of = self.settings.deviation_of(rating);
        Rating { deviation: numeric::grown_to(of, growth_per_day, idle, deviation_max), ..rating }
    }

    #[inline(always)]
    fn joined(&self, sum: Sum, player: &Entrant) -> Sum {
        let Entrant { rating, share, .. } = *player;
        let beta = self.settings.beta;
        Sum {
            mean: sum.mean + share * self.settings.mean_of(rating),
            variance: sum.variance + share * share * (self.variance(rating) + beta * beta),
            players: sum.players + if player.is_present() { 1.0 } else { 0.0 },
        }
    }

    #[inline(always)]
    fn team(&self, sum: Sum, advantage: f64) -> Sum {
        Sum { mean: sum.mean + advantage, ..sum }
    }

    #[inline(always)]
    fn pair(&self, one: &Sum, other: &Sum) -> Pair {
        let scale = 1.0 / (one.variance + other.variance).sqrt();
        let margin = self.margin.for_players(self.settings, one.players + other.players);
        Pair { scale, lead: (one.mean - other.mean) * scale, margin: margin * scale }
    }

    #[inline]
    fn expected(&self, pair: &Pair) -> (f64, f64) {
        let expected = pair.expected();
        (expected, 1.0 - expected)
    }

    fn drawn(&self, pair: &Pair) -> Option<f64> {
        Some(pair.drawn())
    }

    #[inline(always)]
    fn lessons(&self, pair: &Pair, score: f64) -> (Lesson, Lesson) {
        let Moved { mean, shrink } = pair.moved(score);
        let (push, pull) = (mean * pair.scale, shrink * pair.scale * pair.scale);
        (Lesson { push, pull }, Lesson { push: -push, pull })
    }

    #[inline(always)]
    fn applied(&self, player: &Entrant, lesson: &Lesson) -> Rating {
        let variance = self.variance(player.rating);
        let left = 1.0 - player.share * player.share * variance * lesson.pull;
        Rating {
            mean: player.rating.mean + player.share * variance * lesson.push,
            deviation: numeric::deviation(
                (variance * if left > 0.0 { left } else { 0.0 }).sqrt(),
                self.settings.deviation,
            ),
            volatility: player.rating.volatility,
        }
    }

    /// A few sweeps of O(sides), again for each side with quitters, and O(sides²) for the expected scores.
    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        let Scratch { performances: teams, nodes, .. } = scratch;
        teams.clear();
        teams.extend(game.sides.iter().enumerate().map(|(at, side)| Team {
            place: side.place,
            sum: team(self, side.players.iter().copied(), game.home, at),
            stayed: Lesson::default(),
            quit: Lesson::default(),
            expected: 0.0,
            actual: 0.0,
        }));
        self.score_all(teams);
        chain::learn(self, teams, None, nodes);
        for (at, lesson) in chain::lessons(nodes) {
            if let Some(team) = teams.get_mut(at) {
                team.stayed = lesson;
            }
        }
        for (at, side) in game.sides.iter().enumerate() {
            if side.players.iter().any(|player| player.quit) {
                chain::learn(self, teams, Some(at), nodes);
                let lesson = chain::lessons(nodes).find(|(side, _)| *side == at);
                if let (Some((_, lesson)), Some(team)) = (lesson, teams.get_mut(at)) {
                    team.quit = lesson;
                }
            }
        }
        let others = game.sides.len() as f64 - 1.0;
        for (side, team) in game.sides.iter().zip(teams.iter()) {
            let expected = team.expected / others;
            out.extend(side.players.iter().map(|player| {
                let (lesson, actual) =
                    if player.quit { (&team.quit, 0.0) } else { (&team.stayed, team.actual / others) };
                Change::of(player, self.applied(player, lesson), expected, actual)
            }));
        }
    }
}

impl TrueSkill<'_> {
    /// The scores of all pairs.
    fn score_all(&self, teams: &mut [Team]) {
        let mut rest = teams;
        while let Some((one, others)) = rest.split_first_mut() {
            for other in others.iter_mut() {
                let expected = self.pair(&one.sum, &other.sum).expected();
                let actual = score(one.place, other.place);
                one.expected += expected;
                one.actual += actual;
                other.expected += 1.0 - expected;
                other.actual += 1.0 - actual;
            }
            rest = others;
        }
    }
}
