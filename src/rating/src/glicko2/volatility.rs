use super::{VOLATILITY_MAX, VOLATILITY_MIN};
use crate::exp::exp;
use crate::field::Evidence;

/// The first step goes by the curvature as well, so that hardly ten times its fourth power is left to do: after one no
/// larger than this, nothing that counts. At the usual `tau` of 0.5 and volatility of 0.06 no step is larger than 5e-4.
const SMALL: f64 = 2e-3;
/// The step of `ln(volatility²)` after which the next would change nothing: Newton's steps square their error.
const STILL: f64 = 1e-7;
/// Steps of the search at most.
const STEPS_MAX: usize = 100;
/// How far `ln(volatility²)` moves at most: from one end of the range of volatilities beyond the other.
const MOVE_MAX: f64 = 20.0;

/// The new volatility: the root of step 5 of the paper, clamped to its range.
///
/// The paper finds it by regula falsi; this is Halley's step and, where that is not enough, Newton's method, kept between
/// the points where the sign is known. The unknown is by how much `ln(volatility²)` moves. All on the Glicko-2 scale:
/// `variance` is the squared deviation; of the evidence, `information` is `1/v` and `surprise` is `Delta/v`.
#[inline]
pub(super) fn updated(volatility: f64, variance: f64, evidence: &Evidence, tau: f64) -> f64 {
    let root = Root {
        start: volatility * volatility,
        variance,
        information: evidence.information,
        surprise_squared: evidence.surprise * evidence.surprise,
        stiffness: 1.0 / (tau * tau),
    };
    let At { value, slope, curvature } = root.at(0.0, root.start);
    let first = -value * slope / (slope * slope - 0.5 * value * curvature);
    let moved = if first.abs() <= SMALL { first } else { root.searched(first) };
    (volatility * exp(0.5 * moved)).clamp(VOLATILITY_MIN, VOLATILITY_MAX)
}

/// The function of step 5, both sides of its fraction multiplied by `1/v²`.
struct Root {
    /// The squared volatility before.
    start: f64,
    variance: f64,
    information: f64,
    surprise_squared: f64,
    stiffness: f64,
}

/// The function with its first and second derivative.
struct At {
    value: f64,
    slope: f64,
    curvature: f64,
}

impl Root {
    /// Where `ln(volatility²)` has moved by `moved`, so that the squared volatility is `square`.
    #[inline]
    fn at(&self, moved: f64, square: f64) -> At {
        let whole = 1.0 + self.information * (self.variance + square);
        let inverse = 1.0 / whole;
        let part = square * self.information * inverse;
        let gap = self.surprise_squared - self.information * whole;
        let pull = 0.5 * square * gap * (inverse * inverse);
        let pull_slope = pull - part * (0.5 * part + 2.0 * pull);
        At {
            value: pull - moved * self.stiffness,
            slope: pull_slope - self.stiffness,
            curvature: pull_slope
                - part * ((1.0 - part) * (0.5 * part + 2.0 * pull))
                - part * (0.5 * part * (1.0 - part) + 2.0 * pull_slope),
        }
    }

    /// By how much it moves, searched from `first`.
    #[cold]
    fn searched(&self, first: f64) -> f64 {
        let (mut low, mut high) = (-MOVE_MAX, MOVE_MAX);
        let mut moved = if first > low && first < high { first } else { 0.0 };
        for _ in 0..STEPS_MAX {
            let At { value, slope, .. } = self.at(moved, self.start * exp(moved));
            if !value.is_finite() {
                return 0.0;
            }
            (low, high) = if value > 0.0 { (moved, high) } else { (low, moved) };
            let newton = moved - value / slope;
            if (newton - moved).abs() <= STILL {
                return newton;
            }
            moved = if low < newton && newton < high { newton } else { 0.5 * (low + high) };
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The function of step 5 as the paper writes it, halved until nothing moves: the slow twin. After the greatest
    /// surprises there are roots farther away too, where the volatility would have no end.
    fn bisected(volatility: f64, variance: f64, evidence: &Evidence, tau: f64) -> f64 {
        let a = libm::log(volatility * volatility);
        let v = 1.0 / evidence.information;
        let delta = v * evidence.surprise;
        let f = |x: f64| {
            let e = libm::exp(x);
            let whole = variance + v + e;
            e * (delta * delta - whole) / (2.0 * whole * whole) - (x - a) / (tau * tau)
        };
        let (mut low, mut high) = (a - 1.0, a + 1.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if f(middle) > 0.0 { low = middle } else { high = middle }
        }
        libm::exp(0.25 * (low + high)).clamp(VOLATILITY_MIN, VOLATILITY_MAX)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn the_root_is_that_of_the_slow_twin(
            volatility in VOLATILITY_MIN..0.2,
            deviation in 0.05..3.0_f64,
            chance in 0.001..0.999_f64,
            attenuation in 0.3..1.0_f64,
            score in 0_u8..3,
            tau in 0.01..1.2_f64,
        ) {
            let mut evidence = Evidence::default();
            evidence.add(chance, attenuation, 0.5 * f64::from(score), 1.0);
            let found = updated(volatility, deviation * deviation, &evidence, tau);
            let wanted = bisected(volatility, deviation * deviation, &evidence, tau);
            prop_assert!((found - wanted).abs() <= 1e-9 * wanted, "{} is not {}", found, wanted);
        }
    }

    /// An upset of one match by the defaults: Halley's step alone.
    #[test]
    fn usual_matches_end_with_the_first_step() {
        for (nth, surprise) in (1..100).map(|nth| (nth, 0.01 * f64::from(nth))) {
            let information = surprise * (1.0 - surprise);
            let evidence = Evidence { information, surprise };
            let (found, wanted) = (updated(0.06, 0.03, &evidence, 0.5), bisected(0.06, 0.03, &evidence, 0.5));
            assert!((found - wanted).abs() <= 1e-14, "{nth}: {found} is not {wanted}");
        }
    }
    #[test]
    fn no_evidence_moves_nothing() {
        assert_eq!(updated(0.06, 1.0, &Evidence::default(), 0.5), 0.06);
    }
}
