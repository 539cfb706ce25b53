//! One board in memory, with the parts it is divided into.
mod bulk;

pub(super) use bulk::Filling;

use super::config::{BoardConfig, Dimension};
use super::facts::{Fact, Facts};
use super::paging::Pagings;
use crate::store::{AttributesRow, EntryRow, RatingRow};
use gsm_core::{Attribute, Map, Millis, PlayerId, Timestamp};
use gsm_ranking::{
    Board, Builder, Change, Entry, Keys, Mark, Shared, Visibility, cohort::Seat, season::Season,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A part of a board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Of one region, one platform, one group.
    Of(Dimension, Attribute),
    /// A cohort of a season, by its number.
    Cohort(u64),
}

impl Part {
    /// Whether who belongs to these places belongs to it; cohorts are no places.
    pub(super) fn has(&self, home: &AttributesRow) -> bool {
        match self {
            Self::Of(Dimension::Region, value) => home.region.as_ref() == Some(value),
            Self::Of(Dimension::Platform, value) => home.platform.as_ref() == Some(value),
            Self::Of(Dimension::Group, value) => home.groups.contains(value),
            Self::Cohort(_) => false,
        }
    }
}

/// Where a player has a seat for a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seated {
    pub(crate) seat: Seat,
    /// From 1; 0 where the board has no levels.
    pub(crate) level: u8,
}

impl Seated {
    /// The level as people read it.
    pub(super) fn shown(self) -> Option<u8> {
        Some(self.level).filter(|level| *level > 0)
    }
}

/// A cohort, whoever of it is on the board.
pub(super) struct Cohort {
    pub(super) level: u8,
    /// All who have a seat, by its number.
    pub(super) seated: Vec<PlayerId>,
}

/// What a change brings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought {
    pub(crate) keys: Keys,
    pub(crate) since: Timestamp,
    pub(crate) fact: Fact,
    /// The last match or submission.
    pub(crate) active_at: Timestamp,
}

impl Brought {
    pub(crate) fn of_rating(config: &BoardConfig, row: &RatingRow) -> Self {
        let (keys, since) = config.keys_of(row);
        let fact = Fact { deviation: row.rating.deviation as f32, games: row.games };
        Self { keys, since, fact, active_at: row.rated_at }
    }

    pub(crate) fn of_entry(row: &EntryRow) -> Self {
        Self {
            keys: row.values.into(),
            since: row.reached_at,
            fact: Fact { deviation: row.deviation, games: row.submissions },
            active_at: row.submitted_at,
        }
    }
}

/// A board, or a season of one.
pub(crate) struct View {
    pub(crate) config: Arc<BoardConfig>,
    /// Which season, where the board has any.
    pub(crate) season: Option<Season>,
    state: Shared<State>,
    /// Locked after the state, never before.
    pagings: Mutex<Pagings>,
}

/// Everything of a board that moves.
pub(crate) struct State {
    whole: Board,
    parts: BTreeMap<Part, Board>,
    facts: Facts,
    shades: Map<PlayerId, Visibility>,
    /// Where players who are on the board belong, where they belong anywhere.
    homes: Map<PlayerId, Arc<AttributesRow>>,
    /// Who has a seat, on the board or not.
    seats: Map<PlayerId, Seated>,
    cohorts: BTreeMap<u64, Cohort>,
    /// When each player was last active, the longest ago first: only where idle players are not ranked. What is told late may
    /// be of long ago, so that the order of arrival would not do.
    active: BTreeSet<(Timestamp, PlayerId)>,
    last_active: Map<PlayerId, Timestamp>,
    /// Whether all rows of the past are in.
    is_filled: bool,
}

impl View {
    pub(crate) fn new(config: Arc<BoardConfig>, season: Option<Season>, is_filled: bool) -> Self {
        let whole = Board::new(config.order());
        let state = State {
            whole,
            parts: BTreeMap::new(),
            facts: Facts::default(),
            shades: Map::default(),
            homes: Map::default(),
            seats: Map::default(),
            cohorts: BTreeMap::new(),
            active: BTreeSet::new(),
            last_active: Map::default(),
            is_filled,
        };
        Self { config, season, state: Shared::new(state), pagings: Mutex::default() }
    }

    /// When players were last judged: a season that is over stays as it ended.
    pub(super) fn until(&self, now: Timestamp) -> Timestamp {
        self.season.and_then(|season| season.ends_at).map_or(now, |end| now.min(end))
    }

    /// Reads the board, and what it shows beside; nothing changes meanwhile.
    pub(crate) fn read<T>(&self, part: Option<&Part>, read: impl FnOnce(&Board, &State) -> T) -> Option<T> {
        self.state.read(|state| state.board(part).map(|board| read(board, state)))
    }

