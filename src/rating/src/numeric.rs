//! The few functions that all systems share. Every input gives a finite answer.
use crate::exp;
use gsm_core::Millis;
use std::cmp::Ordering;

/// The largest mean, either sign, whose differences count, in the system's own points.
pub(crate) const MEAN_ABS_MAX: f64 = 1e9;

/// The lead in natural units above which a win is certain enough (`1 - 6e-16`).
const LEAD_MAX: f64 = 35.0;

/// The expected score for a lead in natural units, strictly between 0 and 1 but for rounding.
#[inline(always)]
pub(crate) fn logistic(lead: f64) -> f64 {
    1.0 / (1.0 + exp::within(exp::kept(-lead, -LEAD_MAX, LEAD_MAX)))
}

/// `value` within `min..=max`, NaN as `or`. (`max` then `min`, unlike `clamp`, has no panic for settings that were
/// never validated.)
#[inline(always)]
pub(crate) fn kept(value: f64, min: f64, max: f64, or: f64) -> f64 {
    // The usual case is one branch that is always taken.
    if value >= min && value <= max { value } else { brought_in(value, min, max, or) }
}

#[cold]
fn brought_in(value: f64, min: f64, max: f64, or: f64) -> f64 {
    if value.is_nan() { or } else { value.max(min).min(max) }
}

/// The mean as it counts: within [`MEAN_ABS_MAX`], NaN as a newcomer's.
#[inline(always)]
pub(crate) fn mean(value: f64, newcomer: f64) -> f64 {
    kept(value, -MEAN_ABS_MAX, MEAN_ABS_MAX, newcomer)
}

/// A deviation after `idle`: its square grows by `per_day`² a day, by fractions.
#[inline]
pub(crate) fn grown(deviation: f64, per_day: f64, idle: Millis) -> f64 {
    let days = idle.get() as f64 / 86_400_000.0;
    (deviation * deviation + per_day * per_day * days).sqrt()
}

/// The score of one place against another: win 1, tie 0.5, loss 0.
#[inline(always)]
#[must_use]
pub fn score(own: u32, other: u32) -> f64 {
    match own.cmp(&other) {
        Ordering::Less => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Greater => 0.0,
    }
}

/// [`grown`], but not above `max`; a deviation that is above already stays.
#[inline]
pub(crate) fn grown_to(deviation: f64, per_day: f64, idle: Millis, max: f64) -> f64 {
    // Not inlined: most settings have no growth, and conversions would be made for nothing.
    #[inline(never)]
    fn up_to(deviation: f64, per_day: f64, idle: Millis, max: f64) -> f64 {
        grown(deviation, per_day, idle).min(max).max(deviation)
    }
    if per_day == 0.0 { deviation } else { up_to(deviation, per_day, idle, max) }
}

/// The deviation as it counts in systems without limits of their own: within `1e-3..=1e6`, NaN as a newcomer's.
#[inline(always)]
pub(crate) fn deviation(value: f64, newcomer: f64) -> f64 {
    kept(value, 1e-3, 1e6, newcomer)
}
