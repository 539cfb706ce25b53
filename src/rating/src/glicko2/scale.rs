/// Rating points per unit of the Glicko-2 scale (step 2).
pub(crate) const POINTS: f64 = 173.7178;
/// Units of the Glicko-2 scale per rating point.
pub(crate) const UNITS: f64 = 1.0 / POINTS;
