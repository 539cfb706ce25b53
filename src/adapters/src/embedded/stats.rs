use super::{Inner, State, limits};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How the store stands, for health checks and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The last sequence given to a commit.
    pub last_sequence: u64,
    /// The last sequence that is on the disk.
    pub durable_sequence: u64,
    /// The last sequence whose effects are in the tables.
    pub applied_sequence: u64,
    /// Bytes of change sets in the journal.
    pub journal_bytes: usize,
    /// Writes that no checkpoint has put into the tables yet.
    pub unwritten_rows: usize,
    /// Rows in memory.
    pub memory_rows: usize,
    /// Change sets that wait for the disk.
    pub waiting: usize,
    /// How it stands.
    pub state: State,
    /// Half of the last journal writes, sync included, took at most this long.
    pub sync_us_p50: u64,
    /// All but one in a hundred took at most this long.
    pub sync_us_p99: u64,
}

/// Durations of the last journal writes, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Timings(Mutex<VecDeque<u64>>);

impl Timings {
    /// Does `work` and notes how long it took.
    pub(super) fn measure<T>(&self, work: impl FnOnce() -> T) -> T {
        #[expect(clippy::disallowed_methods, reason = "measures the disk, decides nothing")]
        let begin = Instant::now();
        let done = work();
        self.note(begin.elapsed());
        done
    }
    fn note(&self, took: Duration) {
        let mut kept = self.0.lock();
        if kept.len() == limits::TIMINGS_KEPT {
            kept.pop_front();
        }
        kept.push_back(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
    /// The durations that so many percent of the kept ones do not exceed; 0 if there are none.
    fn quantiles<const N: usize>(&self, percent: [usize; N]) -> [u64; N] {
        let mut sorted: Vec<u64> = self.0.lock().iter().copied().collect();
        sorted.sort_unstable();
        percent.map(|percent| {
            let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
            sorted.get(place).copied().unwrap_or(0)
        })
    }
}

impl Inner {
    pub(super) fn stats(&self) -> Stats {
        let journal_bytes = self.journal_bytes.load(std::sync::atomic::Ordering::Relaxed);
        // Before the memory is held: commits wait for that.
        let [sync_us_p50, sync_us_p99] = self.timings.quantiles([50, 99]);
        let memory = self.memory.lock();
        Stats {
            last_sequence: memory.sequence,
            durable_sequence: memory.durable,
            applied_sequence: memory.applied,
            journal_bytes,
            unwritten_rows: memory.unwritten_rows,
            memory_rows: memory.rows.len(),
            waiting: memory.queue.len(),
            state: memory.state.clone(),
            sync_us_p50,
            sync_us_p99,
        }
    }
}
