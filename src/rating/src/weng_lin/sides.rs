use super::{
    WengLinModel as Model, WengLinSettings, lists,
    pairs::{self, Pair},
};
use crate::{Change, Entrant, Game, Rating, Scratch, numeric};
use gsm_core::Probability;

/// What a match says about the skill of one side, per unit of the side's variance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lesson {
    /// By how much the mean moves (`omega / variance` in the paper).
    pub(super) push: f64,
    /// By how much the variance shrinks, but for `gamma` (`delta / (gamma variance)`).
    pub(super) pull: f64,
}

/// A side as the sum of its players, and what it learns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    /// Its index in the match.
    pub(super) side: usize,
    pub(super) place: u32,
    pub(super) mean: f64,
    pub(super) variance: f64,
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

/// Sum of means, and of variances before the match, by shares.
fn summed(settings: &WengLinSettings, players: impl Iterator<Item = (Rating, f64)>) -> (f64, f64) {
    players.fold((0.0, 0.0), |(mean, variance), (rating, share)| {
        (mean + share * settings.mean_of(rating), variance + share * share * tempered(settings, rating))
    })
}

/// The variance of a player who is about to play.
fn tempered(settings: &WengLinSettings, rating: Rating) -> f64 {
    let deviation = settings.deviation_of(rating);
    deviation * deviation + settings.tau * settings.tau
}

fn pair(settings: &WengLinSettings, a: &[Rating], b: &[Rating], advantage: f64) -> Pair {
    let of = |side: &[Rating]| match side {
        [] => summed(settings, std::iter::once((settings.initial(), 1.0))),
        _ => summed(settings, side.iter().map(|player| (*player, 1.0))),
    };
    let (a, b) = (of(a), of(b));
    Pair::of(settings, a.0 - b.0 + advantage, a.1 + b.1)
}

/// See [`crate::System::expected_pair`]: the chance of the model, for these two sides alone.
pub(crate) fn expected_pair(
    settings: &WengLinSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Probability {
    Probability::saturating(pair(settings, a, b, advantage).expected())
}

/// See [`crate::System::draw_pair`].
pub(crate) fn draw_pair(
    settings: &WengLinSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Option<Probability> {
    pair(settings, a, b, advantage).drawn().map(Probability::saturating)
}

/// See [`crate::System::update_into`]; the shape has been checked. The cost is the model's ([`Model`]) and O(players).
pub(crate) fn update(
    settings: &WengLinSettings,
    game: &Game<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Change>,
) {
    let Scratch { teams, strengths, .. } = scratch;
    teams.clear();
    teams.extend(game.sides.iter().enumerate().map(|(side, of)| {
        let (mean, variance) = summed(settings, of.players.iter().map(|p| (p.rating, p.share)));
        let advantage = if game.home == Some(side) { settings.home_advantage } else { 0.0 };
        Team {
            side,
            place: of.place,
            mean: mean + advantage,
            variance,
            has_quit: of.players.iter().any(|player| player.quit),
            stayed: Lesson::default(),
            quit: Lesson::default(),
            expected: 0.0,
            actual: 0.0,
            met: 0.0,
            strength: 0.0,
            present: 0.0,
        }
    }));
    match settings.model {
        Model::BradleyTerryFull | Model::ThurstoneMostellerFull => pairs::meet_all(settings, teams),
        Model::BradleyTerryPart | Model::ThurstoneMostellerPart => pairs::meet_near(settings, teams),
        // A list of two is a pair.
        Model::PlackettLuce if teams.len() == 2 => pairs::meet_all(settings, teams),
        Model::PlackettLuce => lists::rank(settings, teams, strengths),
    }
    for (side, team) in game.sides.iter().zip(teams.iter()) {
        let gamma = team.variance.sqrt();
        let expected = team.expected / team.met;
        out.extend(side.players.iter().map(|player| {
            let (lesson, actual) =
                if player.quit { (&team.quit, 0.0) } else { (&team.stayed, team.actual / team.met) };
            Change::of(player, applied(settings, player, lesson, gamma), expected, actual)
        }));
    }
}

fn applied(settings: &WengLinSettings, player: &Entrant, lesson: &Lesson, gamma: f64) -> Rating {
    let variance = tempered(settings, player.rating);
    let left = 1.0 - player.share * player.share * variance * gamma * lesson.pull;
    let deviation = (variance * left.max(settings.kappa)).sqrt();
    Rating {
        mean: player.rating.mean + player.share * variance * lesson.push,
        deviation: numeric::deviation(deviation, settings.deviation),
        volatility: player.rating.volatility,
    }
}
