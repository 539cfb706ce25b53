//! The texts that games have given to entries, for listings that ask for them: boards in memory do not keep them.
use super::{BoardRef, BoardRow, Source, tally::entry_of};
use crate::{
    Engine, EngineError,
    store::{Home, Key},
};
use gsm_core::limits;

impl Engine {
    /// The same board, its season named: what is read of it now and a moment later is of one season.
    pub fn of_this_season(&self, of: &BoardRef) -> Result<BoardRef, EngineError> {
        let line = self.line(&of.name)?;
        let number = self.season_number(&line, of.season)?;
        Ok(BoardRef { season: line.has_seasons().then_some(number), ..of.clone() })
    }

    /// Gives rows of a board that scores are submitted to their metadata, as it stands in the store. The season of `of`
    /// is the one that they were read of. Refused on a board of a mode, and beyond a page.
    pub async fn with_metadata(
        &self,
        of: &BoardRef,
        mut rows: Vec<BoardRow>,
    ) -> Result<Vec<BoardRow>, EngineError> {
        let line = self.line(&of.name)?;
        if line.config.source != Source::Submissions {
            return Err(EngineError::invalid("metadata", "is of boards that scores are submitted to"));
        }
        if rows.len() > limits::PAGE_SIZE_MAX {
            return Err(EngineError::invalid("metadata", format!("at most {} rows", limits::PAGE_SIZE_MAX)));
        }
        let number = self.season_number(&line, of.season)?;
        let key = |row: &BoardRow| Key::Entry(of.name.clone(), number, row.player);
        let keys: Vec<Key> = rows.iter().map(key).collect();
        let found = self.get(Home::Record, &keys).await?;
        for (row, (key, found)) in rows.iter_mut().zip(keys.iter().zip(found)) {
            // Who has been taken off the board meanwhile has none.
            row.metadata = match found {
                Some(found) => entry_of(key, &found.row)?.metadata.clone(),
                None => None,
            };
        }
        Ok(rows)
    }
}
