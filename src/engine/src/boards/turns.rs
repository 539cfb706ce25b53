//! Turns of those who write the same entries at once: whoever lost a race waits for the others, and so does whoever comes
//! meanwhile, instead of undoing each other's work over and over.
use gsm_core::{BoardName, PlayerId};
use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
};
use tokio::sync::{Mutex, MutexGuard};

/// Lines in which callers wait. Two entries may share one: that costs them time, and nothing else.
const LINES: usize = 256;

pub(super) struct Lines([Mutex<()>; LINES]);

impl Default for Lines {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

/// A place in front of some lines; the next comes when it is dropped.
pub(super) type Turn<'a> = Vec<MutexGuard<'a, ()>>;

impl Lines {
    /// The lines of a board's entries.
    pub(super) fn of(&self, name: &BoardName, players: impl Iterator<Item = PlayerId>) -> Vec<&Mutex<()>> {
        let line = |player: PlayerId| {
            let mut hasher = gsm_core::FixedHasher::default();
            (name, player).hash(&mut hasher);
            hasher.finish() as usize % LINES
        };
        // In one order for all, so that no two wait for each other.
        let lines: BTreeSet<usize> = players.map(line).collect();
        lines.into_iter().filter_map(|at| self.0.get(at)).collect()
    }
}

/// Waits for one's turn where somebody is at work whom others wait for; else none is needed.
pub(super) async fn behind<'a>(lines: &[&'a Mutex<()>]) -> Turn<'a> {
    if lines.iter().all(|line| line.try_lock().is_ok()) { Turn::new() } else { turn(lines).await }
}

/// Waits for one's turn.
pub(super) async fn turn<'a>(lines: &[&'a Mutex<()>]) -> Turn<'a> {
    let mut turn = Turn::with_capacity(lines.len());
    for line in lines {
        turn.push(line.lock().await);
    }
    turn
}
