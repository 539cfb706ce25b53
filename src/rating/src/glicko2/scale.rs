/// Rating points per unit of the Glicko-2 scale (step 2).
pub(crate) const POINTS: f64 = 173.7178;
