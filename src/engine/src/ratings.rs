//! Ratings and their histories, from the record home.
use crate::{
    Engine, EngineError,
    results::chain::standing,
    store::{HistoryRow, Key, KeyRange, RatingRow, Row},
};
use gsm_core::{Mode, PlayerId, limits};

/// One step of a player's rating.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Its depth in the player's chain: where the next page begins.
    pub depth: u64,
    /// What.
    pub row: HistoryRow,
}

impl Engine {
    /// A player's rating row in a mode, from the record home.
    pub async fn rating(&self, mode: &Mode, player: PlayerId) -> Result<RatingRow, EngineError> {
        let key = Key::Rating(mode.clone(), player);
        let found = self
            .get_one(&key)
            .await?
            .ok_or(EngineError::Unknown { what: "rating: the player has no rated match in this mode" })?;
        let (standing, _) = standing(&key, &found)?;
        standing
            .rating
            .ok_or(EngineError::Unknown { what: "rating: the player has no rated match in this mode" })
    }

    /// The same as of now: the deviation has grown since the last match, by the system that the mode is rated by today.
    pub async fn rating_now(&self, mode: &Mode, player: PlayerId) -> Result<RatingRow, EngineError> {
        let row = self.rating(mode, player).await?;
        let system = self.system_of(mode);
        Ok(RatingRow { rating: system.at(row.rating, Some(row.rated_at), self.clock.now()), ..row })
    }

    /// A player's rating steps, newest first; `after` is the depth of the last entry seen.
    pub async fn history(
        &self,
        mode: &Mode,
        player: PlayerId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, EngineError> {
        let range = KeyRange::History(mode.clone(), player);
        let after = after.map(|depth| Key::History(mode.clone(), player, depth));
        let rows = self
            .store(range.home())
            .list(&range, after.as_ref(), limit.min(limits::PAGE_SIZE_MAX), true)
            .await?;
        rows.into_iter()
            .map(|(key, found)| match (&key, &*found.row) {
                (Key::History(_, _, depth), Row::History(row)) => {
                    Ok(HistoryEntry { depth: *depth, row: row.clone() })
                }
                _ => Err(EngineError::damaged(&key)),
            })
            .collect()
    }
}
