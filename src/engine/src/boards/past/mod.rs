//! Rank at a date: where a player stood on a board of a mode at any past instant, exact.
//!
//! The past of a board is made of its mode's histories when somebody first asks, and follows commits from then on. What
//! rewrites a history (a result voided or corrected) ends it: it is made anew for the next who asks. Scores that are
//! submitted have no past: only where they stand is kept.
mod packing;
mod track;

use super::{BoardRef, Line, Part, Source, Ties, tally::entry_of};
use crate::{
    Engine, EngineError,
    store::{AttributesRow, HistoryRow, Key, KeyRange, Row, Versioned},
};
use gsm_core::{BoardName, Map, Mode, PlayerId, Rank, Timestamp};
use gsm_ranking::{Keys, Past, Step};
use packing::TooGreat;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use track::{Rules, Track};

/// How often a past is made anew for one question, where histories are rewritten meanwhile.
const TRIES_MAX: usize = 3;
/// Instants of one question.
pub const SERIES_MAX: usize = 500;
/// Pasts that are kept; that which nobody has asked for longest gives way.
const PASTS_MAX: usize = 32;
/// Of a part of so many players the histories are read one by one, of a greater one all of the mode.
const READ_ALONE_MAX: usize = 1_000;

/// Where a player stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRank {
    /// The instant; all that happened at it counts.
    pub at: Timestamp,
    /// `None` if the player was not ranked then.
    pub place: Option<PastPlace>,
    /// Players ranked then.
    pub players: u64,
}

/// A place of the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastPlace {
    /// 1 + the number of strictly better players.
    pub rank: Rank,
    /// Share of the others who were not better, `0.0..=100.0`.
    pub percentile: f64,
    /// What the board compared.
    pub keys: Keys,
}

/// The pasts that somebody has asked for.
#[derive(Default)]
pub(crate) struct Pasts {
    views: RwLock<Vec<Arc<PastView>>>,
    /// Questions so far.
    asked: AtomicU64,
}

/// The past of a board, of a season of one, or of a part.
struct PastView {
    line: Arc<Line>,
    mode: Mode,
    number: u64,
    part: Option<Part>,
    state: Mutex<State>,
    /// One makes it, the others are told so.
    making: tokio::sync::Mutex<()>,
    /// When it was last asked for.
    used: AtomicU64,
}

#[derive(Default)]
struct State {
    made: Option<Made>,
    /// Why it cannot be made, so that nothing is read in vain again.
    refused: Option<Refusal>,
    /// What commits told while it was being made.
    told: Option<Vec<(PlayerId, u64, HistoryRow)>>,
    /// What it is made of changed meanwhile.
    spoilt: bool,
}

/// A board, or a season of one, has no past: the field that says so, and why.
#[derive(Debug, Clone, Copy)]
struct Refusal(&'static str, &'static str);

const TOO_GREAT: Refusal =
    Refusal("board", "has no past: its numbers are too great to be compared over time");

impl From<Refusal> for EngineError {
    fn from(Refusal(field, detail): Refusal) -> Self {
        Self::invalid(field, detail)
    }
}

/// Who counts: all, or the players of a part.
type Members = Option<Map<PlayerId, ()>>;

struct Made {
    rules: Arc<Rules>,
    members: Members,
    past: Past,
    tracks: Map<PlayerId, Track>,
    /// When players leave for being idle, where the board asks.
    leaves: BTreeSet<(Timestamp, PlayerId)>,
}

fn is_member(members: &Members, player: PlayerId) -> bool {
    members.as_ref().is_none_or(|members| members.contains_key(&player))
}

