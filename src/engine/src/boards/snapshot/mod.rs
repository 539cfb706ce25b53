//! Boards that outlive the process: saved beside the store, so that a start reads them instead of every rating.
//!
//! A snapshot is a copy of a board's players, made piece by piece while the board moves, with the store's position before
//! the copying began. Whoever moved since is among what the store says [changed](crate::store::Store::changed) after that
//! position, and each player's version says which of the two is newer. So what was saved can make a start faster and never
//! a rank wrong: where anything does not fit, all rows are read.
mod format;
mod restore;

pub(super) use restore::Restored;

use super::{BoardConfig, Source, view::View};
use crate::{
    Engine,
    frames::Writer,
    store::{Home, Position},
};
use gsm_core::{BoardName, Millis, Timestamp};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    sync::Arc,
};

/// Numbers of players that are copied while the board is held.
const PIECE: u32 = 1_024;

/// A place for snapshots, each under the name of a board. What is read may be damaged or of another time: it is checked.
pub trait Snapshots: Send + Sync {
    /// What is there.
    fn names(&self) -> io::Result<Vec<BoardName>>;

    /// The content under a name; `None` where there is none.
    fn read(&self, name: &BoardName) -> io::Result<Option<Box<dyn Read + Send>>>;

    /// Puts what `fill` writes in the place of what is under a name, durably, at once: whoever reads later, also after a
    /// crash, finds the one or the other.
    fn replace(
        &self,
        name: &BoardName,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()>;

    /// Removes what is under a name.
    fn remove(&self, name: &BoardName) -> io::Result<()>;
}

/// Which boards are worth a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRules {
    /// Boards with fewer players are read from the store as fast.
    pub players_min: u64,
    /// Changed ratings and results of all modes, since the board was last saved, below which it is not saved again.
    pub changes_min: u64,
}

/// What [`Engine::save_boards`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SaveReport {
    /// Boards that were saved.
    pub saved: usize,
    /// Players on them.
    pub players: u64,
    /// Snapshots that were removed: of boards that are gone, or that are saved no more.
    pub removed: usize,
}

/// The snapshot of a board, as operators look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotView {
    /// Of which board.
    pub board: BoardName,
    /// Players in it.
    pub players: u64,
    /// Changed ratings and results of all modes since: what a start takes in beside it.
    pub changes: u64,
    /// When it was saved, and how long that took; `None` where a process before this one did.
    pub saved: Option<(Timestamp, Millis)>,
}

/// What of each board is saved.
#[derive(Default)]
pub(super) struct Saved(Mutex<BTreeMap<BoardName, One>>);

struct One {
    config: Arc<BoardConfig>,
    position: Position,
    players: u64,
    saved: Option<(Timestamp, Millis)>,
}

impl Saved {
    fn note(
        &self,
        config: &Arc<BoardConfig>,
        position: Position,
        players: u64,
        saved: Option<(Timestamp, Millis)>,
    ) {
        let one = One { config: config.clone(), position, players, saved };
        self.0.lock().insert(config.name.clone(), one);
    }

    fn is_due(&self, config: &BoardConfig, position: Position, changes_min: u64) -> bool {
        let saved = self.0.lock();
        let fitting = saved.get(&config.name).filter(|one| *one.config == *config);
        fitting.is_none_or(|one| position.rows.saturating_sub(one.position.rows) >= changes_min)
    }
}

/// Whether a board is nothing but the ratings of a mode, whatever the time is and wherever players belong.
fn is_plain(config: &BoardConfig) -> bool {
    let is_of_mode = matches!(config.source, Source::Mode(_));
    is_of_mode && !config.has_entries() && config.by.is_empty() && config.eligibility.idle_days_max == 0
}

impl Engine {
    /// Saves the boards that are worth it and removes snapshots of others. Reads and writes go on meanwhile; blocks the
    /// thread that calls. A board that cannot be saved is told in the log and stays as it was saved before.
    ///
    /// # Errors
    /// Where it cannot be seen what is there.
    pub fn save_boards(&self, to: &dyn Snapshots, rules: SnapshotRules) -> io::Result<SaveReport> {
        let (mut report, there) = (SaveReport::default(), to.names()?);
        let boards = &self.views.boards;
        let views = boards.all().into_iter().filter(|line| is_plain(&line.config));
        let views = views.filter_map(|line| line.kept(0));
        let views: Vec<Arc<View>> = views.filter(|view| view.players() >= rules.players_min).collect();
        for view in &views {
            // Before it is looked at whether the board is filled: what is in the store by then is on the board.
            let Some(position) = self.store(Home::Record).position() else { return Ok(report) };
            let config = &view.config;
            let is_kept =
                there.contains(&config.name) && !boards.saved.is_due(config, position, rules.changes_min);
            if is_kept || !view.is_filled() {
                continue;
            }
            let (mut players, began) = (0, self.clock.now());
            match to.replace(&config.name, &mut |sink| {
                players = save(view, position, sink)?;
                Ok(())
            }) {
                Ok(()) => {
                    let took = self.clock.now().since(began);
                    let (sequence, took_ms) = (position.sequence, took.get());
                    tracing::info!(board = %config.name, players, sequence, took_ms, "board saved");
                    boards.saved.note(config, position, players, Some((began, took)));
                    report.saved += 1;
                    report.players += players;
                }
                Err(error) => tracing::warn!(board = %config.name, %error, "board could not be saved"),
            }
        }
        for name in there.iter().filter(|name| views.iter().all(|view| view.config.name != **name)) {
            to.remove(name)?;
            boards.saved.0.lock().remove(name);
            report.removed += 1;
        }
        Ok(report)
    }
}

impl Engine {
    /// The snapshots that this process has saved, or started from, by board.
    #[must_use]
    pub fn snapshots(&self) -> Vec<SnapshotView> {
        let rows = self.store(Home::Record).position().map_or(0, |position| position.rows);
        let saved = self.views.boards.saved.0.lock();
        let view = |(board, one): (&BoardName, &One)| SnapshotView {
            board: board.clone(),
            players: one.players,
            changes: rows.saturating_sub(one.position.rows),
            saved: one.saved,
        };
        saved.iter().map(view).collect()
    }
}

/// Writes a board that may move meanwhile; returns how many players.
fn save(view: &View, position: Position, sink: &mut dyn Write) -> io::Result<u64> {
    let (columns, mut players) = (view.config.columns.len(), 0);
    let mut out = Writer::new(sink);
    format::Head::new(&view.config, position).put(&mut out)?;
    let mut next = Some(0);
    let mut piece = Vec::with_capacity(PIECE as usize);
    while let Some(from) = next {
        piece.clear();
        next = view.copy(from, PIECE, |player, mark, fact| piece.push((player, mark, fact)));
        for (player, mark, fact) in &piece {
            out.add(|out| format::put(out, columns, *player, mark, *fact))?;
        }
        players += piece.len() as u64;
    }
    out.end()?;
    Ok(players)
}
