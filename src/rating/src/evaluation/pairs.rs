use super::{PairsReport, hit, log_loss};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    matches: u64,
    accuracy: f64,
    log_loss: f64,
    brier: f64,
}

impl Sums {
    /// All in `0.0..=1.0`.
    pub(super) fn add_match(&mut self, pairs: impl Iterator<Item = (f64, f64)>) {
        let (mut n, mut hits, mut loss, mut squares) = (0_u64, 0.0, 0.0, 0.0);
        for (p, y) in pairs.filter(|&(_, y)| y != 0.5) {
            n += 1;
            hits += hit(p, y);
            loss += log_loss(p, y);
            squares += (p - y) * (p - y);
        }
        if n > 0 {
            self.matches += 1;
            self.accuracy += hits / n as f64;
            self.log_loss += loss / n as f64;
            self.brier += squares / n as f64;
        }
    }

    pub(super) fn report(&self) -> Option<PairsReport> {
        let n = self.matches as f64;
        (self.matches > 0).then(|| PairsReport {
            matches: self.matches,
            accuracy: self.accuracy / n,
            log_loss: self.log_loss / n,
            brier: self.brier / n,
        })
    }
}
