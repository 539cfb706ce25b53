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
    store::{AttributesRow, HistoryRow, Key, KeyRange, Row, ScoredRow, Versioned},
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
    /// Who came into its part or left it until it is known of whom it is being made.
    settled: Option<Vec<(PlayerId, bool)>>,
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

/// While a past is made: what commits tell is kept for it. A caller may go away in the middle of it.
struct Making<'a>(&'a PastView);

impl<'a> Making<'a> {
    fn begin(view: &'a PastView) -> Self {
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
        let (mut steps, mut track) = (Vec::new(), Track::default());
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
        let _making = Making::begin(view);
        let made = self.read_past(view).await;
        let mut state = view.state.lock();
        state.making_of = None;
        let told = state.told.take().unwrap_or_default();
        match made? {
            _ if state.spoilt => {}
            Err(refusal) => state.refused = Some(refusal),
            Ok(made) => {
                state.made = Some(made);
                told.iter().for_each(|(player, depth, row)| state.take(*player, *depth, row.row()));
            }
        }
        Ok(())
    }

    async fn read_past(&self, view: &PastView) -> Result<Result<Made, Refusal>, EngineError> {
        let PastView { line, number, part, .. } = view;
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
            Some(part @ Part::Of(..)) => {
                // Commits take the lock: it is not held meanwhile. Who settled meanwhile is among these or not, and is told again.
                let mut members = aside(|| self.views.boards.players_of(part));
                let mut state = view.state.lock();
                for (player, belongs) in state.settled.take().unwrap_or_default() {
                    if belongs {
                        members.insert(player, ());
                    } else {
                        members.remove(&player);
                    }
                }
                let members = Some(Arc::new(members));
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
                let track = tracks.entry(player).or_default();
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

    /// A season that is paid out stays as it is, whatever becomes of its results: whether these lead there still.
    async fn ends_as_paid(
        &self,
        view: &PastView,
        members: &Members,
        tracks: &Map<PlayerId, Track>,
    ) -> Result<bool, EngineError> {
        let (line, name) = (&view.line, &view.line.config.name);
        let is_paid = line.config.mode().is_some()
            && line.has_seasons()
            && self.get_one(&Key::Payout(name.clone(), view.number)).await?.is_some();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        EngineOptions,
        boards::Dimension,
        store::{
            Homes, StoreLimits,
            memory::{Faults, MemoryStore},
        },
        testing::{ManualClock, SeededIds},
        token::TokenKey,
    };
    use gsm_core::Attribute;
    use std::{sync::mpsc, thread, time::Duration};

    fn attribute(name: &str) -> Attribute {
        Attribute::new(name).unwrap()
    }

    fn home(region: &str) -> AttributesRow {
        AttributesRow { region: Some(attribute(region)), platform: Some(attribute("pc")), groups: Vec::new() }
    }

    /// The past of a mode's board in one region.
    fn of_region(pasts: &Pasts) -> Arc<PastView> {
        let mode = Mode::new("duel").unwrap();
        let line = Arc::new(Line::new(BoardConfig::of_mode(&mode), Timestamp::EPOCH, false));
        pasts.of(&line, 0, Some(&Part::Of(Dimension::Region, attribute("eu"))))
    }

    #[test]
    fn who_settles_before_it_is_known_who_belongs_to_a_part_is_kept_while_somebody_makes_it() {
        let pasts = Pasts::default();
        let view = of_region(&pasts);
        let [one, other] = [1, 2].map(PlayerId::from_u128);
        let making = Making::begin(&view);
        pasts.settled(one, Some(&home("eu")));
        pasts.settled(other, None);
        let of_state = || {
            let state = view.state.lock();
            (state.settled.clone(), state.told.is_some(), state.spoilt)
        };
        assert_eq!(of_state(), (Some(vec![(one, true), (other, false)]), true, false));
        // Who asked has gone away.
        drop(making);
        assert_eq!(of_state(), (None, false, false));
    }

    #[test]
    fn commits_go_on_while_it_is_sought_who_belongs_to_a_part() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::new(clock.clone(), StoreLimits { items_max: 100 }, Faults::NONE);
        let options = EngineOptions { node: "test".into(), token_key: TokenKey::new([1; 32]) };
        let homes = Homes::one(Arc::new(store));
        let engine = Engine::new(homes, clock, Arc::new(SeededIds::new(1)), options);
        let (boards, pasts) = (&engine.views.boards, &engine.views.pasts);
        let [member, goes, comes] = [1, 2, 3].map(PlayerId::from_u128);
        [member, goes].iter().for_each(|player| boards.settled(*player, Some(&home("eu")), 1));
        let view = of_region(pasts);
        // It is not through with looking.
        let piece = boards.homes.piece(member).unwrap().write();
        thread::scope(|scope| {
            let making = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(engine.make_past(&view)).unwrap();
            });
            while view.state.lock().told.is_none() && !making.is_finished() {
                thread::yield_now();
            }
            let (done, is_done) = mpsc::channel();
            scope.spawn(move || {
                for (player, region) in [(goes, "na"), (comes, "eu")] {
                    boards.settled(player, Some(&home(region)), 2);
                    pasts.settled(player, Some(&home(region)));
                }
                done.send(())
            });
            let told = is_done.recv_timeout(Duration::from_secs(20));
            drop(piece);
            told.expect("waits for who looks at all players");
            making.join().unwrap();
        });
        let state = view.state.lock();
        let members = state.made.as_ref().unwrap().members.as_ref().unwrap();
        let mut members: Vec<PlayerId> = members.keys().copied().collect();
        members.sort_unstable();
        assert_eq!(members, [member, comes]);
    }

    #[test]
    fn who_stays_in_a_part_or_out_of_it_does_not_spoil_what_is_being_made() {
        let pasts = Pasts::default();
        let view = of_region(&pasts);
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
