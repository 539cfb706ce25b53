//! Filling boards from the store: those that were defined or changed, and seasons of the past when they are asked for.
//! What commits tell meanwhile is newer, and stays.
use super::{
    Source,
    line::Line,
    tally::entry_of,
    view::{Brought, Seated, View},
};
use crate::{
    Engine, EngineError,
    aside::aside,
    results::chain::standing,
    store::{Gather, Key, KeyRange, Row, Version},
};
use futures::{StreamExt, TryStreamExt, stream};
use gsm_core::Mode;
use gsm_ranking::cohort::Seat;
use std::sync::Arc;

/// Boards that are read from the store at once.
const BOARDS_AT_ONCE: usize = 8;

/// How all rows of a range are read.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// Page by page, so that calls are answered meanwhile.
    Pages,
    /// As fast as the store can: at start, when nobody is answered.
    Whole,
}

/// What a reading thread has found.
struct Found<T, F> {
    take: F,
    rows: Result<Vec<T>, EngineError>,
}

impl<T: Send, F: Fn(&Key, Version, &Row) -> Result<T, EngineError> + Send> Gather for Found<T, F> {
    fn row(&mut self, key: &Key, version: Version, row: &Row) {
        if let Ok(rows) = &mut self.rows {
            match (self.take)(key, version, row) {
                Ok(one) => rows.push(one),
                Err(error) => self.rows = Err(error),
            }
        }
    }
}

impl Engine {
    /// What `take` makes of each row of a range, in any order.
    async fn all_of<T: Send>(
        &self,
        range: KeyRange,
        reading: Reading,
        take: impl Fn(&Key, Version, &Row) -> Result<T, EngineError> + Copy + Send,
    ) -> Result<Vec<T>, EngineError> {
        let new = || Found { take, rows: Ok(Vec::new()) };
        let (mut one, mut other) = (new(), new());
        match reading {
            Reading::Whole => self.store(range.home()).scan(&range, [&mut one, &mut other]).await?,
            Reading::Pages => {
                let all = self.each(range, |key, found| {
                    one.row(&key, found.version, &found.row);
                    Ok(())
                });
                all.await?;
            }
        }
        let mut rows = one.rows?;
        rows.append(&mut other.rows?);
        Ok(rows)
    }

    /// The entries of the seasons under way into their boards, at start: several boards at once, each read whole.
    pub(crate) async fn load_entries(&self) -> Result<(), EngineError> {
        let now = self.clock.now();
        let lines =
            self.views.boards.all().into_iter().filter(|line| {
                line.config.has_entries() || matches!(line.config.source, Source::Submissions)
            });
        let seasons = lines.filter_map(|line| Some((line.number_at(now)?, line)));
        let loads = seasons.map(|(number, line)| async move {
            let view = self.views.boards.kept(&line, number);
            if view.is_filled() {
                Ok(())
            } else {
                self.fill_with_entries(&view, number, Reading::Whole).await
            }
        });
        // A future of each board would borrow more than the stream may: they are made first.
        let loads: Vec<_> = loads.collect();
        stream::iter(loads).buffer_unordered(BOARDS_AT_ONCE).try_collect().await
    }

    /// Brings the rows of the past into boards that were defined or changed; of seasons, that under way.
    pub(crate) async fn fill_boards(&self) -> Result<(), EngineError> {
        for line in self.views.boards.all() {
            if let Some(number) = line.number_at(self.clock.now()) {
                self.open_season(&line, number).await?;
            }
        }
        Ok(())
    }

    /// A season of a board, in memory from here on until it gives way to others.
    pub(super) async fn open_season(&self, line: &Line, number: u64) -> Result<Arc<View>, EngineError> {
        if let Some(view) = self.views.boards.told(line, number).filter(|view| view.is_filled()) {
            return Ok(view);
        }
        let _reading = line.reading.lock().await;
        let view = self.views.boards.kept(line, number);
        if !view.is_filled() {
            self.freeze_if_final(&view, number).await?;
            match &line.config.source {
                Source::Mode(mode) if !line.config.has_entries() => {
                    self.fill_with_ratings(&view, mode).await?;
                }
                Source::Mode(_) | Source::Submissions => {
                    self.fill_with_entries(&view, number, Reading::Pages).await?;
                }
            }
        }
        Ok(view)
    }

    pub(super) async fn fill_with_ratings(&self, view: &Arc<View>, mode: &Mode) -> Result<(), EngineError> {
        let mut rows = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            let (row, version) = standing(&key, &found)?;
            if let (Key::Rating(_, player), Some(row)) = (&key, row.rating) {
                rows.push((*player, Brought::of_rating(&view.config, &row), version));
            }
            Ok(())
        })
        .await?;
        aside(|| self.views.boards.fill(view, &rows, self.clock.now()));
        Ok(())
    }

    pub(super) async fn fill_with_entries(
        &self,
        view: &Arc<View>,
        number: u64,
        reading: Reading,
    ) -> Result<(), EngineError> {
        let name = &view.config.name;
        if view.config.grouping.is_some() {
            let seats = self.all_of(KeyRange::Seats(name.clone(), number), reading, |key, _, row| {
                let (Key::Seat(_, _, cohort, number), Row::Seat(row)) = (key, row) else {
                    return Err(EngineError::damaged(key));
                };
                let seat = Seat { cohort: *cohort, number: *number };
                Ok((row.player, Seated { seat, level: row.level }))
            });
            seats.await?.into_iter().for_each(|(player, seated)| view.seat(player, seated));
        }
        let entries = self.all_of(KeyRange::Entries(name.clone(), number), reading, |key, version, row| {
            let (Key::Entry(_, _, player), row) = (key, entry_of(key, row)?) else {
                return Err(EngineError::damaged(key));
            };
            Ok((*player, Brought::of_entry(row), version))
        });
        let entries = entries.await?;
        aside(|| self.views.boards.fill(view, &entries, self.clock.now()));
        Ok(())
    }
}
