use super::field;
use super::posterior::{Observed, Posterior};
use super::team::Team;
use super::{KalmanSettings, Learnt, Lesson, Margin, POINTS};
use crate::numeric::{logistic, score};
use crate::{Change, Entrant, Game, Offset, Rating, Scratch, Side};
use gsm_core::Probability;
use std::f64::consts::PI;

/// A margin beyond this, either way, counts as this.
const MARGIN_MAX: f64 = 1e6;
/// The least variance of a lead: sides of hardly any share.
const VARIANCE_MIN: f64 = 1e-12;

/// How much uncertainty pulls a lead towards even.
pub(super) fn flattening(variance: f64) -> f64 {
    1.0 / (1.0 + PI / 8.0 * variance).sqrt()
}

/// See [`crate::System::expected_pair`]; `home` is 1 when `a` is at home, -1 when `b` is, else 0.
pub(crate) fn expected_pair(
    settings: &KalmanSettings,
    learnt: &Learnt,
    a: &[Rating],
    b: &[Rating],
    home: f64,
) -> Probability {
    Probability::saturating(logistic(lead(settings, learnt, a, b, home).logit))
}

/// See [`crate::System::lead`].
pub(crate) fn lead(
    settings: &KalmanSettings,
    learnt: &Learnt,
    a: &[Rating],
    b: &[Rating],
    home: f64,
) -> crate::Lead {
    let (a, b) = (Team::of_ratings(settings, a), Team::of_ratings(settings, b));
    let Lead { mean, variance, .. } = Lead::of(learnt, &a, &b, home);
    crate::Lead { logit: learnt.sharpness() * mean * flattening(variance), variance }
}

/// What is believed about the difference of two sides.
struct Lead {
    mean: f64,
    variance: f64,
    newcomers: f64,
}

impl Lead {
    fn of(learnt: &Learnt, a: &Team, b: &Team, home: f64) -> Self {
        let newcomers = a.newcomers - b.newcomers;
        let (_, unsure_newcomers) = learnt.newcomers_natural();
        let (advantage, unsure_home) = learnt.home_natural();
        let variance =
            a.variance + b.variance + newcomers * newcomers * unsure_newcomers + home * home * unsure_home;
        Self { mean: a.mean - b.mean + home * advantage, variance: variance.max(VARIANCE_MIN), newcomers }
    }
}

/// See [`crate::System::update_into`]; the shape has been checked. Leaves what is to be learnt in `scratch`.
/// O(players) for two sides; for more, O(sides · min(sides, 64) + players).
pub(crate) fn update(
    settings: &KalmanSettings,
    learnt: &Learnt,
    game: &Game<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Change>,
) {
    if let [one, other] = game.sides {
        scratch.lesson = Some(two_sides(settings, learnt, [one, other], game.home, out));
    } else {
        scratch.lesson = Some(field::update(settings, learnt, game, scratch, out));
    }
}

fn two_sides(
    settings: &KalmanSettings,
    learnt: &Learnt,
    sides: [&Side<'_>; 2],
    home: Option<usize>,
    out: &mut Vec<Change>,
) -> Lesson {
    let [a, b] = sides.map(|side| Team::of(settings, side.place, side.players.iter()));
    let home = match home {
        Some(0) => 1.0,
        Some(1) => -1.0,
        _ => 0.0,
    };
    let lead = Lead::of(learnt, &a, &b, home);
    let margin = margin(settings.margin, sides).map(|margin| learnt.bounded(margin, lead.mean));
    let seen = margin
        .zip(learnt.margin())
        .map(|(margin, (slope, noise))| (margin / slope, slope * slope / (noise * settings.margin_noise)));
    let actual = score(a.place, b.place);
    let posterior = Posterior::of(lead.mean, lead.variance, Observed { score: actual, margin: seen });
    let flattened = lead.mean * flattening(lead.variance);
    let expected = logistic(flattened);
    for (side, team, sign, won) in [(sides[0], &a, 1.0, expected), (sides[1], &b, -1.0, 1.0 - expected)] {
        let lost = side.players.iter().any(|player| player.quit).then(|| {
            let score = if sign > 0.0 { 0.0 } else { 1.0 };
            Posterior::of(lead.mean, lead.variance, Observed { score, margin: None })
        });
        for player in side.players {
            let posterior = lost.filter(|_| player.quit).unwrap_or(posterior);
            let gained = if player.quit {
                0.0
            } else if sign > 0.0 {
                actual
            } else {
                1.0 - actual
            };
            let step = Step { shift: sign * posterior.shift, loss: posterior.loss };
            out.push(moved(settings, learnt, player, team.scale, step, won, gained));
        }
    }
    Lesson {
        shift: posterior.shift,
        loss: posterior.loss,
        newcomers: lead.newcomers,
        home,
        lead: lead.mean,
        flattened,
        score: actual,
        margin,
        field: None,
    }
}

/// What a match says about a side: its shift per unit of variance, its loss of variance per unit squared.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) shift: f64,
    pub(super) loss: f64,
}

/// One player's part of what a match says about the side.
pub(super) fn moved(
    settings: &KalmanSettings,
    learnt: &Learnt,
    player: &Entrant,
    scale: f64,
    step: Step,
    expected: f64,
    actual: f64,
) -> Change {
    let weight = scale * player.share;
    let (newcomers, _) = learnt.newcomers_natural();
    let variance = settings.variance_of(player.rating);
    let prior = KalmanSettings::prior_of(player.rating);
    let left = (1.0 - weight * weight * variance * step.loss).max(0.0);
    // What newcomers lack fades as they stop being newcomers: part of it was never a belief about the player.
    let faded = settings.newcomer_fade * (1.0 - left) * prior * newcomers;
    let shift = weight * variance * step.shift - faded;
    let after = Rating {
        mean: player.rating.mean + POINTS * shift,
        deviation: settings.deviation_from(variance * left),
        volatility: -(prior * left),
    };
    let mut change = Change::of(player, after, expected, actual);
    change.offset = player.offset.filter(|_| player.is_present()).map(|offset| {
        let (mean, variance) = offset.natural();
        let left = (1.0 - weight * weight * variance * step.loss).max(0.0);
        Offset::from_natural(mean + weight * variance * step.shift, variance * left)
    });
    change
}

/// The margin of the first side over the second.
fn margin(kind: Margin, sides: [&Side<'_>; 2]) -> Option<f64> {
    let [Some(a), Some(b)] = sides.map(|side| side.score) else { return None };
    let margin = match kind {
        Margin::Ignored => return None,
        Margin::Scaled => (a - b) / (a + b + 1.0).abs().max(1.0).sqrt(),
        Margin::Ratio => libm::log((a.max(0.0) + 0.5) / (b.max(0.0) + 0.5)),
        Margin::Difference => a - b,
        Margin::Share => (a - b) / (a.abs() + b.abs() + 1.0),
    };
    Some(margin.clamp(-MARGIN_MAX, MARGIN_MAX))
}
