//! A match as pairs of sides, each side seen as one player: what Elo, Glicko and Glicko-2 have in common.
use crate::model::{Model, team};
use crate::numeric::{logistic, score};
use crate::{Change, Game, Lead};
use std::f64::consts::PI;

/// The players of a side so far: sums by shares.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    mean: f64,
    variance: f64,
    shares: f64,
}

impl Sum {
    #[inline(always)]
    pub(crate) fn joined(self, mean: f64, deviation: f64, share: f64) -> Self {
        Self {
            mean: self.mean + share * mean,
            variance: self.variance + (share * deviation) * (share * deviation),
            shares: self.shares + share,
        }
    }
}

/// The players of a side as one: the weighted mean of their means, and the variance of that mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Composite {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    /// The part that a player with a whole share has in it: 1 divided by all shares together.
    pub(crate) part: f64,
}

impl Composite {
    #[inline(always)]
    pub(crate) fn of(Sum { mean, variance, shares }: Sum) -> Self {
        let part = 1.0 / shares;
        Self { mean: mean * part, variance: variance * (part * part), part }
    }
}

/// How much an opponent's result counts, in `0.0..=1.0`: the less sure we are of the opponent's rating, the less
/// (`g` of both Glicko papers). `variance` is the square of the deviation in natural units; zero gives exactly 1.
#[inline]
pub(crate) fn attenuation(variance: f64) -> f64 {
    1.0 / (1.0 + (3.0 / (PI * PI)) * variance).sqrt()
}

impl Composite {
    /// The score predicted of `self`: `E` of both papers with both variances in `g`.
    #[inline]
    pub(crate) fn predicted(&self, other: &Self) -> f64 {
        logistic(self.lead(other).logit)
    }

    #[inline]
    pub(crate) fn lead(&self, other: &Self) -> Lead {
        let variance = self.variance + other.variance;
        Lead { logit: attenuation(variance) * (self.mean - other.mean), variance }
    }
}

/// A side with what the inner loop needs, in natural units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    place: u32,
    mean: f64,
    attenuation: f64,
    part: f64,
}

/// What the results of a match say about one side, in sums over its opponents, in natural units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// The inverse of `v` (Glicko-2, step 3), of `d²` (Glicko).
    pub(crate) information: f64,
    /// `Delta / v` (Glicko-2, step 4): positive when more was won than expected.
    pub(crate) surprise: f64,
}

impl Evidence {
    /// One more opponent, whose result counts by `attenuation`.
    #[inline]
    pub(crate) fn add(&mut self, expected: f64, attenuation: f64, score: f64, weight: f64) {
        self.information += weight * attenuation * attenuation * expected * (1.0 - expected);
        self.surprise += weight * attenuation * (score - expected);
    }
}

/// The evidence for one side, and how much of it is a player's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lesson {
    evidence: Evidence,
    part: f64,
}

impl Lesson {
    /// What it says about one player: the side moves by `share · part` when the player does (the chain rule), and
    /// the result counts by `share`.
    #[inline]
    pub(crate) fn of_player(&self, share: f64) -> Evidence {
        let slope = share * self.part;
        Evidence {
            information: slope * slope * self.evidence.information * share,
            surprise: slope * self.evidence.surprise * share,
        }
    }
}

/// Two sides of Glicko or Glicko-2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    attenuations: (f64, f64),
    /// Of the first and of the second, each by the other's attenuation.
    pub(crate) expected: (f64, f64),
    parts: (f64, f64),
}

impl Pair {
    #[inline(always)]
    pub(crate) fn of(one: &Composite, other: &Composite) -> Self {
        let attenuations = (attenuation(one.variance), attenuation(other.variance));
        let expected = (
            logistic(attenuations.1 * (one.mean - other.mean)),
            logistic(attenuations.0 * (other.mean - one.mean)),
        );
        Self { attenuations, expected, parts: (one.part, other.part) }
    }

    #[inline]
    pub(crate) fn lessons(&self, score: f64) -> (Lesson, Lesson) {
        let (mut one, mut other) = (Evidence::default(), Evidence::default());
        one.add(self.expected.0, self.attenuations.1, score, 1.0);
        other.add(self.expected.1, self.attenuations.0, 1.0 - score, 1.0);
        (Lesson { evidence: one, part: self.parts.0 }, Lesson { evidence: other, part: self.parts.1 })
    }
}

/// Rates every player of more than two sides by the evidence of all pairs, each weighing `1/(sides - 1)^exponent`.
/// O(sides² + players).
pub(crate) fn rate<M: Model<Team = Composite, Lesson = Lesson>>(
    model: &M,
    exponent: f64,
    game: &Game<'_>,
    seen: &mut Vec<Seen>,
    out: &mut Vec<Change>,
) {
    seen.clear();
    seen.extend(game.sides.iter().enumerate().map(|(at, side)| {
        let Composite { mean, variance, part } = team(model, side.players.iter().copied(), game.home, at);
        Seen { place: side.place, mean, attenuation: attenuation(variance), part }
    }));
    let weight = libm::pow(seen.len() as f64 - 1.0, -exponent);
    for (own, (side, of)) in game.sides.iter().zip(seen.iter()).enumerate() {
        let stayed = against_all(seen, own, of, weight, |other| score(of.place, other));
        let quit = if side.players.iter().any(|player| player.quit) {
            against_all(seen, own, of, weight, |_| 0.0)
        } else {
            stayed
        };
        out.extend(side.players.iter().map(|player| {
            let of = if player.quit { &quit } else { &stayed };
            let after = model.applied(player, &of.lesson);
            Change::of(player, after, of.expected / of.weight, of.actual / of.weight)
        }));
    }
}

/// A side against all others: what it learns, and sums of weighed scores.
#[derive(Clone, Copy)]
struct Against {
    lesson: Lesson,
    expected: f64,
    actual: f64,
    weight: f64,
}

fn against_all(seen: &[Seen], own: usize, of: &Seen, weight: f64, score: impl Fn(u32) -> f64) -> Against {
    let mut evidence = Evidence::default();
    let (mut expected, mut actual, mut weights) = (0.0, 0.0, 0.0);
    for (_, other) in seen.iter().enumerate().filter(|&(at, _)| at != own) {
        let (chance, score) = (logistic(other.attenuation * (of.mean - other.mean)), score(other.place));
        evidence.add(chance, other.attenuation, score, weight);
        expected += weight * chance;
        actual += weight * score;
        weights += weight;
    }
    Against { lesson: Lesson { evidence, part: of.part }, expected, actual, weight: weights }
}

/// `sum(own / (own + other))` over all, the own one included (which is one half). Four sums side by side: the
/// processor divides while it adds.
pub(crate) fn shares_of_pairs(own: f64, all: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let chunks = all.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().map(|other| own / (own + other)).sum();
    for chunk in chunks {
        for (sum, other) in sums.iter_mut().zip(chunk) {
            *sum += own / (own + other);
        }
    }
    sums.iter().sum::<f64>() + rest
}
