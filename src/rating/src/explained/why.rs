use super::items::items;
use super::{Adjusted, rate_again};
use crate::field::{Composite, Sum};
use crate::{Change, Entrant, Game, Rating, RatingError, Scratch, System, numeric, outcome};
use serde::{Deserialize, Serialize};

/// An expected score nearer than this to the actual one is no surprise.
const SURPRISE_MIN: f64 = 1e-9;

/// What a part of a gain comes from, in the order in which they are taken: each item is the gain with it and all
/// before it, less the gain without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The places alone, against these opponents, as if everybody had played to the end.
    Result,
    /// How high the win was: scores, where the system uses margins.
    Margin,
    /// That somebody, on either side, played only a part of the match.
    PartialPlay,
    /// The player left early, and so lost to everybody.
    Quit,
    /// The learnt place of newcomers, which counts less the more is known of the player (Kalman).
    NewcomerFading,
    /// How the players of either side do in the variant that was played, map or surface (Kalman): their offsets, and how
    /// unsure they are.
    Variant,
    /// Parties on either side ([`crate::options::Party`]).
    Party,
    /// Raised deviations on either side ([`crate::options::Smurf`]).
    Smurf,
    /// Opponents met before ([`crate::options::RepeatedPair`]).
    RepeatedPair,
    /// Newcomers among the opponents ([`crate::options::Newcomer`]).
    Newcomer,
}

/// A part of a gain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Where it comes from.
    pub what: What,
    /// How much of the gain that is, in points.
    pub points: f64,
}

/// The sides that a player met, as the system saw them: with bonuses, boosts and offsets, players by their shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opponents {
    /// How many sides.
    pub sides: u32,
    /// The mean over the sides of the mean of their players, in points.
    pub mean: f64,
    /// How unsure the mean of a side is, in points: the root of the mean variance.
    pub deviation: f64,
}

/// Why a player's rating moved as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Before the match, grown to its time.
    pub before: Rating,
    /// From then on.
    pub after: Rating,
    /// How far the mean moved, in points.
    pub gain: f64,
    /// The score that the system expected, `0.0..=1.0`, parties counted in: [`Change::expected`].
    pub expected: f64,
    /// The score that was achieved, `0.0..=1.0`: [`Change::actual`].
    pub actual: f64,
    /// Whom it was achieved against; none if nobody else was there.
    pub opponents: Option<Opponents>,
    /// How unsure the player's rating was, as the system saw it: raised by a boost, and without an offset.
    pub deviation: f64,
    /// The gain per unit of surprise (actual less expected score), in points: what Elo calls `K`. Below 0 where other
    /// items outweigh the result; none without surprise.
    pub step: Option<f64>,
    /// The parts of the gain, in the order of [`What`]. They sum to it within `1e-9`. The result is always there, the
    /// others where they are more than rounding: `1e-10`.
    pub items: Vec<Item>,
}

/// Why each player's rating moved, side by side. `game` is the match as it was rated, with what had been learnt by
/// then, `adjusted` what [`super::rate`] said of its players in the same order (the default for all where no option
/// was on). Runs the system once for each kind of item that the match has.
///
/// # Errors
/// As [`super::rate`].
pub fn why(system: &System, game: &Game<'_>, adjusted: &[Adjusted]) -> Result<Vec<Why>, RatingError> {
    let adjusted: Vec<Adjusted> = adjusted.iter().map(|of| of.in_range()).collect();
    let mut scratch = Scratch::new();
    let changes = rate_again(system, game, &adjusted, &mut scratch)?;
    let items = items(system, game, &adjusted, &changes, &mut scratch)?;
    let sides = seen(system, game, &adjusted);
    let seats = game.sides.iter().enumerate().flat_map(|(side, of)| of.players.iter().map(move |_| side));
    let players = game.sides.iter().flat_map(|side| side.players);
    Ok(players
        .zip(seats)
        .zip(changes.iter().zip(&adjusted))
        .zip(items)
        .map(|(((player, side), (change, adjusted)), items)| Why {
            before: change.before,
            after: change.after,
            gain: change.gain(),
            expected: change.expected.get(),
            actual: change.actual,
            opponents: opponents(&sides, side),
            deviation: adjusted.before(system, player).rating.deviation,
            step: step(change),
            items,
        })
        .collect())
}

fn step(change: &Change) -> Option<f64> {
    let surprise = change.actual - change.expected.get();
    (surprise.abs() > SURPRISE_MIN).then(|| change.gain() / surprise)
}

/// The sides as one player each; none for those that were not there.
fn seen(system: &System, game: &Game<'_>, adjusted: &[Adjusted]) -> Vec<Option<Composite>> {
    let mut adjusted = adjusted.iter();
    let newcomer = system.initial();
    let of = |player: &Entrant, adjusted: &Adjusted| {
        let seen = adjusted.before(system, player);
        let rating = seen.offset.unwrap_or_default().applied(seen.rating);
        let mean = numeric::mean(rating.mean, newcomer.mean);
        (mean, numeric::deviation(rating.deviation, newcomer.deviation), player.share)
    };
    game.sides
        .iter()
        .map(|side| {
            let players = side.players.iter().zip(adjusted.by_ref());
            let sum = players.fold(Sum::default(), |sum, (player, adjusted)| {
                let (mean, deviation, share) = of(player, adjusted);
                sum.joined(mean, deviation, share)
            });
            outcome::is_present(side).then(|| Composite::of(sum))
        })
        .collect()
}

fn opponents(sides: &[Option<Composite>], own: usize) -> Option<Opponents> {
    let others = sides.iter().enumerate().filter(|(side, _)| *side != own).filter_map(|(_, of)| *of);
    let (mut n, mut mean, mut variance) = (0_u32, 0.0, 0.0);
    for side in others {
        n += 1;
        mean += side.mean;
        variance += side.variance;
    }
    let sides = f64::from(n);
    (n > 0).then(|| Opponents { sides: n, mean: mean / sides, deviation: (variance / sides).sqrt() })
}
