//! Who watches whom, in memory: a fold of the watches, and the note of who has moved since the last turn.
use super::news::Look;
use crate::{
    EngineError,
    store::{Key, Op, Row, ToldRow, WatchRow, Write},
};
use gsm_core::{BoardName, Map, Mode, PlayerId, Timestamp, limits};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// Watches looked at in one turn, about; what is left comes in the next.
const TASKS_MAX: usize = 16_384;

/// All watches.
#[derive(Default)]
pub(crate) struct Watches {
    /// How many there are: where there is none, a commit does nothing here.
    len: AtomicUsize,
    state: Mutex<State>,
    /// Somebody has moved.
    pub(super) wake: Notify,
}

#[derive(Default)]
struct State {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    players: Map<PlayerId, Links>,
    boards: BTreeMap<BoardName, OnBoard>,
    expiries: BTreeSet<(Timestamp, u32)>,
    /// Watches, and friends of watches.
    links: usize,
    moved: Moved,
}

/// One watch.
struct Slot {
    watcher: PlayerId,
    board: BoardName,
    watch: Arc<Row>,
    until: Timestamp,
    told: Option<Arc<Row>>,
}

/// The watches that a player is part of.
#[derive(Default)]
struct Links {
    own: Vec<u32>,
    by: Vec<u32>,
}

/// The watches of a board.
#[derive(Default)]
struct OnBoard {
    slots: BTreeSet<u32>,
    /// Watched tops, and how many watch each.
    tops: BTreeMap<u32, usize>,
    /// Watchers who were told to be in one.
    inside: BTreeSet<u32>,
}

/// What has moved since the last turn. Bounded: each watched player and each board once.
#[derive(Default)]
struct Moved {
    players: BTreeSet<PlayerId>,
    modes: BTreeSet<Mode>,
    boards: BTreeSet<BoardName>,
    /// Watches to look at as a whole.
    whole: BTreeSet<u32>,
}

impl Moved {
    fn on(&mut self, board: &BoardName) {
        if !self.boards.contains(board) {
            self.boards.insert(board.clone());
        }
    }

    fn is_empty(&self) -> bool {
        self.players.is_empty() && self.modes.is_empty() && self.boards.is_empty() && self.whole.is_empty()
    }
}

/// A watch to look at.
pub(super) struct Task {
    pub(super) slot: u32,
    pub(super) watcher: PlayerId,
    pub(super) watch: Arc<Row>,
    pub(super) told: Option<Arc<Row>>,
    pub(super) look: Look,
}

/// A board of which a top is watched.
pub(super) struct TopTask {
    /// The greatest top watched.
    pub(super) most: u32,
    /// Watchers who were told to be in a top.
    pub(super) inside: Vec<PlayerId>,
}

/// The work of a turn.
#[derive(Default)]
pub(super) struct Work {
    pub(super) tasks: BTreeMap<BoardName, Vec<Task>>,
    pub(super) modes: BTreeSet<Mode>,
    pub(super) boards: BTreeSet<BoardName>,
}

/// The watch of a row.
pub(super) fn watch_of(row: &Row) -> Option<&WatchRow> {
    if let Row::Watch(watch) = row { Some(watch) } else { None }
}

/// What a row says was told.
pub(super) fn told_of(row: &Row) -> Option<&ToldRow> {
    if let Row::Told(told) = row { Some(told) } else { None }
}

impl Slot {
    fn friends(&self) -> &[PlayerId] {
        watch_of(&self.watch).map_or(&[], |watch| &watch.friends)
    }
    fn tops(&self) -> &[u32] {
        watch_of(&self.watch).map_or(&[], |watch| &watch.top)
    }
    fn told(&self) -> Option<&ToldRow> {
        self.told.as_deref().and_then(told_of)
    }
    fn task(&self, slot: u32, look: Look) -> Task {
        // Whoever was not told where friends stand is told of none: all of them are looked at first.
        let knows = self.told().is_some_and(|told| told.ahead.is_some());
        let look = if knows || look == Look::Top { look } else { Look::All };
        Task { slot, watcher: self.watcher, watch: self.watch.clone(), told: self.told.clone(), look }
    }
}

