//! The normal distribution, and what knowing a result does to a normally distributed difference.
use crate::exp::exp;

/// Below this the closed forms lose digits, and then divide nothing by nothing.
const TAIL: f64 = -30.0;
/// A margin so narrow that a draw is equality: what it leaves out is its square.
const NARROW: f64 = 1e-5;

/// The density of the standard normal distribution at 0: `1 / sqrt(2 pi)`.
const PEAK: f64 = 0.398_942_280_401_432_7;

/// Density of the standard normal distribution.
#[inline]
fn density(x: f64) -> f64 {
    PEAK * exp(-0.5 * x * x)
}

/// `(1 + z)` times the chance of more than `z`, per density there, for `z` of 0 and more: a polynomial in
/// `(z - 4) / (z + 4)`, lowest power first, with a relative error of `6e-15`.
///
/// The form is that of M. Shepherd and J. Laframboise, "Chebyshev approximation of (1+2x)exp(x²)erfc x in 0≤x<∞"
/// (Mathematics of Computation 36, 1981); the numbers are our own, by interpolation at Chebyshev's points in 50 digits.
const BEYOND: [f64; 21] = [
    1.183_261_914_567_803_4,
    -0.242_399_670_521_905_23,
    0.035_091_880_234_832_47,
    0.071_690_481_208_579_25,
    -0.080_708_009_685_247_72,
    0.044_959_128_921_242_42,
    -0.012_539_103_486_153_766,
    -0.000_715_949_333_998_205_1,
    0.001_741_847_436_515_522_9,
    -0.000_236_710_548_881_788_38,
    -0.000_220_208_232_184_923_28,
    5.329_688_526_565_605e-5,
    3.413_447_567_660_155e-5,
    -8.671_079_782_156_998e-6,
    -6.502_493_148_255_170_5e-6,
    1.110_704_963_128_444_8e-6,
    1.322_988_934_261_421_6e-6,
    -8.528_916_455_372_487e-8,
    -2.305_312_713_996_658e-7,
    3.959_283_152_901_258_3e-10,
    2.338_199_755_615_768e-8,
];

/// The chance that a standard normal variable is above `z`, which is 0 or more, per density at `z`.
#[inline]
fn beyond(z: f64) -> f64 {
    let inverse = 1.0 / ((z + 4.0) * (1.0 + z));
    let t = (z - 4.0) * (1.0 + z) * inverse;
    // By parts rather than power by power: they do not wait for each other.
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v] = BEYOND;
    let (t2, t4) = (t * t, (t * t) * (t * t));
    let (t8, t16) = (t4 * t4, (t4 * t4) * (t4 * t4));
    let four = |a, b, c, d| (a + b * t) + t2 * (c + d * t);
    let low = four(a, b, c, d) + t4 * four(e, f, g, h);
    let middle = four(i, j, k, l) + t4 * four(m, n, o, p);
    let high = four(q, r, s, u) + t4 * v;
    (low + t8 * middle + t16 * high) * ((z + 4.0) * inverse)
}

/// The density at `x`, and the chance that a standard normal variable is below it. No branch depends on the number.
#[inline]
fn density_and_below(x: f64) -> (f64, f64) {
    let density = density(x);
    let tail = density * beyond(x.abs());
    let (whole, sign) = if x < 0.0 { (0.0, 1.0) } else { (1.0, -1.0) };
    (density, whole + sign * tail)
}

/// The chance that a standard normal variable is below `x`, with a relative error of `3e-13` down to `x` of -37; beyond,
/// it is hardly above 0.
#[inline]
pub(crate) fn below(x: f64) -> f64 {
    density_and_below(x).1
}

/// The inverse of [`below`] for `0.5..1.0`; 0 for less, and 8 where `p` is too near 1 to tell.
///
/// Source of the first guess: Abramowitz and Stegun, 26.2.23 (to `4.5e-4`); each Newton step doubles the digits.
pub(crate) fn quantile(p: f64) -> f64 {
    let tail = 1.0 - p;
    if !(tail < 0.5 && tail > 1e-15) {
        return if p > 0.5 { 8.0 } else { 0.0 };
    }
    let t = (-2.0 * libm::log(tail)).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = t - above / under;
    for _ in 0..3 {
        let (density, below) = density_and_below(-x);
        x += (below - tail) / density;
    }
    x.max(0.0)
}

/// By how much the mean of a standard normal variable that is known to be above `z` is above `z`, for `z` of 30 and more:
/// Laplace's continued fraction of Mills' ratio (Abramowitz and Stegun, 26.2.14), as far as it is right to `1e-12`. Of
/// positive terms alone: no digit is lost, however far out.
fn excess(z: f64) -> f64 {
    1.0 / (z + 2.0 / (z + 3.0 / (z + 4.0 / (z + 5.0 / z))))
}

/// How a result moves a difference that was standard normal before it (`V` and `W` of TrueSkill and of Weng-Lin).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moved {
    /// Its mean after the result.
    pub(crate) mean: f64,
    /// By how much its variance shrinks, `0.0..=1.0`.
    pub(crate) shrink: f64,
}

