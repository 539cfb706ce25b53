//! One board in memory, with the parts it is divided into.
mod bulk;
mod state;

pub(super) use bulk::Filling;
pub(crate) use state::State;

use super::config::{BoardConfig, Dimension};
use super::facts::Fact;
use super::paging::Pagings;
use crate::store::{AttributesRow, EntryRow, RatingRow};
use gsm_core::{Attribute, Millis, PlayerId, Timestamp};
use gsm_ranking::{Board, Keys, Mark, Shared, Visibility, cohort::Seat, season::Season};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use state::Watcher;
use std::sync::Arc;

/// Rows that a board takes in while commits wait, for a millisecond or two.
const ROWS_AT_ONCE: usize = 1_024;

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

    /// Takes in all rows of the past; from then on it is filled. Commits go on meanwhile, and what they tell is newer: a board
    /// that nothing was told of is built beside the one that is shown, any other takes in some rows after the other.
    pub(super) fn fill(
        self: &Arc<Self>,
        rows: &[(PlayerId, Brought, u64)],
        home: impl Fn(PlayerId) -> Option<Arc<AttributesRow>>,
        now: Timestamp,
    ) {
        if self.is_undivided() && self.is_untouched() {
            let mut filling = Filling::new(self.clone(), rows.len(), self.until(now));
            rows.iter()
                .for_each(|(player, brought, version)| filling.add_brought(*player, brought, *version));
            if filling.finish() {
                return;
            }
        }
        for some in rows.chunks(ROWS_AT_ONCE) {
            self.take(some, &home, now);
        }
        self.filled();
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

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Mode;
    use std::{
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        thread,
    };

    fn brought(value: i64) -> Brought {
        let at = Timestamp::EPOCH;
        Brought { keys: [value, 0, 0, 0, 0].into(), since: at, fact: Fact::default(), active_at: at }
    }

    #[test]
    fn commits_go_on_while_a_board_is_filled() {
        const ROWS: usize = 256 * ROWS_AT_ONCE;
        let mode = Mode::new("duel").unwrap();
        let view = Arc::new(View::new(Arc::new(BoardConfig::of_mode(&mode)), None, false));
        let put = |player: PlayerId| view.put(player, brought(7), None, 9, Timestamp::EPOCH);
        let [known, comes] = [1, ROWS as u128].map(PlayerId::from_u128);
        put(known);
        let rows: Vec<_> = (1..=ROWS as u128).map(|id| (PlayerId::from_u128(id), brought(1), 1)).collect();
        let (taken, is_put) = (AtomicUsize::new(0), AtomicBool::new(false));
        let seen = thread::scope(|scope| {
            let commit = scope.spawn(|| {
                while taken.load(Ordering::SeqCst) == 0 {
                    thread::yield_now();
                }
                put(comes);
                is_put.store(true, Ordering::SeqCst);
                (taken.load(Ordering::SeqCst), view.is_filled())
            });
            let takes_its_time = |_| {
                let is_first = taken.fetch_add(1, Ordering::SeqCst) % ROWS_AT_ONCE == 0;
                if is_first && !is_put.load(Ordering::SeqCst) {
                    (0..1_000).for_each(|_| thread::yield_now());
                }
                None
            };
            view.fill(&rows, takes_its_time, Timestamp::EPOCH);
            commit.join().unwrap()
        });
        assert!(seen.0 < ROWS && !seen.1, "waits until the board is filled: {seen:?}");
        assert!(view.is_filled());
        let newer = |player| view.read(None, |board, _| board.kept(player).map(|kept| kept.mark.version));
        assert_eq!((newer(known), newer(comes)), (Some(Some(9)), Some(Some(9))));
        assert_eq!(view.players(), ROWS as u64);
    }

    #[test]
    fn what_is_told_while_a_board_is_built_beside_stays() {
        let mode = Mode::new("duel").unwrap();
        let view = Arc::new(View::new(Arc::new(BoardConfig::of_mode(&mode)), None, false));
        let mut filling = Filling::new(view.clone(), 1, Timestamp::EPOCH);
        let player = PlayerId::from_u128(1);
        filling.add_brought(player, &brought(1), 1);
        view.put(player, brought(7), None, 9, Timestamp::EPOCH);
        assert!(!filling.finish() && !view.is_filled());
        view.fill(&[(player, brought(1), 1)], |_| None, Timestamp::EPOCH);
        let version = view.read(None, |board, _| board.kept(player).map(|kept| kept.mark.version));
        assert!(version == Some(Some(9)) && view.is_filled());
    }
}
