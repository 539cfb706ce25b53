use super::{VOLATILITY_MAX, VOLATILITY_MIN};

/// Where the search stops, in units of `ln(volatility²)`. The paper's 1e-6 would let the order in which opponents
/// are summed show in the seventh digit.
const TOLERANCE: f64 = 1e-11;
/// Steps of the search at most; the usual number is below ten.
const STEPS_MAX: usize = 100;

/// The new volatility: step 5 of the paper (the "Illinois" variant of regula falsi), clamped to its range.
///
/// All on the Glicko-2 scale: `variance` is the squared deviation, `information` is `1/v` (above 0), `surprise` is
/// `Delta/v`.
pub(crate) fn updated(volatility: f64, variance: f64, information: f64, surprise: f64, tau: f64) -> f64 {
    let v = 1.0 / information;
    let delta_squared = (v * surprise) * (v * surprise);
    let a = libm::log(volatility * volatility);
    let f = |x: f64| {
        let (e, spread) = (libm::exp(x), variance + v);
        e * (delta_squared - spread - e) / (2.0 * (spread + e) * (spread + e)) - (x - a) / (tau * tau)
    };

    let mut low = a;
    let mut high = if delta_squared > variance + v {
        libm::log(delta_squared - variance - v)
    } else {
        (1..STEPS_MAX).map(|k| a - k as f64 * tau).find(|&x| f(x) >= 0.0).unwrap_or(a)
    };
    let (mut f_low, mut f_high) = (f(low), f(high));
    for _ in 0..STEPS_MAX {
        if (high - low).abs() <= TOLERANCE || f_high == f_low {
            break;
        }
        let middle = low + (low - high) * f_low / (f_high - f_low);
        let f_middle = f(middle);
        if f_middle * f_high <= 0.0 {
            (low, f_low) = (high, f_high);
        } else {
            f_low /= 2.0;
        }
        (high, f_high) = (middle, f_middle);
    }
    let found = libm::exp(low / 2.0);
    if found.is_finite() { found.clamp(VOLATILITY_MIN, VOLATILITY_MAX) } else { volatility }
}
