//! Boards: folds of the rating rows and of what is submitted, read without touching a store.
//!
//! Every mode has a board by itself; others are defined ([`BoardConfig`]): of a mode's ratings, or of scores that game
//! servers submit; divided by region, platform and group. A commit moves all of them before it is answered.
//!
//! A board that has seasons, or keeps the best of something, has entries of its own: results write them in their own
//! commit (`tally`), and whatever rewrites histories counts them again (`recount`).
mod closing;
mod cohorts;
mod config;
mod counted;
mod define;
mod facts;
mod fill;
mod grouping;
mod homes;
mod line;
mod loading;
mod metadata;
mod paging;
mod past;
mod payouts;
mod places;
mod reads;
mod recount;
mod seasons;
pub(crate) mod seating;
mod snapshot;
mod starts;
mod submit;
pub(crate) mod tally;
mod tiers;
mod unranked;
mod view;
mod watch;

pub use cohorts::{CohortView, PAST_SEATS_MAX, PastSeat, SeatView};
pub use config::{BoardConfig, Column, Dimension, Direction, Eligibility, Operator, Source, Ties, Value};
pub use grouping::Grouping;
pub use paging::BoardPage;
pub(crate) use past::Pasts;
pub use past::{PastPlace, PastRank, SERIES_MAX};
pub use payouts::{PayoutLine, PayoutPage, PayoutView};
pub use places::Places;
pub use reads::{AmongView, BoardRef, BoardRow, BoardView, Cut, OpenBoard, RankView, SeatRef, Viewer};
pub(crate) use recount::{Recount, Rewritten};
pub use seasons::SEASONS_LISTED_MAX;
pub use snapshot::{SaveReport, SnapshotRules, SnapshotView, Snapshots};
pub use submit::{Submission, Taken};
pub use tiers::{DivisionStart, TierPlace, TierStarts, TierView};
pub use unranked::UnrankedRow;
pub use view::Part;
pub use watch::WatchWish;
pub(crate) use watch::Watches;

use crate::store::{AttributesRow, EntryRow, PayingRow, RatingRow, SeatRow, ShadeRow};
use gsm_core::{BoardName, Map, Mode, PlayerId, Timestamp};
use gsm_ranking::{Visibility, cohort::Seat, season::Season};
pub(crate) use line::Line;
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};
use view::{Brought, Seated, View};

/// All boards.
#[derive(Default)]
pub(crate) struct Boards {
    table: RwLock<Table>,
    homes: homes::Homes,
    shades: RwLock<Shades>,
    payouts: payouts::Tables,
    lines: crate::turns::Lines,
    saved: snapshot::Saved,
}

#[derive(Default)]
struct Table {
    by_name: BTreeMap<BoardName, Arc<Line>>,
    /// Those that show a mode's ratings as they are.
    by_mode: BTreeMap<Mode, Vec<Shows>>,
    /// Those that count a mode's results into entries of their own.
    counting: BTreeMap<Mode, Vec<Arc<Line>>>,
}

/// A board that shows ratings, and its one view.
type Shows = (Arc<Line>, Arc<View>);

impl Table {
    fn put(&mut self, line: Arc<Line>) {
        let name = line.config.name.clone();
        self.remove(&name);
        if let Some(mode) = line.config.mode().cloned() {
            if line.config.has_entries() {
                self.counting.entry(mode).or_default().push(line.clone());
            } else if let Some(view) = line.kept(0) {
                self.by_mode.entry(mode).or_default().push((line.clone(), view));
            }
        }
        self.by_name.insert(name, line);
    }

    fn remove(&mut self, name: &BoardName) {
        self.by_name.remove(name);
        self.by_mode.values_mut().for_each(|boards| boards.retain(|(line, _)| line.config.name != *name));
        self.counting.values_mut().for_each(|lines| lines.retain(|line| line.config.name != *name));
    }
}