impl State {
    fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)?.as_ref()
    }

    fn find(&self, watcher: PlayerId, board: &BoardName) -> Option<u32> {
        let own = &self.players.get(&watcher)?.own;
        own.iter().copied().find(|slot| self.slot(*slot).is_some_and(|of| of.board == *board))
    }

    fn put(&mut self, watcher: PlayerId, board: &BoardName, row: &Arc<Row>) {
        let Some(watch) = watch_of(row) else { return };
        self.remove(watcher, board);
        let entry =
            Slot { watcher, board: board.clone(), watch: row.clone(), until: watch.until, told: None };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.players.entry(watcher).or_default().own.push(slot);
        for friend in entry.friends() {
            self.players.entry(*friend).or_default().by.push(slot);
        }
        let on_board = self.boards.entry(board.clone()).or_default();
        on_board.slots.insert(slot);
        for top in entry.tops() {
            *on_board.tops.entry(*top).or_default() += 1;
        }
        self.expiries.insert((entry.until, slot));
        self.links += 1 + entry.friends().len();
        // Somebody may have moved since the watch was decided on.
        self.moved.whole.insert(slot);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(entry);
        }
    }

    fn remove(&mut self, watcher: PlayerId, board: &BoardName) {
        let Some(slot) = self.find(watcher, board) else { return };
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        self.unlink(watcher, slot, |links| &mut links.own);
        for friend in entry.friends() {
            self.unlink(*friend, slot, |links| &mut links.by);
        }
        if let Some(on_board) = self.boards.get_mut(board) {
            on_board.slots.remove(&slot);
            on_board.inside.remove(&slot);
            for top in entry.tops() {
                if let Some(watching) = on_board.tops.get_mut(top) {
                    *watching -= 1;
                }
            }
            on_board.tops.retain(|_, watching| *watching > 0);
            if on_board.slots.is_empty() {
                self.boards.remove(board);
            }
        }
        self.expiries.remove(&(entry.until, slot));
        self.moved.whole.remove(&slot);
        self.links -= 1 + entry.friends().len();
        self.free.push(slot);
    }

    fn unlink(&mut self, player: PlayerId, slot: u32, which: impl Fn(&mut Links) -> &mut Vec<u32>) {
        let Some(links) = self.players.get_mut(&player) else { return };
        let list = which(links);
        if let Some(at) = list.iter().position(|one| *one == slot) {
            list.swap_remove(at);
        }
        if links.own.is_empty() && links.by.is_empty() {
            self.players.remove(&player);
        }
    }

    fn told(&mut self, watcher: PlayerId, board: &BoardName, row: &Arc<Row>) {
        let (Some(slot), Some(told)) = (self.find(watcher, board), told_of(row)) else { return };
        if let Some(on_board) = self.boards.get_mut(board) {
            if told.top.is_some() {
                on_board.inside.insert(slot);
            } else {
                on_board.inside.remove(&slot);
            }
        }
        if let Some(Some(entry)) = self.slots.get_mut(slot as usize) {
            entry.told = Some(row.clone());
        }
    }

    /// The watches that are concerned by a player who has moved, and how they are to be looked at.
    fn concerned(&self, player: PlayerId, looks: &mut BTreeMap<u32, Look>) {
        let Some(links) = self.players.get(&player) else { return };
        for slot in &links.own {
            looks.insert(*slot, Look::All);
        }
        for slot in &links.by {
            match looks.entry(*slot).or_insert_with(|| Look::Friends(Vec::new())) {
                Look::Friends(friends) => friends.push(player),
                Look::All | Look::Top => {}
            }
        }
    }
}

impl Watches {
    /// Follows one write, after the boards have.
    pub(crate) fn follow(&self, write: &Write) {
        let row = match &write.op {
            Op::Put { row, .. } => Some(row),
            Op::Delete => None,
            Op::Check => return,
        };
        match &write.key {
            Key::Watch(watcher, board) => self.change(|state| match row {
                Some(row) => state.put(*watcher, board, row),
                None => state.remove(*watcher, board),
            }),
            Key::Told(watcher, board) => {
                if let Some(row) = row {
                    self.change(|state| state.told(*watcher, board, row));
                }
            }
            _ if self.len.load(Ordering::Relaxed) == 0 => {}
            // A history may come later than the rating.
            Key::Rating(mode, player) | Key::History(mode, player, _) => {
                self.moved(*player, |moved| {
                    if !moved.modes.contains(mode) {
                        moved.modes.insert(mode.clone());
                    }
                });
            }
            Key::Entry(board, _, player) | Key::Shade(board, player) => {
                self.moved(*player, |moved| moved.on(board));
            }
            Key::Board(board) => self.look_at_all_of(board),
            _ => {}
        }
    }

