//! The past of a board: how many had a better score, at any instant.

mod bits;
mod loose;
mod matrix;
mod run;
mod segment;
mod series;
mod sorted;
mod state;
mod step;
mod store;
mod wire;

pub use series::{Placed, Sample};
pub use step::Step;
pub use wire::BlobError;

use gsm_core::Timestamp;
use loose::Loose;
use run::Probe;
use segment::{Segment, Slot};
use state::State;
use std::{fmt, sync::Arc};

/// A segment has at least so many steps. Tiny in the crate's own tests.
const SEGMENT_STEPS: usize = if cfg!(test) { 40 } else { 1 << 16 };
/// A segment keeps all scores of its beginning (3 to 6 bits each): it has a step for at least so many of them.
const SCORES_PER_STEP: usize = 4;
/// The newest steps stay out of a new segment, so that the clocks of several nodes may disagree by as much.
const KEPT_STEPS: usize = if cfg!(test) { 3 } else { 1_024 };

/// The segment that an answer needs is not in memory: [`provide`](Past::provide) it and ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment} of the past is not in memory")]
pub struct Absent {
    /// Its number, from 0.
    pub segment: usize,
}

/// Every rank that a board ever had, exact, from the steps of its players. Up to 2^30 players.
///
/// An instant is read at its end: with all steps up to it, itself included. Rank is competition rank, 1 + the number
/// of strictly better scores; dense and ordinal ranks of the past are not kept.
///
/// The instants of one player's steps must not step back (a caller raises one to that of the step before it). Those
/// of different players may come in any order: those up to the end of the newest segment (late ones, corrections) are
/// kept apart, cost a little for each question, and go where they belong by [`compact`](Self::compact).
///
/// About 6 to 8 bytes a step in memory and in blobs. Segments never change, and each answers for its own time
/// alone: a store may keep them as blobs ([`segment_blob`](Self::segment_blob)) and bring them when asked for. A
/// clone shares them, so that one can be compacted, or written, beside the one in use.
///
/// ```
/// use gsm_core::Timestamp;
/// use gsm_ranking::{Past, Step};
/// let step = |at, before, after| Step { at: Timestamp::from_millis(at), before, after };
/// let ann = [step(10, None, Some(1_500)), step(30, Some(1_500), Some(1_700))];
/// let bob = [step(20, None, Some(1_600))];
/// let mut past: Past = ann.into_iter().chain(bob).collect();
/// let ranks = |past: &Past| {
///     let samples = past.series(&ann, &[15, 25, 35].map(Timestamp::from_millis)).unwrap();
///     samples.iter().map(|sample| sample.place.unwrap().rank.get()).collect::<Vec<_>>()
/// };
/// assert_eq!(ranks(&past), [1, 2, 1]);
/// past.rewrite(&bob, &[step(20, None, Some(1_800))]);
/// assert_eq!(ranks(&past), [1, 2, 2]);
/// ```
#[derive(Clone, Default)]
pub struct Past {
    segments: Vec<Slot>,
    /// The scores after all segments.
    state: State,
    /// Steps since; none is before the end of the newest segment.
    head: Loose,
    /// Steps before that end which are in no segment.
    late: Loose,
}

impl Past {
    /// A past without steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a step. A step that moves no score is passed over.
    ///
    /// Amortised O(log^2 steps). Every 1,024th packs a run, and one in 2^16 (or in a quarter of the players, if
    /// that is more) closes a segment, which takes about 0.3 us for each of its steps.
    pub fn append(&mut self, step: Step) {
        if step.is_still() {
        } else if step.at < self.sealed_until() {
            self.late.push(step);
        } else if self.head.len() + 1 < self.segment_steps() {
            self.head.push(step);
        } else {
            let mut steps = self.head.steps();
            steps.push(step);
            self.seal(&mut steps);
            self.head = Loose::new(steps);
        }
    }

    /// Puts `new` in the place of `old`, steps taken earlier: a voided result changes the later steps of its
    /// players. Old steps must be given exactly as they were taken, or all answers from then on are wrong.
    ///
    /// As much work as an [`append`](Self::append) for each.
    pub fn rewrite(&mut self, old: &[Step], new: &[Step]) {
        old.iter().for_each(|step| self.append(step.inverse()));
        new.iter().for_each(|step| self.append(*step));
    }

    /// How many players had a score strictly better than `score` at the end of the instant `at`. O(log^2 steps).
    pub fn better_at(&self, at: Timestamp, score: i64) -> Result<u64, Absent> {
        self.probe(at, score).map(|probe| probe.better())
    }

    /// How many players were on the board at the end of the instant `at`. O(log^2 steps).
    pub fn players_at(&self, at: Timestamp) -> Result<u64, Absent> {
        self.probe(at, i64::MAX).map(|probe| probe.players())
    }

    /// How many steps are kept, each one of a correction and each one taken back included. O(segments).
    #[must_use]
    pub fn steps(&self) -> u64 {
        let sealed: u64 = self.segments.iter().map(|slot| slot.steps).sum();
        sealed + (self.head.len() + self.late.len()) as u64
    }

