use super::{TrueSkillSettings, chain};
use crate::gaussian::{Moved, below, drawn, quantile, won};
use crate::numeric::score;
use crate::{Change, Entrant, Game, Rating, Scratch, numeric};
use gsm_core::Probability;

/// What a match says about the skill of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lesson {
    /// By how much a mean moves, per unit of its variance.
    pub(super) push: f64,
    /// By how much a variance shrinks, per unit of its square.
    pub(super) pull: f64,
}

/// A side as the sum of its players' performances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    pub(super) place: u32,
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Who played any part.
    pub(super) players: f64,
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
    fn of(settings: &TrueSkillSettings) -> Self {
        let draw_probability = settings.draw_probability;
        Self { draw_probability, factor: quantile(0.5 * (draw_probability + 1.0)) }
    }
    fn refresh(&mut self, settings: &TrueSkillSettings) {
        if self.draw_probability != settings.draw_probability {
            *self = Self::of(settings);
        }
    }
    /// Between two sides of this many players together, in points.
    pub(super) fn for_players(self, settings: &TrueSkillSettings, players: f64) -> f64 {
        self.factor * settings.beta * players.sqrt()
    }
}

/// Two sides before their result is known, in units of the deviation of their difference.
struct Pair {
    lead: f64,
    margin: f64,
}

impl Pair {
    /// The score the first is expected to make; a draw is half.
    fn expected(&self) -> f64 {
        0.5 * (below(self.lead - self.margin) + below(self.lead + self.margin))
    }
    fn drawn(&self) -> f64 {
        below(self.margin - self.lead) - below(-self.margin - self.lead)
    }
    fn moved(&self, score: f64) -> Moved {
        if score == 0.5 {
            return drawn(self.lead, self.margin);
        }
        let sign = if score > 0.5 { 1.0 } else { -1.0 };
        let Moved { mean, shrink } = won(sign * self.lead - self.margin);
        Moved { mean: sign * mean, shrink }
    }
}

/// The variance of a player's skill before a match.
fn tempered(settings: &TrueSkillSettings, rating: Rating) -> f64 {
    let deviation = settings.deviation_of(rating);
    deviation * deviation + settings.tau * settings.tau
}

/// A side as one performance: mean, variance, players. An empty one plays like a newcomer.
fn summed(settings: &TrueSkillSettings, players: &[Rating]) -> (f64, f64, f64) {
    let newcomer = [settings.initial()];
    let players = if players.is_empty() { newcomer.as_slice() } else { players };
    let beta = settings.beta * settings.beta;
    players.iter().fold((0.0, 0.0, 0.0), |(mean, variance, n), rating| {
        (mean + settings.mean_of(*rating), variance + tempered(settings, *rating) + beta, n + 1.0)
    })
}

fn pair(settings: &TrueSkillSettings, a: &[Rating], b: &[Rating], advantage: f64) -> Pair {
    let (a, b) = (summed(settings, a), summed(settings, b));
    let c = (a.1 + b.1).sqrt();
    let margin = Margin::of(settings).for_players(settings, a.2 + b.2);
    Pair { lead: (a.0 - b.0 + advantage) / c, margin: margin / c }
}

/// See [`crate::System::expected_pair`].
pub(crate) fn expected_pair(
    settings: &TrueSkillSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Probability {
    Probability::saturating(pair(settings, a, b, advantage).expected())
}

/// See [`crate::System::draw_pair`].
pub(crate) fn draw_pair(
    settings: &TrueSkillSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Probability {
    Probability::saturating(pair(settings, a, b, advantage).drawn())
}

/// See [`crate::System::update_into`]; the shape has been checked. O(players) for two sides; for more, a few sweeps of
/// O(sides), again for each side with quitters, and O(sides²) for the expected scores.
pub(crate) fn update(
    settings: &TrueSkillSettings,
    game: &Game<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Change>,
) {
    let Scratch { performances: teams, nodes, margin, .. } = scratch;
    margin.refresh(settings);
    teams.clear();
    teams.extend(game.sides.iter().enumerate().map(|(at, side)| {
        let advantage = if game.home == Some(at) { settings.home_advantage } else { 0.0 };
        team(settings, side.place, side.players, advantage)
    }));
    meet_all(settings, *margin, teams);
    if game.sides.len() > 2 {
        chain::learn(settings, *margin, teams, None, nodes);
        for (at, lesson) in chain::lessons(nodes) {
            if let Some(team) = teams.get_mut(at) {
                team.stayed = lesson;
            }
        }
        for (at, side) in game.sides.iter().enumerate() {
            if side.players.iter().any(|player| player.quit) {
                chain::learn(settings, *margin, teams, Some(at), nodes);
                let lesson = chain::lessons(nodes).find(|(side, _)| *side == at);
                if let (Some((_, lesson)), Some(team)) = (lesson, teams.get_mut(at)) {
                    team.quit = lesson;
                }
            }
        }
    }
    let others = (game.sides.len() - 1) as f64;
    for (side, team) in game.sides.iter().zip(teams.iter()) {
        let expected = team.expected / others;
        out.extend(side.players.iter().map(|player| {
            let (lesson, actual) =
                if player.quit { (team.quit, 0.0) } else { (team.stayed, team.actual / others) };
            Change::of(player, applied(settings, player, lesson), expected, actual)
        }));
    }
}

fn team(settings: &TrueSkillSettings, place: u32, players: &[Entrant], advantage: f64) -> Team {
    let beta = settings.beta * settings.beta;
    let (mut mean, mut variance, mut n) = (advantage, 0.0, 0.0);
    for player in players {
        let share = player.share;
        mean += share * settings.mean_of(player.rating);
        variance += share * share * (tempered(settings, player.rating) + beta);
        n += if player.is_present() { 1.0 } else { 0.0 };
    }
    let none = Lesson::default();
    Team { place, mean, variance, players: n, stayed: none, quit: none, expected: 0.0, actual: 0.0 }
}

/// The scores of all pairs; of two sides, also what they learn.
fn meet_all(settings: &TrueSkillSettings, margin: Margin, teams: &mut [Team]) {
    let is_duel = teams.len() == 2;
    let mut rest = teams;
    while let Some((one, others)) = rest.split_first_mut() {
        for other in others.iter_mut() {
            let scale = 1.0 / (one.variance + other.variance).sqrt();
            let margin = margin.for_players(settings, one.players + other.players);
            let pair = Pair { lead: (one.mean - other.mean) * scale, margin: margin * scale };
            let (expected, actual) = (pair.expected(), score(one.place, other.place));
            one.expected += expected;
            one.actual += actual;
            other.expected += 1.0 - expected;
            other.actual += 1.0 - actual;
            if is_duel {
                let lesson =
                    |moved: Moved| Lesson { push: moved.mean * scale, pull: moved.shrink * scale * scale };
                let turned = |lesson: Lesson| Lesson { push: -lesson.push, ..lesson };
                one.stayed = lesson(pair.moved(actual));
                other.stayed = turned(one.stayed);
                one.quit = lesson(pair.moved(0.0));
                other.quit = turned(lesson(pair.moved(1.0)));
            }
        }
        rest = others;
    }
}

fn applied(settings: &TrueSkillSettings, player: &Entrant, lesson: Lesson) -> Rating {
    let variance = tempered(settings, player.rating);
    let left = 1.0 - player.share * player.share * variance * lesson.pull;
    Rating {
        mean: player.rating.mean + player.share * variance * lesson.push,
        deviation: numeric::deviation((variance * left.max(0.0)).sqrt(), settings.deviation),
        volatility: player.rating.volatility,
    }
}
