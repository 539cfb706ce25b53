use crate::numeric::logistic;

/// More steps than ever needed: near the mode each multiplies the digits that are right, far from it each halves the interval.
pub(super) const STEPS_MAX: usize = 64;

/// A step of less, in natural units, is the last: it errs by less than `1e-11`.
const NEAR: f64 = 1e-4;

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
    ///
    /// The mode by Halley's steps, which cost no more than Newton's and are one fewer: the exponential function is all the
    /// work, and its derivatives are known with it.
    pub(super) fn of(mean: f64, variance: f64, observed: Observed) -> Self {
        let (target, precision) = observed.margin.unwrap_or((mean, 0.0));
        let (mut low, mut high) = (mean.min(target) - variance, mean.max(target) + variance);
        let own = 1.0 / variance;
        let mut x = mean;
        for _ in 0..STEPS_MAX {
            let e = logistic(x);
            let bend = e * (1.0 - e);
            let slope = (mean - x) * own + (observed.score - e) + precision * (target - x);
            let fall = own + bend + precision;
            if slope > 0.0 {
                low = x
            } else {
                high = x
            }
            let skew = bend * (1.0 - 2.0 * e);
            let step = 2.0 * slope * fall / (2.0 * fall * fall + slope * skew);
            if step.abs() < NEAR {
                // The curvature at the mode, by its series from here.
                let curvature = bend + step * (skew + 0.5 * step * bend * (1.0 - 6.0 * bend));
                return Self::at(x + step, curvature, (mean, own, variance), precision);
            }
            let next = x + step;
            x = if next > low && next < high { next } else { 0.5 * (low + high) };
        }
        let e = logistic(x);
        Self::at(x, e * (1.0 - e), (mean, own, variance), precision)
    }

    /// With its mode at `x`, where the logistic function curves so much.
    fn at(x: f64, curvature: f64, (mean, own, variance): (f64, f64, f64), precision: f64) -> Self {
        let information = curvature + precision;
        Self { shift: (x - mean) * own, loss: information / (1.0 + information * variance) }
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
        let e = logistic(low);
        let information = e * (1.0 - e) + observed.margin.map_or(0.0, |(_, precision)| precision);
        let loss = information / (1.0 + information * variance);
        assert!((found.loss - loss).abs() < 1e-11 * loss + 1e-15, "{found:?} {loss}");
    }

    #[test]
    fn the_mode_is_where_the_slope_is_zero() {
        for mean in [-34.0, -8.0, -1.0, 0.0, 0.3, 2.0, 6.0, 20.0] {
            for variance in [1e-4, 0.1, 1.0, 30.0, 1e3] {
                for score in [0.0, 0.5, 1.0] {
                    check(mean, variance, Observed { score, margin: None });
                    check(mean, variance, Observed { score, margin: Some((2.5, 0.7)) });
                }
            }
        }
    }
}
