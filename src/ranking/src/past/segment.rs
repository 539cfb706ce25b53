use super::{
    BlobError,
    run::{Probe, Run},
    state::State,
    step::Step,
    wire::{Kind, Reader, Sum, Writer},
};
use gsm_core::Timestamp;
use std::sync::Arc;

/// A stretch of the past that answers on its own: the scores at its beginning and the steps since.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) state: State,
    pub(super) run: Run,
}

impl Segment {
    pub(super) fn add(&self, probes: &mut [Probe]) {
        self.state.add(probes);
        self.run.add(probes);
    }

    pub(super) fn blob(&self) -> (Vec<u8>, Sum) {
        let mut out = Writer::new(Kind::Segment);
        self.state.write(&mut out);
        self.run.write(&mut out);
        out.finish()
    }
}

/// What the index knows of a segment, and the segment if it is in memory.
#[derive(Clone)]
pub(super) struct Slot {
    /// Its first and last instants. The next one begins at or after `end`.
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) steps: u64,
    sum: Sum,
    pub(super) segment: Option<Arc<Segment>>,
}

impl Slot {
    /// `state`, then `steps`, in order of time and not empty. Also tells the state after them.
    pub(super) fn new(state: State, steps: &[Step]) -> (Self, State) {
        let at = |step: Option<&Step>| step.map_or(Timestamp::EPOCH, |step| step.at);
        let (run, changes) = Run::new(steps);
        let after = state.after(&changes);
        let segment = Segment { state, run };
        let slot = Self {
            start: at(steps.first()),
            end: at(steps.last()),
            steps: steps.len() as u64,
            sum: segment.blob().1,
            segment: Some(Arc::new(segment)),
        };
        (slot, after)
    }

    /// Takes the segment from its blob, if it is the very one.
    pub(super) fn load(&mut self, blob: &[u8]) -> Result<(), BlobError> {
        let (mut input, sum) = Reader::open(blob, Kind::Segment)?;
        if sum != self.sum {
            return Err(BlobError::Other);
        }
        let segment = Segment { state: State::read(&mut input)?, run: Run::read(&mut input)? };
        input.end()?;
        self.segment = Some(Arc::new(segment));
        Ok(())
    }

    /// Takes this blob for the very one.
    #[cfg(test)]
    pub(super) fn trust(&mut self, blob: &[u8]) {
        self.sum = Reader::open(blob, Kind::Segment).map(|(_, sum)| sum).unwrap_or_default();
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.number(self.start.as_millis());
        out.number(self.end.as_millis());
        out.word(self.steps);
        out.sum(&self.sum);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, BlobError> {
        Ok(Self {
            start: Timestamp::from_millis(input.number()?),
            end: Timestamp::from_millis(input.number()?),
            steps: input.word()?,
            sum: input.sum()?,
            segment: None,
        })
    }
}
