//! One board in memory, with the parts it is divided into.
mod bulk;

pub(super) use bulk::Filling;

use super::config::{BoardConfig, Dimension};
use super::facts::{Fact, Facts};
use super::paging::Pagings;
use crate::store::{AttributesRow, EntryRow, RatingRow};
use gsm_core::{Attribute, Map, Millis, PlayerId, Timestamp};
use gsm_ranking::{Board, Builder, Change, Entry, Keys, Mark, Shared, Visibility, season::Season};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// A part of a board: of one region, one platform, one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Part {
    /// What the board is divided by.
    pub dimension: Dimension,
    /// Which of them.
    pub value: Attribute,
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
    /// When players were active, in the order they were: only where idle players are not ranked.
    active: VecDeque<(Timestamp, PlayerId)>,
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
            active: VecDeque::new(),
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

    /// Takes the ranks of those who have been idle for too long, where the board asks.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let now = self.until(now);
        self.change(|state, watcher| state.sweep(watcher, now));
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
            if config.by.is_empty() && state.whole.kept_len() == 0 && state.whole.removed() == 0 {
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
            state.active.make_contiguous().sort_unstable();
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

fn mark(config: &BoardConfig, brought: &Brought, version: u64, now: Timestamp) -> Mark {
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
        parts.extend(values.iter().map(|value| Part { dimension: *dimension, value: value.clone() }));
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

    /// The sizes of the parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Part, u64)> {
        self.parts.iter().map(|(part, board)| (part, board.len()))
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
    }

    fn put_part(&mut self, watcher: &mut Watcher<'_>, part: Part, player: PlayerId, mark: Mark) {
        let seen = self.shades.get(&player).copied();
        let order = watcher.config.order();
        let board = self.parts.entry(part.clone()).or_insert_with(|| Board::new(order));
        watcher.change(Some(&part), board, player, |board| {
            board.set(player, mark);
            if let Some(seen) = seen {
                board.set_visibility(player, seen);
            }
        });
    }

    fn note_active(&mut self, player: PlayerId, at: Timestamp) {
        self.last_active.insert(player, at);
        self.active.push_back((at, player));
    }

    /// Does the same on every board of the view that has the player.
    fn everywhere(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, change: impl Fn(&mut Board)) {
        watcher.change(None, &mut self.whole, player, &change);
        for (part, board) in self.parts.iter_mut().filter(|(_, board)| board.kept(player).is_some()) {
            watcher.change(Some(part), board, player, &change);
        }
        self.parts.retain(|_, board| board.kept_len() > 0);
    }

    fn remove(&mut self, watcher: &mut Watcher<'_>, player: PlayerId, version: u64) {
        self.everywhere(watcher, player, |board| {
            let _ = board.remove(player, version);
        });
        if self.whole.kept(player).is_none() {
            self.last_active.remove(&player);
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
        }
        for part in after {
            self.put_part(watcher, part, player, Mark { version, ..kept.mark });
        }
        if let Some(home) = home {
            self.homes.insert(player, home.clone());
        }
        self.parts.retain(|_, board| board.kept_len() > 0);
    }

    fn sweep(&mut self, watcher: &mut Watcher<'_>, now: Timestamp) {
        let idle_max = Millis::from_secs(u64::from(watcher.config.eligibility.idle_days_max) * 86_400);
        while let Some((at, player)) = self.active.front().copied() {
            if now.since(at) <= idle_max {
                return;
            }
            self.active.pop_front();
            // An entry of an earlier match of somebody who has played since says nothing.
            if self.last_active.get(&player) == Some(&at) {
                self.last_active.remove(&player);
                self.everywhere(watcher, player, |board| board.set_eligible(player, false));
            }
        }
    }
}
