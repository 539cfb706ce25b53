//! Tickets whose queue was deleted while they were made: nobody's turn comes to them, so they are ended here.
use crate::{
    Call, Engine, EngineError,
    pools::QueuePool,
    store::Key,
    tickets::{ENDED_TICKET_RETENTION, put_ticket, ticket_row},
};
use gsm_core::{QueueName, TicketId};
use gsm_session::TicketState;
use std::sync::Arc;

/// Tickets ended in one turn of one pool.
const ENDED_MAX: usize = 1_024;

impl Engine {
    /// Ends what waits in queues that are surely gone, and lets go of their pools once nothing does; how many were ended.
    pub(crate) async fn end_orphans(&self) -> Result<usize, EngineError> {
        let known = |name: &QueueName| self.views.queues.get(name).is_some();
        let (mut ended, mut is_left) = (0, false);
        for (name, pool) in self.views.pools.without(known) {
            if !pool.is_in_use() {
                is_left = true;
            } else if self.is_gone(Key::Queue(name.clone())).await? {
                ended += self.end_pool(&name, &pool).await?;
            }
        }
        if is_left {
            self.views.pools.let_go(known);
        }
        Ok(ended)
    }

    async fn end_pool(&self, name: &QueueName, pool: &Arc<QueuePool>) -> Result<usize, EngineError> {
        let now = self.clock.now();
        // Later than any of their deadlines: all of them.
        let all = now.saturating_add(ENDED_TICKET_RETENTION);
        let tickets = pool.settled(&self.views.forecasts).expired_tickets(all, ENDED_MAX);
        let proposals = pool.expired_proposals(now, ENDED_MAX);
        let call = Call::system("gsm:CancelTicket", now);
        let mut ended = 0;
        for proposal in proposals {
            ended += usize::from(self.expire_proposal(&call, proposal).await?);
        }
        for ticket in tickets {
            match self.end_orphan(&call, name, ticket).await {
                Ok(done) => ended += usize::from(done),
                // Next turn.
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        if ended > 0 {
            tracing::info!(queue = %name, ended, "tickets of a deleted queue ended");
        }
        Ok(ended)
    }

    async fn end_orphan(&self, call: &Call, queue: &QueueName, id: TicketId) -> Result<bool, EngineError> {
        let key = Key::Ticket(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(false) };
        let mut row = ticket_row(&key, &found.row)?.clone();
        if row.seen_from(queue).is_none() {
            // It has left the queue, and the fold of that came before an older row was read.
            if let Some(pool) = self.views.pools.get(queue) {
                pool.look_again(queue, id, &row);
            }
            return Ok(false);
        }
        if !matches!(row.state, TicketState::Queued | TicketState::Searching) {
            return Ok(false);
        }
        let mut changes = self.changes(call, &[&id, queue]);
        if !row.also.is_empty() {
            row.leave(queue);
            put_ticket(&mut changes, id, &row, found.version);
            self.commit(key.home(), changes).await?;
            // Its other pools heard of it by the commit, this one does here.
            if let Some(pool) = self.views.pools.get(queue) {
                pool.look_again(queue, id, &row);
            }
            return Ok(true);
        }
        let (state, reason) = (TicketState::Cancelled, "its queue was deleted");
        self.end_ticket(&mut changes, id, row, found.version, state, reason).await?;
        self.commit(key.home(), changes).await?;
        Ok(true)
    }
}
