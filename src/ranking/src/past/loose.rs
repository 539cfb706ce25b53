use super::{
    run::{Probe, Run},
    step::Step,
};
use std::sync::Arc;

/// Steps that are scanned before they become a run. Tiny in the crate's own tests, so that runs merge all the time.
const TAIL: usize = if cfg!(test) { 4 } else { 1_024 };
/// So many runs of one size become one of the next.
const FAN: usize = if cfg!(test) { 2 } else { 8 };

/// Steps in any order of time that may grow: a short tail to scan, and runs in sizes that grow by [`FAN`]. A step
/// moves up O(log steps) times, and a question meets at most `FAN - 1` runs of a size.
///
/// Source: J. Bentley, J. Saxe, "Decomposable searching problems I: static-to-dynamic transformation" (Journal of
/// Algorithms 1(4), 1980).
#[derive(Clone, Default)]
pub(super) struct Loose {
    tail: Vec<Step>,
    /// Larger ones first, each with its size class.
    runs: Vec<(u32, Arc<Run>)>,
    len: usize,
}

impl Loose {
    pub(super) fn new(mut steps: Vec<Step>) -> Self {
        let mut loose = Self { len: steps.len(), ..Self::default() };
        let run = steps.len() - steps.len() % TAIL;
        loose.tail = steps.split_off(run);
        if run > 0 {
            loose.runs.push(sized(steps));
        }
        loose
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Amortised O(log^2 steps).
    pub(super) fn push(&mut self, step: Step) {
        self.len += 1;
        self.tail.push(step);
        if self.tail.len() == TAIL {
            self.runs.push(sized(std::mem::take(&mut self.tail)));
            self.merge();
        }
    }

    fn merge(&mut self) {
        while let Some((size, _)) = self.runs.last() {
            let same = self.runs.iter().rev().take_while(|(other, _)| other <= size).count();
            if same < FAN {
                return;
            }
            let merged = self.runs.split_off(self.runs.len() - same);
            let mut steps = Vec::with_capacity(merged.iter().map(|(_, run)| run.len()).sum());
            merged.iter().for_each(|(_, run)| steps.extend(run.steps()));
            self.runs.push(sized(steps));
        }
    }

    /// All of them, in the order in which they came as far as it is known.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.len);
        self.runs.iter().for_each(|(_, run)| steps.extend(run.steps()));
        steps.extend_from_slice(&self.tail);
        steps
    }

    /// Adds what the steps up to each probe's instant did.
    pub(super) fn add(&self, probes: &mut [Probe]) {
        self.runs.iter().for_each(|(_, run)| run.add(probes));
        probes.iter_mut().for_each(|probe| probe.add_steps(&self.tail));
    }
}

/// A run of these steps and its size class: 0 for a tail's worth, one more for each [`FAN`]-fold.
fn sized(mut steps: Vec<Step>) -> (u32, Arc<Run>) {
    steps.sort_by_key(|step| step.at);
    let size = (steps.len() / TAIL).checked_ilog(FAN).unwrap_or(0);
    (size, Arc::new(Run::new(&steps).0))
}
