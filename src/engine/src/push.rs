//! Push: each player's events, live and resumable.
use crate::{
    Engine, EngineError,
    store::{Cursor, Home, PushEvent},
};
use gsm_core::{Map, PlayerId, limits};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Events waiting for one slow connection; beyond, it is cut off and resumes from its cursor.
const BACKLOG_MAX: usize = 256;
/// Players who listen, below which nothing is swept.
const SWEEP_MIN: usize = 1_024;
/// Events read at once when resuming.
const RESUME_PAGE: usize = 256;

/// An event and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PushItem {
    /// Resume after this one with it.
    pub cursor: Cursor,
    /// What happened.
    pub event: PushEvent,
}

/// Who listens now.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Listeners>);

#[derive(Default)]
struct Listeners {
    senders: Map<PlayerId, Vec<mpsc::Sender<PushItem>>>,
    /// At so many players the closed lines of those who are told nothing any more are swept out.
    sweep_at: usize,
}

impl Hub {
    pub(crate) fn publish(&self, player: PlayerId, sequence: u64, index: usize, event: &PushEvent) {
        let mut listeners = self.0.lock();
        let Some(senders) = listeners.senders.get_mut(&player) else { return };
        let cursor = Cursor { sequence, index: u32::try_from(index).unwrap_or(u32::MAX) };
        // A full or closed channel is dropped: its reader sees the end and resumes by its cursor.
        senders.retain(|sender| sender.try_send(PushItem { cursor, event: event.clone() }).is_ok());
        if senders.is_empty() {
            listeners.senders.remove(&player);
        }
    }

    /// Ends all streams of a player.
    pub(crate) fn close(&self, player: PlayerId) {
        self.0.lock().senders.remove(&player);
    }

    fn listen(&self, player: PlayerId) -> Option<mpsc::Receiver<PushItem>> {
        let mut listeners = self.0.lock();
        if listeners.senders.len() >= listeners.sweep_at.max(SWEEP_MIN) {
            listeners.senders.retain(|_, senders| senders.iter().any(|sender| !sender.is_closed()));
            listeners.sweep_at = 2 * listeners.senders.len();
        }
        let senders = listeners.senders.entry(player).or_default();
        senders.retain(|sender| !sender.is_closed());
        if senders.len() >= limits::STREAMS_PER_PLAYER_MAX {
            return None;
        }
        let (sender, receiver) = mpsc::channel(BACKLOG_MAX);
        senders.push(sender);
        Some(receiver)
    }
}

/// A player's stream: first what was missed, then what happens.
pub struct Subscription {
    missed: std::collections::VecDeque<PushItem>,
    live: mpsc::Receiver<PushItem>,
    last: Cursor,
    gap: Option<Cursor>,
}

impl Subscription {
    /// The next event, or `None` when the stream ends and must be resumed from the last cursor.
    pub async fn next(&mut self) -> Option<PushItem> {
        loop {
            let item = match self.missed.pop_front() {
                Some(item) => item,
                None => self.live.recv().await?,
            };
            // Between subscribing and reading what was missed an event may come both ways.
            if item.cursor > self.last {
                self.last = item.cursor;
                return Some(item);
            }
        }
    }

    /// Where events between the cursor that was given and the first that follows may be gone: up to where.
    #[must_use]
    pub fn gap(&self) -> Option<Cursor> {
        self.gap
    }

    /// The cursor of the last event given out.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.last
    }
}

impl Engine {
    /// Follows a player's events after `after`; `None` begins with what happens from now on.
    pub async fn subscribe(
        &self,
        player: PlayerId,
        after: Option<Cursor>,
    ) -> Result<Subscription, EngineError> {
        let live = self
            .views
            .hub
            .listen(player)
            .ok_or(EngineError::TooManyStreams { max: limits::STREAMS_PER_PLAYER_MAX })?;
        let mut missed = std::collections::VecDeque::new();
        let mut last = after.unwrap_or_default();
        if after.is_some() {
            let mut from = last;
            loop {
                let page = self.store(Home::Live).events(player, from, RESUME_PAGE).await?;
                let whole = page.len() < RESUME_PAGE;
                if let Some((cursor, _)) = page.last() {
                    from = *cursor;
                }
                missed.extend(page.into_iter().map(|(cursor, event)| PushItem { cursor, event }));
                if whole {
                    break;
                }
            }
        } else {
            last = Cursor::default();
        }
        // After what is left was read: what is let go meanwhile is told of.
        let gap = match after {
            Some(after) => self.events_missed(player, after).await?,
            None => None,
        };
        Ok(Subscription { missed, live, last, gap })
    }

    /// Whether who reads on after a cursor may have missed events that are kept no longer, and up to where then: who
    /// takes that as his cursor is not told again.
    pub async fn events_missed(
        &self,
        player: PlayerId,
        after: Cursor,
    ) -> Result<Option<Cursor>, EngineError> {
        let gone = self.store(Home::Live).events_span(player).await?.gone;
        Ok((gone > after).then_some(gone))
    }

    /// Whether a cursor may have been given out to a player: one of a commit that is still to come was not, and who reads on from
    /// there would miss all that happens until then; nor was one that stands between events of his that are kept, and names none
    /// of them. What is older than they are cannot be told any more.
    pub async fn may_have_given(&self, player: PlayerId, cursor: Cursor) -> Result<bool, EngineError> {
        let store = self.store(Home::Live);
        // A store that does not know of all may not have heard of it yet.
        let Some(newest) = store.newest() else { return Ok(true) };
        if cursor == Cursor::default() || cursor.sequence > newest {
            return Ok(cursor.sequence <= newest);
        }
        let before = match cursor.index.checked_sub(1) {
            Some(index) => Cursor { index, ..cursor },
            None => Cursor { sequence: cursor.sequence.saturating_sub(1), index: u32::MAX },
        };
        // In this order: what is let go of between the two is the oldest.
        let next = store.events(player, before, 1).await?;
        let is_kept = next.first().is_some_and(|(found, _)| *found == cursor);
        let oldest = store.events(player, Cursor::default(), 1).await?;
        Ok(is_kept || oldest.first().is_none_or(|(oldest, _)| cursor < *oldest))
    }

    /// One page of a player's events after `after`, for those who poll.
    pub async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<PushItem>, EngineError> {
        let limit = limit.min(gsm_core::limits::EVENTS_PER_PLAYER_MAX);
        let page = self.store(Home::Live).events(player, after, limit).await?;
        Ok(page.into_iter().map(|(cursor, event)| PushItem { cursor, event }).collect())
    }
}
