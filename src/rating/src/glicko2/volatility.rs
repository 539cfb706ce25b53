use super::{VOLATILITY_MAX, VOLATILITY_MIN};

/// The step of `ln(volatility²)` after which the next would change nothing: Newton's steps square their error.
const STILL: f64 = 1e-7;
/// Steps of the search at most; the usual number is two.
const STEPS_MAX: usize = 100;
/// How far `ln(volatility²)` moves at most: from one end of the range of volatilities beyond the other.
const MOVE_MAX: f64 = 20.0;

/// The new volatility: the root of step 5 of the paper, clamped to its range.
///
/// The paper finds it by regula falsi; this is Newton's method, kept between the points where the sign is known. The
/// unknown is by how much `ln(volatility²)` moves. All on the Glicko-2 scale: `variance` is the squared deviation,
/// `information` is `1/v` (above 0), `surprise` is `Delta/v`.
pub(crate) fn updated(volatility: f64, variance: f64, information: f64, surprise: f64, tau: f64) -> f64 {
    let v = 1.0 / information;
    let delta_squared = (v * surprise) * (v * surprise);
    let (start, stiffness) = (volatility * volatility, 1.0 / (tau * tau));
    let (mut low, mut high) = (-MOVE_MAX, MOVE_MAX);
    let (mut moved, mut square) = (0.0, start);
    for _ in 0..STEPS_MAX {
        let whole = 1.0 / (variance + v + square);
        let pull = 0.5 * square * (delta_squared - (variance + v + square)) * whole * whole;
        let value = pull - moved * stiffness;
        if !value.is_finite() {
            return volatility;
        }
        (low, high) = if value > 0.0 { (moved, high) } else { (low, moved) };
        let part = square * whole;
        let slope = pull - part * (0.5 * part + 2.0 * pull) - stiffness;
        let newton = moved - value / slope;
        let next = if low < newton && newton < high { newton } else { 0.5 * (low + high) };
        let step = next - moved;
        moved = next;
        if step.abs() <= STILL {
            break;
        }
        square = start * exp(moved);
    }
    (volatility * exp(0.5 * moved)).clamp(VOLATILITY_MIN, VOLATILITY_MAX)
}

/// `e^x`; by its series where that is shorter, which is where volatilities move.
fn exp(x: f64) -> f64 {
    if x.abs() > 0.1 {
        return libm::exp(x);
    }
    let square = x * x;
    let low = 1.0 + x + square * (1.0 / 2.0 + x * (1.0 / 6.0));
    let middle = 1.0 / 24.0 + x * (1.0 / 120.0) + square * (1.0 / 720.0 + x * (1.0 / 5_040.0));
    let high = 1.0 / 40_320.0 + x * (1.0 / 362_880.0);
    low + square * square * (middle + square * square * high)
}
