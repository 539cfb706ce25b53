use super::{KalmanSettings, POINTS};
use crate::Rating;
use gsm_core::Probability;
use serde::{Deserialize, Serialize};

/// The sharpness of predictions before any is learnt, and how unsure it is.
const SHARPNESS: (f64, f64) = (1.0, 0.02);
/// How much the certainty about sharpness and home advantage is forgotten in a match.
const FORGOTTEN: f64 = 1e-7;
/// Margins say nothing before so many were seen, or when they hardly follow the skills.
const MARGINS_MIN: f64 = 200.0;
const SLOPE_MIN: f64 = 1e-3;
/// A margin counts as at most so many usual distances away from the one expected: more is no better evidence, only a
/// wilder score.
const DISTANCES_MAX: f64 = 6.0;
/// Nothing learnt is held for surer than this.
const VARIANCE_MIN: f64 = 1e-6;

/// What the Kalman system has learnt from all matches of a mode, beside its players' ratings. A few numbers in
/// natural units, moved by every match; whoever rates a match names the state that counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learnt {
    newcomers: Belief,
    home: Belief,
    sharpness: Belief,
    /// Sums over the margins seen: margin times lead, lead squared, residual squared, their number.
    margin_lead: f64,
    lead_squared: f64,
    residual_squared: f64,
    margins: f64,
    /// Draws, and the sum of `4 p (1 - p)` over all matches of two sides.
    draws: f64,
    evenness: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Belief {
    mean: f64,
    variance: f64,
}

impl Belief {
    /// One scalar Kalman step for a number that enters the lead with factor `factor`: the lead moved by `shift`
    /// per unit of variance, and lost `loss` of it per unit squared.
    fn moved(&mut self, factor: f64, shift: f64, loss: f64, wander: f64) {
        let gain = factor * self.variance;
        self.mean += gain * shift;
        self.variance = (self.variance - gain * gain * loss).max(VARIANCE_MIN.min(self.variance)) + wander;
    }
}

/// What one match says about [`Learnt`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lesson {
    /// The shift of the lead per unit of variance, and the loss of variance per unit squared.
    pub(crate) shift: f64,
    pub(crate) loss: f64,
    /// The factors with which newcomers and the home side entered the lead.
    pub(crate) newcomers: f64,
    pub(crate) home: f64,
    /// The lead before the match; what came, win 1 to loss 0.
    pub(crate) lead: f64,
    /// The lead as predicted: flattened by the uncertainty. 0 where nothing is to be learnt from it.
    pub(crate) flattened: f64,
    pub(crate) score: f64,
    pub(crate) margin: Option<f64>,
    /// Instead, from a free-for-all: the newcomers' gradient and information.
    pub(crate) field: Option<(f64, f64)>,
}

impl Learnt {
    /// Before the first match.
    #[must_use]
    pub fn new(settings: &KalmanSettings) -> Self {
        let squared = |points: f64| (points / POINTS) * (points / POINTS);
        Self {
            newcomers: Belief { mean: 0.0, variance: squared(settings.newcomer_deviation) },
            home: Belief {
                mean: settings.home_advantage / POINTS,
                variance: squared(settings.home_deviation),
            },
            sharpness: Belief { mean: SHARPNESS.0, variance: SHARPNESS.1 },
            margin_lead: 1.0,
            lead_squared: 1.0,
            residual_squared: 1.0,
            margins: 1.0,
            draws: 0.0,
            evenness: 1.0,
        }
    }

    /// Whether all of it is finite, and what must be positive is.
    #[must_use]
    pub fn makes_sense(&self) -> bool {
        let beliefs = [self.newcomers, self.home, self.sharpness];
        let sums = [self.lead_squared, self.residual_squared, self.margins, self.evenness];
        beliefs.iter().all(|of| of.mean.is_finite() && of.variance.is_finite() && of.variance >= 0.0)
            && self.margin_lead.is_finite()
            && self.draws >= 0.0
            && self.draws.is_finite()
            && sums.iter().all(|sum| sum.is_finite() && *sum > 0.0)
    }

    /// Where newcomers stand, in points from the setting `mean`.
    #[must_use]
    pub const fn newcomers(&self) -> f64 {
        self.newcomers.mean * POINTS
    }

    /// A rating whose mean leaves out what newcomers lack, with it: in the share that is still prior.
    #[must_use]
    #[inline]
    pub fn placed(&self, rating: Rating) -> Rating {
        Rating { mean: rating.mean + KalmanSettings::prior_of(rating) * self.newcomers(), ..rating }
    }

    /// The inverse of [`Learnt::placed`].
    #[must_use]
    #[inline]
    pub fn unplaced(&self, rating: Rating) -> Rating {
        Rating { mean: rating.mean - KalmanSettings::prior_of(rating) * self.newcomers(), ..rating }
    }

