use super::scale::{POINTS, UNITS};
use super::{Glicko2Settings, volatility};
use crate::Rating;
use crate::field::{Evidence, attenuation};
use crate::numeric::logistic;

/// One result within a rating period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodGame {
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
pub fn period_update(settings: &Glicko2Settings, own: Rating, games: &[PeriodGame]) -> Rating {
    let mut evidence = Evidence::default();
    for game in games {
        let lead = (settings.mean_of(own) - settings.mean_of(game.opponent)) * UNITS;
        let deviation = settings.deviation_of(game.opponent) * UNITS;
        let attenuation = attenuation(deviation * deviation);
        evidence.add(logistic(attenuation * lead), attenuation, game.score, game.weight);
    }
    applied(settings, &evidence, own)
}

/// Steps 5 to 8.
#[inline]
pub(super) fn applied(settings: &Glicko2Settings, evidence: &Evidence, own: Rating) -> Rating {
    let deviation = settings.deviation_of(own) * UNITS;
    let variance = deviation * deviation;
    let volatility = volatility::updated(settings.volatility_of(own), variance, evidence, settings.tau);
    let before = variance + volatility * volatility;
    let after = before / (1.0 + before * evidence.information);
    Rating {
        mean: own.mean + POINTS * after * evidence.surprise,
        deviation: settings.in_range(POINTS * after.sqrt()),
        volatility,
    }
}
