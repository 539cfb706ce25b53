//! Turns of those who change the same rows at once: whoever lost a race waits for the others, instead of undoing each
//! other's work over and over.
//!
//! Which kind of tries a use case has:
//! - [`Lines::tries_at`] where the row is known that many may change at once: a player's own, a match, a proposal;
//! - [`Lines::tries`] where it may be one of several, and the store says which;
//! - a plain loop where hardly anybody else changes these rows (what operators define), where a turn is held already
//!   (`Engine::defining`, the seats of a board), behind a gate, and where a try has tries or turns of its own: those would
//!   wait for each other;
//! - a loop with lines of its own where many come at once and a try has tries of its own (`Engine::claiming`): nobody who stands in
//!   `lines` comes to those.
use crate::store::Key;
use gsm_core::{QueueName, limits};
use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
};
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Lines in which callers wait. Two rows may share one: that costs them time, and nothing else.
const LINES: usize = 256;

pub(crate) struct Lines([Mutex<()>; LINES]);

impl Default for Lines {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

/// A place in front of some lines; the next comes when it is dropped.
pub(crate) type Turn<'a> = Vec<MutexGuard<'a, ()>>;

impl Lines {
    /// The lines of some things.
    pub(crate) fn of<T: Hash>(&self, things: impl Iterator<Item = T>) -> Vec<&Mutex<()>> {
        // In one order for all, so that no two wait for each other.
        let lines: BTreeSet<usize> = things.map(|thing| number(&thing)).collect();
        lines.into_iter().filter_map(|at| self.0.get(at)).collect()
    }

    /// Tries of a change, of which nothing is known yet.
    pub(crate) fn tries(&self) -> Tries<'_> {
        Tries { lines: self, line: None, turn: None, left: limits::CONFLICT_TRIES_MAX }
    }

    /// Tries of a change of a row that many may change: whoever comes while others wait for it, waits behind them.
    pub(crate) fn tries_at(&self, row: &Key) -> Tries<'_> {
        Tries { line: self.0.get(number(row)), ..self.tries() }
    }
}

fn number(thing: &impl Hash) -> usize {
    let mut hasher = gsm_core::FixedHasher::default();
    thing.hash(&mut hasher);
    hasher.finish() as usize % LINES
}

/// Waits for one's turn where somebody is at work whom others wait for; else none is needed.
pub(crate) async fn behind<'a>(lines: &[&'a Mutex<()>]) -> Turn<'a> {
    if lines.iter().all(|line| line.try_lock().is_ok()) { Turn::new() } else { turn(lines).await }
}

/// Waits for one's turn.
pub(crate) async fn turn<'a>(lines: &[&'a Mutex<()>]) -> Turn<'a> {
    let mut turn = Turn::with_capacity(lines.len());
    for line in lines {
        turn.push(line.lock().await);
    }
    turn
}

/// Doors of queues: tickets are let in side by side, and not while somebody makes sure that none is inside.
pub(crate) struct Doors([RwLock<()>; LINES]);

impl Default for Doors {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::default()))
    }
}

impl Doors {
    /// Goes through the doors of some queues; they are passed when it is dropped.
    pub(crate) async fn pass(
        &self,
        queues: impl Iterator<Item = &QueueName>,
    ) -> Vec<RwLockReadGuard<'_, ()>> {
        let doors: BTreeSet<usize> = queues.map(number).collect();
        let mut passed = Vec::with_capacity(doors.len());
        for door in doors.into_iter().filter_map(|at| self.0.get(at)) {
            passed.push(door.read().await);
        }
        passed
    }

    /// Closes the door of a queue until it is dropped, once whoever was on the way is in.
    pub(crate) async fn close(&self, queue: &QueueName) -> Option<RwLockWriteGuard<'_, ()>> {
        Some(self.0.get(number(queue))?.write().await)
    }
}

/// The tries of one change; from the second on in its turn. It stands in one line at a time, so that no two wait for each
/// other; therefore none of the tries may have tries of its own.
pub(crate) struct Tries<'a> {
    lines: &'a Lines,
    line: Option<&'a Mutex<()>>,
    turn: Option<MutexGuard<'a, ()>>,
    left: usize,
}

impl Tries<'_> {
    /// Whether there is one more try; answers when it is its turn.
    pub(crate) async fn again(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        let lost = self.left < limits::CONFLICT_TRIES_MAX;
        self.left -= 1;
        if self.turn.is_none()
            && let Some(line) = self.line
            && (lost || line.try_lock().is_err())
        {
            self.turn = Some(line.lock().await);
        }
        true
    }

    /// The try lost a race for a row, if the store says for which.
    pub(crate) fn lost(&mut self, row: Option<Key>) {
        let Some(line) = row.and_then(|row| self.lines.0.get(number(&row))) else { return };
        if !self.line.is_some_and(|now| std::ptr::eq(now, line)) {
            self.turn = None;
            self.line = Some(line);
        }
    }
}
