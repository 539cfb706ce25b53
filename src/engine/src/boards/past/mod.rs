//! Rank at a date: where a player stood on a board at any past instant, exact.
//!
//! The past of a board is made of steps when somebody first asks, and follows commits from then on. The steps of a
//! mode's board are the mode's histories: what rewrites one (a result voided or corrected) ends the past, which is made
//! anew for the next who asks. Where scores are submitted the steps are kept if the board says so, and never rewritten.
mod packing;
mod track;

use super::{BoardConfig, BoardRef, Line, Part, Source, Ties, Viewer, tally::entry_of};
use crate::{
    Engine, EngineError,
    aside::aside,
    store::{AttributesRow, EntryRow, HistoryRow, Key, KeyRange, Row, ScoredRow, Versioned},
};
use gsm_core::{BoardName, Map, Mode, PlayerId, Rank, Timestamp};
use gsm_ranking::{Keys, Past, Step};
use packing::{Packing, TooGreat};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use track::{Rules, StepRow, Track};

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
    told: Option<Vec<(PlayerId, u64, Told)>>,
    /// Of whom it is being made, once that is known.
    making_of: Option<Members>,
    /// What it is made of changed meanwhile.
    spoilt: bool,
}

/// A step as it was told, to be taken later.
enum Told {
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

    fn row(&self) -> StepRow<'_> {
        match self {
            Self::History(row) => StepRow::History(row),
            Self::Score(row) => StepRow::Score(row),
        }
    }
}

/// A board, or a season of one, has no past: the field that says so, and why.
#[derive(Debug, Clone, Copy)]
struct Refusal(&'static str, &'static str);

const TOO_GREAT: Refusal =
    Refusal("board", "has no past: its numbers are too great to be compared over time");

const CHANGED: Refusal =
    Refusal("season", "has no past: it was paid out, and results of it were changed since");

/// Why a past was not made.
enum Unmade {
    /// It has none.
    Refused(Refusal),
    /// So many of the matches that each of these quit are to be counted as an earlier version did, which paid the season out.
    AsPaid(Map<PlayerId, u32>),
}

impl From<Refusal> for Unmade {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Refusal> for EngineError {
    fn from(Refusal(field, detail): Refusal) -> Self {
        Self::invalid(field, detail)
    }
}

impl PastView {
    /// What it is made of.
    fn steps(&self) -> KeyRange {
        match &self.line.config.source {
            Source::Mode(mode) => KeyRange::Histories(mode.clone()),
            Source::Submissions => KeyRange::ScoredIn(self.line.config.name.clone(), self.number),
        }
    }

    /// What a player adds to it.
    fn steps_of(&self, player: PlayerId) -> KeyRange {
        match &self.line.config.source {
            Source::Mode(mode) => KeyRange::History(mode.clone(), player),
            Source::Submissions => KeyRange::Scored(self.line.config.name.clone(), self.number, player),
        }
    }
}

/// Who counts: all, or the players of a part.
type Members = Option<Arc<Map<PlayerId, ()>>>;

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

