use super::{CLAMP, ThreeWaysReport};
use serde::{Deserialize, Serialize};

/// Streaming sums over win, draw and loss.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    matches: u64,
    draws: u64,
    log_loss: f64,
    rps: f64,
}

impl Sums {
    /// `p` is the expected score: the chance to win and half of that to draw.
    pub(super) fn add(&mut self, p: f64, draw: f64, y: f64) {
        let draw = draw.min(2.0 * p).min(2.0 * (1.0 - p));
        let (win, loss) = (p - draw / 2.0, 1.0 - p - draw / 2.0);
        let came = if y == 1.0 {
            win
        } else if y == 0.5 {
            self.draws += 1;
            draw
        } else {
            loss
        };
        self.matches += 1;
        self.log_loss -= libm::log(came.clamp(CLAMP, 1.0));
        let lost = if y == 0.0 { 1.0 } else { 0.0 };
        let not_won = if y < 1.0 { 1.0 } else { 0.0 };
        let (first, second) = (loss - lost, loss + draw - not_won);
        self.rps += 0.5 * (first * first + second * second);
    }

    pub(super) fn report(&self) -> Option<ThreeWaysReport> {
        let n = self.matches as f64;
        (self.draws > 0).then(|| ThreeWaysReport {
            matches: self.matches,
            draws: self.draws,
            log_loss: self.log_loss / n,
            rps: self.rps / n,
        })
    }
}
