use super::{BINS, CalibrationBin, TwoSidesReport, hit, log_loss};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Bin {
    count: u64,
    predicted: f64,
    actual: f64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    matches: u64,
    decisive: u64,
    hits: f64,
    log_loss: f64,
    brier: f64,
    bins: [Bin; BINS],
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
        let at = ((p * BINS as f64) as usize).min(BINS - 1);
        if let Some(bin) = self.bins.get_mut(at) {
            bin.count += 1;
            bin.predicted += p;
            bin.actual += y;
        }
    }

    pub(super) fn report(&self) -> Option<TwoSidesReport> {
        if self.matches == 0 {
            return None;
        }
        let n = self.matches as f64;
        let gaps: f64 = self.bins.iter().map(|bin| (bin.predicted - bin.actual).abs()).sum();
        Some(TwoSidesReport {
            matches: self.matches,
            decisive: self.decisive,
            accuracy: (self.decisive > 0).then(|| self.hits / self.decisive as f64),
            log_loss: self.log_loss / n,
            brier: self.brier / n,
            ece: gaps / n,
            calibration: self.bins.iter().enumerate().map(|(at, bin)| row(at, bin)).collect(),
        })
    }
}

fn row(at: usize, bin: &Bin) -> CalibrationBin {
    let mean = |sum: f64| (bin.count > 0).then(|| sum / bin.count as f64);
    CalibrationBin {
        from: at as f64 / BINS as f64,
        to: (at + 1) as f64 / BINS as f64,
        count: bin.count,
        predicted: mean(bin.predicted),
        actual: mean(bin.actual),
    }
}
