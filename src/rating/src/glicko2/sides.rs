use super::Glicko2Settings;
use super::evidence::Evidence;
use super::scale::{POINTS, attenuation, logistic};
use crate::{Change, Entrant, Rating, Side};
use gsm_core::Probability;
use std::cmp::Ordering;

/// A side seen as one player, on the Glicko-2 scale.
#[derive(Clone, Copy)]
struct Composite {
    mean: f64,
    variance: f64,
}

impl Composite {
    fn of(settings: &Glicko2Settings, players: impl ExactSizeIterator<Item = Rating>) -> Self {
        let n = players.len() as f64;
        if n == 0.0 {
            let deviation = settings.deviation / POINTS;
            return Self { mean: 0.0, variance: deviation * deviation };
        }
        let (mut mean, mut variance) = (0.0, 0.0);
        for player in players {
            let deviation = settings.deviation_of(player) / POINTS;
            mean += settings.mean_of(player) / POINTS;
            variance += deviation * deviation;
        }
        Self { mean: mean / n, variance: variance / (n * n) }
    }
}

/// See [`crate::System::expected_pair`]: `E` of step 3 with both sides' variances in `g`.
pub(crate) fn expected_pair(settings: &Glicko2Settings, a: &[Rating], b: &[Rating]) -> Probability {
    let a = Composite::of(settings, a.iter().copied());
    let b = Composite::of(settings, b.iter().copied());
    Probability::saturating(logistic(attenuation(a.variance + b.variance) * (a.mean - b.mean)))
}

/// A side with what the inner loop needs.
struct Seen {
    place: u32,
    mean: f64,
    attenuation: f64,
}

/// See [`crate::System::update_any_size`]; the shape has been checked. O(sides² + players).
pub(crate) fn update(settings: &Glicko2Settings, sides: &[Side<'_>]) -> Vec<Vec<Change>> {
    let seen: Vec<Seen> = sides
        .iter()
        .map(|side| {
            let composite = Composite::of(settings, side.players.iter().map(|player| player.rating));
            Seen { place: side.place, mean: composite.mean, attenuation: attenuation(composite.variance) }
        })
        .collect();
    let others = sides.len().saturating_sub(1).max(1) as f64;
    let weight = libm::pow(others, -settings.field_exponent);
    sides
        .iter()
        .zip(&seen)
        .enumerate()
        .map(|(own, (side, of))| {
            let stayed = evidence(&seen, own, of, weight, |other| score(of.place, other));
            let quit = if side.players.iter().any(|player| player.quit) {
                evidence(&seen, own, of, weight, |_| 0.0)
            } else {
                stayed
            };
            let slope = 1.0 / side.players.len().max(1) as f64;
            let change = |player: &Entrant| {
                let evidence = if player.quit { &quit } else { &stayed };
                let (expected, actual) = evidence.scores();
                Change {
                    before: player.rating,
                    after: evidence.applied(settings, player.rating, slope),
                    expected: Probability::saturating(expected),
                    actual,
                }
            };
            side.players.iter().map(change).collect()
        })
        .collect()
}

fn evidence(seen: &[Seen], own: usize, of: &Seen, weight: f64, score: impl Fn(u32) -> f64) -> Evidence {
    let mut sum = Evidence::default();
    for (_, other) in seen.iter().enumerate().filter(|&(at, _)| at != own) {
        sum.add(of.mean - other.mean, other.attenuation, score(other.place), weight);
    }
    sum
}

fn score(own: u32, other: u32) -> f64 {
    match own.cmp(&other) {
        Ordering::Less => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Greater => 0.0,
    }
}
