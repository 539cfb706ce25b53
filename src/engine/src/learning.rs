//! What rating systems learn from all matches of a mode, beside its players' ratings.
//!
//! Every node follows the results of a mode and learns from each. From time to time what it has learnt is published, as
//! one row of the mode, and is part of the system's settings from then on: results are rated by what is published, and
//! name it by how they say that they are rated ([`crate::store::Key::System`]). So a result can be rated again exactly as it was, and
//! what was learnt from a result that is voided later stays as slight as it was.
use crate::{
    Call, Engine, EngineError, QueueConfig,
    results::counting::rate_into,
    store::{Home, Key, LearntRow, ResultRow, Row},
    systems,
};
use gsm_core::{Map, Millis, Mode, Timestamp};
use gsm_rating::{Learnt, Scratch, System};
use parking_lot::Mutex;

/// What is new is published after so many results, or after a part of all results if that is more...
const RESULTS_MIN: u64 = 32;
const RESULTS_PART: u64 = 64;
/// ... or after so long.
const AGE_MAX: Millis = Millis::from_secs(60);

/// What is learnt, mode by mode.
#[derive(Default)]
pub(crate) struct Learning(Mutex<Map<Mode, State>>);

#[derive(Default)]
struct State {
    published: Option<LearntRow>,
    /// What was published and all results since, and the name of the settings it was learnt under.
    work: Option<(u64, Learnt)>,
    /// The settings that were last asked about, and their name.
    named: Option<(System, u64)>,
    since: u64,
    first_at: Option<Timestamp>,
    scratch: Scratch,
}

impl State {
    fn name(&mut self, system: &System) -> Option<u64> {
        if let Some((_, name)) = self.named.as_ref().filter(|(of, _)| of == system) {
            return Some(*name);
        }
        let name = systems::name_of(&serde_json::to_string(system).ok()?);
        self.named = Some((system.clone(), name));
        Some(name)
    }

    fn published_under(&self, name: u64) -> Option<Learnt> {
        self.published.as_ref().filter(|row| row.under == name).map(|row| row.learnt)
    }
}

impl Learning {
    /// A mode's system with what is published.
    pub(crate) fn applied(&self, mode: &Mode, system: System) -> System {
        if !system.learns() {
            return system;
        }
        let mut all = self.0.lock();
        let Some(state) = all.get_mut(mode) else { return system };
        match state.name(&system).and_then(|name| state.published_under(name)) {
            Some(learnt) => system.with_learnt(&learnt),
            None => system,
        }
    }

    /// A result has counted.
    pub(crate) fn counted(&self, row: &ResultRow, system: &System, now: Timestamp) {
        if !system.learns() || !row.counts() {
            return;
        }
        let mut all = self.0.lock();
        let state = all.entry(row.mode.clone()).or_default();
        let Some(name) = state.name(system) else { return };
        let work = state.work.filter(|(under, _)| *under == name).map(|(_, learnt)| learnt);
        let known = work.or_else(|| state.published_under(name)).or_else(|| system.nothing_learnt());
        let Some(mut learnt) = known else { return };
        if rate_into(system, &learnt, row, &mut state.scratch) {
            system.learn(&mut learnt, &state.scratch);
            state.work = Some((name, learnt));
            state.since += 1;
            state.first_at.get_or_insert(now);
        }
    }

    /// Something was published.
    pub(crate) fn published(&self, mode: &Mode, row: &LearntRow) {
        let mut all = self.0.lock();
        let state = all.entry(mode.clone()).or_default();
        // One's own work goes on from what it was; another node's is taken instead.
        let own = state.work.is_some_and(|(_, learnt)| learnt == row.learnt);
        if !own {
            state.work = None;
        }
        (state.since, state.first_at) = (0, None);
        state.published = Some(row.clone());
    }

    /// What is due to be published, of all modes.
    fn due(&self, now: Timestamp) -> Vec<(Mode, LearntRow)> {
        let all = self.0.lock();
        let due = all.iter().filter_map(|(mode, state)| {
            let (under, learnt) = state.work?;
            let known = state.published.as_ref().map_or(0, |row| row.results);
            let is_old = state.first_at.is_some_and(|first| now.since(first) >= AGE_MAX);
            let is_due = state.since >= RESULTS_MIN.max(known / RESULTS_PART) || (state.since > 0 && is_old);
            is_due.then(|| (mode.clone(), LearntRow { under, learnt, results: known + state.since }))
        });
        due.collect()
    }
}

impl Engine {
    /// What a queue's mode is rated by now, with what is published.
    pub(crate) fn rates(&self, queue: &QueueConfig) -> System {
        self.views.learning.applied(&queue.mode, queue.rating.clone())
    }

    /// Publishes what is due.
    pub(crate) async fn publish_learnt(&self) -> Result<(), EngineError> {
        for (mode, row) in self.views.learning.due(self.clock.now()) {
            let key = Key::Learnt(mode.clone());
            let found = self.get_one(&key).await?;
            let call = Call::system("gsm:PublishLearnt", self.clock.now());
            let mut changes = self.changes(&call, &[&mode]);
            changes.audit = None;
            changes.replace(key, found.map(|found| found.version), Row::Learnt(row));
            match self.commit(Home::Record, changes).await {
                // Another node was first: its word comes with the fold.
                Ok(_) | Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}
