use super::{CalibrationBin, calibration::Bins, unit};
use serde::{Deserialize, Serialize};

/// How close matches were of which it was said before how close they would be: streaming sums, of constant size.
///
/// Whoever predicts says what closeness is; 1 is that of equals on the mean, so that a single match may have more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Closeness(Bins);

/// How close matches were beside what was said of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClosenessReport {
    /// Matches.
    pub matches: u64,
    /// The mean distance of closeness from quality over the bins, weighed by their matches.
    pub error: f64,
    /// Mean quality (`predicted`) against mean closeness (`actual`), from low to high; [`super::BINS`] rows.
    pub calibration: Vec<CalibrationBin>,
}

impl Closeness {
    /// A match that was to be so close, `0.0..=1.0` (beyond counts as the nearest within, NaN as one half), and was.
    /// What is no number is left out.
    pub fn add(&mut self, quality: f64, closeness: f64) {
        if closeness.is_finite() {
            self.0.add(unit(quality), closeness);
        }
    }

    /// The figures so far; none of no match.
    #[must_use]
    pub fn report(&self) -> Option<ClosenessReport> {
        let matches = self.0.count();
        (matches > 0).then(|| ClosenessReport { matches, error: self.0.error(), calibration: self.0.rows() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closeness_beside_quality_by_hand() {
        let mut of = Closeness::default();
        assert_eq!(of.report(), None);
        // One bin holds 0.81 (closeness 0) and 0.83 (2), another 0.2 (0.5).
        for (quality, closeness) in [(0.81, 0.0), (0.83, 2.0), (0.2, 0.5), (0.2, f64::NAN)] {
            of.add(quality, closeness);
        }
        let report = of.report().unwrap();
        assert_eq!(report.matches, 3);
        assert!((report.error - (0.36 + 0.3) / 3.0).abs() < 1e-12, "{}", report.error);
        let bin = report.calibration[16];
        assert_eq!((bin.count, bin.predicted, bin.actual), (2, Some((0.81 + 0.83) / 2.0), Some(1.0)));
    }
}
