use crate::numeric::logistic;

/// More steps than ever needed: near the mode each squares the error, far from it each halves the interval.
const STEPS_MAX: usize = 64;

/// The zero of `slope`, which falls all the way from `low` to `high`, begun at `x`: Newton's steps, and halves of the
/// interval where such a step would leave it. `slope` answers its value and how fast it falls (above 0). A step below
/// `near` is the last.
pub(super) fn zero(
    mut x: f64,
    mut low: f64,
    mut high: f64,
    near: f64,
    mut slope: impl FnMut(f64) -> (f64, f64),
) -> f64 {
    for _ in 0..STEPS_MAX {
        let (value, fall) = slope(x);
        if value > 0.0 {
            low = x
        } else {
            high = x
        }
        let step = value / fall;
        let next = x + step;
        if step.abs() < near {
            return next;
        }
        x = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    x
}

/// Near enough, in natural units.
const NEAR: f64 = 1e-10;

/// What is observed of a lead besides its prior.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    /// Win 1, tie 0.5, loss 0.
    pub(super) score: f64,
    /// A second, Gaussian observation of the lead: its value and precision.
    pub(super) margin: Option<(f64, f64)>,
}

/// The posterior of a lead, as a Kalman filter wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Posterior {
    /// Shift of the mode per unit of prior variance.
    pub(super) shift: f64,
    /// Variance that is lost, per unit squared.
    pub(super) loss: f64,
}

impl Posterior {
    /// Of a lead believed to be normal with `mean` and `variance` (above 0).
    pub(super) fn of(mean: f64, variance: f64, observed: Observed) -> Self {
        let (target, precision) = observed.margin.unwrap_or((mean, 0.0));
        let (low, high) = (mean.min(target) - variance, mean.max(target) + variance);
        let x = zero(mean, low, high, NEAR, |x| {
            let e = logistic(x);
            let slope = (mean - x) / variance + (observed.score - e) + precision * (target - x);
            (slope, 1.0 / variance + e * (1.0 - e) + precision)
        });
        let e = logistic(x);
        let information = e * (1.0 - e) + precision;
        Self { shift: (x - mean) / variance, loss: information / (1.0 + information * variance) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mean: f64, variance: f64, observed: Observed) {
        let found = Posterior::of(mean, variance, observed);
        // The slow twin: the mode by bisection of the log posterior's slope, which falls with x.
        let (target, precision) = observed.margin.unwrap_or((0.0, 0.0));
        let slope = |x: f64| (mean - x) / variance + observed.score - logistic(x) + precision * (target - x);
        let (mut low, mut high) = (mean - 1e3, mean + 1e3);
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            if slope(middle) > 0.0 { low = middle } else { high = middle }
        }
        assert!((found.shift * variance - (low - mean)).abs() < 1e-8, "{found:?} {low}");
        assert!(found.loss > 0.0 && found.loss * variance < 1.0);
    }

    #[test]
    fn the_mode_is_where_the_slope_is_zero() {
        for mean in [-8.0, -1.0, 0.0, 0.3, 6.0] {
            for variance in [1e-4, 0.1, 1.0, 30.0] {
                for score in [0.0, 0.5, 1.0] {
                    check(mean, variance, Observed { score, margin: None });
                    check(mean, variance, Observed { score, margin: Some((2.5, 0.7)) });
                }
            }
        }
    }
}
