use super::{PairsReport, hit, log_loss};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    matches: u64,
    accuracy: f64,
    log_loss: f64,
    brier: f64,
}

/// Sums over the pairs of one match.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfMatch {
    n: u64,
    hits: f64,
    loss: f64,
    squares: f64,
}

impl OfMatch {
    /// One more pair; both in `0.0..=1.0`.
    pub(super) fn add(&mut self, p: f64, y: f64) {
        if y != 0.5 {
            self.n += 1;
            self.hits += hit(p, y);
            self.loss += log_loss(p, y);
            self.squares += (p - y) * (p - y);
        }
    }
}

impl Sums {
    pub(super) fn add_match(&mut self, of: OfMatch) {
        if of.n > 0 {
            let n = of.n as f64;
            self.matches += 1;
            self.accuracy += of.hits / n;
            self.log_loss += of.loss / n;
            self.brier += of.squares / n;
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
