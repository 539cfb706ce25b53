//! A match as pairs of sides, each side seen as one player: what Elo, Glicko and Glicko-2 have in common.
use crate::numeric::{logistic, score};
use crate::{Change, Entrant, Game, Rating, Side};
use std::f64::consts::PI;

/// The players of a side as one: the weighted mean of their means, and the variance of that mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Composite {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
}

impl Composite {
    /// Of (mean, deviation, share) each; `None` for nobody, or nobody with a share.
    pub(crate) fn of(players: impl Iterator<Item = (f64, f64, f64)>) -> Option<Self> {
        let (mut mean, mut variance, mut shares) = (0.0, 0.0, 0.0);
        for (player, deviation, share) in players {
            mean += share * player;
            variance += (share * deviation) * (share * deviation);
            shares += share;
        }
        (shares > 0.0).then(|| Self { mean: mean / shares, variance: variance / (shares * shares) })
    }
}

/// How much an opponent's result counts, in `0.0..=1.0`: the less sure we are of the opponent's rating, the less
/// (`g` of both Glicko papers). `variance` is the square of the deviation in natural units; zero gives exactly 1.
pub(crate) fn attenuation(variance: f64) -> f64 {
    1.0 / (1.0 + 3.0 * variance / (PI * PI)).sqrt()
}

/// A side with what the inner loop needs, in natural units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) place: u32,
    pub(crate) mean: f64,
    pub(crate) attenuation: f64,
}

/// What the results of a match say about one side, in sums over its opponents, in natural units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// The inverse of `v` (Glicko-2, step 3), of `d²` (Glicko).
    pub(crate) information: f64,
    /// `Delta / v` (Glicko-2, step 4): positive when more was won than expected.
    pub(crate) surprise: f64,
    expected: f64,
    actual: f64,
    weight: f64,
}

impl Evidence {
    /// One more opponent, who is led by `lead` and whose result counts by `attenuation`.
    pub(crate) fn add(&mut self, lead: f64, attenuation: f64, score: f64, weight: f64) {
        let expected = logistic(attenuation * lead);
        self.information += weight * attenuation * attenuation * expected * (1.0 - expected);
        self.surprise += weight * attenuation * (score - expected);
        self.expected += weight * expected;
        self.actual += weight * score;
        self.weight += weight;
    }

    /// Mean expected and mean actual score; both 0.5 without games.
    pub(crate) fn scores(&self) -> (f64, f64) {
        if self.weight > 0.0 { (self.expected / self.weight, self.actual / self.weight) } else { (0.5, 0.5) }
    }

    /// What it says about one player, whose share is `share` of the side's `shares` together: the side moves by
    /// `share / shares` when the player does (the chain rule), and the result counts by `share`.
    fn of_player(&self, share: f64, shares: f64) -> Self {
        let slope = share / shares;
        Self {
            information: slope * slope * self.information * share,
            surprise: slope * self.surprise * share,
            ..*self
        }
    }
}

/// Rates every player by the evidence of all pairs of sides, each pair weighing `1/(sides - 1)^exponent`. `seen`
/// are the sides of `game`, in its order. O(sides² + players).
pub(crate) fn rate(
    game: &Game<'_>,
    seen: &[Seen],
    exponent: f64,
    out: &mut Vec<Change>,
    applied: impl Fn(&Evidence, &Entrant) -> Rating,
) {
    let weight = pair_weight(seen.len(), exponent);
    for (own, (side, of)) in game.sides.iter().zip(seen).enumerate() {
        let stayed = evidence(seen, own, of, weight, |other| score(of.place, other));
        let quit = if side.players.iter().any(|player| player.quit) {
            evidence(seen, own, of, weight, |_| 0.0)
        } else {
            stayed
        };
        let shares = shares(side);
        out.extend(side.players.iter().map(|player| {
            let evidence = if player.quit { &quit } else { &stayed };
            let (expected, actual) = evidence.scores();
            let after = applied(&evidence.of_player(player.share, shares), player);
            Change::of(player, after, expected, actual)
        }));
    }
}

/// All shares of a side together; of a side that played, above 0.
pub(crate) fn shares(side: &Side<'_>) -> f64 {
    side.players.iter().map(|player| player.share).sum()
}

fn pair_weight(sides: usize, exponent: f64) -> f64 {
    // Not only faster: two sides weigh exactly 1.
    if sides <= 2 { 1.0 } else { libm::pow((sides - 1) as f64, -exponent) }
}

fn evidence(seen: &[Seen], own: usize, of: &Seen, weight: f64, score: impl Fn(u32) -> f64) -> Evidence {
    let mut sum = Evidence::default();
    for (_, other) in seen.iter().enumerate().filter(|&(at, _)| at != own) {
        sum.add(of.mean - other.mean, other.attenuation, score(other.place), weight);
    }
    sum
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
