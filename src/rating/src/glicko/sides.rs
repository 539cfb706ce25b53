use super::GlickoSettings;
use crate::field::{self, Composite, Evidence, Seen, attenuation};
use crate::numeric::logistic;
use crate::{Change, Entrant, Game, Rating, Scratch};
use gsm_core::Probability;

const POINTS: f64 = GlickoSettings::POINTS;

/// A side as one player, in natural units; an empty one plays like a newcomer.
fn composite(settings: &GlickoSettings, players: impl Iterator<Item = (Rating, f64)>) -> Composite {
    let natural = players.map(|(rating, share)| {
        (settings.mean_of(rating) / POINTS, settings.deviation_of(rating) / POINTS, share)
    });
    Composite::of(natural).unwrap_or_else(|| {
        let deviation = settings.deviation / POINTS;
        Composite { mean: 0.0, variance: deviation * deviation }
    })
}

/// See [`crate::System::expected_pair`]: the paper's section "Predicting", `E` with both variances in `g`.
pub(crate) fn expected_pair(
    settings: &GlickoSettings,
    a: &[Rating],
    b: &[Rating],
    advantage: f64,
) -> Probability {
    let of = |side: &[Rating]| composite(settings, side.iter().map(|player| (*player, 1.0)));
    let (a, b) = (of(a), of(b));
    let lead = a.mean - b.mean + advantage / POINTS;
    Probability::saturating(logistic(attenuation(a.variance + b.variance) * lead))
}

/// See [`crate::System::update_into`]; the shape has been checked. O(sides² + players).
pub(crate) fn update(
    settings: &GlickoSettings,
    game: &Game<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Change>,
) {
    let seen = &mut scratch.seen;
    seen.clear();
    seen.extend(game.sides.iter().map(|side| {
        let of = composite(settings, side.players.iter().map(|p| (p.rating, p.share)));
        Seen { place: side.place, mean: of.mean, attenuation: attenuation(of.variance) }
    }));
    if let Some(home) = game.home.and_then(|home| seen.get_mut(home)) {
        home.mean += settings.home_advantage / POINTS;
    }
    field::rate(game, seen, settings.field_exponent, out, |evidence, player| {
        applied(settings, evidence, player)
    });
}

/// Step 2.
fn applied(settings: &GlickoSettings, evidence: &Evidence, player: &Entrant) -> Rating {
    let deviation = settings.deviation_of(player.rating) / POINTS;
    let after = 1.0 / (1.0 / (deviation * deviation) + evidence.information);
    Rating {
        mean: player.rating.mean + POINTS * after * evidence.surprise,
        deviation: settings.in_range(POINTS * after.sqrt()),
        volatility: player.rating.volatility,
    }
}
