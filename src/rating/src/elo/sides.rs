use super::EloSettings;
use crate::field::{Composite, shares_of_pairs};
use crate::numeric::{logistic, score};
use crate::{Change, Game, Rating, Scratch};
use gsm_core::Probability;

/// How far behind the best a side counts among many, in natural units: `exp` of it is still above 0.
const BEHIND_MAX: f64 = 700.0;

/// The mean of a side, in natural units from a newcomer's; an empty one plays like a newcomer.
fn strength(settings: &EloSettings, players: impl Iterator<Item = (Rating, f64)>) -> f64 {
    let players = players.map(|(rating, share)| (settings.mean_of(rating), 0.0, share));
    Composite::of(players).map_or(0.0, |side| side.mean) * settings.natural()
}

/// See [`crate::System::expected_pair`].
pub(crate) fn expected_pair(
    settings: &EloSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Probability {
    let of = |side: &[Rating]| strength(settings, side.iter().map(|player| (*player, 1.0)));
    Probability::saturating(logistic(of(a) - of(b) + advantage * settings.natural()))
}

/// See [`crate::System::update_into`]; the shape has been checked. O(players) for two sides; for more,
/// O(sides²) divisions and O(sides) exponentials.
pub(crate) fn update(settings: &EloSettings, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
    let strengths = &mut scratch.strengths;
    strengths.clear();
    strengths.extend(
        game.sides.iter().map(|side| strength(settings, side.players.iter().map(|p| (p.rating, p.share)))),
    );
    if let Some(home) = game.home.and_then(|home| strengths.get_mut(home)) {
        *home += settings.home_advantage * settings.natural();
    }
    if let ([a, b], [one, other]) = (game.sides, strengths.as_slice()) {
        let expected = logistic(one - other);
        let actual = score(a.place, b.place);
        moved(settings, a, expected, actual, out);
        moved(settings, b, 1.0 - expected, 1.0 - actual, out);
        return;
    }
    // exp(a) / (exp(a) + exp(b)) is the logistic function of a - b: one exponential a side, not a pair.
    let best = strengths.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    strengths.iter_mut().for_each(|of| *of = libm::exp((*of - best).max(-BEHIND_MAX)));
    let places = &mut scratch.places;
    places.clear();
    places.extend(game.sides.iter().map(|side| side.place));
    places.sort_unstable();
    let others = (game.sides.len() - 1) as f64;
    for (side, own) in game.sides.iter().zip(strengths.iter()) {
        let expected = (shares_of_pairs(*own, strengths) - 0.5) / others;
        moved(settings, side, expected, mean_score(places, side.place), out);
    }
}

/// The mean score of a place against all others of `places`, which are sorted and include it.
fn mean_score(places: &[u32], own: u32) -> f64 {
    let better = places.partition_point(|place| *place < own);
    let ties = places.partition_point(|place| *place <= own) - better;
    let worse = places.len() - better - ties;
    (worse as f64 + 0.5 * (ties as f64 - 1.0)) / (places.len() as f64 - 1.0)
}

fn moved(settings: &EloSettings, side: &crate::Side<'_>, expected: f64, actual: f64, out: &mut Vec<Change>) {
    out.extend(side.players.iter().map(|player| {
        let actual = if player.quit { 0.0 } else { actual };
        let gain = settings.k_of(player) * player.share * (actual - expected);
        let after = Rating {
            mean: player.rating.mean + gain,
            deviation: settings.deviation,
            volatility: player.rating.volatility,
        };
        Change::of(player, after, expected, actual)
    }));
}
