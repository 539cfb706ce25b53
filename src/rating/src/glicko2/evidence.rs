use super::scale::{POINTS, attenuation, logistic};
use super::{Glicko2Settings, volatility};
use crate::Rating;

/// One result within a rating period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game {
    /// The opponent; the volatility does not matter.
    pub opponent: Rating,
    /// Win 1, tie 0.5, loss 0.
    pub score: f64,
    /// How often the result counts; 1 in the paper, above 0.
    pub weight: f64,
}

/// The rating after one period with these games: steps 2 to 8 of the paper. Without games only the deviation
/// grows (the note after step 8). [`crate::System::update`] runs the same code with one match as the period.
///
/// The rating must be finite. O(games).
#[must_use]
pub fn period_update(settings: &Glicko2Settings, own: Rating, games: &[Game]) -> Rating {
    let mut evidence = Evidence::default();
    for game in games {
        let lead = (settings.mean_of(own) - settings.mean_of(game.opponent)) / POINTS;
        let deviation = settings.deviation_of(game.opponent) / POINTS;
        evidence.add(lead, attenuation(deviation * deviation), game.score, game.weight);
    }
    evidence.applied(settings, own, 1.0)
}

/// What a period's games say about one side, in sums over its opponents, on the Glicko-2 scale.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// The inverse of `v` (step 3).
    information: f64,
    /// `Delta / v` (step 4): positive when more was won than expected.
    surprise: f64,
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

    /// Steps 5 to 8. `slope` is how far the side's strength moves when the player's mean moves by one: 1 for a
    /// player alone, `1/n` in a team of `n`.
    pub(crate) fn applied(&self, settings: &Glicko2Settings, own: Rating, slope: f64) -> Rating {
        let (information, surprise) = (slope * slope * self.information, slope * self.surprise);
        let deviation = settings.deviation_of(own) / POINTS;
        let (variance, before) = (deviation * deviation, settings.volatility_of(own));
        let volatility = if information > 0.0 {
            volatility::updated(before, variance, information, surprise, settings.tau)
        } else {
            before
        };
        let after = 1.0 / (1.0 / (variance + volatility * volatility) + information);
        Rating {
            mean: own.mean + POINTS * after * surprise,
            deviation: settings.in_range(POINTS * libm::sqrt(after)),
            volatility,
        }
    }
}
