//! What rating systems learn from all matches of a mode, beside its players' ratings.
//!
//! Every node follows the results of a mode and learns from each. From time to time what it has learnt is published, as
//! one row of the mode, and is part of the system's settings from then on: results are rated by what is published, and
//! name it by how they say that they are rated ([`crate::store::Key::System`]). So a result can be rated again exactly as it was.
//!
//! Where a result is voided or corrected the mode learns anew, from those that count. Results that were rated meanwhile
//! keep what was known then.
use crate::{
    Call, Engine, EngineError, QueueConfig,
    jobs::Sink,
    results::counting::rate_into,
    store::{ChangeSet, Home, Key, KeyRange, LearntRow, ResultRow, Row},
    systems,
};
use gsm_core::{Map, MatchId, Millis, Mode, Timestamp, limits};
use gsm_rating::{Learnt, Scratch, System};
use parking_lot::Mutex;

/// What is new is published after so many results, or after a part of all results if that is more...
const RESULTS_MIN: u64 = 32;
const RESULTS_PART: u64 = 64;
/// ... or after so long, if that is more than a smaller part of all results. Each publication that a result rests on is
/// kept as long as the result: where matches are seldom there would be one for every match.
const AGE_MAX: Millis = Millis::from_secs(60);
const OLD_RESULTS_PART: u64 = 1_024;
const OLD_RESULTS_MAX: u64 = 64;

/// Results of all modes among which a ruling looks for those to learn from anew. Where there are more it is left to a
/// rebuild: one result says the less the more there are, and a ruling is not to take seconds.
const LOOKED_AT_MAX: usize = 20_000;

/// When a result came, its depth, and its match: results are learnt from in this order.
type Came = (Timestamp, u64, MatchId);

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
    /// What is being published; results that come meanwhile are not in it.
    offered: Option<Offer>,
    /// Whether something was learnt from a result that does not count like that any more.
    is_spoilt: bool,
    /// Whether learning anew is left to a rebuild.
    is_left: bool,
    /// What was learnt anew, and is about to be published.
    anew: Option<Anew>,
    scratch: Scratch,
}

/// What a node has learnt, as it goes to be published.
struct Offer {
    row: LearntRow,
    /// How many results are new in it.
    since: u64,
    at: Timestamp,
}

/// Whether what was learnt from `since` results, beside the `known` ones, is to be published.
fn is_due(known: u64, since: u64, first_at: Option<Timestamp>, now: Timestamp) -> bool {
    let is_old = first_at.is_some_and(|first| now.since(first) >= AGE_MAX);
    let old_results = (known / OLD_RESULTS_PART).clamp(1, OLD_RESULTS_MAX);
    since >= RESULTS_MIN.max(known / RESULTS_PART) || (is_old && since >= old_results)
}

/// What a mode learns of results in the order in which they came, and publishes on the way, as if there had been no
/// others.
struct Anew {
    /// Not where nothing was published yet: then nothing would have been without the others either.
    publishes: bool,
    published: LearntRow,
    work: Learnt,
    since: u64,
    first_at: Option<Timestamp>,
}

impl Anew {
    fn publish_if_due(&mut self, now: Timestamp) {
        if self.publishes && is_due(self.published.results, self.since, self.first_at, now) {
            self.published.learnt = self.work;
            self.published.results += self.since;
            (self.since, self.first_at) = (0, None);
        }
    }

    fn take(&mut self, row: &ResultRow, system: &System, scratch: &mut Scratch) {
        self.publish_if_due(row.at);
        if rate_into(system, &self.work, row, scratch) && system.learn(&mut self.work, scratch) {
            self.since += 1;
            self.first_at.get_or_insert(row.at);
        }
    }
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

    /// What is to be published, if that is due.
    fn due(&self, now: Timestamp) -> Option<LearntRow> {
        let (under, learnt) = self.work?;
        let known = self.published.as_ref().map_or(0, |row| row.results);
        let is_due = is_due(known, self.since, self.first_at, now);
        is_due.then_some(LearntRow { under, learnt, results: known + self.since })
    }