    fn places(&mut self, steps: &[Step], instants: &[Timestamp]) -> Vec<PastRank> {
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

fn last(instants: &[Timestamp]) -> Timestamp {
    instants.iter().copied().max().unwrap_or(Timestamp::EPOCH)
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

    fn take(&mut self, player: PlayerId, depth: u64, row: StepRow<'_>) {
        if self.made.as_mut().is_some_and(|made| made.take(player, depth, row).is_err()) {
            self.spoil();
        }
    }
}

impl Pasts {
    /// The past of a board as it is defined now.
    fn of(&self, line: &Arc<Line>, number: u64, part: Option<&Part>) -> Arc<PastView> {
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
            let mut state = view.state.lock();
            let was = state.members().map(|members| is_member(members, player));
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

/// Whether a past can compare the numbers of an entry; else within what they must be.
pub(super) fn check(config: &BoardConfig, values: [i64; 5]) -> Result<(), i64> {
    let Some(most) = Packing::new(config).map(|packing| packing.most()) else { return Ok(()) };
    let fits = values.iter().all(|value| value.unsigned_abs() <= most.unsigned_abs());
    if fits { Ok(()) } else { Err(most) }
}

/// Refuses a past that could not be told.
pub(super) fn validate(config: &BoardConfig) -> Result<(), EngineError> {
    let refused = |detail: &str| Err(EngineError::invalid("past", detail));
    match &config.source {
        _ if !config.past => Ok(()),
        Source::Mode(_) => {
            refused("is for boards that scores are submitted to: the boards of a mode have one")
        }
        Source::Submissions if config.ties != Ties::Competition => {
            refused("needs ranks by `competition`: others are not counted over time")
        }
        Source::Submissions if Packing::new(config).is_none() => {
            refused("needs one column or two: more are not compared over time")
        }
        Source::Submissions => Ok(()),
    }
}

fn step_of<'a>(key: &Key, found: &'a Versioned) -> Result<(PlayerId, u64, StepRow<'a>), EngineError> {
    match (key, &*found.row) {
        (Key::History(_, player, depth), Row::History(row)) => Ok((*player, *depth, StepRow::History(row))),
        (Key::Scored(_, _, player, nth), Row::Scored(row)) => {
            Ok((*player, u64::from(*nth), StepRow::Score(row)))
        }
        _ => Err(EngineError::damaged(key)),
    }
}

impl Engine {
    /// Where a player stood on a board at each of `instants`, in their order; of a season that of `of`, within it. A part
    /// is of those who belong there today, and players who are hidden now count as they did then; who is hidden from
    /// `viewer` has no place.
    ///
    /// The first question of a board reads all its steps (of a mode all histories), of a small part those of its players;
    /// from then on O(log² steps) an instant, and the player's own steps. Refused where scores are submitted and steps
    /// are not kept, and where ranks are not by competition.
    pub async fn rank_at(
        &self,
        of: &BoardRef,
        player: PlayerId,
        instants: &[Timestamp],
        viewer: Viewer,
    ) -> Result<Vec<PastRank>, EngineError> {
        if !(1..=SERIES_MAX).contains(&instants.len()) {
            return Err(EngineError::invalid("instants", format!("must be 1 to {SERIES_MAX}")));
        }
        let line = self.line(&of.name)?;
        if line.config.source == Source::Submissions && !line.config.past {
            let detail =
                "has no past: it was not defined with `past`, and only the last score of each player is kept";
            return Err(EngineError::invalid("board", detail));
        }
        if line.config.ties != Ties::Competition {
            let detail = "has no past: only ranks by competition are counted over time";
            return Err(EngineError::invalid("board", detail));
        }
        let number = self.season_number(&line, of.season)?;
        let is_seen = self.may_see(&of.name, player, viewer);
        if of.part.is_some() {
            // A part that there is.
            self.open_board(of).await?.players()?;
        }
        let view = self.views.pasts.of(&line, number, of.part.as_ref());
        for _ in 0..TRIES_MAX {
            let made = {
                let state = view.state.lock();
                if let Some(refusal) = state.refused {
                    return Err(refusal.into());
                }
                state.made.as_ref().map(|made| (made.rules.clone(), is_member(&made.members, player)))
            };
            if let Some((rules, is_in)) = made {
                let steps = if is_in && is_seen {
                    self.own_steps(&view, player, &rules, last(instants)).await?
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
        view: &PastView,
        player: PlayerId,
        rules: &Rules,
        until: Timestamp,
    ) -> Result<Vec<Step>, EngineError> {
        let (mut steps, mut track) = (Vec::new(), rules.begin(player));
        self.each(view.steps_of(player), |key, found| {
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
            state.making_of = None;
        }
        let mut made = self.read_past(view, Map::default()).await;
        if let Ok(Err(Unmade::AsPaid(quit_by_place))) = made {
            made = self.read_past(view, quit_by_place).await;
        }
        let mut state = view.state.lock();
        state.making_of = None;
        let told = state.told.take().unwrap_or_default();
        match made? {
            _ if state.spoilt => {}
            Err(Unmade::Refused(refusal)) => state.refused = Some(refusal),
            // What it is made of changed between the two.
            Err(Unmade::AsPaid(_)) => {}
            Ok(made) => {
                state.made = Some(made);
                told.iter().for_each(|(player, depth, row)| state.take(*player, *depth, row.row()));
            }
        }
        Ok(())
    }

    async fn read_past(
        &self,
        view: &PastView,
        quit_by_place: Map<PlayerId, u32>,
    ) -> Result<Result<Made, Unmade>, EngineError> {
        let PastView { line, number, part, .. } = view;
        let starts = match line.tiers_by_shares() {
            Some(_) => self.known_starts(line, *number).await?.map(|(row, _)| row),
            None => None,
        };
        let Some(rules) = Rules::new(line.clone(), *number, starts, quit_by_place) else {
            let detail = "has no past: it has too many columns to be compared over time";
            return Ok(Err(Refusal("board", detail).into()));
        };
        let members = match part {
            None => None,
            Some(part @ Part::Of(..)) => {
                // Under the lock: who settles now is among them already, or is told next and compared with them.
                let mut state = view.state.lock();
                let members = Some(Arc::new(self.views.boards.players_of(part)));
                state.making_of = Some(members.clone());
                members
            }
            Some(Part::Cohort(cohort)) => Some(Arc::new(self.seated_in(line, *number, *cohort).await?)),
        };
        let (mut steps, mut tracks): (Vec<Step>, Map<PlayerId, Track>) = (Vec::new(), Map::default());
        let mut fits = true;
        let mut take = |key: Key, found: Versioned| {
            let (player, depth, row) = step_of(&key, &found)?;
            if fits && is_member(&members, player) {
                let track = tracks.entry(player).or_insert_with(|| rules.begin(player));
                fits = rules.take(track, depth, row, &mut |step| steps.push(step)).is_ok();
            }
            Ok(())
        };
        match &members {
            Some(few) if few.len() <= READ_ALONE_MAX => {
                for player in few.keys() {
                    self.each(view.steps_of(*player), &mut take).await?;
                }
            }
            _ => self.each(view.steps(), &mut take).await?,
        }
        if !fits {
            return Ok(Err(TOO_GREAT.into()));
        }
        if let Err(unmade) = self.ends_as_paid(view, &rules, &members, &tracks).await? {
            return Ok(Err(unmade));
        }
        let (now, mut leaves) = (self.clock.now(), BTreeSet::new());
        for (player, track) in &mut tracks {
            rules.leave(track, now, &mut |step| steps.push(step));
            leaves.extend(rules.leaves_at(track).map(|at| (at, *player)));
        }
        let past = aside(|| {
            steps.sort_by_key(|step| step.at);
            steps.into_iter().collect()
        });
        Ok(Ok(Made { rules: Arc::new(rules), members, past, tracks, leaves }))
    }

    /// Who has a seat in a cohort.
    async fn seated_in(
        &self,
        line: &Line,
        number: u64,
        cohort: u64,
    ) -> Result<Map<PlayerId, ()>, EngineError> {
        let view = self.open_season(line, number).await?;
        let seated = view.read(None, |_, state| state.cohort(cohort).map(|(of, _)| of.seated.clone()));
        Ok(seated.flatten().unwrap_or_default().into_iter().map(|player| (player, ())).collect())
    }

    /// A season that is paid out stays as it is, whatever becomes of its results: whether these lead there still, be it as
    /// an earlier version counted them.
    async fn ends_as_paid(
        &self,
        view: &PastView,
        rules: &Rules,
        members: &Members,
        tracks: &Map<PlayerId, Track>,
    ) -> Result<Result<(), Unmade>, EngineError> {
        let (line, name) = (&view.line, &view.line.config.name);
        let is_paid = line.config.mode().is_some()
            && line.has_seasons()
            && self.get_one(&Key::Payout(name.clone(), view.number)).await?.is_some();
        if !is_paid {
            return Ok(Ok(()));
        }
        let mut left = tracks.values().filter(|track| track.entry.is_some()).count();
        let mut others: Vec<(PlayerId, EntryRow)> = Vec::new();
        self.each(KeyRange::Entries(name.clone(), view.number), |key, found| {
            if let Key::Entry(_, _, player) = &key
                && is_member(members, *player)
            {
                let (counted, paid) = (tracks.get(player), entry_of(&key, &found.row)?);
                let counted = counted.and_then(|track| track.entry.as_deref());
                if counted != Some(paid) {
                    others.push((*player, paid.clone()));
                }
                left = left.saturating_sub(usize::from(counted.is_some()));
            }
            Ok(())
        })
        .await?;
        if left > 0 {
            return Ok(Err(CHANGED.into()));
        }
        let mut quit_by_place: Map<PlayerId, u32> = Map::default();
        for (player, paid) in &others {
            let Some(quits) = self.quit_as_paid(view, rules, *player, paid).await? else {
                return Ok(Err(CHANGED.into()));
            };
            quit_by_place.insert(*player, quits);
        }
        Ok(if others.is_empty() { Ok(()) } else { Err(Unmade::AsPaid(quit_by_place)) })
    }

    async fn quit_as_paid(
        &self,
        view: &PastView,
        rules: &Rules,
        player: PlayerId,
        paid: &EntryRow,
    ) -> Result<Option<u32>, EngineError> {
        let mut steps = Vec::new();
        self.each(view.steps_of(player), |key, found| {
            if let (_, depth, StepRow::History(row)) = step_of(&key, &found)? {
                steps.push((depth, row.clone()));
            }
            Ok(())
        })
        .await?;
        Ok(rules.as_paid(&steps, paid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::Dimension;
    use gsm_core::Attribute;

    #[test]
    fn who_stays_in_a_part_or_out_of_it_does_not_spoil_what_is_being_made() {
        let (pasts, mode) = (Pasts::default(), Mode::new("duel").unwrap());
        let line = Arc::new(Line::new(BoardConfig::of_mode(&mode), Timestamp::EPOCH, false));
        let attribute = |name: &str| Attribute::new(name).unwrap();
        let home = |region: &str| AttributesRow {
            region: Some(attribute(region)),
            platform: Some(attribute("pc")),
            groups: Vec::new(),
        };
        let view = pasts.of(&line, 0, Some(&Part::Of(Dimension::Region, attribute("eu"))));
        let [member, other] = [1, 2].map(PlayerId::from_u128);
        let spoils = |player, home: Option<&AttributesRow>| {
            let members = std::iter::once((member, ())).collect();
            *view.state.lock() = State { making_of: Some(Some(Arc::new(members))), ..State::default() };
            pasts.settled(player, home);
            view.state.lock().spoilt
        };
        assert!(!spoils(member, Some(&home("eu"))) && !spoils(other, Some(&home("na"))));
        assert!(!spoils(other, None), "who is erased was not in it");
        assert!(
            spoils(other, Some(&home("eu"))) && spoils(member, Some(&home("na"))) && spoils(member, None)
        );
    }
}