    /// Reads the board on which a player is ranked by himself: his cohort where there are cohorts, an empty one if he has
    /// no seat.
    pub(super) fn read_own<T>(&self, player: PlayerId, read: impl FnOnce(&Board) -> T) -> T {
        let empty = Board::new(self.config.order());
        self.state.read(|state| {
            let own = match (&self.config.grouping, state.seated(player)) {
                (None, _) => Some(&state.whole),
                (Some(_), None) => None,
                (Some(_), Some(seated)) => state.board(Some(&Part::Cohort(seated.seat.cohort))),
            };
            read(own.unwrap_or(&empty))
        })
    }

    /// Reads a page.
    pub(super) fn page<T>(
        &self,
        part: Option<&Part>,
        read: impl FnOnce(&mut Pagings, &Board, &State) -> T,
    ) -> Option<T> {
        self.read(part, |board, state| read(&mut self.pagings.lock(), board, state))
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.state.read(|state| state.is_filled)
    }

    pub(crate) fn filled(&self) {
        self.state.change(|state| state.is_filled = true);
    }

    /// A change of the board that the listings hear of.
    fn change(&self, change: impl FnOnce(&mut State, &mut Watcher<'_>)) {
        self.state.change(|state| {
            let mut pagings = self.pagings.lock();
            change(state, &mut Watcher { config: &self.config, pagings: &mut pagings });
        });
    }

    pub(crate) fn put(
        &self,
        player: PlayerId,
        brought: Brought,
        home: Option<&Arc<AttributesRow>>,
        version: u64,
        now: Timestamp,
    ) {
        let now = self.until(now);
        let mark = mark(&self.config, &brought, version, now);
        // Readers wait while the board changes, not while memory is waited for.
        self.state.read(|state| state.whole.look_at(player, &mark));
        self.change(|state, watcher| state.put(watcher, player, brought, home, version, now));
    }

    pub(crate) fn remove(&self, player: PlayerId, version: u64) {
        self.change(|state, watcher| state.remove(watcher, player, version));
    }

    pub(crate) fn shade(&self, player: PlayerId, visibility: Visibility) {
        self.change(|state, watcher| state.shade(watcher, player, visibility));
    }

    /// A player belongs elsewhere from now on.
    pub(crate) fn moved(&self, player: PlayerId, home: Option<&Arc<AttributesRow>>, version: u64) {
        self.change(|state, watcher| state.moved(watcher, player, home, version));
    }

    /// A player has taken a seat.
    pub(super) fn seat(&self, player: PlayerId, seated: Seated) {
        self.change(|state, watcher| state.seat(watcher, player, seated));
    }

    /// Takes the ranks of those who have been idle for too long, where the board asks.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let now = self.until(now);
        self.change(|state, watcher| state.sweep(watcher, now));
    }

    /// Takes in some of the rows of the past.
    pub(super) fn take(
        &self,
        rows: &[(PlayerId, Brought, u64)],
        home: impl Fn(PlayerId) -> Option<Arc<AttributesRow>>,
        now: Timestamp,
    ) {
        let now = self.until(now);
        self.change(|state, watcher| {
            for (player, brought, version) in rows {
                state.put(watcher, *player, *brought, home(*player).as_ref(), *version, now);
            }
        });
    }

    /// All rows of the past have been taken in.
    pub(super) fn taken(&self) {
        self.filled();
    }

    /// Takes in all rows at once; faster than one by one while the board is empty and undivided.
    pub(crate) fn load(
        &self,
        rows: &[(PlayerId, Brought, u64)],
        home: impl Fn(PlayerId) -> Option<Arc<AttributesRow>>,
        now: Timestamp,
    ) {
        let now = self.until(now);
        self.change(|state, watcher| {
            let config = watcher.config;
            if self.is_undivided() && state.whole.kept_len() == 0 && state.whole.removed() == 0 {
                let mut builder = Builder::new(config.order(), rows.len());
                let mut facts = Facts::with_capacity(rows.len());
                for (player, brought, version) in rows {
                    let slot = builder.add(*player, &mark(config, brought, *version, now));
                    facts.put(slot, brought.fact);
                    if config.eligibility.idle_days_max > 0 {
                        state.note_active(*player, brought.active_at);
                    }
                }
                state.become_built(builder.finish(), facts);
            } else {
                // Commits of the meantime have told something already, which may be newer than these rows.
                for (player, brought, version) in rows {
                    state.put(watcher, *player, *brought, home(*player).as_ref(), *version, now);
                }
            }
        });
    }
}

/// Tells the listings what a change of a board does to a player's place.
struct Watcher<'a> {
    config: &'a BoardConfig,
    pagings: &'a mut Pagings,
}