    fn begin(&mut self, anew: Anew) {
        self.work = Some((anew.published.under, anew.work));
        (self.since, self.first_at, self.offered) = (anew.since, anew.first_at, None);
        (self.is_spoilt, self.is_left) = (false, false);
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
        if rate_into(system, &learnt, row, &mut state.scratch) && system.learn(&mut learnt, &state.scratch) {
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
        let works = state.work.is_some_and(|(under, _)| under == row.under);
        match state.offered.take().filter(|offer| works && offer.row == *row) {
            Some(offer) => {
                state.since = state.since.saturating_sub(offer.since);
                state.first_at = (state.since > 0).then_some(offer.at);
            }
            None => {
                state.work = None;
                (state.since, state.first_at) = (0, None);
            }
        }
        state.published = Some(row.clone());
        if let Some(anew) = state.anew.take().filter(|anew| anew.published == *row) {
            state.begin(anew);
        }
    }

    /// Something may have been learnt from a result that is ruled on.
    pub(crate) fn spoil(&self, mode: &Mode) {
        let mut all = self.0.lock();
        let state = all.entry(mode.clone()).or_default();
        state.is_spoilt = !state.is_left;
    }

    /// A mode is to learn anew, whatever was left.
    fn spoil_anyway(&self, mode: &Mode) {
        self.0.lock().entry(mode.clone()).or_default().is_spoilt = true;
    }

    /// There is too much to learn from: it is left to a rebuild.
    fn leave(&self, mode: &Mode) {
        let mut all = self.0.lock();
        let state = all.entry(mode.clone()).or_default();
        (state.is_spoilt, state.is_left) = (false, true);
    }

    /// The name of a mode's settings, where it is to learn anew.
    fn spoilt(&self, mode: &Mode, system: &System) -> Option<u64> {
        self.0.lock().get_mut(mode).filter(|state| state.is_spoilt)?.name(system)
    }

    /// A mode has learnt anew, and nothing is to be published.
    fn begin(&self, mode: &Mode, anew: Anew) {
        self.0.lock().entry(mode.clone()).or_default().begin(anew);
    }

    /// A mode has learnt anew, and that is about to be published.
    fn prepare(&self, mode: &Mode, anew: Anew) {
        self.0.lock().entry(mode.clone()).or_default().anew = Some(anew);
    }

    /// The modes of which something is due to be published.
    fn due(&self, now: Timestamp) -> Vec<Mode> {
        let all = self.0.lock();
        all.iter().filter(|(_, state)| state.due(now).is_some()).map(|(mode, _)| mode.clone()).collect()
    }

    /// What is due of a mode, in the place of what was read to be `published`. Nothing where that is not what this node has
    /// heard of last: its work does not follow from it, and the fold that tells of it is still to come.
    fn offer(&self, mode: &Mode, published: Option<&LearntRow>, now: Timestamp) -> Option<LearntRow> {
        let mut all = self.0.lock();
        let state = all.get_mut(mode).filter(|state| state.published.as_ref() == published)?;
        let row = state.due(now)?;
        state.offered = Some(Offer { row: row.clone(), since: state.since, at: now });
        Some(row)
    }
}

impl Engine {
    /// What a queue's mode is rated by now, with what is published.
    pub(crate) fn rates(&self, queue: &QueueConfig) -> System {
        self.views.learning.applied(&queue.mode, queue.rating.clone())
    }

