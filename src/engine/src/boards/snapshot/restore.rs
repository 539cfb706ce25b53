//! A board from its snapshot and what changed since.
use super::{Snapshots, format};
use crate::{
    Engine, EngineError,
    boards::view::{Brought, Filling, View},
    frames::Reader,
    store::{Home, Key, KeyRange, RatingRow, Row, Version},
};
use gsm_core::{Mode, PlayerId, Timestamp};
use std::sync::Arc;

/// What came from a snapshot.
pub(in crate::boards) struct Restored {
    pub(in crate::boards) players: usize,
    /// Changes after it.
    pub(in crate::boards) changes: usize,
}

/// What the store has of a player now.
type Changed = (PlayerId, Version, Option<RatingRow>);

impl Engine {
    /// Fills an empty board of a mode from its snapshot. `None`, and the board stays empty, where there is no snapshot that
    /// could be brought up to date.
    pub(in crate::boards) async fn restore(
        &self,
        view: &Arc<View>,
        mode: &Mode,
        from: &dyn Snapshots,
        now: Timestamp,
    ) -> Result<Option<Restored>, EngineError> {
        let config = view.config.clone();
        if !super::is_plain(&config) {
            return Ok(None);
        }
        let unused = |why: &dyn std::fmt::Display| {
            tracing::warn!(board = %config.name, %why, "snapshot of the board is not used, its rows are read");
        };
        let opened = from.read(&config.name).and_then(|source| {
            let Some(source) = source else { return Ok(None) };
            let mut source = Reader::new(source);
            let head = format::Head::take(&mut source, &config)?;
            Ok(Some((head.position, source)))
        });
        let (position, source) = match opened {
            Ok(Some(opened)) => opened,
            Ok(None) => return Ok(None),
            Err(error) => {
                unused(&error);
                return Ok(None);
            }
        };
        let mut changes: Vec<Changed> = Vec::new();
        let mut take = |key: Key, version: Version, row: Option<Arc<Row>>| {
            if let Key::Rating(_, player) = key {
                let rating =
                    row.and_then(|row| if let Row::Rating(row) = &*row { row.rating.clone() } else { None });
                changes.push((player, version, rating));
            }
        };
        let range = KeyRange::Ratings(mode.clone());
        if !self.store(Home::Record).changed(&range, position, &mut take).await? {
            unused(&"the store does not know what has changed since");
            return Ok(None);
        }
        let mut filling = Filling::new(view.clone(), 0, now);
        let (columns, mut players) = (config.columns.len(), 0);
        let read = format::players(source, columns, |player, mark, fact| {
            players += 1;
            filling.add_marked(player, mark, fact);
        });
        if let Err(error) = read {
            unused(&error);
            return Ok(None);
        }
        if !filling.finish() {
            return Ok(None);
        }
        for (player, version, row) in &changes {
            match row {
                Some(row) => view.put(*player, Brought::of_rating(&config, row), None, *version, now),
                None => view.remove(*player, *version),
            }
        }
        self.views.boards.saved.note(&config, position, players as u64, None);
        Ok(Some(Restored { players, changes: changes.len() }))
    }
}
