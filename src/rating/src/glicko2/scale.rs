use std::f64::consts::PI;

/// Rating points per unit of the Glicko-2 scale (step 2).
pub(crate) const POINTS: f64 = 173.7178;

/// The lead, on the Glicko-2 scale and after attenuation, above which a win is certain enough (`1 - 6e-16`).
const LEAD_MAX: f64 = 35.0;

/// How much an opponent's result counts, in `0.0..=1.0`: the less sure the opponent's rating, the less (`g` of
/// step 3). `variance` is the square of the deviation on the Glicko-2 scale; zero gives exactly 1.
pub(crate) fn attenuation(variance: f64) -> f64 {
    1.0 / libm::sqrt(1.0 + 3.0 * variance / (PI * PI))
}

/// The expected score for a lead on the Glicko-2 scale, strictly between 0 and 1 but for rounding (`E` of step 3,
/// with `g(lead)` as its argument).
pub(crate) fn logistic(lead: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-lead.clamp(-LEAD_MAX, LEAD_MAX)))
}
