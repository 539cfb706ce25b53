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
    results::chain::standing,
    store::{Key, KeyRange, Row},
};
use gsm_core::Mode;
use gsm_ranking::cohort::Seat;
use std::sync::Arc;

impl Engine {
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
            match &line.config.source {
                Source::Mode(mode) if !line.config.has_entries() => {
                    self.fill_with_ratings(&view, mode).await?;
                }
                Source::Mode(_) | Source::Submissions => self.fill_with_entries(&view, number).await?,
            }
        }
        Ok(view)
    }

    pub(super) async fn fill_with_ratings(&self, view: &View, mode: &Mode) -> Result<(), EngineError> {
        let mut rows = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            let (row, version) = standing(&key, &found)?;
            if let (Key::Rating(_, player), Some(row)) = (&key, row.rating) {
                rows.push((*player, Brought::of_rating(&view.config, &row), version));
            }
            Ok(())
        })
        .await?;
        self.views.boards.fill(view, &rows, self.clock.now());
        Ok(())
    }

    async fn fill_with_entries(&self, view: &View, number: u64) -> Result<(), EngineError> {
        if view.config.grouping.is_some() {
            self.each(KeyRange::Seats(view.config.name.clone(), number), |key, found| {
                let (Key::Seat(_, _, cohort, number), Row::Seat(row)) = (&key, &*found.row) else {
                    return Err(EngineError::damaged(&key));
                };
                let seat = Seat { cohort: *cohort, number: *number };
                view.seat(row.player, Seated { seat, level: row.level });
                Ok(())
            })
            .await?;
        }
        let mut rows = Vec::new();
        self.each(KeyRange::Entries(view.config.name.clone(), number), |key, found| {
            let row = entry_of(&key, &found.row)?;
            if let Key::Entry(_, _, player) = key {
                rows.push((player, Brought::of_entry(row), found.version));
            }
            Ok(())
        })
        .await?;
        self.views.boards.fill(view, &rows, self.clock.now());
        Ok(())
    }
}
