//! Margins of victory: what is usual, and how they follow the logit.
use crate::meeting::Outcome;
use serde::{Deserialize, Serialize};

/// How fast what is usual follows.
const RATE: f64 = 1e-3;
/// Margins say nothing before so many were seen.
const SEEN_MIN: f64 = 30.0;

/// What margins have been.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Margins {
    /// The mean square of margins that are scaled by the points made.
    scaled_square: f64,
    /// Sums over margins as they are: times logit, and logits squared.
    margin_logit: f64,
    logit_squared: f64,
    squares: f64,
    seen: f64,
}

impl Margins {
    pub(crate) const fn new() -> Self {
        Self { scaled_square: 1.0, margin_logit: 0.0, logit_squared: 1.0, squares: 0.0, seen: 0.0 }
    }

    /// Whether the sums are such.
    pub(crate) fn makes_sense(&self) -> bool {
        let positive = [self.scaled_square, self.logit_squared];
        let never_less = [self.squares, self.seen];
        self.margin_logit.is_finite()
            && positive.iter().all(|sum| sum.is_finite() && *sum > 0.0)
            && never_less.iter().all(|sum| sum.is_finite() && *sum >= 0.0)
    }

    /// A margin in usual ones: `(a - b) / sqrt(a + b + 1)` over what that was; without scores, 1 for a win.
    pub(crate) fn scaled(&self, outcome: &Outcome) -> f64 {
        match (outcome.scores, outcome.margin()) {
            ([Some(a), Some(b)], Some(margin)) => self.in_usual_ones(by_points(a, b, margin)),
            _ => 2.0 * outcome.score() - 1.0,
        }
    }

    fn in_usual_ones(&self, scaled: f64) -> f64 {
        (scaled / self.scaled_square.max(1e-12).sqrt()).clamp(-USUAL_MAX, USUAL_MAX)
    }

    /// Learns from a match and answers [`Margins::scaled`], the match included in what is usual.
    pub(crate) fn learn(&mut self, logit: f64, outcome: &Outcome) -> f64 {
        if let ([Some(a), Some(b)], Some(margin)) = (outcome.scores, outcome.margin()) {
            let most = if self.seen < SEEN_MIN { MARGIN_MAX } else { USUAL_MAX * self.usual().max(1.0) };
            let bounded = margin.max(-most).min(most);
            self.margin_logit += bounded * logit;
            self.logit_squared += logit * logit;
            self.squares += bounded * bounded;
            self.seen += 1.0;
            let scaled = self.in_usual_ones(by_points(a, b, margin)) * self.scaled_square.sqrt();
            self.scaled_square += RATE * (scaled * scaled - self.scaled_square);
        }
        self.scaled(outcome)
    }

    /// Whether enough scores were seen.
    pub(crate) fn are_known(&self) -> bool {
        self.seen >= SEEN_MIN
    }

    /// The margin expected of a logit; none where scores are unknown.
    pub(crate) fn expected(&self, logit: f64) -> Option<f64> {
        self.are_known().then(|| self.margin_logit / self.logit_squared * logit)
    }

    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.squares = f64::NAN;
    }

    /// The root mean square of margins.
    pub(crate) fn usual(&self) -> f64 {
        (self.squares / self.seen.max(1.0)).sqrt()
    }
}

/// A margin, smaller where many points were made.
fn by_points(a: f64, b: f64, margin: f64) -> f64 {
    margin.clamp(-MARGIN_MAX, MARGIN_MAX) / (a.abs() + b.abs() + 1.0).sqrt()
}

/// Margins beyond count as this.
const MARGIN_MAX: f64 = 1e6;
/// So many usual margins are as much as any.
const USUAL_MAX: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(a: f64, b: f64) -> Outcome {
        Outcome { places: [1, 2], scores: [Some(a), Some(b)] }
    }

    #[test]
    fn margins_follow_the_logit() {
        let mut margins = Margins::new();
        for n in 0..SEEN_MIN as u32 {
            assert_eq!(margins.expected(1.0), None, "{n}");
            let logit = f64::from(n % 3) - 1.0;
            margins.learn(logit, &outcome(2.0 * logit + 5.0, 5.0 - 2.0 * logit));
        }
        // Margin is 4 logits; the sum of squares has one more.
        let expected = margins.expected(0.5).unwrap();
        assert!((expected - 4.0 * 20.0 / 21.0 * 0.5).abs() < 1e-12);
        assert_eq!(margins.expected(-0.5), Some(-expected));
        assert!((margins.usual() - (16.0_f64 * 20.0 / 30.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn one_wild_score_is_no_wilder_than_ten_usual_ones() {
        let mut margins = Margins::new();
        for n in 0..2_000_u32 {
            let logit = f64::from(n % 3) - 1.0;
            margins.learn(logit, &outcome(2.0 * logit + 5.0, 5.0 - 2.0 * logit));
        }
        let (expected, usual) = (margins.expected(1.0).unwrap(), margins.usual());
        let scaled = margins.scaled(&outcome(7.0, 3.0));
        assert_eq!(margins.learn(-1.0, &outcome(1e9, 0.0)), USUAL_MAX);
        assert!((margins.expected(1.0).unwrap() / expected - 1.0).abs() < 0.02);
        assert!((margins.usual() / usual - 1.0).abs() < 0.03);
        assert!((margins.scaled(&outcome(7.0, 3.0)) / scaled - 1.0).abs() < 0.06);
    }

    #[test]
    fn margins_that_were_none_may_come() {
        let mut margins = Margins::new();
        for (a, b) in [(3.0, 3.0), (300.0, 200.0)] {
            for _ in 0..1_000 {
                margins.learn(0.1, &outcome(a, b));
            }
        }
        assert!(margins.usual() > 50.0, "{}", margins.usual());
    }

    #[test]
    fn without_scores_a_win_is_a_margin_of_one() {
        let mut margins = Margins::new();
        assert_eq!(margins.learn(0.3, &Outcome::places(2, 1)), -1.0);
        assert_eq!(margins.learn(0.3, &Outcome::places(1, 1)), 0.0);
        assert!(margins.learn(0.0, &outcome(f64::MAX, -f64::MAX)).is_finite());
    }
}
