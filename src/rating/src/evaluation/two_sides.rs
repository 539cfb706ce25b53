use super::{TwoSidesReport, calibration::Bins, hit, log_loss};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    matches: u64,
    decisive: u64,
    hits: f64,
    log_loss: f64,
    brier: f64,
    bins: Bins,
}

impl Sums {
    /// Both in `0.0..=1.0`.
    pub(super) fn add(&mut self, p: f64, y: f64) {
        self.matches += 1;
        if y != 0.5 {
            self.decisive += 1;
            self.hits += hit(p, y);
        }
        self.log_loss += log_loss(p, y);
        self.brier += (p - y) * (p - y);
        self.bins.add(p, y);
    }

    pub(super) fn report(&self) -> Option<TwoSidesReport> {
        if self.matches == 0 {
            return None;
        }
        let n = self.matches as f64;
        Some(TwoSidesReport {
            matches: self.matches,
            decisive: self.decisive,
            accuracy: (self.decisive > 0).then(|| self.hits / self.decisive as f64),
            log_loss: self.log_loss / n,
            brier: self.brier / n,
            ece: self.bins.error(),
            calibration: self.bins.rows(),
        })
    }
}
