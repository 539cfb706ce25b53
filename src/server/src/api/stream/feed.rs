//! What a stream tells: the player's events, and in between how long the player's ticket will wait, and why.
//!
//! Neither is kept: they are told to who listens, how long when a ticket is queued, and then both every few seconds at most,
//! where what was told last is no longer near. Who is matched at once has not asked why.
use super::{EventDto, cursor_text};
use crate::api::{App, tickets::ShortWhyDto};
use gsm_core::{Millis, PlayerId, QueueName, TicketId};
use gsm_engine::{
    Call, EngineError, PushItem, Subscription,
    store::{Claim, Cursor, PushKind},
};
use gsm_matchmaking::WaitEstimate;
use gsm_session::TicketState;
use std::{sync::Arc, time::Duration};
use tokio::time::{Interval, MissedTickBehavior};

/// Between two statements about one ticket, at least.
const EVERY: Duration = Duration::from_secs(5);
/// A statement is told again where it has moved by so much of what was told, and by [`MOVED_MIN`].
const MOVED_SHARE: f64 = 0.2;
const MOVED_MIN: Millis = Millis::from_secs(1);

/// A player's stream.
pub(super) struct Feed {
    app: Arc<App>,
    call: Call,
    player: PlayerId,
    subscription: Subscription,
    /// An event that is being looked into: a caller who stops waiting for it does not lose it.
    pending: Option<PushItem>,
    waits: Option<Waits>,
    every: Interval,
    cursor: Cursor,
}

/// The player's ticket that waits, and what was told of it last.
struct Waits {
    ticket: TicketId,
    queue: QueueName,
    told: Option<WaitEstimate>,
    told_why: Option<ShortWhyDto>,
}

impl Feed {
    pub(super) async fn new(
        app: Arc<App>,
        call: &Call,
        player: PlayerId,
        subscription: Subscription,
        cursor: Cursor,
    ) -> Result<Self, EngineError> {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (call, pending, waits) = (call.clone(), None, None);
        let mut feed = Self { app, call, player, subscription, pending, waits, every, cursor };
        if let Some(Claim::Ticket(ticket)) = feed.app.engine.player(&feed.call, player).await?.claim {
            feed.waits = feed.waiting(ticket).await;
        }
        Ok(feed)
    }

    /// Whether the stream has ended because there is no such player any more.
    pub(super) async fn is_erased(&self) -> bool {
        let found = self.app.engine.player(&self.call, self.player).await;
        matches!(found, Err(EngineError::Unknown { .. }))
    }

    /// The next message; `None` when the stream ends and must be resumed.
    pub(super) async fn next(&mut self) -> Option<EventDto> {
        loop {
            if self.pending.is_none() {
                tokio::select! {
                    item = self.subscription.next() => self.pending = Some(item?),
                    _ = self.every.tick(), if self.waits.is_some() => match self.wait() {
                        Some(event) => return Some(event),
                        None => continue,
                    },
                }
            }
            match self.pending.as_ref().map(|item| &item.event.kind) {
                Some(PushKind::Ticket {
                    ticket,
                    state: TicketState::Queued | TicketState::Searching,
                    ..
                }) => {
                    self.waits = self.waiting(*ticket).await;
                }
                Some(PushKind::Ticket { .. }) => self.waits = None,
                _ => {}
            }
            if let Some(item) = self.pending.take() {
                self.cursor = item.cursor;
                return Some(self.event(item));
            }
        }
    }

    /// A ticket, if it waits.
    async fn waiting(&self, ticket: TicketId) -> Option<Waits> {
        let view = self.app.engine.ticket(&self.call, ticket).await.ok()?;
        let waits = matches!(view.row.state, TicketState::Queued | TicketState::Searching);
        waits.then_some(Waits { ticket, queue: view.row.queue, told: None, told_why: None })
    }

    /// An event of the player; of a ticket that waits with how long.
    fn event(&mut self, item: PushItem) -> EventDto {
        let mut event = EventDto::from(item);
        if let (EventDto::Ticket { estimated_wait, .. }, Some(waits)) = (&mut event, &mut self.waits) {
            waits.told = self.app.engine.wait_estimate(&waits.queue, waits.ticket);
            self.every.reset();
            *estimated_wait = waits.told.map(Into::into);
        }
        event
    }

    /// How long the ticket will wait, and why, where one of them is news.
    fn wait(&mut self) -> Option<EventDto> {
        let (waits, engine) = (self.waits.as_mut()?, &self.app.engine);
        let now = engine.wait_estimate(&waits.queue, waits.ticket);
        let why = engine.glance(&waits.queue, waits.ticket).map(|why| ShortWhyDto::new(&why));
        let is_other = |why: &ShortWhyDto| waits.told_why.as_ref().is_none_or(|told| !told.is_like(why));
        if !now.is_some_and(|now| is_news(waits.told, now)) && !why.as_ref().is_some_and(is_other) {
            return None;
        }
        waits.told = now.or(waits.told);
        // Where no look was taken, what was told last holds.
        waits.told_why = why.clone().or_else(|| waits.told_why.take());
        let (cursor, at) = (cursor_text(self.cursor), engine.clock().now().as_millis());
        let (ticket_id, estimated_wait) = (waits.ticket.to_string(), now.map(Into::into));
        Some(EventDto::Wait { cursor, at, ticket_id, estimated_wait, why })
    }
}

/// Whether a statement is to be told again.
fn is_news(told: Option<WaitEstimate>, now: WaitEstimate) -> bool {
    let moved = |from: Millis, to: Millis| {
        let by = from.get().abs_diff(to.get());
        by >= MOVED_MIN.get() && by as f64 >= MOVED_SHARE * from.get() as f64
    };
    told.is_none_or(|told| moved(told.p50, now.p50) || moved(told.p90, now.p90))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(p50_s: u64, p90_s: u64) -> WaitEstimate {
        WaitEstimate { p50: Millis::from_secs(p50_s), p90: Millis::from_secs(p90_s) }
    }

    #[test]
    fn what_has_hardly_moved_is_no_news() {
        assert!(is_news(None, of(1, 2)), "the first is");
        assert!(!is_news(Some(of(10, 100)), of(10, 100)));
        assert!(!is_news(Some(of(10, 100)), of(11, 119)));
        assert!(is_news(Some(of(10, 100)), of(12, 100)) && is_news(Some(of(10, 100)), of(8, 100)));
        assert!(is_news(Some(of(10, 100)), of(10, 120)));
        let (told, now) = (Millis::new(100), Millis::new(1_000));
        let (told, now) = (WaitEstimate { p50: told, p90: told }, WaitEstimate { p50: now, p90: now });
        assert!(!is_news(Some(told), now), "less than a second is nothing to people");
    }
}
