//! Choosing the settings of a system by a history: coordinate descent on the loss of the tuning window.
//!
//! Nothing after that window is looked at. The walk is deterministic: factors that shrink from round to round for
//! sizes, a list of values for choices, in the order of [`knobs`].

mod knobs;

use crate::evaluation::{Evaluation, Unrated, Windows, evaluate};
use crate::history::History;
use crate::{KalmanSettings, System};
pub use knobs::{Knob, Steps, knobs};

/// The factors by which sizes are tried, one a round.
const FACTORS: [f64; 5] = [3.0, 2.0, 1.5, 1.25, 1.1];
/// A gain below this is none.
const GAIN_MIN: f64 = 1e-6;
/// No size is moved more often than this in a round.
const MOVES_MAX: usize = 8;

/// Settings that were chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The system with them.
    pub system: System,
    /// Its log loss in the tuning window: of matches of two sides, else of pairs.
    pub log_loss: f64,
    /// How many times the history was gone through.
    pub runs: usize,
}

/// The loss that is tuned and compared by; infinite without a match that counts.
#[must_use]
pub fn loss(of: &Evaluation) -> f64 {
    let report = of.report();
    let two = report.two_sides.map(|two| two.log_loss);
    two.or(report.pairs.map(|pairs| pairs.log_loss)).unwrap_or(f64::INFINITY)
}

/// Tunes a system. `each` hears of every run. A history without a match in the tuning window leaves the settings.
/// About a hundred runs through the first half of the history.
///
/// # Errors
/// A match that the system cannot rate.
pub fn tune(system: &System, history: &History, mut each: impl FnMut()) -> Result<Tuned, Unrated> {
    let mut best: Option<Tuned> = None;
    let mut runs = 0;
    for start in starts(system) {
        let mut walk = Walk { history, system: start, log_loss: f64::INFINITY, runs: 0, each: &mut each };
        walk.begin()?;
        for factor in FACTORS {
            walk.round(factor)?;
        }
        runs += walk.runs;
        if best.as_ref().is_none_or(|best| walk.log_loss < best.log_loss) {
            best = Some(Tuned { system: walk.system, log_loss: walk.log_loss, runs });
        }
    }
    Ok(Tuned {
        runs,
        ..best.unwrap_or_else(|| Tuned { system: system.clone(), log_loss: f64::INFINITY, runs })
    })
}

/// Where walks begin: the settings as they are, and for the system with the most of them a second place, far off.
fn starts(system: &System) -> Vec<System> {
    let mut starts = vec![system.clone()];
    if let System::Kalman(settings) = system {
        starts.push(System::Kalman(KalmanSettings {
            deviation: settings.deviation * 3.0,
            team_exponent: 0.5,
            ..settings.clone()
        }));
    }
    starts
}

struct Walk<'a, F> {
    history: &'a History,
    system: System,
    log_loss: f64,
    runs: usize,
    each: &'a mut F,
}

impl<F: FnMut()> Walk<'_, F> {
    fn run(&mut self, system: &System) -> Result<f64, Unrated> {
        let end = Windows::of(self.history).test;
        let scored = evaluate(system, self.history, end, || ())?;
        self.runs += 1;
        (self.each)();
        Ok(loss(&scored.tune))
    }

    fn begin(&mut self) -> Result<(), Unrated> {
        self.log_loss = self.run(&self.system.clone())?;
        Ok(())
    }

    /// Whether the value is an improvement; it is kept if so.
    fn tries(&mut self, knob: &Knob, value: f64) -> Result<bool, Unrated> {
        let mut system = self.system.clone();
        (knob.write)(&mut system, value);
        if system == self.system || system.validate().is_err() {
            return Ok(false);
        }
        let log_loss = self.run(&system)?;
        let better = log_loss < self.log_loss - GAIN_MIN;
        if better {
            (self.system, self.log_loss) = (system, log_loss);
        }
        Ok(better)
    }

    fn round(&mut self, factor: f64) -> Result<(), Unrated> {
        if !self.log_loss.is_finite() {
            return Ok(());
        }
        for knob in knobs(&self.system, self.history) {
            match knob.steps {
                Steps::OneOf(values) => {
                    for value in values {
                        self.tries(&knob, *value)?;
                    }
                }
                Steps::Factor { from_zero } => {
                    for by in [factor, 1.0 / factor] {
                        for _ in 0..MOVES_MAX {
                            let now = (knob.read)(&self.system);
                            let next = if now == 0.0 { from_zero } else { now * by };
                            if !self.tries(&knob, next)? {
                                break;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
