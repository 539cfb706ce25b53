use super::{
    matrix::{Matrix, Walk},
    sorted::Sorted,
    step::Step,
};
use gsm_core::Timestamp;

/// Questions asked side by side.
const LANES: usize = 16;

/// A question about one instant, and the answer as it adds up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Probe {
    at: i64,
    score: i64,
    /// Players with a score above `score` at the end of the instant `at`.
    pub(super) better_sum: i64,
    /// Players at the end of that instant.
    pub(super) players_sum: i64,
}

impl Probe {
    pub(super) fn new(at: Timestamp, score: i64) -> Self {
        Self { at: at.as_millis(), score, better_sum: 0, players_sum: 0 }
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }

    pub(super) fn score(&self) -> i64 {
        self.score
    }

    /// The answer; not below 0, whatever steps were given.
    pub(super) fn better(&self) -> u64 {
        self.better_sum.max(0).cast_unsigned()
    }

    /// The other answer; not below 0 either.
    pub(super) fn players(&self) -> u64 {
        self.players_sum.max(0).cast_unsigned()
    }

    /// Adds what these steps did up to the instant, step by step.
    pub(super) fn add_steps(&mut self, steps: &[Step]) {
        let above = |score: Option<i64>| i64::from(score.is_some_and(|score| score > self.score));
        let (mut better, mut players) = (0, 0);
        for step in steps.iter().filter(|step| step.at.as_millis() <= self.at) {
            better += above(step.after) - above(step.before);
            players += step.joins();
        }
        self.better_sum += better;
        self.players_sum += players;
    }
}

/// A score, and how many more players have it than before.
pub(super) type Change = (i64, i64);

/// The scores that occur in ascending order, each once, and for each step the numbers of its two scores, from 1; 0
/// for `None`.
struct Numbered {
    changes: Vec<Change>,
    before: Vec<u32>,
    after: Vec<u32>,
}

impl Numbered {
    fn new(steps: &[Step]) -> Self {
        // Both scores of each step with their place: even for before, odd for after.
        let placed = || {
            let scores = steps.iter().flat_map(|step| [step.before, step.after]);
            (0u32..).zip(scores).filter_map(|(place, score)| Some((score?, place)))
        };
        let least = placed().map(|(score, _)| score).min().unwrap_or(0);
        let span = placed().map(|(score, _)| score.abs_diff(least)).max().unwrap_or(0);
        let mut numbered =
            Self { changes: Vec::new(), before: vec![0; steps.len()], after: vec![0; steps.len()] };
        let places = (2 * steps.len() as u64).checked_ilog2().unwrap_or(0) + 1;
        // Score and place fit into one word nearly always; words sort twice as fast as pairs.
        if span.leading_zeros() >= places {
            let key = |(score, place): (i64, u32)| score.abs_diff(least) << places | u64::from(place);
            let mut keys: Vec<u64> = placed().map(key).collect();
            keys.sort_unstable();
            keys.into_iter().for_each(|key| {
                numbered
                    .take(least.wrapping_add_unsigned(key >> places), (key & ((1 << places) - 1)) as usize);
            });
        } else {
            let mut keys: Vec<(i64, u32)> = placed().collect();
            keys.sort_unstable();
            keys.into_iter().for_each(|(score, place)| numbered.take(score, place as usize));
        }
        numbered
    }

    /// Scores must come in ascending order.
    fn take(&mut self, score: i64, place: usize) {
        if self.changes.last().is_none_or(|last| last.0 != score) {
            self.changes.push((score, 0));
        }
        let (symbols, change) =
            if place.is_multiple_of(2) { (&mut self.before, -1) } else { (&mut self.after, 1) };
        if let Some(last) = self.changes.last_mut() {
            last.1 += change;
        }
        if let Some(symbol) = symbols.get_mut(place / 2) {
            *symbol = self.changes.len() as u32;
        }
    }
}

/// Steps in order of time, packed, never changed: tells what those up to an instant did to a rank.
///
/// Scores are numbered by their order, from 1; 0 stands for `None`. One matrix has the numbers of the scores
/// before, the other those of the scores after: among the first `n` steps, those above some score are counted in
/// both, and the difference is what the `n` steps added.
#[derive(Clone)]
pub(super) struct Run {
    at: Sorted,
    /// When somebody came onto the board, and when somebody left.
    joined: Sorted,
    left: Sorted,
    /// Each score that occurs, once.
    scores: Sorted,
    before: Matrix,
    after: Matrix,
}

impl Run {
    /// `steps` must be in order of time; none is still; at most 2^30. Also tells what they change together, by
    /// ascending scores.
    pub(super) fn new(steps: &[Step]) -> (Self, Vec<Change>) {
        let times = |filter: fn(&Step) -> bool| -> Vec<i64> {
            steps.iter().filter(|step| filter(step)).map(|step| step.at.as_millis()).collect()
        };
        let Numbered { changes, before, after } = Numbered::new(steps);
        let scores: Vec<i64> = changes.iter().map(|change| change.0).collect();
        let greatest = scores.len() as u32;
        let run = Self {
            at: Sorted::new(&times(|_| true)),
            joined: Sorted::new(&times(|step| step.joins() > 0)),
            left: Sorted::new(&times(|step| step.joins() < 0)),
            scores: Sorted::new(&scores),
            before: Matrix::new(before, greatest),
            after: Matrix::new(after, greatest),
        };
        (run, changes)
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// The steps as they were given.
    pub(super) fn steps(&self) -> Vec<Step> {
        let scores = self.scores.numbers();
        let score = |symbol: u32| scores.get((symbol as usize).checked_sub(1)?).copied();
        let (before, after) = (self.before.symbols(), self.after.symbols());
        let scores = before.into_iter().zip(after);
        let steps = self.at.numbers().into_iter().zip(scores);
        steps
            .map(|(at, (before, after))| Step {
                at: Timestamp::from_millis(at),
                before: score(before),
                after: score(after),
            })
            .collect()
    }

    /// Adds what the steps up to each probe's instant did. O(log steps) each.
    pub(super) fn add(&self, probes: &mut [Probe]) {
        for probes in probes.chunks_mut(LANES) {
            let (mut before, mut after) = ([Walk::default(); LANES], [Walk::default(); LANES]);
            let walks = before.iter_mut().zip(&mut after);
            for (probe, (before, after)) in probes.iter_mut().zip(walks) {
                probe.players_sum += self.joined.up_to(probe.at) as i64 - self.left.up_to(probe.at) as i64;
                let scores = self.scores.up_to(probe.score);
                if scores < self.scores.len() {
                    *after = Walk::new(scores as u32 + 1, self.at.up_to(probe.at));
                    *before = *after;
                }
            }
            let [before_some, after_some] =
                [&mut before, &mut after].map(|walks| walks.split_at_mut(probes.len()).0);
            Matrix::walk([&self.before, &self.after], [before_some, after_some]);
            for (probe, (before, after)) in probes.iter_mut().zip(before.iter().zip(&after)) {
                probe.better_sum += after.found() as i64 - before.found() as i64;
            }
        }
    }
}
