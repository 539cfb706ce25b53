//! What follows a result commit: the end of its match in other homes.
use super::{counting::tell_rating, tell_disputed};
use crate::{
    Call, Engine, EngineError,
    matches::archive,
    store::{ChangeSet, Expect, Home, Key, KeyRange, MatchRow},
};
use futures::{FutureExt, stream, stream::StreamExt};
use gsm_core::{CommitKey, MatchId};
use gsm_session::MatchState;

/// Owed follow-ups read at once: as many as one turn settles.
const OUTBOX_PAGE: usize = 256;
/// Follow-ups under way at once.
const OWED_AT_ONCE: usize = 16;

impl Engine {
    /// Brings about all that is owed; how much there was.
    pub(crate) async fn settle_outbox(&self) -> Result<usize, EngineError> {
        let (mut settled, mut after) = (0, None);
        loop {
            let (more, next) = self.settle_page(after).await?;
            settled += more;
            if next.is_none() {
                return Ok(settled);
            }
            after = next;
        }
    }

    /// Brings about a bounded part of what is owed, going on where the last turn stopped; whether there is more.
    pub(crate) async fn settle_some(&self) -> Result<bool, EngineError> {
        let after = self.owed_after.lock().take();
        let (_, next) = self.settle_page(after).await?;
        let more = next.is_some();
        *self.owed_after.lock() = next;
        Ok(more)
    }

    /// One page of the outbox: how many were settled, and after which key the next page begins.
    async fn settle_page(&self, after: Option<Key>) -> Result<(usize, Option<Key>), EngineError> {
        let store = self.store(Home::Record);
        let page = store.list(&KeyRange::Outbox, after.as_ref(), OUTBOX_PAGE, false).await?;
        let next = page.last().filter(|_| page.len() == OUTBOX_PAGE).map(|(key, _)| key.clone());
        let ids = page.iter().filter_map(|(key, _)| if let Key::Outbox(id) = key { Some(*id) } else { None });
        let fates: Vec<(MatchId, Result<(), EngineError>)> = stream::iter(ids.collect::<Vec<_>>())
            .map(|id| self.follow(id).map(move |fate| (id, fate)))
            .buffer_unordered(OWED_AT_ONCE)
            .collect()
            .await;
        let mut settled = 0;
        let mut away = None;
        for (id, fate) in fates {
            match fate {
                Ok(()) => settled += 1,
                // Somebody else is at it, or a read was stale: a later turn sees.
                Err(EngineError::Raced(_) | EngineError::Contended) => {}
                Err(error @ (EngineError::Refused(_) | EngineError::NoAnswer(_))) => away = Some(error),
                // One that can never be settled must not hold up the others.
                Err(error) => tracing::error!(match_id = %id, %error, "what follows a result cannot be done"),
            }
        }
        away.map_or(Ok((settled, next)), Err)
    }

    /// What follows the result commit of one match: its end in the document and the live home, then the outbox row
    /// goes. Can be repeated without harm.
    pub(super) async fn follow(&self, id: MatchId) -> Result<(), EngineError> {
        let outbox = Key::Outbox(id);
        let Some(owed) = self.get_one(&outbox).await? else { return Ok(()) };
        let call = Call::system("gsm:FinishMatch", self.clock.now());
        self.end_elsewhere(&call, id).await?;
        let mut done = self.changes(&call, &[&id]);
        done.audit = None;
        done.delete(outbox, owed.version);
        self.commit(Home::Record, done).await?;
        Ok(())
    }

    /// The change set that keeps an ended match in the document home.
    fn copy_of(&self, call: &Call, id: MatchId, row: &MatchRow) -> ChangeSet {
        let mut copy = self.changes(call, &[&id]);
        copy.audit = None;
        copy.writes.push(archive(id, row));
        copy
    }

    async fn end_elsewhere(&self, call: &Call, id: MatchId) -> Result<(), EngineError> {
        let mut changes = self.changes(call, &[&id]);
        // Always the same key: whoever does it again, nobody is told twice.
        changes.key = finish_key(id);
        let of_queue;
        if let Some((mut ended, version)) = self.live_match(id).await? {
            of_queue = ended.queue.clone();
            ended.state = MatchState::Finished;
            ended.changed_at = call.now;
            self.commit(Home::Document, self.copy_of(call, id, &ended)).await?;
            self.add_match_end(&mut changes, id, &ended, version).await?;
        } else {
            // A stale read must not pass for the end: the match and its claims would stay for ever.
            changes.check(Key::Match(id), Expect::Absent);
            // Abandoned, and reported by its own token all the same (decisions.md 5): the record home decides.
            match self.archived_match(id).await? {
                // Nowhere at all: the match of a history, whose players nobody tells. In this order: a match that ends is
                // copied before it goes, so what is gone here and not copied after was never there.
                None if self.is_gone(Key::Match(id)).await? && self.is_gone(Key::Archive(id)).await? => {
                    return Ok(());
                }
                None => return Err(EngineError::Raced(None)),
                Some(kept) if kept.state == MatchState::Finished => of_queue = kept.queue,
                Some(kept) => {
                    of_queue = kept.queue.clone();
                    let kept = MatchRow { state: MatchState::Finished, changed_at: call.now, ..kept };
                    self.commit(Home::Document, self.copy_of(call, id, &kept)).await?;
                }
            }
        }
        // What is owed has a result: none is a stale read, and nobody would ever be told.
        let result = self.result_row(id).await?.ok_or(EngineError::Raced(None))?;
        result.changes.iter().for_each(|change| tell_rating(&mut changes, id, &result.mode, change));
        tell_disputed(&mut changes, id, &result);
        let of_queue = of_queue.and_then(|queue| self.views.queues.of_match(&queue, &result.mode));
        if of_queue.is_some_and(|queue| queue.penalties.is_some()) {
            self.tell_blamed(&mut changes, id).await?;
        }
        self.commit(Home::Live, changes).await?;
        Ok(())
    }
}

/// The key of the live home's share in the end of a match.
fn finish_key(id: MatchId) -> CommitKey {
    CommitKey::from_u128(crate::hash::id128("gsm finish match 1", &[&id.as_u128().to_be_bytes()]))
}