    /// Players have lost their ranks on a board, as time went by: no commit tells of it.
    pub(crate) fn lost_ranks(&self, board: &BoardName, players: &[PlayerId]) {
        if self.len.load(Ordering::Relaxed) > 0 {
            players.iter().for_each(|player| self.moved(*player, |moved| moved.on(board)));
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        self.len.store(state.slots.len() - state.free.len(), Ordering::Relaxed);
        if !state.moved.is_empty() {
            self.wake.notify_one();
        }
    }

    fn moved(&self, player: PlayerId, on: impl FnOnce(&mut Moved)) {
        let mut state = self.state.lock();
        if state.players.contains_key(&player) {
            state.moved.players.insert(player);
        }
        if state.boards.values().any(|board| !board.tops.is_empty()) {
            on(&mut state.moved);
        }
        if !state.moved.is_empty() {
            self.wake.notify_one();
        }
    }

    /// A board is defined anew, or filled: all its watches are to be looked at.
    pub(super) fn look_at_all_of(&self, board: &BoardName) {
        self.change(|state| {
            if let Some(on_board) = state.boards.get(board) {
                state.moved.whole.extend(&on_board.slots);
            }
        });
    }

    /// At start: takes in a watch, unless a commit of the meantime has told of it.
    pub(super) fn load(&self, watcher: PlayerId, board: &BoardName, row: &Arc<Row>) {
        self.change(|state| {
            if state.find(watcher, board).is_none() {
                state.put(watcher, board, row);
            }
        });
    }

    /// At start: takes in what was told, unless a commit of the meantime has said so.
    pub(super) fn load_told(&self, watcher: PlayerId, board: &BoardName, row: &Arc<Row>) {
        self.change(|state| {
            let slot = state.find(watcher, board).and_then(|slot| state.slot(slot));
            if slot.is_some_and(|slot| slot.told.is_none()) {
                state.told(watcher, board, row);
            }
        });
    }

    /// Refuses a watch, new or in place of one with the friends `old`, where there is no room for it, as far as this node
    /// knows. One that does not grow has room.
    pub(super) fn has_room(&self, old: Option<&[PlayerId]>, friends: &[PlayerId]) -> Result<(), EngineError> {
        let state = self.state.lock();
        let (before, after) = (old.map_or(0, |old| 1 + old.len()), 1 + friends.len());
        if after > before && state.links + after - before > limits::WATCH_LINKS_MAX {
            return Err(EngineError::TooManyWatches);
        }
        let by = |friend: &PlayerId| state.players.get(friend).map_or(0, |links| links.by.len());
        let is_new = |friend: &PlayerId| old.is_none_or(|old| old.binary_search(friend).is_err());
        match friends.iter().find(|friend| is_new(friend) && by(friend) >= limits::WATCHED_BY_MAX) {
            Some(friend) => {
                let detail = format!("`{friend}` is watched by {} others already", limits::WATCHED_BY_MAX);
                Err(EngineError::invalid("friends", detail))
            }
            None => Ok(()),
        }
    }

    /// What has moved since the last turn, with the watches concerned. Watches that have ended are gone.
    pub(super) fn take(&self, now: Timestamp) -> Work {
        let mut state = self.state.lock();
        while let Some((until, slot)) = state.expiries.first().copied().filter(|(until, _)| *until <= now) {
            let ended = state.slot(slot).map(|entry| (entry.watcher, entry.board.clone()));
            state.expiries.remove(&(until, slot));
            if let Some((watcher, board)) = ended {
                state.remove(watcher, &board);
            }
        }
        let mut looks: BTreeMap<u32, Look> =
            std::mem::take(&mut state.moved.whole).into_iter().map(|slot| (slot, Look::All)).collect();
        while looks.len() < TASKS_MAX {
            let Some(player) = state.moved.players.pop_first() else { break };
            state.concerned(player, &mut looks);
        }
        let mut work = Work {
            tasks: BTreeMap::new(),
            modes: std::mem::take(&mut state.moved.modes),
            boards: std::mem::take(&mut state.moved.boards),
        };
        for (slot, look) in looks {
            if let Some(entry) = state.slot(slot) {
                work.tasks.entry(entry.board.clone()).or_default().push(entry.task(slot, look));
            }
        }
        if !state.moved.is_empty() {
            self.wake.notify_one();
        }
        self.len.store(state.slots.len() - state.free.len(), Ordering::Relaxed);
        work
    }

    /// Boards of which a top is watched.
    pub(super) fn top_boards(&self) -> Vec<(BoardName, TopTask)> {
        let state = self.state.lock();
        let task = |board: &OnBoard| {
            let most = *board.tops.last_key_value()?.0;
            let inside = board.inside.iter().filter_map(|slot| Some(state.slot(*slot)?.watcher)).collect();
            Some(TopTask { most, inside })
        };
        state.boards.iter().filter_map(|(name, board)| Some((name.clone(), task(board)?))).collect()
    }

    /// Who watches a top of a board.
    pub(super) fn watchers_of_tops(&self, board: &BoardName) -> Vec<PlayerId> {
        let state = self.state.lock();
        let slots = state.boards.get(board).map(|board| &board.slots);
        let watches = slots.into_iter().flatten().filter_map(|slot| state.slot(*slot));
        watches.filter(|watch| !watch.tops().is_empty()).map(|watch| watch.watcher).collect()
    }

    /// The watches of these players on a board.
    pub(super) fn of(&self, board: &BoardName, players: impl Iterator<Item = PlayerId>) -> Vec<Task> {
        let state = self.state.lock();
        let task = |player| {
            let slot = state.find(player, board)?;
            Some(state.slot(slot)?.task(slot, Look::Top))
        };
        players.filter_map(task).collect()
    }

    /// Looks at these watches again in the next turn.
    pub(super) fn again(&self, slots: impl Iterator<Item = u32>) {
        self.change(|state| {
            let slots: Vec<u32> = slots.filter(|slot| state.slot(*slot).is_some()).collect();
            state.moved.whole.extend(slots);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Expect;

    const BY: usize = limits::WATCHED_BY_MAX;

    fn player(n: usize) -> PlayerId {
        PlayerId::from_u128(n as u128 + 1)
    }

    fn put(watches: &Watches, watcher: usize, friends: Vec<PlayerId>) {
        let row = WatchRow {
            friends,
            top: vec![1],
            personal_best: false,
            since: Timestamp::EPOCH,
            until: Timestamp::from_millis(1_000),
        };
        let op = Op::Put { row: Arc::new(Row::Watch(row)), expires_at: None };
        let key = Key::Watch(player(watcher), BoardName::new("duel").unwrap());
        watches.follow(&Write { key, expect: Expect::Any, op });
    }

    #[test]
    fn a_friend_has_room_for_so_many_watchers_and_a_changed_watch_is_one() {
        let (watches, star) = (Watches::default(), player(0));
        (1..BY).for_each(|watcher| put(&watches, watcher, vec![star]));
        assert!(watches.has_room(Some(&[]), &[star]).is_ok(), "the last one");
        put(&watches, BY, vec![star]);
        assert!(watches.has_room(None, &[star]).is_err(), "one more watch");
        assert!(watches.has_room(Some(&[]), &[star]).is_err(), "one that did not name him before");
        assert!(watches.has_room(Some(&[star]), &[star]).is_ok(), "one that did");
    }

    #[test]
    fn links_have_room_for_what_a_watch_grows_by() {
        let watches = Watches::default();
        watches.state.lock().links = limits::WATCH_LINKS_MAX - 2;
        let friends = [player(0), player(1), player(2)];
        assert!(watches.has_room(None, &friends[..1]).is_ok());
        assert!(watches.has_room(None, &friends[..2]).is_err());
        assert!(watches.has_room(Some(&friends[..1]), &friends).is_ok());
        assert!(watches.has_room(Some(&[]), &friends).is_err());
        watches.state.lock().links = limits::WATCH_LINKS_MAX + 5;
        assert!(watches.has_room(Some(&friends), &friends[..2]).is_ok(), "it does not grow");
    }
}
