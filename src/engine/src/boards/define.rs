//! Boards are documents: made, changed, given up.
use super::{
    BoardConfig, Source,
    view::{Brought, View},
};
use crate::{
    Call, Engine, EngineError,
    results::chain::standing,
    store::{Home, Key, KeyRange, Row},
};
use gsm_core::{BoardName, limits};
use std::sync::Arc;

impl Engine {
    /// Makes a board, or changes it. It is filled from what is there before this returns.
    pub async fn put_board(&self, call: &Call, config: BoardConfig) -> Result<BoardConfig, EngineError> {
        config.validate()?;
        if let Source::Mode(mode) = &config.source {
            if !self.views.queues.has_mode(mode) && self.views.boards.named(&config.name).is_none() {
                return Err(EngineError::Unknown { what: "mode" });
            }
            let other = config.name.as_str() != mode.as_str()
                && self.views.queues.all().iter().any(|queue| queue.mode.as_str() == config.name.as_str());
            if other {
                return Err(EngineError::invalid("name", "is that of another mode's own board"));
            }
        }
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_put_board(call, &config).await {
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
                Ok(()) => {
                    self.fill_boards().await?;
                    return Ok(config);
                }
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_put_board(&self, call: &Call, config: &BoardConfig) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        let key = Key::Board(config.name.clone());
        let found = self.get_one(&key).await?;
        if found.is_none() && self.views.boards.all().len() >= limits::BOARDS_MAX {
            return Err(EngineError::TooManyBoards);
        }
        if let Some(found) = &found {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let known = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            if known.source != config.source {
                return Err(EngineError::invalid("source", "stays as it is: delete the board first"));
            }
        }
        let json = config.to_json().map_err(|e| EngineError::invalid("board", e))?;
        let mut changes = self.changes(call, &[&config.name]);
        changes.replace(key, found.map(|f| f.version), Row::Board(json));
        self.remember(&mut changes, call, Home::Document, &())?;
        self.commit(Home::Document, changes).await?;
        Ok(())
    }

    /// Gives up a board that was defined. What was submitted to it goes too; ratings stay.
    pub async fn delete_board(&self, call: &Call, name: &BoardName) -> Result<(), EngineError> {
        let key = Key::Board(name.clone());
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Document).await?.is_some() {
                return Ok(());
            }
            let Some(found) = self.get_one(&key).await? else {
                return Err(EngineError::Unknown { what: "board: none is defined under this name" });
            };
            let mut changes = self.changes(call, &[name]);
            changes.delete(key.clone(), found.version);
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => {
                    self.clear_entries(name).await?;
                    return self.fill_boards().await;
                }
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Removes what was submitted to a board that is no more.
    async fn clear_entries(&self, name: &BoardName) -> Result<(), EngineError> {
        let range = KeyRange::Entries(name.clone());
        let room = self.store(Home::Record).limits().items_max.clamp(1, limits::PAGE_SIZE_MAX);
        loop {
            let page = self.store(Home::Record).list(&range, None, room, false).await?;
            if page.is_empty() {
                return Ok(());
            }
            let call = Call::system("gsm:DeleteBoard", self.clock.now());
            let mut changes = self.changes(&call, &[name]);
            changes.audit = None;
            for (key, found) in page {
                changes.delete(key, found.version);
            }
            match self.commit(Home::Record, changes).await {
                Ok(_) | Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
    }

    /// The boards that are defined, where players belong and who sees them, at start; ratings and entries come after.
    pub(crate) async fn load_boards(&self) -> Result<(), EngineError> {
        self.each(KeyRange::Boards, |key, found| {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let config = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            // What a commit of the meantime has told already is newer than this row.
            if self.views.boards.named(&config.name).is_none() {
                self.views.boards.defined(&config.name.clone(), Some(config));
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllAttributes, |key, found| {
            if let (Key::Attributes(player), Row::Attributes(row)) = (&key, &*found.row) {
                self.views.boards.settled(*player, Some(row), found.version);
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::Shades, |key, found| {
            if let (Key::Shade(board, player), Row::Shade(row)) = (&key, &*found.row) {
                self.views.boards.shaded(board, *player, Some(row));
            }
            Ok(())
        })
        .await
    }

    /// Brings the rows of the past into boards that were defined or changed.
    pub(crate) async fn fill_boards(&self) -> Result<(), EngineError> {
        for view in self.views.boards.all() {
            if !view.is_filled() {
                self.fill_board(&view).await?;
            }
        }
        Ok(())
    }

    async fn fill_board(&self, view: &Arc<View>) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut rows = Vec::new();
        match &view.config.source {
            Source::Mode(mode) => {
                self.each(KeyRange::Ratings(mode.clone()), |key, found| {
                    let (row, version) = standing(&key, &found)?;
                    if let (Key::Rating(_, player), Some(row)) = (&key, &row.rating) {
                        rows.push((*player, Brought::of_rating(&view.config, row), version));
                    }
                    Ok(())
                })
                .await?;
            }
            Source::Submissions => {
                self.each(KeyRange::Entries(view.config.name.clone()), |key, found| {
                    let (Key::Entry(_, player), Row::Entry(row)) = (&key, &*found.row) else {
                        return Err(EngineError::damaged(&key));
                    };
                    rows.push((*player, Brought::of_entry(row), found.version));
                    Ok(())
                })
                .await?;
            }
        }
        self.views.boards.fill(view, rows.into_iter(), now);
        Ok(())
    }
}
