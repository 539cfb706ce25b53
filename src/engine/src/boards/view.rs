//! One board in memory, with the parts it is divided into.
mod bulk;
mod state;

pub(super) use bulk::Filling;
pub(crate) use state::State;

use super::config::{BoardConfig, Dimension};
use super::facts::{Fact, Facts};
use super::paging::Pagings;
use crate::store::{AttributesRow, EntryRow, RatingRow};
use gsm_core::{Attribute, Millis, PlayerId, Timestamp};
use gsm_ranking::{Board, Builder, Keys, Mark, Shared, Visibility, cohort::Seat, season::Season};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use state::Watcher;
use std::sync::Arc;

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

impl View {
    pub(crate) fn new(config: Arc<BoardConfig>, season: Option<Season>, is_filled: bool) -> Self {
        let state = State::new(&config, is_filled);
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

    /// Ranks are from here on those of a final table, in which these were not seen by everybody.
    pub(super) fn freeze(&self, unseen: impl Iterator<Item = (PlayerId, Visibility)>) {
        self.change(|state, watcher| state.freeze(watcher, unseen));
    }

    /// A player belongs elsewhere from now on.
    pub(crate) fn moved(&self, player: PlayerId, home: Option<&Arc<AttributesRow>>, version: u64) {
        self.change(|state, watcher| state.moved(watcher, player, home, version));
    }

    /// A player has taken a seat.
    pub(super) fn seat(&self, player: PlayerId, seated: Seated) {
        self.change(|state, watcher| state.seat(watcher, player, seated));
    }

    /// Takes the ranks of those who have been idle for too long, where the board asks; who they were.
    pub(crate) fn sweep(&self, now: Timestamp) -> Vec<PlayerId> {
        let now = self.until(now);
        let mut swept = Vec::new();
        self.change(|state, watcher| swept = state.sweep(watcher, now));
        swept
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

pub(super) fn mark(config: &BoardConfig, brought: &Brought, version: u64, now: Timestamp) -> Mark {
    let asked = config.eligibility;
    let idle_max = Millis::from_secs(u64::from(asked.idle_days_max) * 86_400);
    let eligible = brought.fact.games >= asked.games_min
        && (asked.deviation_max == 0.0 || f64::from(brought.fact.deviation) <= asked.deviation_max)
        && (asked.idle_days_max == 0 || now.since(brought.active_at) <= idle_max);
    Mark { eligible, ..Mark::new(brought.keys, brought.since, version) }
}