impl Boards {
    pub(crate) fn named(&self, name: &BoardName) -> Option<Arc<Line>> {
        self.table.read().by_name.get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Line>> {
        self.those(|_| true)
    }

    /// Some of them, by name.
    pub(crate) fn those(&self, which: impl Fn(&BoardConfig) -> bool) -> Vec<Arc<Line>> {
        self.table.read().by_name.values().filter(|line| which(&line.config)).cloned().collect()
    }

    /// The boards that count a mode's results into entries of their own.
    pub(crate) fn tallied(&self, mode: &Mode) -> Vec<Arc<Line>> {
        self.table.read().counting.get(mode).cloned().unwrap_or_default()
    }

    /// The boards that show a mode's ratings; its own is made where there is none yet.
    fn of_mode(&self, mode: &Mode, now: Timestamp) -> Vec<Arc<View>> {
        let own =
            |boards: &Vec<Shows>| boards.iter().any(|(line, _)| line.config.name.as_str() == mode.as_str());
        let views = |boards: &Vec<Shows>| boards.iter().map(|(_, view)| view.clone()).collect();
        if let Some(found) = self.table.read().by_mode.get(mode).filter(|boards| own(boards)) {
            return views(found);
        }
        let mut table = self.table.write();
        if !table.by_mode.get(mode).is_some_and(own) {
            // That there are ratings of the mode is known from here on: its own board comes back with all of them.
            table.by_mode.entry(mode.clone()).or_default();
            let config = BoardConfig::of_mode(mode);
            // Where another board has taken the name, the mode has none of its own.
            if !table.by_name.contains_key(&config.name) {
                table.put(self.shown(Line::new(config, now, true)));
            }
        }
        table.by_mode.get(mode).map(views).unwrap_or_default()
    }

    /// Whether there are ratings of a mode, or a board that counts its results.
    fn has_mode(&self, mode: &Mode) -> bool {
        let table = self.table.read();
        table.by_mode.get(mode).is_some_and(|boards| !boards.is_empty())
            || table.counting.get(mode).is_some_and(|lines| !lines.is_empty())
    }

    /// A new board, on which players are seen by whom they are to be seen.
    fn shown(&self, line: Line) -> Arc<Line> {
        if let Some(shades) = self.shades.read().get(&line.config.name) {
            line.views().iter().for_each(|view| shade(view, shades));
        }
        Arc::new(line)
    }

    /// A season's view, where everything of it is in memory; made at its first sight.
    pub(super) fn told(&self, line: &Line, number: u64) -> Option<Arc<View>> {
        if let Some(view) = line.kept(number) {
            return Some(view);
        }
        // When it is takes a while to work out, and is not done under a lock.
        let season = line.is_told(number).then(|| line.scheduled(number))?;
        // Locked while the view is made known: who is hidden meanwhile is hidden on it too.
        let shades = self.shades.read();
        line.told(number, || season_view(line, season, true, &shades))
    }

    /// A season's view, empty where it has to be read.
    pub(super) fn kept(&self, line: &Line, number: u64) -> Arc<View> {
        let season = line.season(number);
        let shades = self.shades.read();
        line.keep(number, || season_view(line, season, false, &shades))
    }

    pub(crate) fn home(&self, player: PlayerId) -> Option<Arc<AttributesRow>> {
        self.homes.get(player)
    }

    /// Who belongs to a part today; of those who settle meanwhile it is open. Looks at all players.
    fn players_of(&self, part: &Part) -> Map<PlayerId, ()> {
        self.homes.players_of(part)
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
        for view in self.of_mode(mode, now) {
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

    /// A board that has entries and seats of its own. One that took the name of such a board has none of them: they go
    /// while it is filled with ratings.
    fn with_entries(&self, name: &BoardName) -> Option<Arc<Line>> {
        self.named(name).filter(|line| line.config.has_entries())
    }

    /// A board's entry was written, or taken away. A season that is not in memory is read when it is asked for.
    pub(crate) fn entered(
        &self,
        (name, season, player): (&BoardName, u64, PlayerId),
        row: Option<&EntryRow>,
        version: u64,
        now: Timestamp,
    ) {
        let Some(line) = self.with_entries(name) else { return };
        let Some(view) = self.told(&line, season) else { return };
        match row {
            Some(row) => {
                let home = if view.config.by.is_empty() { None } else { self.home(player) };
                view.put(player, Brought::of_entry(row), home.as_ref(), version, now);
            }
            None => view.remove(player, version),
        }
    }

    /// A seat was taken. A season that is not in memory is read when it is asked for.
    pub(crate) fn seated(&self, name: &BoardName, season: u64, seat: Seat, row: &SeatRow) {
        let Some(line) = self.with_entries(name) else { return };
        if let Some(view) = self.told(&line, season) {
            view.seat(row.player, Seated { seat, level: row.level });
        }
    }

    /// Who of some players is not seen by everybody on a board, and whether by himself.
    fn unseen(&self, name: &BoardName, players: impl Iterator<Item = PlayerId>) -> Vec<(PlayerId, bool)> {
        let all = self.shades.read();
        let Some(shades) = all.get(name) else { return Vec::new() };
        let unseen = players.filter_map(|player| Some((player, *shades.get(&player)?)));
        unseen.map(|(player, seen)| (player, seen == Visibility::Shadow)).collect()
    }

    /// Who sees a player on a board.
    fn seen(&self, name: &BoardName, player: PlayerId) -> Visibility {
        self.shades.read().get(name).and_then(|shades| shades.get(&player)).copied().unwrap_or_default()
    }

    /// The table of a season is final: what is in memory of it has its ranks from here on.
    pub(crate) fn frozen(&self, name: &BoardName, season: u64, row: &PayingRow) {
        if let Some(view) = self.named(name).and_then(|line| line.kept(season)) {
            payouts::freeze(&view, row);
        }
    }

    /// It is decided who sees a player on a board.
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
        if let Some(line) = table.by_name.get(name) {
            line.views().iter().for_each(|view| view.shade(player, visibility));
        }
    }

    /// Where a player belongs.
    pub(crate) fn settled(&self, player: PlayerId, row: Option<&AttributesRow>, version: u64) {
        let home = row.map(|row| Arc::new(row.clone()));
        self.homes.put(player, home.as_ref());
        for line in self.those(|config| !config.by.is_empty()) {
            line.views().iter().for_each(|view| view.moved(player, home.as_ref(), version));
        }
    }

    /// Where players belong, as it was read at start. What a commit of the meantime has told already is newer.
    fn found_settled(&self, rows: &[(PlayerId, Arc<AttributesRow>, u64)]) {
        rows.iter().for_each(|(player, home, _)| self.homes.found(*player, home));
        for line in self.those(|config| !config.by.is_empty()) {
            // Boards are empty yet, but for whom such a commit told of.
            for view in line.views().iter().filter(|view| !view.is_untouched()) {
                for (player, _, version) in rows {
                    view.moved(*player, self.home(*player).as_ref(), *version);
                }
            }
        }
    }

    /// A board is defined, changed or given up. A changed one is empty until it is filled.
    pub(crate) fn defined(&self, name: &BoardName, config: Option<BoardConfig>, now: Timestamp) {
        self.payouts.forget();
        let mut table = self.table.write();
        match config {
            Some(config) => {
                if table.by_name.get(name).is_some_and(|line| *line.config == config) {
                    return;
                }
                table.put(self.shown(Line::new(config, now, false)));
            }
            None => {
                table.remove(name);
                let mode = Mode::new(name.as_str()).ok().filter(|mode| table.by_mode.contains_key(mode));
                if let Some(mode) = mode {
                    table.put(self.shown(Line::new(BoardConfig::of_mode(&mode), now, false)));
                }
            }
        }
    }

    /// Brings the rows of the past into a board.
    fn fill(&self, view: &Arc<View>, rows: &[(PlayerId, Brought, u64)], now: Timestamp) {
        view.fill(rows, |player| self.home(player), now);
    }

    /// Takes the ranks of those who have been idle for too long; the boards where there were such, and who they were.
    pub(crate) fn sweep(&self, now: Timestamp) -> Vec<(BoardName, Vec<PlayerId>)> {
        let lines = self.those(|config| config.eligibility.idle_days_max > 0);
        let swept = lines.iter().map(|line| {
            let players: Vec<PlayerId> = line.views().iter().flat_map(|view| view.sweep(now)).collect();
            (line.config.name.clone(), players)
        });
        swept.filter(|(_, players)| !players.is_empty()).collect()
    }
}

type Shades = BTreeMap<BoardName, Map<PlayerId, Visibility>>;

/// A season of a board, on which players are seen by whom they are to be seen.
fn season_view(line: &Line, season: Option<Season>, is_filled: bool, shades: &Shades) -> View {
    let view = View::new(line.config.clone(), season, is_filled);
    if let Some(shades) = shades.get(&line.config.name) {
        shade(&view, shades);
    }
    view
}

fn shade(view: &View, shades: &Map<PlayerId, Visibility>) {
    shades.iter().for_each(|(player, seen)| view.shade(*player, *seen));
}