    /// The chance of a draw in a match of two sides with this expected score: the share of draws seen, most between
    /// equals, `c 4 p (1 - p)`.
    #[must_use]
    pub fn draw(&self, expected: Probability) -> Option<Probability> {
        let even = 4.0 * expected.get() * (1.0 - expected.get());
        (self.draws > 0.0).then(|| Probability::saturating(self.draws / self.evenness * even))
    }

    /// The home advantage, in points.
    #[must_use]
    pub fn home_advantage(&self) -> f64 {
        self.home.mean * POINTS
    }

    pub(super) fn newcomers_natural(&self) -> (f64, f64) {
        (self.newcomers.mean, self.newcomers.variance)
    }

    pub(super) fn home_natural(&self) -> (f64, f64) {
        (self.home.mean, self.home.variance)
    }

    pub(super) fn sharpness(&self) -> f64 {
        self.sharpness.mean
    }

    /// The margin expected per unit of lead, and the variance around it; none while margins say nothing.
    pub(super) fn margin(&self) -> Option<(f64, f64)> {
        let slope = self.margin_lead / self.lead_squared;
        let noise = self.residual_squared / self.margins;
        (self.margins > MARGINS_MIN && slope > SLOPE_MIN && noise > 0.0).then_some((slope, noise))
    }

    /// A margin as it counts between sides of this lead.
    pub(super) fn bounded(&self, margin: f64, lead: f64) -> f64 {
        let expected = self.margin_lead / self.lead_squared * lead;
        let most = DISTANCES_MAX * (self.residual_squared / self.margins).sqrt();
        margin.min(expected + most).max(expected - most)
    }

    /// Learns from a match.
    pub(crate) fn learn(&mut self, settings: &KalmanSettings, lesson: &Lesson) {
        let wander = settings.newcomer_wander / POINTS;
        let wander = wander * wander;
        if let Some((gradient, information)) = lesson.field {
            if self.newcomers.variance > 0.0 {
                self.newcomers.variance = 1.0 / (1.0 / self.newcomers.variance + information);
                self.newcomers.mean += self.newcomers.variance * gradient;
                self.newcomers.variance += 10.0 * wander;
            }
            return;
        }
        if self.newcomers.variance > 0.0 {
            self.newcomers.moved(lesson.newcomers, lesson.shift, lesson.loss, wander);
        }
        if lesson.home != 0.0 && self.home.variance > 0.0 {
            self.home.moved(lesson.home, lesson.shift, lesson.loss, FORGOTTEN);
        }
        let expected = crate::numeric::logistic(self.sharpness.mean * lesson.flattened);
        self.evenness += 4.0 * expected * (1.0 - expected);
        self.draws += if lesson.score == 0.5 { 1.0 } else { 0.0 };
        let information = expected * (1.0 - expected) * lesson.flattened * lesson.flattened;
        self.sharpness.variance /= 1.0 + self.sharpness.variance * information;
        self.sharpness.mean += self.sharpness.variance * lesson.flattened * (lesson.score - expected);
        self.sharpness.mean = self.sharpness.mean.clamp(0.1, 3.0);
        self.sharpness.variance += FORGOTTEN;
        if let Some(margin) = lesson.margin {
            let residual = margin - self.margin_lead / self.lead_squared * lesson.lead;
            self.margin_lead += margin * lesson.lead;
            self.lead_squared += lesson.lead * lesson.lead;
            self.residual_squared += residual * residual;
            self.margins += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_margin_says_no_more_than_six_usual_distances() {
        let settings = KalmanSettings::default();
        let lesson = |lead: f64, margin: f64| Lesson {
            shift: 0.0,
            loss: 0.0,
            newcomers: 0.0,
            home: 0.0,
            lead,
            flattened: 0.0,
            score: 1.0,
            margin: Some(margin),
            field: None,
        };
        let mut learnt = Learnt::new(&settings);
        for n in 0..1_000 {
            let lead = f64::from(n % 5) - 2.0;
            let noise = if n % 2 == 0 { 0.5 } else { -0.5 };
            learnt.learn(&settings, &lesson(lead, 3.0 * lead + noise));
        }
        let (slope, noise) = learnt.margin().unwrap();
        assert!((slope - 3.0).abs() < 0.01 && (noise.sqrt() - 0.5).abs() < 0.1, "{slope} {noise}");
        // A usual one is as it is.
        assert_eq!(learnt.bounded(3.9, 1.0), 3.9);
        let wild = learnt.bounded(1e6, 1.0);
        assert!((wild - (slope + DISTANCES_MAX * noise.sqrt())).abs() < 1e-9, "{wild}");
        assert!((learnt.bounded(-1e6, 1.0) - (slope - DISTANCES_MAX * noise.sqrt())).abs() < 1e-9);
        learnt.learn(&settings, &lesson(1.0, wild));
        let after = learnt.margin().unwrap();
        assert!((after.0 - slope).abs() < 0.01 && (after.1 / noise - 1.0).abs() < 0.05, "{after:?}");
    }
}