/// After learning that `lead`, plus a standard normal, is above 0.
#[inline]
pub(crate) fn won(lead: f64) -> Moved {
    let (mean, shrink) = if lead < TAIL {
        let beyond = excess(-lead);
        let mean = -lead + beyond;
        (mean, mean * beyond)
    } else {
        let (density, below) = density_and_below(lead);
        let mean = density / below;
        (mean, mean * (mean + lead))
    };
    Moved { mean, shrink: shrink.clamp(0.0, 1.0) }
}

/// After learning that `lead`, plus a standard normal, is within `margin` of 0 (`margin >= 0`).
#[inline]
pub(crate) fn drawn(lead: f64, margin: f64) -> Moved {
    let (near, far) = (margin - lead.abs(), -margin - lead.abs());
    let (mean, shrink) = if margin < NARROW {
        (-lead.abs(), 1.0)
    } else if near < TAIL {
        // What is beyond the near edge, less what is beyond the far one, both per density at the near edge.
        let (edge, width) = (-near, 2.0 * margin);
        let falls = libm::exp(-width * (edge + margin));
        let (past_near, past_far) = (excess(edge), excess(edge + width));
        let (all, cut) = (1.0 / (edge + past_near), falls / (edge + width + past_far));
        let inside = all - cut;
        let beyond = (past_near * all - (past_far + width) * cut) / inside;
        (near - beyond, beyond * (edge + beyond) + width * falls / inside)
    } else {
        let ((at_near, below_near), (at_far, below_far)) = (density_and_below(near), density_and_below(far));
        let inside = below_near - below_far;
        let mean = (at_far - at_near) / inside;
        (mean, mean * mean + (near * at_near - far * at_far) / inside)
    };
    Moved { mean: if lead < 0.0 { -mean } else { mean }, shrink: shrink.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64, tolerance: f64) {
        assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{found} is not {wanted}");
    }

    /// Mean and variance of a truncated standard normal, by Simpson's rule: the slow twin.
    fn integrated(from: f64, to: f64) -> (f64, f64) {
        let n = 200_000;
        let step = (to - from) / f64::from(n);
        // Scaled by the largest density, so that tails do not underflow.
        let peak = if from > 0.0 {
            from
        } else if to < 0.0 {
            to
        } else {
            0.0
        };
        let mut sums = [0.0; 3];
        for i in 0..=n {
            let x = from + step * f64::from(i);
            let weight = if i == 0 || i == n { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
            let density = weight * libm::exp(0.5 * (peak * peak - x * x));
            sums[0] += density;
            sums[1] += density * x;
            sums[2] += density * x * x;
        }
        let mean = sums[1] / sums[0];
        (mean, sums[2] / sums[0] - mean * mean)
    }

    #[test]
    fn a_win_truncates_the_difference() {
        for lead in [-60.0, -31.0, -29.0, -12.0, -5.0, -1.0, 0.0, 0.7, 4.0, 9.0] {
            let (mean, variance) = integrated(-lead, (-lead).max(0.0) + 12.0);
            let found = won(lead);
            close(found.mean, mean, 1e-10);
            close(found.shrink, 1.0 - variance, 1e-8);
        }
    }
    #[test]
    fn a_draw_truncates_it_on_both_sides() {
        for lead in [-50.0, -8.0, -1.0, 0.0, 0.3, 5.0, 29.0, 33.0, 80.0] {
            for margin in [0.001, 0.1, 0.7, 3.0] {
                let (mean, variance) = integrated(-margin - lead, margin - lead);
                let found = drawn(lead, margin);
                close(found.mean, mean, 1e-9);
                close(found.shrink, 1.0 - variance, 1e-7);
            }
        }
    }
    #[test]
    fn a_draw_without_margin_is_equality() {
        assert_eq!(drawn(2.0, 0.0), Moved { mean: -2.0, shrink: 1.0 });
        close(drawn(2.0, 1.01e-5).mean, -2.0, 1e-9);
        close(drawn(2.0, 1.01e-5).shrink, 1.0, 1e-5);
    }
    #[test]
    fn chances_are_those_of_the_slow_twin() {
        for nth in -37_000..10_000 {
            let x = f64::from(nth) / 1_000.0;
            let wanted = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            assert!((below(x) - wanted).abs() <= 3e-13 * wanted, "{x}: {:e} is not {wanted:e}", below(x));
        }
        close(below(0.0), 0.5, 1e-14);
        close(below(-0.0), 0.5, 1e-14);
        assert_eq!(below(40.0), 1.0);
    }
    #[test]
    fn quantiles_invert_the_distribution() {
        for x in [1e-6, 0.1, 0.125_661_3, 1.0, 2.5, 4.0] {
            close(quantile(below(x)), x, 1e-9);
        }
        // Abramowitz and Stegun, table 26.6.
        close(quantile(0.975), 1.959_963_984_540_054, 1e-12);
        assert_eq!((quantile(0.5), quantile(0.2), quantile(1.0)), (0.0, 0.0, 8.0));
    }
    #[test]
    fn whatever_comes_is_finite() {
        for lead in [-1e12, -1e3, -37.0, 0.0, 37.0, 1e3, 1e12] {
            for found in [won(lead), drawn(lead, 0.0), drawn(lead, 1e-6), drawn(lead, 0.1), drawn(lead, 1e3)]
            {
                assert!(found.mean.is_finite() && (0.0..=1.0).contains(&found.shrink), "{lead}: {found:?}");
            }
        }
    }
}