impl Watcher<'_> {
    fn change<T>(
        &mut self,
        part: Option<&Part>,
        board: &mut Board,
        player: PlayerId,
        change: impl FnOnce(&mut Board) -> T,
    ) -> T {
        if !self.pagings.watches(part) {
            return change(board);
        }
        let before = place(board, player);
        let done = change(board);
        self.pagings.moved(self.config, part, before.as_ref(), place(board, player).as_ref());
        done
    }
}

/// A player's place in the listing, as everybody sees it.
fn place(board: &Board, player: PlayerId) -> Option<Entry> {
    let kept = board.kept(player)?;
    let seen = kept.mark.eligible && kept.visibility == Visibility::Shown;
    seen.then_some(Entry { player, keys: kept.mark.keys, reached_at: kept.mark.reached_at })
}

pub(super) fn mark(config: &BoardConfig, brought: &Brought, version: u64, now: Timestamp) -> Mark {
    let asked = config.eligibility;
    let idle_max = Millis::from_secs(u64::from(asked.idle_days_max) * 86_400);
    let eligible = brought.fact.games >= asked.games_min
        && (asked.deviation_max == 0.0 || f64::from(brought.fact.deviation) <= asked.deviation_max)
        && (asked.idle_days_max == 0 || now.since(brought.active_at) <= idle_max);
    Mark { eligible, ..Mark::new(brought.keys, brought.since, version) }
}

fn parts(config: &BoardConfig, home: &AttributesRow) -> Vec<Part> {
    let mut parts = Vec::new();
    for dimension in &config.by {
        let values = match dimension {
            Dimension::Region => home.region.as_slice(),
            Dimension::Platform => home.platform.as_slice(),
            Dimension::Group => &home.groups,
        };
        parts.extend(values.iter().map(|value| Part::Of(*dimension, value.clone())));
    }
    parts
}

impl State {
    pub(crate) fn fact(&self, player: PlayerId) -> Fact {
        self.whole.slot(player).and_then(|slot| self.facts.get(slot)).unwrap_or_default()
    }

    /// Whether nobody sees the player.
    pub(crate) fn is_hidden(&self, player: PlayerId) -> bool {
        self.shades.get(&player) == Some(&Visibility::Hidden)
    }

    /// Whether only the player himself sees his place.
    pub(crate) fn is_shadow(&self, player: PlayerId) -> bool {
        self.shades.get(&player) == Some(&Visibility::Shadow)
    }

