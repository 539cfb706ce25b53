//! The pasts that are kept, and how they follow commits.
use super::{
    PastPlace, PastRank, Refusal,
    packing::TooGreat,
    track::{Rules, StepRow, Track},
};
use crate::{
    boards::{Line, Part, Source},
    store::{AttributesRow, HistoryRow, KeyRange, ScoredRow},
};
use gsm_core::{BoardName, Map, Mode, PlayerId, Timestamp};
use gsm_ranking::{Past, Step};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Pasts that are kept; that which nobody has asked for longest gives way.
const PASTS_MAX: usize = 32;

/// The pasts that somebody has asked for.
#[derive(Default)]
pub(crate) struct Pasts {
    views: RwLock<Vec<Arc<PastView>>>,
    /// Questions so far.
    asked: AtomicU64,
}

/// The past of a board, of a season of one, or of a part.
pub(super) struct PastView {
    pub(super) line: Arc<Line>,
    pub(super) number: u64,
    pub(super) part: Option<Part>,
    pub(super) state: Mutex<State>,
    /// One makes it, the others are told so.
    pub(super) making: tokio::sync::Mutex<()>,
    /// When it was last asked for.
    used: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) made: Option<Made>,
    /// Why it cannot be made, so that nothing is read in vain again.
    pub(super) refused: Option<Refusal>,
    /// What commits told while it was being made.
    pub(super) told: Option<Vec<(PlayerId, u64, Told)>>,
    /// Who came into its part or left it until it is known of whom it is being made.
    pub(super) settled: Option<Vec<(PlayerId, bool)>>,
    /// Of whom it is being made, once that is known.
    pub(super) making_of: Option<Members>,
    /// What it is made of changed meanwhile.
    pub(super) spoilt: bool,
}

/// A step as it was told, to be taken later.
pub(super) enum Told {
    History(HistoryRow),
    Score(ScoredRow),
}

impl Told {
    fn of(row: StepRow<'_>) -> Self {
        match row {
            StepRow::History(row) => Self::History(row.clone()),
            StepRow::Score(row) => Self::Score(row.clone()),
        }
    }

    pub(super) fn row(&self) -> StepRow<'_> {
        match self {
            Self::History(row) => StepRow::History(row),
            Self::Score(row) => StepRow::Score(row),
        }
    }
}

impl PastView {
    /// What it is made of.
    pub(super) fn steps(&self) -> KeyRange {
        match &self.line.config.source {
            Source::Mode(mode) => KeyRange::Histories(mode.clone()),
            Source::Submissions => KeyRange::ScoredIn(self.line.config.name.clone(), self.number),
        }
    }

    /// What a player adds to it.
    pub(super) fn steps_of(&self, player: PlayerId) -> KeyRange {
        match &self.line.config.source {
            Source::Mode(mode) => KeyRange::History(mode.clone(), player),
            Source::Submissions => KeyRange::Scored(self.line.config.name.clone(), self.number, player),
        }
    }
}

/// Who counts: all, or the players of a part.
pub(super) type Members = Option<Arc<Map<PlayerId, ()>>>;

pub(super) struct Made {
    pub(super) rules: Arc<Rules>,
    pub(super) members: Members,
    pub(super) past: Past,
    pub(super) tracks: Map<PlayerId, Track>,
    /// When players leave for being idle, where the board asks.
    pub(super) leaves: BTreeSet<(Timestamp, PlayerId)>,
}

pub(super) fn is_member(members: &Members, player: PlayerId) -> bool {
    members.as_ref().is_none_or(|members| members.contains_key(&player))
}

impl Made {
    /// Takes one more step of a player; `Err` for one that is not the player's next, or that it cannot count.
    fn take(&mut self, player: PlayerId, depth: u64, row: StepRow<'_>) -> Result<(), TooGreat> {
        if !is_member(&self.members, player) {
            return Ok(());
        }
        let Self { rules, past, leaves, .. } = self;
        let is_new = !self.tracks.contains_key(&player);
        let track = self.tracks.entry(player).or_default();
        if !is_new && depth <= track.depth {
            // Told twice is no rewriting.
            let same = depth == track.depth && row.mean() == track.mean;
            return if same { Ok(()) } else { Err(TooGreat) };
        }
        if rules.waits() {
            return Err(TooGreat);
        }
        if let Some(at) = rules.leaves_at(track) {
            leaves.remove(&(at, player));
        }
        rules.take(track, depth, row, &mut |step| past.append(step))?;
        leaves.extend(rules.leaves_at(track).map(|at| (at, player)));
        Ok(())
    }

    /// Lets those go who have been idle for too long by `until`.
    fn sweep(&mut self, until: Timestamp) {
        while let Some((at, player)) = self.leaves.first().copied().filter(|(at, _)| *at <= until) {
            self.leaves.remove(&(at, player));
            if let Some(track) = self.tracks.get_mut(&player) {
                self.rules.leave(track, until, &mut |step| self.past.append(step));
            }
        }
    }

    pub(super) fn places(&mut self, steps: &[Step], instants: &[Timestamp]) -> Vec<PastRank> {
        self.sweep(last(instants));
        let samples = self.past.series(steps, instants);
        let one = |sample: gsm_ranking::Sample| PastRank {
            at: sample.at,
            place: sample.place.map(|place| PastPlace {
                rank: place.rank,
                percentile: place.percentile,
                keys: self.rules.keys(place.score),
            }),
            players: sample.players,
        };
        samples.into_iter().map(one).collect()
    }
}

