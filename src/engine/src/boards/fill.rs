//! Bringing boards into memory: at start, and when one was defined or changed.
use super::BoardConfig;
use crate::{
    Engine, EngineError,
    store::{Key, KeyRange, Row},
};

impl Engine {
    /// The boards that are defined, where players belong and who sees them, at start; ratings and entries come after.
    pub(crate) async fn load_boards(&self) -> Result<(), EngineError> {
        let now = self.clock.now();
        self.each(KeyRange::Boards, |key, found| {
            let Row::Board(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let config = BoardConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
            // What a commit of the meantime has told already is newer than this row.
            if self.views.boards.named(&config.name).is_none() {
                self.views.boards.defined(&config.name.clone(), Some(config), now);
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

    /// Brings the rows of the past into boards that were defined or changed; of seasons, that under way.
    pub(crate) async fn fill_boards(&self) -> Result<(), EngineError> {
        for line in self.views.boards.all() {
            if let Some(number) = line.number_at(self.clock.now()) {
                self.open_season(&line, number).await?;
            }
        }
        Ok(())
    }
}
