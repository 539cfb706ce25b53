use super::{BINS, CalibrationBin};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Bin {
    count: u64,
    predicted: f64,
    actual: f64,
}

/// What came of what was predicted, by bins of the prediction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Bins([Bin; BINS]);

impl Bins {
    /// The prediction in `0.0..=1.0`.
    pub(super) fn add(&mut self, predicted: f64, actual: f64) {
        let at = ((predicted * BINS as f64) as usize).min(BINS - 1);
        if let Some(bin) = self.0.get_mut(at) {
            bin.count += 1;
            bin.predicted += predicted;
            bin.actual += actual;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|bin| bin.count).sum()
    }

    /// The mean distance of what came from what was predicted, bin by bin; of nothing, none.
    pub(super) fn error(&self) -> f64 {
        let gaps: f64 = self.0.iter().map(|bin| (bin.predicted - bin.actual).abs()).sum();
        gaps / self.count().max(1) as f64
    }

    pub(super) fn rows(&self) -> Vec<CalibrationBin> {
        self.0.iter().enumerate().map(|(at, bin)| row(at, bin)).collect()
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