pub(super) fn last(instants: &[Timestamp]) -> Timestamp {
    instants.iter().copied().max().unwrap_or(Timestamp::EPOCH)
}

/// While a past is made: what commits tell is kept for it. A caller may go away in the middle of it.
pub(super) struct Making<'a>(&'a PastView);

impl<'a> Making<'a> {
    pub(super) fn begin(view: &'a PastView) -> Self {
        let mut state = view.state.lock();
        (state.made, state.told, state.spoilt) = (None, Some(Vec::new()), false);
        // All others are known from the start, or change with their seats.
        let of_places = matches!(view.part, Some(Part::Of(..)));
        (state.settled, state.making_of) = (of_places.then(Vec::new), None);
        Self(view)
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        (state.told, state.settled, state.making_of) = (None, None, None);
    }
}

impl State {
    /// Of whom it is made, or is being made.
    fn members(&self) -> Option<&Members> {
        self.made.as_ref().map(|made| &made.members).or(self.making_of.as_ref())
    }

    /// What it was made of has changed.
    fn spoil(&mut self) {
        (self.made, self.refused) = (None, None);
        self.spoilt = true;
    }

    pub(super) fn take(&mut self, player: PlayerId, depth: u64, row: StepRow<'_>) {
        if self.made.as_mut().is_some_and(|made| made.take(player, depth, row).is_err()) {
            self.spoil();
        }
    }
}

impl Pasts {
    /// The past of a board as it is defined now.
    pub(super) fn of(&self, line: &Arc<Line>, number: u64, part: Option<&Part>) -> Arc<PastView> {
        let now = self.asked.fetch_add(1, Ordering::Relaxed);
        let is_it = |view: &PastView| {
            Arc::ptr_eq(&view.line.config, &line.config)
                && view.number == number
                && view.part.as_ref() == part
        };
        let found = |views: &[Arc<PastView>]| views.iter().find(|view| is_it(view)).cloned();
        if let Some(view) = found(&self.views.read()) {
            view.used.store(now, Ordering::Relaxed);
            return view;
        }
        let mut views = self.views.write();
        if let Some(view) = found(&views) {
            return view;
        }
        // What is left of other definitions goes.
        views.retain(|view| {
            view.line.config.name != line.config.name || Arc::ptr_eq(&view.line.config, &line.config)
        });
        if views.len() >= PASTS_MAX {
            let used = |(_, view): &(usize, &Arc<PastView>)| view.used.load(Ordering::Relaxed);
            let oldest = views.iter().enumerate().min_by_key(used).map(|(at, _)| at);
            oldest.map(|at| views.swap_remove(at));
        }
        let view = Arc::new(PastView {
            line: line.clone(),
            number,
            part: part.cloned(),
            state: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            used: AtomicU64::new(now),
        });
        views.push(view.clone());
        view
    }

    /// A history has a new row, or lost one.
    pub(crate) fn told(&self, mode: &Mode, player: PlayerId, depth: u64, row: Option<&HistoryRow>) {
        for view in self.views.read().iter().filter(|view| view.line.config.mode() == Some(mode)) {
            let mut state = view.state.lock();
            // Of what led elsewhere something was counted again.
            if row.is_some_and(|row| view.line.number_at(row.at) == Some(view.number)) {
                state.refused = None;
            }
            match (row, &mut state.told) {
                (Some(row), Some(told)) => told.push((player, depth, Told::History(row.clone()))),
                (Some(row), None) => state.take(player, depth, StepRow::History(row)),
                (None, _) => state.spoil(),
            }
        }
    }

    /// A player has made a step on a board that scores are submitted to.
    pub(crate) fn scored(&self, board: &BoardName, season: u64, player: PlayerId, nth: u32, row: &ScoredRow) {
        let is_it = |view: &&Arc<PastView>| view.number == season && view.line.config.name == *board;
        for view in self.views.read().iter().filter(is_it) {
            let (mut state, row) = (view.state.lock(), StepRow::Score(row));
            match &mut state.told {
                Some(told) => told.push((player, nth.into(), Told::of(row))),
                None => state.take(player, nth.into(), row),
            }
        }
    }

    /// A player belongs elsewhere: parts are of those who belong there today. Comes after the boards have been told.
    pub(crate) fn settled(&self, player: PlayerId, home: Option<&AttributesRow>) {
        for view in self.views.read().iter() {
            let Some(part @ Part::Of(..)) = &view.part else { continue };
            let belongs = home.is_some_and(|home| part.has(home));
            let mut state = view.state.lock();
            if let Some(settled) = &mut state.settled {
                settled.push((player, belongs));
            } else if state.members().map(|members| is_member(members, player)) != Some(belongs) {
                state.spoil();
            }
        }
    }

    /// A seat was taken in a cohort.
    pub(crate) fn seated(&self, board: &BoardName, season: u64, cohort: u64) {
        for view in self.views.read().iter() {
            let is_it = view.number == season && view.part == Some(Part::Cohort(cohort));
            if is_it && view.line.config.name == *board {
                view.state.lock().spoil();
            }
        }
    }
}