impl Made {
    /// Takes one more step of a player; `Err` for one that is not the player's next, or that it cannot count.
    fn take(&mut self, player: PlayerId, depth: u64, row: &HistoryRow) -> Result<(), TooGreat> {
        if !is_member(&self.members, player) {
            return Ok(());
        }
        let Self { rules, past, leaves, .. } = self;
        let is_new = !self.tracks.contains_key(&player);
        let track = self.tracks.entry(player).or_default();
        if !is_new && depth <= track.depth {
            // Told twice is no rewriting.
            let same = depth == track.depth && crate::results::counting::score_of(&row.after) == track.mean;
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

    fn places(&mut self, steps: &[Step], instants: &[Timestamp]) -> Vec<PastRank> {
        self.sweep(last(instants));
        // Nothing is ever taken out of memory, so that no segment is absent.
        let samples = self.past.series(steps, instants).unwrap_or_default();
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

fn last(instants: &[Timestamp]) -> Timestamp {
    instants.iter().copied().max().unwrap_or(Timestamp::EPOCH)
}

impl State {
    /// What it was made of has changed.
    fn spoil(&mut self) {
        (self.made, self.refused) = (None, None);
        self.spoilt = true;
    }

    fn take(&mut self, player: PlayerId, depth: u64, row: &HistoryRow) {
        if self.made.as_mut().is_some_and(|made| made.take(player, depth, row).is_err()) {
            self.spoil();
        }
    }
}

impl Pasts {
    /// The past of a board as it is defined now.
    fn of(&self, line: &Arc<Line>, mode: &Mode, number: u64, part: Option<&Part>) -> Arc<PastView> {
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
            mode: mode.clone(),
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
        for view in self.views.read().iter().filter(|view| view.mode == *mode) {
            let mut state = view.state.lock();
            // Of what led elsewhere something was counted again.
            if row.is_some_and(|row| view.line.number_at(row.at) == Some(view.number)) {
                state.refused = None;
            }
            match (row, &mut state.told) {
                (Some(row), Some(told)) => told.push((player, depth, row.clone())),
                (Some(row), None) => state.take(player, depth, row),
                (None, _) => state.spoil(),
            }
        }
    }

    /// A player belongs elsewhere: parts are of those who belong there today.
    pub(crate) fn settled(&self, player: PlayerId, home: Option<&AttributesRow>) {
        for view in self.views.read().iter() {
            let Some(part @ Part::Of(..)) = &view.part else { continue };
            let mut state = view.state.lock();
            let was = state.made.as_ref().map(|made| is_member(&made.members, player));
            if was != Some(home.is_some_and(|home| part.has(home))) {
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

fn step_of<'a>(key: &Key, found: &'a Versioned) -> Result<(PlayerId, u64, &'a HistoryRow), EngineError> {
    match (key, &*found.row) {
        (Key::History(_, player, depth), Row::History(row)) => Ok((*player, *depth, row)),
        _ => Err(EngineError::damaged(key)),
    }
}

impl Engine {
    /// Where a player stood on a board at each of `instants`, in their order; of a season that of `of`, within it. A part
    /// is of those who belong there today, and players who are hidden now count as they did then.
    ///
    /// The first question of a board reads all histories of its mode, of a small part those of its players; from then on
    /// O(log² steps) an instant, and the player's own history. Refused where scores are submitted, and where ranks are
    /// not by competition.
    pub async fn rank_at(
        &self,
        of: &BoardRef,
        player: PlayerId,
        instants: &[Timestamp],
    ) -> Result<Vec<PastRank>, EngineError> {
        if !(1..=SERIES_MAX).contains(&instants.len()) {
            return Err(EngineError::invalid("instants", format!("must be 1 to {SERIES_MAX}")));
        }
        let line = self.line(&of.name)?;
        let Source::Mode(mode) = &line.config.source else {
            let detail = "has no past: of scores that are submitted only the last is kept";
            return Err(EngineError::invalid("board", detail));
        };
        if line.config.ties != Ties::Competition {
            let detail = "has no past: only ranks by competition are counted over time";
            return Err(EngineError::invalid("board", detail));
        }
        let number = self.season_number(&line, of.season)?;
        if of.part.is_some() {
            // A part that there is.
            self.open_board(of).await?.players()?;
        }
        let view = self.views.pasts.of(&line, mode, number, of.part.as_ref());
        for _ in 0..TRIES_MAX {
            let made = {
                let state = view.state.lock();
                if let Some(refusal) = state.refused {
                    return Err(refusal.into());
                }
                state.made.as_ref().map(|made| (made.rules.clone(), is_member(&made.members, player)))
            };
            if let Some((rules, is_in)) = made {
                let steps = if is_in {
                    self.own_steps(mode, player, &rules, last(instants)).await?
                } else {
                    Vec::new()
                };
                if let Some(made) = &mut view.state.lock().made {
                    return Ok(made.places(&steps, instants));
                }
                continue;
            }
            let Ok(_making) = view.making.try_lock() else {
                return Err(EngineError::BoardFilling { board: of.name.to_string() });
            };
            self.make_past(&view).await?;
        }
        Err(EngineError::Contended)
    }

    /// A player's steps on a board, oldest first.
    async fn own_steps(
        &self,
        mode: &Mode,
        player: PlayerId,
        rules: &Rules,
        until: Timestamp,
    ) -> Result<Vec<Step>, EngineError> {
        let (mut steps, mut track) = (Vec::new(), Track::default());
        self.each(KeyRange::History(mode.clone(), player), |key, found| {
            let (_, depth, row) = step_of(&key, &found)?;
            rules
                .take(&mut track, depth, row, &mut |step| steps.push(step))
                .map_err(|TooGreat| TOO_GREAT.into())
        })
        .await?;
        rules.leave(&mut track, until, &mut |step| steps.push(step));
        Ok(steps)
    }

    async fn make_past(&self, view: &PastView) -> Result<(), EngineError> {
        {
            let mut state = view.state.lock();
            (state.made, state.told, state.spoilt) = (None, Some(Vec::new()), false);
        }
        let made = self.read_past(view).await;
        let mut state = view.state.lock();
        let told = state.told.take().unwrap_or_default();
        match made? {
            _ if state.spoilt => {}
            Err(refusal) => state.refused = Some(refusal),
            Ok(made) => {
                state.made = Some(made);
                told.iter().for_each(|(player, depth, row)| state.take(*player, *depth, row));
            }
        }
        Ok(())
    }

    async fn read_past(&self, view: &PastView) -> Result<Result<Made, Refusal>, EngineError> {
        let PastView { line, mode, number, part, .. } = view;
        let starts = match line.tiers_by_shares() {
            Some(_) => self.known_starts(line, *number).await?.map(|(row, _)| row),
            None => None,
        };
        let Some(rules) = Rules::new(line.clone(), *number, starts) else {
            let detail = "has no past: it has too many columns to be compared over time";
            return Ok(Err(Refusal("board", detail)));
        };
        let members = match part {
            None => None,
            Some(part) => Some(self.players_of(line, *number, part).await?),
        };
        let (mut steps, mut tracks): (Vec<Step>, Map<PlayerId, Track>) = (Vec::new(), Map::default());
        let mut fits = true;
        let mut take = |key: Key, found: Versioned| {
            let (player, depth, row) = step_of(&key, &found)?;
            if fits && is_member(&members, player) {
                let track = tracks.entry(player).or_default();
                fits = rules.take(track, depth, row, &mut |step| steps.push(step)).is_ok();
            }
            Ok(())
        };
        match &members {
            Some(few) if few.len() <= READ_ALONE_MAX => {
                for player in few.keys() {
                    self.each(KeyRange::History(mode.clone(), *player), &mut take).await?;
                }
            }
            _ => self.each(KeyRange::Histories(mode.clone()), &mut take).await?,
        }
        if !fits {
            return Ok(Err(TOO_GREAT));
        }
        if !self.ends_as_paid(view, &members, &tracks).await? {
            let detail = "has no past: it was paid out, and results of it were changed since";
            return Ok(Err(Refusal("season", detail)));
        }
        let (now, mut leaves) = (self.clock.now(), BTreeSet::new());
        for (player, track) in &mut tracks {
            rules.leave(track, now, &mut |step| steps.push(step));
            leaves.extend(rules.leaves_at(track).map(|at| (at, *player)));
        }
        steps.sort_by_key(|step| step.at);
        Ok(Ok(Made { rules: Arc::new(rules), members, past: steps.into_iter().collect(), tracks, leaves }))
    }

    /// Who belongs to a part today.
    async fn players_of(
        &self,
        line: &Line,
        number: u64,
        part: &Part,
    ) -> Result<Map<PlayerId, ()>, EngineError> {
        let cohort = match part {
            Part::Of(..) => return Ok(self.views.boards.players_of(part)),
            Part::Cohort(cohort) => *cohort,
        };
        let view = self.open_season(line, number).await?;
        let seated = view.read(None, |_, state| state.cohort(cohort).map(|(of, _)| of.seated.clone()));
        Ok(seated.flatten().unwrap_or_default().into_iter().map(|player| (player, ())).collect())
    }

    /// A season that is paid out stays as it is, whatever becomes of its results: whether these lead there still.
    async fn ends_as_paid(
        &self,
        view: &PastView,
        members: &Members,
        tracks: &Map<PlayerId, Track>,
    ) -> Result<bool, EngineError> {
        let (line, name) = (&view.line, &view.line.config.name);
        let is_paid =
            line.has_seasons() && self.get_one(&Key::Payout(name.clone(), view.number)).await?.is_some();
        if !is_paid {
            return Ok(true);
        }
        let mut left = tracks.values().filter(|track| track.entry.is_some()).count();
        let mut same = true;
        self.each(KeyRange::Entries(name.clone(), view.number), |key, found| {
            if let Key::Entry(_, _, player) = &key
                && is_member(members, *player)
            {
                let counted = tracks.get(player).and_then(|track| track.entry.as_deref());
                same &= counted == Some(entry_of(&key, &found.row)?);
                left = left.saturating_sub(1);
            }
            Ok(())
        })
        .await?;
        Ok(same && left == 0)
    }
}
