//! Boards: folds of the rating rows and of what is submitted, read without touching a store.
//!
//! Every mode has a board by itself; others are defined ([`BoardConfig`]): of a mode's ratings, or of scores that game
//! servers submit; divided by region, platform and group. A commit moves all of them before it is answered.
mod config;
mod define;
mod facts;
mod loading;
mod paging;
mod past;
mod places;
mod reads;
mod submit;
mod view;

pub use config::{BoardConfig, Column, Dimension, Direction, Eligibility, Operator, Source, Ties, Value};
pub use paging::BoardPage;
pub(crate) use past::Pasts;
pub use past::{PastRank, SERIES_MAX};
pub use places::Places;
pub use reads::{AmongView, BoardRef, BoardRow, BoardView, Cut, RankView, Viewer};
pub use submit::{Submission, Taken};
pub use view::Part;

use crate::store::{AttributesRow, EntryRow, RatingRow, ShadeRow};
use gsm_core::{BoardName, Map, Mode, PlayerId, Timestamp};
use gsm_ranking::Visibility;
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};
use view::{Brought, View};

/// All boards.
#[derive(Default)]
pub(crate) struct Boards {
    table: RwLock<Table>,
    homes: RwLock<Map<PlayerId, Arc<AttributesRow>>>,
    shades: RwLock<BTreeMap<BoardName, Map<PlayerId, Visibility>>>,
}

#[derive(Default)]
struct Table {
    by_name: BTreeMap<BoardName, Arc<View>>,
    by_mode: BTreeMap<Mode, Vec<Arc<View>>>,
}

impl Table {
    fn put(&mut self, view: Arc<View>) {
        let name = view.config.name.clone();
        self.remove(&name);
        if let Some(mode) = view.config.mode() {
            self.by_mode.entry(mode.clone()).or_default().push(view.clone());
        }
        self.by_name.insert(name, view);
    }

    fn remove(&mut self, name: &BoardName) {
        self.by_name.remove(name);
        self.by_mode.values_mut().for_each(|views| views.retain(|view| view.config.name != *name));
    }
}

impl Boards {
    pub(crate) fn named(&self, name: &BoardName) -> Option<Arc<View>> {
        self.table.read().by_name.get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<View>> {
        self.table.read().by_name.values().cloned().collect()
    }

    /// The boards that follow a mode; its own is made where there is none yet.
    fn of_mode(&self, mode: &Mode) -> Vec<Arc<View>> {
        let own =
            |views: &Vec<Arc<View>>| views.iter().any(|view| view.config.name.as_str() == mode.as_str());
        if let Some(views) = self.table.read().by_mode.get(mode).filter(|views| own(views)) {
            return views.clone();
        }
        let mut table = self.table.write();
        if !table.by_mode.get(mode).is_some_and(own) {
            let config = BoardConfig::of_mode(mode);
            // Where another board has taken the name, the mode has none of its own.
            if !table.by_name.contains_key(&config.name) {
                table.put(self.shown(View::new(config, true)));
            }
        }
        table.by_mode.get(mode).cloned().unwrap_or_default()
    }

    /// A new view, in which players are seen by whom they are to be seen.
    fn shown(&self, view: View) -> Arc<View> {
        if let Some(shades) = self.shades.read().get(&view.config.name) {
            shades.iter().for_each(|(player, seen)| view.shade(*player, *seen));
        }
        Arc::new(view)
    }

    fn home(&self, player: PlayerId) -> Option<Arc<AttributesRow>> {
        self.homes.read().get(&player).cloned()
    }

    /// A rating has moved.
    pub(crate) fn rated(
        &self,
        mode: &Mode,
        player: PlayerId,
        row: Option<&RatingRow>,
        version: u64,
        now: Timestamp,
    ) {
        for view in self.of_mode(mode) {
            match row {
                Some(row) => {
                    let home = if view.config.by.is_empty() { None } else { self.home(player) };
                    let brought = Brought::of_rating(&view.config, row);
                    view.put(player, brought, home.as_ref(), version, now);
                }
                None => view.remove(player, version),
            }
        }
    }

    /// Something was submitted, or taken away.
    pub(crate) fn entered(
        &self,
        name: &BoardName,
        player: PlayerId,
        row: Option<&EntryRow>,
        version: u64,
        now: Timestamp,
    ) {
        let Some(view) = self.named(name) else { return };
        match row {
            Some(row) => {
                let home = self.home(player);
                view.put(player, Brought::of_entry(row), home.as_ref(), version, now);
            }
            None => view.remove(player, version),
        }
    }

    /// Who sees a player on a board.
    pub(crate) fn shaded(&self, name: &BoardName, player: PlayerId, row: Option<&ShadeRow>) {
        let visibility = match row {
            None => Visibility::Shown,
            Some(row) if row.shadow => Visibility::Shadow,
            Some(_) => Visibility::Hidden,
        };
        // The table is locked before the shades where both are, and a view that is made meanwhile knows these.
        let table = self.table.read();
        let mut shades = self.shades.write();
        let of_board = shades.entry(name.clone()).or_default();
        if visibility == Visibility::Shown {
            of_board.remove(&player);
        } else {
            of_board.insert(player, visibility);
        }
        if let Some(view) = table.by_name.get(name) {
            view.shade(player, visibility);
        }
    }

    /// Where a player belongs.
    pub(crate) fn settled(&self, player: PlayerId, row: Option<&AttributesRow>, version: u64) {
        let home = row.map(|row| Arc::new(row.clone()));
        match &home {
            Some(home) => self.homes.write().insert(player, home.clone()),
            None => self.homes.write().remove(&player),
        };
        for view in self.all() {
            view.moved(player, home.as_ref(), version);
        }
    }

    /// A board is defined, changed or given up. A changed one is empty until it is filled.
    pub(crate) fn defined(&self, name: &BoardName, config: Option<BoardConfig>) {
        let mut table = self.table.write();
        match config {
            Some(config) => {
                if table.by_name.get(name).is_some_and(|view| *view.config == config) {
                    return;
                }
                table.put(self.shown(View::new(config, false)));
            }
            None => {
                table.remove(name);
                let mode = Mode::new(name.as_str()).ok().filter(|mode| table.by_mode.contains_key(mode));
                if let Some(mode) = mode {
                    table.put(self.shown(View::new(BoardConfig::of_mode(&mode), false)));
                }
            }
        }
    }

    /// All rating rows of a mode, at start.
    pub(crate) fn load(&self, mode: &Mode, rows: &[(PlayerId, RatingRow, u64)], now: Timestamp) {
        for view in self.of_mode(mode) {
            self.fill(
                &view,
                rows.iter()
                    .map(|(player, row, version)| (*player, Brought::of_rating(&view.config, row), *version)),
                now,
            );
        }
    }

    /// Brings the rows of the past into a board.
    fn fill(&self, view: &View, rows: impl Iterator<Item = (PlayerId, Brought, u64)>, now: Timestamp) {
        let rows: Vec<_> = rows.collect();
        view.load(&rows, |player| self.home(player), now);
        view.filled();
    }

    /// Takes the ranks of those who have been idle for too long.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.all().iter().for_each(|view| view.sweep(now));
    }
}