    /// The parts, cohorts aside.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Dimension, &Attribute, &Board)> {
        self.parts.iter().filter_map(|(part, board)| match part {
            Part::Of(dimension, value) => Some((dimension, value, board)),
            Part::Cohort(_) => None,
        })
    }

    /// Where a player has a seat.
    pub(super) fn seated(&self, player: PlayerId) -> Option<Seated> {
        self.seats.get(&player).copied()
    }

    /// The cohorts after one, by number.
    pub(super) fn cohorts_after(&self, after: u64) -> impl Iterator<Item = (u64, &Cohort, Option<&Board>)> {
        self.cohorts.range(after.saturating_add(1)..).map(|(number, cohort)| {
            let board = self.parts.get(&Part::Cohort(*number));
            (*number, cohort, board)
        })
    }

    /// A cohort and its board; `None` where there is none.
    pub(super) fn cohort(&self, number: u64) -> Option<(&Cohort, &Board)> {
        self.cohorts.get(&number).zip(self.parts.get(&Part::Cohort(number)))
    }

    fn board(&self, part: Option<&Part>) -> Option<&Board> {
        match part {
            None => Some(&self.whole),
            Some(part) => self.parts.get(part),
        }
    }

    fn put(
        &mut self,
        watcher: &mut Watcher<'_>,
        player: PlayerId,
        brought: Brought,
        home: Option<&Arc<AttributesRow>>,
        version: u64,
        now: Timestamp,
    ) {
        let config = watcher.config;
        let mark = mark(config, &brought, version, now);
        let seen = self.shades.get(&player).copied();
        let change = watcher.change(None, &mut self.whole, player, |board| {
            let change = board.set(player, mark);
            if let Some(seen) = seen {
                board.set_visibility(player, seen);
            }
            change
        });
        if change == Change::Ignored {
            return;
        }
        if let Some(slot) = self.whole.slot(player) {
            self.facts.put(slot, brought.fact);
        }
        if config.eligibility.idle_days_max > 0 {
            self.note_active(player, brought.active_at);
        }
        if let Some(home) = home.filter(|_| !config.by.is_empty()) {
            for part in parts(config, home) {
                self.put_part(watcher, part, player, mark);
            }
            self.homes.insert(player, home.clone());
        }
        if let Some(seated) = self.seated(player) {
            self.put_part(watcher, Part::Cohort(seated.seat.cohort), player, mark);
        }
    }

    /// A seat never changes: whoever says it again says the same.
    fn seat(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, seated: Seated) {
        if self.seats.insert(player, seated).is_some() {
            return;
        }
        let part = Part::Cohort(seated.seat.cohort);
        let cohort = self.cohorts.entry(seated.seat.cohort);
        let cohort = cohort.or_insert_with(|| Cohort { level: seated.level, seated: Vec::new() });
        // Commits of other nodes may come late.
        let seats = &self.seats;
        let number = |player: &PlayerId| seats.get(player).map_or(0, |other| other.seat.number);
        let at = cohort.seated.partition_point(|other| number(other) < seated.seat.number);
        cohort.seated.insert(at, player);
        let order = watcher.config.order();
        self.parts.entry(part.clone()).or_insert_with(|| Board::new(order));
        if let Some(kept) = self.whole.kept(player) {
            self.put_part(watcher, part, player, kept.mark);
        }
    }

    fn put_part(&mut self, watcher: &mut Watcher<'_>, part: Part, player: PlayerId, mark: Mark) {
        let seen = self.shades.get(&player).copied().unwrap_or(Visibility::Shown);
        let order = watcher.config.order();
        let board = self.parts.entry(part.clone()).or_insert_with(|| Board::new(order));
        watcher.change(Some(&part), board, player, |board| {
            board.set(player, mark);
            // A part remembers how somebody was seen when he left it, and is not told what is decided while he is away.
            if board.kept(player).is_some_and(|kept| kept.visibility != seen) {
                board.set_visibility(player, seen);
            }
        });
    }

    fn note_active(&mut self, player: PlayerId, at: Timestamp) {
        if let Some(before) = self.last_active.insert(player, at) {
            self.active.remove(&(before, player));
        }
        self.active.insert((at, player));
    }

    fn forget_active(&mut self, player: PlayerId) {
        if let Some(before) = self.last_active.remove(&player) {
            self.active.remove(&(before, player));
        }
    }

    /// Does the same on every board of the view that has the player.
    fn everywhere(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, change: impl Fn(&mut Board)) {
        watcher.change(None, &mut self.whole, player, &change);
        let mut of = self.homes.get(&player).map(|home| parts(watcher.config, home)).unwrap_or_default();
        of.extend(self.seated(player).map(|seated| Part::Cohort(seated.seat.cohort)));
        for part in &of {
            if let Some(board) = self.parts.get_mut(part).filter(|board| board.kept(player).is_some()) {
                watcher.change(Some(part), board, player, &change);
            }
            self.drop_if_empty(part);
        }
    }

    /// A part is there as long as somebody is; a cohort as long as its season.
    fn drop_if_empty(&mut self, part: &Part) {
        let is_empty = self.parts.get(part).is_some_and(|board| board.kept_len() == 0);
        if is_empty && matches!(part, Part::Of(..)) {
            self.parts.remove(part);
        }
    }

    fn remove(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, version: u64) {
        self.everywhere(watcher, player, |board| {
            let _ = board.remove(player, version);
        });
        if self.whole.kept(player).is_none() {
            self.forget_active(player);
            self.homes.remove(&player);
        }
    }

    fn shade(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, visibility: Visibility) {
        if visibility == Visibility::Shown {
            self.shades.remove(&player);
        } else {
            self.shades.insert(player, visibility);
        }
        self.everywhere(watcher, player, |board| board.set_visibility(player, visibility));
    }

    fn moved(
        &mut self,
        watcher: &mut Watcher<'_>,
        player: PlayerId,
        home: Option<&Arc<AttributesRow>>,
        version: u64,
    ) {
        let config = watcher.config;
        let Some(kept) = self.whole.kept(player).filter(|_| !config.by.is_empty()) else { return };
        let before = self.homes.remove(&player).map(|home| parts(config, &home)).unwrap_or_default();
        let after = home.map(|home| parts(config, home)).unwrap_or_default();
        for part in before.iter().filter(|part| !after.contains(part)) {
            if let Some(board) = self.parts.get_mut(part) {
                watcher.change(Some(part), board, player, |board| board.remove(player, version));
            }
            self.drop_if_empty(part);
        }
        for part in after {
            self.put_part(watcher, part, player, Mark { version, ..kept.mark });
        }
        if let Some(home) = home {
            self.homes.insert(player, home.clone());
        }
    }

    fn sweep(&mut self, watcher: &mut Watcher<'_>, now: Timestamp) {
        let idle_max = Millis::from_secs(u64::from(watcher.config.eligibility.idle_days_max) * 86_400);
        while let Some((at, player)) = self.active.first().copied() {
            if now.since(at) <= idle_max {
                return;
            }
            self.forget_active(player);
            self.everywhere(watcher, player, |board| board.set_eligible(player, false));
        }
    }
}
