use super::{
    run::{Probe, Run},
    state::State,
    step::Step,
};
use gsm_core::Timestamp;

/// A stretch of the past that answers on its own: the scores at its beginning and the steps since. It never changes.
pub(super) struct Segment {
    /// Its first and last instants. The next one begins at or after `end`.
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    state: State,
    run: Run,
}

impl Segment {
    /// `state`, then `steps`, in order of time and not empty. Also tells the state after them.
    pub(super) fn new(state: State, steps: &[Step]) -> (Self, State) {
        let at = |step: Option<&Step>| step.map_or(Timestamp::EPOCH, |step| step.at);
        let (run, changes) = Run::new(steps);
        let after = state.after(&changes);
        (Self { start: at(steps.first()), end: at(steps.last()), state, run }, after)
    }

    /// Its steps.
    pub(super) fn len(&self) -> usize {
        self.run.len()
    }

    pub(super) fn add(&self, probes: &mut [Probe]) {
        self.state.add(probes);
        self.run.add(probes);
    }
}
