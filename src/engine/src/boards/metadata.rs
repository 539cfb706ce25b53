//! The texts that games have given to entries, for listings that ask for them: boards in memory do not keep them.
use super::{BoardRef, BoardRow, Source, tally::entry_of};
use crate::{
    Engine, EngineError,
    store::{Home, Key},
};
use gsm_core::{PlayerId, limits};

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
        let players: Vec<PlayerId> = rows.iter().map(|row| row.player).collect();
        for (row, metadata) in rows.iter_mut().zip(self.metadata_of(of, &players).await?) {
            row.metadata = metadata;
        }
        Ok(rows)
    }

    /// The metadata of players, in their order.
    pub(super) async fn metadata_of(
        &self,
        of: &BoardRef,
        players: &[PlayerId],
    ) -> Result<Vec<Option<String>>, EngineError> {
        let line = self.line(&of.name)?;
        if line.config.source != Source::Submissions {
            return Err(EngineError::invalid("metadata", "is of boards that scores are submitted to"));
        }
        if players.len() > limits::PAGE_SIZE_MAX {
            return Err(EngineError::invalid("metadata", format!("at most {} rows", limits::PAGE_SIZE_MAX)));
        }
        let number = self.season_number(&line, of.season)?;
        let key = |player: &PlayerId| Key::Entry(of.name.clone(), number, *player);
        let keys: Vec<Key> = players.iter().map(key).collect();
        let found = self.get(Home::Record, &keys).await?;
        // Who has been taken off the board meanwhile has none.
        let texts = keys.iter().zip(found).map(|(key, found)| match found {
            Some(found) => Ok(entry_of(key, &found.row)?.metadata.clone()),
            None => Ok(None),
        });
        texts.collect()
    }
}
