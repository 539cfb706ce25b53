//! What goes on now, listed: for game servers that look for their matches, and for streams that begin.
use crate::{
    Call, Engine, EngineError, MatchView,
    store::{Cursor, Home, Key, KeyRange, Row},
};
use gsm_core::{MatchId, PlayerId, QueueName, limits};

impl Engine {
    /// Up to `limit` matches that have not ended and that the caller may see, after `after` in the order of their ids,
    /// and where to read on. Costs a walk over the matches between, bounded by a page of the store a call.
    pub async fn running_matches(
        &self,
        call: &Call,
        queue: Option<&QueueName>,
        after: Option<MatchId>,
        limit: usize,
    ) -> Result<(Vec<MatchView>, Option<MatchId>), EngineError> {
        let limit = limit.min(limits::PAGE_SIZE_MAX);
        let after = after.map(Key::Match);
        let page = self
            .store(Home::Live)
            .list(&KeyRange::Matches, after.as_ref(), limits::PAGE_SIZE_MAX, false)
            .await?;
        let whole = page.len() < limits::PAGE_SIZE_MAX;
        let mut found = Vec::new();
        let mut last = None;
        for (key, row) in page {
            let (Key::Match(id), Row::Match(row)) = (&key, &*row.row) else {
                return Err(EngineError::damaged(&key));
            };
            if found.len() == limit {
                return Ok((found, last));
            }
            last = Some(*id);
            if queue.is_none_or(|queue| row.queue.as_ref() == Some(queue)) && Self::sees_match(call, *id, row)
            {
                found.push(MatchView {
                    id: *id,
                    row: (**row).clone(),
                    server_token: self.host_token(call, *id, row),
                    result: None,
                });
            }
        }
        Ok((found, last.filter(|_| !whole)))
    }

    /// The cursor of a player's last event that is kept; where nothing is, one of now, or the beginning where the store
    /// knows none.
    pub async fn last_event(&self, player: PlayerId) -> Result<Cursor, EngineError> {
        let store = self.store(Home::Live);
        // Before the events are read: what comes meanwhile is after it.
        let span = store.events_span(player).await?;
        let mut last = Cursor::default();
        loop {
            let page = store.events(player, last, limits::EVENTS_PER_PLAYER_MAX).await?;
            match page.last() {
                Some((cursor, _)) => last = *cursor,
                None if last == Cursor::default() => return Ok(span.newest.max(span.gone)),
                None => return Ok(last),
            }
        }
    }
}