    /// How many steps are late: when these are many, [`compact`](Self::compact). O(1).
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late.len() as u64
    }

    /// Works all late steps into the segments, and drops steps that a correction took back. Answers do not change.
    ///
    /// Tells the number of the first segment that is new: that one and all later ones have to be stored again.
    /// Needs these in memory, else nothing happens. O(steps since the earliest late one), about 0.4 us each.
    pub fn compact(&mut self) -> Result<usize, Absent> {
        let mut late = self.late.steps();
        late.sort_by_key(|step| step.at);
        let Some(first) = late.first() else { return Ok(self.segments.len()) };
        let from = self.segment_of(first.at).unwrap_or(0);
        self.loaded(from)?;
        let old = self.segments.split_off(from);
        let mut newer = std::mem::take(&mut self.head).steps();
        newer.sort_by_key(|step| step.at);
        self.late = Loose::default();
        if let Some(segment) = old.first().and_then(|slot| slot.segment.as_ref()) {
            self.state = segment.state.clone();
        }
        let (mut late, mut open) = (late.as_slice(), Vec::new());
        for slot in &old {
            let mut steps = slot.segment.as_ref().map(|segment| segment.run.steps()).unwrap_or_default();
            let (here, rest) = late.split_at(late.partition_point(|step| step.at <= slot.end));
            late = rest;
            mend(&mut steps, here);
            steps.into_iter().for_each(|step| self.take(step, &mut open));
        }
        newer.into_iter().for_each(|step| self.take(step, &mut open));
        self.head = Loose::new(open);
        Ok(from)
    }

    fn probe(&self, at: Timestamp, score: i64) -> Result<Probe, Absent> {
        let mut probe = [Probe::new(at, score)];
        self.answer(&mut probe)?;
        let [probe] = probe;
        Ok(probe)
    }

    /// Answers probes whose instants ascend.
    fn answer(&self, probes: &mut [Probe]) -> Result<(), Absent> {
        let place = |probe: &Probe| {
            let at = probe.at();
            if at < self.sealed_until() { self.segment_of(at) } else { Some(self.segments.len()) }
        };
        for probes in probes.chunk_by_mut(|one, other| place(one) == place(other)) {
            match probes.first().and_then(place) {
                // Before the first segment.
                None => {}
                Some(at) if at == self.segments.len() => {
                    self.state.add(probes);
                    self.head.add(probes);
                }
                Some(at) => self.loaded_one(at)?.add(probes),
            }
        }
        self.late.add(probes);
        Ok(())
    }

    /// The last segment that begins at or before `at`.
    fn segment_of(&self, at: Timestamp) -> Option<usize> {
        self.segments.partition_point(|slot| slot.start <= at).checked_sub(1)
    }

    fn loaded_one(&self, at: usize) -> Result<&Arc<Segment>, Absent> {
        self.segments.get(at).and_then(|slot| slot.segment.as_ref()).ok_or(Absent { segment: at })
    }

    /// Whether the segments from `from` on are all in memory.
    fn loaded(&self, from: usize) -> Result<(), Absent> {
        (from..self.segments.len()).try_for_each(|at| self.loaded_one(at).map(|_| ()))
    }

    fn sealed_until(&self) -> Timestamp {
        self.segments.last().map_or(Timestamp::from_millis(i64::MIN), |slot| slot.end)
    }

    /// With so many open steps a segment is closed.
    fn segment_steps(&self) -> usize {
        SEGMENT_STEPS.max(self.state.players() / SCORES_PER_STEP) + KEPT_STEPS
    }

    /// Takes a step into `open` instead of the head, which is empty, and closes a segment when it is time.
    fn take(&mut self, step: Step, open: &mut Vec<Step>) {
        if step.is_still() {
        } else if step.at < self.sealed_until() {
            self.late.push(step);
        } else {
            open.push(step);
            if open.len() >= self.segment_steps() {
                self.seal(open);
            }
        }
    }

    /// Makes a segment of all but the newest of `steps`, which stay.
    fn seal(&mut self, steps: &mut Vec<Step>) {
        steps.sort_by_key(|step| step.at);
        let kept = steps.split_off(steps.len().saturating_sub(KEPT_STEPS));
        let (slot, after) = Slot::new(std::mem::take(&mut self.state), steps);
        self.state = after;
        self.segments.push(slot);
        *steps = kept;
    }
}

/// Steps in bulk, several times faster than one by one. Best in order of time: one that is later than 1,024 others of
/// a later time may count as late.
impl Extend<Step> for Past {
    fn extend<I: IntoIterator<Item = Step>>(&mut self, steps: I) {
        let mut open = std::mem::take(&mut self.head).steps();
        steps.into_iter().for_each(|step| self.take(step, &mut open));
        self.head = Loose::new(open);
    }
}

impl FromIterator<Step> for Past {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut past = Self::new();
        past.extend(steps);
        past
    }
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Past")
            .field("segments", &self.segments.len())
            .field("steps", &self.steps())
            .field("late", &self.late())
            .finish()
    }
}

/// Adds `late` to `steps`, both in order of time, without those that undo each other.
fn mend(steps: &mut Vec<Step>, late: &[Step]) {
    if late.is_empty() {
        return;
    }
    steps.extend_from_slice(late);
    steps.sort_by_key(|step| step.at);
    let mut mended = Vec::with_capacity(steps.len());
    let mut late = late;
    for instant in steps.chunk_by(|one, other| one.at == other.at) {
        let Some(at) = instant.first().map(|step| step.at) else { continue };
        late = late.split_at(late.partition_point(|step| step.at < at)).1;
        if late.first().is_some_and(|step| step.at == at) {
            let mut instant = instant.to_vec();
            step::cancel(&mut instant);
            mended.append(&mut instant);
        } else {
            mended.extend_from_slice(instant);
        }
    }
    *steps = mended;
}
