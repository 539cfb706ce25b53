//! Who reads what players say, and what is told of those who were often overruled.
use super::{Candour, ReportsView, closing::Place};
use crate::{
    Call, Engine, EngineError,
    store::{Home, Key, ReportsRow, Row},
};
use gsm_core::{MatchId, PlayerId, limits};

/// Overruled so often, a player is shown to operators.
const OVERRULED_MIN: u32 = 3;

impl Engine {
    pub(crate) async fn reports_row(&self, id: MatchId) -> Result<Option<(ReportsRow, Place)>, EngineError> {
        let keys = [Key::Reports(id), Key::Said(id)];
        let found = self.get(Home::Record, &keys).await?;
        let Some((key, found)) = keys.into_iter().zip(found).find_map(|(key, found)| Some((key, found?)))
        else {
            return Ok(None);
        };
        let Row::Reports(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(Some(((**row).clone(), (key, found.version))))
    }

    /// What the players of a match say, for those who may see the match.
    pub async fn reports(&self, call: &Call, id: MatchId) -> Result<ReportsView, EngineError> {
        let view = self.match_view(call, id).await?;
        let row = self.reports_row(id).await?.map(|(row, _)| row);
        let by_players = |queue: &gsm_core::QueueName| {
            let queue = self.views.queues.of_match(queue, &view.row.mode);
            queue.is_some_and(|queue| queue.reports.is_some())
        };
        if row.is_none() && !view.row.queue.as_ref().is_some_and(by_players) {
            return Err(EngineError::NoPlayerReports);
        }
        Ok(ReportsView { match_id: id, row, result: view.result })
    }

    /// Matches in dispute, by match id, at most a page of them after `after`.
    pub async fn disputes(
        &self,
        after: Option<MatchId>,
        limit: usize,
    ) -> Result<Vec<ReportsView>, EngineError> {
        let ids = self.views.reports.disputed(after, limit.min(limits::PAGE_SIZE_MAX));
        let keys: Vec<Key> = ids.iter().copied().map(Key::Reports).collect();
        let mut views = Vec::with_capacity(ids.len());
        for (id, found) in ids.into_iter().zip(self.get(Home::Record, &keys).await?) {
            if let Some(Row::Reports(row)) = found.as_ref().map(|found| &*found.row) {
                let result = self.result_view(id).await?;
                views.push(ReportsView { match_id: id, row: Some((**row).clone()), result });
            }
        }
        Ok(views)
    }

    /// How a player's reports went, where not all agreed or an operator ruled otherwise.
    #[must_use]
    pub fn candour(&self, player: PlayerId) -> Candour {
        self.views.reports.candour(player)
    }

    /// Players whose reports were often not what counts, the most often first.
    #[must_use]
    pub fn often_overruled(&self, limit: usize) -> Vec<(PlayerId, Candour)> {
        self.views.reports.overruled(OVERRULED_MIN, limit.min(limits::PAGE_SIZE_MAX))
    }
}
