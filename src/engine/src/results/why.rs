//! Why a result moved ratings as it did.
use super::counting::{adjusted, with_game};
use crate::{Call, Engine, EngineError};
use gsm_core::{MatchId, PlayerId};
use gsm_rating::explained::{Why, why};

impl Engine {
    /// What each gain of a match is made of, in roster order; its players see it, and whoever may see the match. Rates
    /// the match anew as it was rated, and again for each kind of item it has.
    pub async fn why(&self, call: &Call, id: MatchId) -> Result<Vec<(PlayerId, Why)>, EngineError> {
        // Whoever may not see the match is told that there is none.
        self.match_view(call, id).await?;
        let row = self.result_row(id).await?.ok_or(EngineError::NoResult { match_id: id })?;
        if !row.counts() {
            let why = if row.waits() { "waits for an operator to rule on it" } else { "was voided" };
            return Err(EngineError::NotCounted { match_id: id, why });
        }
        let scheme = self.scheme(row.system).await?;
        let whys = with_game(&row, &scheme.system, None, |game| why(&scheme.system, game, &adjusted(&row)));
        let whys = whys.map_err(|e| EngineError::invalid("match", e))?;
        Ok(row.roster.players().zip(whys).collect())
    }
}