    /// Publishes what is due.
    pub(crate) async fn publish_learnt(&self) -> Result<(), EngineError> {
        for mode in self.views.learning.due(self.clock.now()) {
            let key = Key::Learnt(mode.clone());
            // First the row and its version, then what is to take its place: the mode may have learnt anew in between.
            let found = self.get_one(&key).await?;
            let published = match found.as_ref().map(|found| &*found.row) {
                None => None,
                Some(Row::Learnt(row)) => Some(row),
                Some(_) => return Err(EngineError::damaged(&key)),
            };
            let Some(row) = self.views.learning.offer(&mode, published, self.clock.now()) else { continue };
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

    /// After a ruling: a mode whose system learns does so anew. What was ruled counts, whether that succeeds or not.
    pub(crate) async fn learn_anew_after_ruling(&self, mode: &Mode) {
        self.learn_anew(mode, LOOKED_AT_MAX).await;
    }

    /// After a rebuild: the same, however many results there are.
    pub(crate) async fn learn_anew_after_rebuild(&self, mode: &Mode) {
        self.views.learning.spoil_anyway(mode);
        self.learn_anew(mode, usize::MAX).await;
    }

    /// Learns anew from the results that count, in the order in which they came, if something was learnt from one that
    /// does not count like that; not where there are more than `looked_at_max` results, of all modes. Costs a read of all of
    /// them, another of the mode's, and 32 bytes of memory for each of these; the mode takes no results meanwhile.
    async fn learn_anew(&self, mode: &Mode, looked_at_max: usize) {
        let Some(system) = self.views.queues.system_of(mode).filter(System::learns) else { return };
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let Some(name) = self.views.learning.spoilt(mode, &system) else { return };
            match self.try_learn_anew(mode, (&system, name), looked_at_max).await {
                Ok(()) => return,
                Err(EngineError::Raced(_)) => {}
                Err(error) => {
                    tracing::warn!(%mode, %error, "a mode has not learnt anew, a rebuild with repair makes it");
                    return;
                }
            }
        }
    }

    async fn try_learn_anew(
        &self,
        mode: &Mode,
        of: (&System, u64),
        looked_at_max: usize,
    ) -> Result<(), EngineError> {
        let gate = self.close_gate(mode).await?;
        let mut sink = Sink::staged(self, gate);
        match self.prepare_anew(mode, of, looked_at_max, &mut sink).await {
            Ok(Some(head)) => self.close_job(sink, Ok((head, ()))).await,
            Ok(None) => {
                self.drop_job(sink).await;
                Ok(())
            }
            Err(error) => {
                self.drop_job(sink).await;
                Err(error)
            }
        }
    }

    /// Learns anew; what is to be published, if anything is.
    async fn prepare_anew(
        &self,
        mode: &Mode,
        (system, name): (&System, u64),
        looked_at_max: usize,
        sink: &mut Sink<'_>,
    ) -> Result<Option<ChangeSet>, EngineError> {
        let Some(nothing) = system.nothing_learnt() else { return Ok(None) };
        let Some(results) = self.results_in_order(mode, looked_at_max, sink).await? else {
            self.views.learning.leave(mode);
            tracing::info!(%mode, "too many results to learn anew after a ruling, a rebuild with repair does it");
            return Ok(None);
        };
        let published = LearntRow { under: name, learnt: nothing, results: 0 };
        let key = Key::Learnt(mode.clone());
        let found = self.get_one(&key).await?;
        let publishes = found.is_some();
        let mut anew = Anew { publishes, published, work: nothing, since: 0, first_at: None };
        let mut scratch = Scratch::new();
        // Under other settings one learns something else.
        let settings = system.with_learnt(&nothing);
        for part in results.chunks(limits::PAGE_SIZE_MAX) {
            let keys: Vec<Key> = part.iter().map(|(.., id)| Key::Result(*id)).collect();
            for (key, found) in keys.iter().zip(self.get(Home::Record, &keys).await?) {
                // It was listed: none is a stale read.
                let found = found.ok_or(EngineError::Raced(None))?;
                let Row::Result(row) = &*found.row else { return Err(EngineError::damaged(key)) };
                let scheme = self.scheme(row.system).await?;
                if scheme.system.with_learnt(&nothing) == settings {
                    anew.take(row, system, &mut scratch);
                }
                sink.alive().await?;
            }
        }
        let Some(found) = found else {
            self.views.learning.begin(mode, anew);
            return Ok(None);
        };
        anew.publish_if_due(self.clock.now());
        let mut head = self.changes(&Call::system("gsm:LearnAnew", self.clock.now()), &[mode]);
        head.audit = None;
        head.replace(key, Some(found.version), Row::Learnt(anew.published.clone()));
        self.views.learning.prepare(mode, anew);
        Ok(Some(head))
    }

    /// The results of a mode that count, in the order in which they came; `None` where more are to be looked at than
    /// that.
    async fn results_in_order(
        &self,
        mode: &Mode,
        looked_at_max: usize,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Vec<Came>>, EngineError> {
        let (mut results, mut looked_at, mut after) = (Vec::new(), 0, None);
        while let Some(page) = self.page(&KeyRange::Results, &mut after).await? {
            looked_at += page.len();
            if looked_at > looked_at_max {
                return Ok(None);
            }
            for (key, found) in page {
                let (Key::Result(id), Row::Result(row)) = (&key, &*found.row) else {
                    return Err(EngineError::damaged(&key));
                };
                if row.mode == *mode && row.counts() {
                    results.push((row.at, row.depth, *id));
                }
                sink.alive().await?;
            }
        }
        results.sort_unstable();
        Ok(Some(results))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is learnt from so many results that one side has won.
    fn after(results: usize) -> Learnt {
        let settings = gsm_rating::KalmanSettings::default();
        let (system, mut learnt) = (System::Kalman(settings.clone()), Learnt::new(&settings));
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        let [one, other] = [[gsm_rating::Entrant::new(system.initial())]; 2];
        let sides = [gsm_rating::Side::new(1, &one), gsm_rating::Side::new(2, &other)];
        for _ in 0..results {
            let game = gsm_rating::Game { home: Some(0), ..gsm_rating::Game::new(&sides) };
            system.update_into(&game, &mut scratch, &mut out).unwrap();
            assert!(system.learn(&mut learnt, &scratch));
        }
        learnt
    }

    #[test]
    fn what_comes_while_something_is_published_is_not_lost() {
        let (learning, mode) = (Learning::default(), Mode::new("duel").unwrap());
        let work = |results: usize, since: u64| {
            let mut all = learning.0.lock();
            let state = all.entry(mode.clone()).or_default();
            state.work = Some((7, after(results)));
            state.since = since;
            state.first_at.get_or_insert(Timestamp::EPOCH);
        };
        let state = || {
            let all = learning.0.lock();
            let state = &all[&mode];
            (state.work, state.since, state.first_at)
        };
        let now = Timestamp::from_millis(5);
        work(40, 40);
        let offer = || {
            let published = learning.0.lock()[&mode].published.clone();
            assert_eq!(learning.due(now), std::slice::from_ref(&mode));
            learning.offer(&mode, published.as_ref(), now).unwrap()
        };
        let row = offer();
        work(43, 43);
        learning.published(&mode, &row);
        assert_eq!(state(), (Some((7, after(43))), 3, Some(now)));
        // Nothing came meanwhile.
        work(80, 40);
        let row = offer();
        assert_eq!(row.results, 80);
        learning.published(&mode, &row);
        assert_eq!(state(), (Some((7, after(80))), 0, None));
        // Another node was first.
        work(120, 40);
        offer();
        learning.published(&mode, &LearntRow { under: 7, learnt: after(90), results: 90 });
        assert_eq!(state(), (None, 0, None));
    }

    #[test]
    fn what_was_learnt_anew_is_not_replaced_by_what_was_spoilt() {
        let (learning, mode) = (Learning::default(), Mode::new("duel").unwrap());
        let first = LearntRow { under: 7, learnt: after(40), results: 40 };
        learning.published(&mode, &first);
        let now = Timestamp::EPOCH;
        {
            let mut all = learning.0.lock();
            let state = all.get_mut(&mode).unwrap();
            (state.work, state.since, state.is_spoilt) = (Some((7, after(80))), 40, true);
        }
        let anew = |publishes| {
            let published = LearntRow { under: 7, learnt: after(70), results: 70 };
            Anew { publishes, published, work: after(79), since: 9, first_at: Some(now) }
        };
        learning.prepare(&mode, anew(true));
        // The row is there, and its fold is still to come: the work on hand follows from the one before.
        let row = anew(true).published;
        assert_eq!(learning.due(now), std::slice::from_ref(&mode));
        assert_eq!(learning.offer(&mode, Some(&row), now), None);
        assert_eq!(learning.offer(&mode, None, now), None, "nor on a stale read");
        learning.published(&mode, &row);
        assert_eq!(learning.offer(&mode, Some(&row), now), None, "it is not due");
        assert_eq!(learning.0.lock()[&mode].work, Some((7, after(79))));
    }

    #[test]
    fn the_more_is_known_the_more_is_new_before_it_is_published() {
        let minute = Timestamp::EPOCH.saturating_add(AGE_MAX);
        let due = |known, since, now| is_due(known, since, Some(Timestamp::EPOCH), now);
        assert!(!due(0, 31, Timestamp::EPOCH) && due(0, 32, Timestamp::EPOCH));
        assert!(!due(6_400, 99, Timestamp::EPOCH) && due(6_400, 100, Timestamp::EPOCH));
        assert!(due(0, 1, minute) && due(2_047, 1, minute));
        assert!(!due(2_048, 1, minute) && due(2_048, 2, minute));
        assert!(!due(1_000_000_000, 63, minute) && due(1_000_000_000, 64, minute), "and yet now and then");
        assert!(!is_due(0, 0, None, minute));
    }
}
