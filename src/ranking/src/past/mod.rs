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

pub use series::{Placed, Sample};
pub use step::Step;

use gsm_core::Timestamp;
use loose::Loose;
use run::Probe;
use segment::Segment;
use state::State;
use std::{fmt, sync::Arc};

/// A segment has at least so many steps. Tiny in the crate's own tests.
const SEGMENT_STEPS: usize = if cfg!(test) { 40 } else { 1 << 16 };
/// A segment keeps all scores of its beginning (3 to 6 bits each): it has a step for at least so many of them.
const SCORES_PER_STEP: usize = 4;
/// The newest steps stay out of a new segment, so that the clocks of several nodes may disagree by as much.
const KEPT_STEPS: usize = if cfg!(test) { 3 } else { 1_024 };

/// Every rank that a board ever had, exact, from the steps of its players. Up to 2^30 players.
///
/// An instant is read at its end: with all steps up to it, itself included. Rank is competition rank, 1 + the number
/// of strictly better scores; dense and ordinal ranks of the past are not kept.
///
/// The instants of one player's steps must not step back (a caller raises one to that of the step before it). Those
/// of different players may come in any order: those up to the end of the newest segment (late ones) are kept apart and
/// cost a little for each question. A step is taken back by its inverse: the same instant, `before` and `after` exchanged.
///
/// About 8 bytes a step. Segments never change; a clone shares them.
///
/// ```
/// use gsm_core::Timestamp;
/// use gsm_ranking::{Past, Step};
/// let step = |at, before, after| Step { at: Timestamp::from_millis(at), before, after };
/// let ann = [step(10, None, Some(1_500)), step(30, Some(1_500), Some(1_700))];
/// let bob = [step(20, None, Some(1_600))];
/// let past: Past = ann.into_iter().chain(bob).collect();
/// let samples = past.series(&ann, &[15, 25, 35].map(Timestamp::from_millis));
/// let ranks: Vec<u64> = samples.iter().map(|sample| sample.place.unwrap().rank.get()).collect();
/// assert_eq!(ranks, [1, 2, 1]);
/// ```
#[derive(Clone, Default)]
pub struct Past {
    segments: Vec<Arc<Segment>>,
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

    /// How many steps are kept, those taken back and those that took them back included. O(segments).
    #[must_use]
    pub fn steps(&self) -> u64 {
        let sealed: usize = self.segments.iter().map(|segment| segment.len()).sum();
        (sealed + self.head.len() + self.late.len()) as u64
    }

    /// How many segments there are. O(1).
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Answers probes whose instants ascend.
    fn answer(&self, probes: &mut [Probe]) {
        let place = |probe: &Probe| {
            let at = probe.at();
            if at < self.sealed_until() { self.segment_of(at) } else { Some(self.segments.len()) }
        };
        for probes in probes.chunk_by_mut(|one, other| place(one) == place(other)) {
            match probes.first().and_then(place) {
                // Before the first segment.
                None => {}
                Some(at) => match self.segments.get(at) {
                    Some(segment) => segment.add(probes),
                    None => {
                        self.state.add(probes);
                        self.head.add(probes);
                    }
                },
            }
        }
        self.late.add(probes);
    }

    /// The last segment that begins at or before `at`.
    fn segment_of(&self, at: Timestamp) -> Option<usize> {
        self.segments.partition_point(|segment| segment.start <= at).checked_sub(1)
    }

    fn sealed_until(&self) -> Timestamp {
        self.segments.last().map_or(Timestamp::from_millis(i64::MIN), |segment| segment.end)
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
        let (segment, after) = Segment::new(std::mem::take(&mut self.state), steps);
        self.state = after;
        self.segments.push(Arc::new(segment));
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
            .field("late", &self.late.len())
            .finish()
    }
}
