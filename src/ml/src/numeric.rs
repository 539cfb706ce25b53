//! Functions that everything here shares.
pub(crate) use gsm_rating::{exp, ln, score};

/// Beyond this a logit is certain enough: the chance of what it excludes is `6e-16`.
pub(crate) const LOGIT_MAX: f64 = 35.0;
/// Milliseconds of a day.
pub(crate) const DAY_MS: f64 = 86_400_000.0;

/// The chance of a logit, strictly between 0 and 1 but for rounding; NaN counts as even.
pub(crate) fn logistic(logit: f64) -> f64 {
    let logit = if logit.is_nan() { 0.0 } else { logit };
    1.0 / (1.0 + exp(-logit.clamp(-LOGIT_MAX, LOGIT_MAX)))
}

/// `ln(1 + x)` of what is counted, 0 or more.
pub(crate) fn ln_1p(x: f64) -> f64 {
    ln(1.0 + x)
}

/// What the prediction `p` of a score `y` costs, in nats.
pub(crate) fn cost(p: f64, y: f64) -> f64 {
    if y == 0.0 || y == 1.0 {
        // Which of both is no branch: who wins nobody can tell beforehand, least of all a processor.
        return -ln(if y > 0.5 { p } else { 1.0 - p });
    }
    -y * ln(p) - (1.0 - y) * ln(1.0 - p)
}

/// The sum of products. Four sums side by side: the processor multiplies while it adds.
pub(crate) fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    let mut sums = [0.0; 4];
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

/// Days from one time to another, never negative.
pub(crate) fn days(from_ms: i64, to_ms: i64) -> f64 {
    to_ms.saturating_sub(from_ms).max(0) as f64 / DAY_MS
}
