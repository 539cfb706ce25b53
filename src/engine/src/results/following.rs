//! What follows a result commit: the rest of a large one, and the end of its match in other homes.
use super::counting::{rate, tell_rating};
use crate::{
    Call, Engine, EngineError,
    matches::archive,
    store::{ChangeSet, Expect, Home, Key, KeyRange, MatchRow, PendingRow, ResultRow, Row, SideChange},
};
use futures::{FutureExt, stream, stream::StreamExt};
use gsm_core::{CommitKey, MatchId, PlayerId, limits};
use gsm_rating::Rating;
use gsm_session::MatchState;

/// Owed follow-ups read at once: as many as one turn settles.
const OUTBOX_PAGE: usize = 256;
/// Follow-ups under way at once.
const OWED_AT_ONCE: usize = 16;

impl Engine {
    /// Applies the chunks of a large result that have not been applied, each once, and closes it.
    pub(crate) async fn finish_pending(&self, id: MatchId) -> Result<(), EngineError> {
        let key = Key::Result(id);
        loop {
            let Some(found) = self.get_one(&key).await? else { return Err(EngineError::Raced) };
            let Row::Result(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let Some(pending) = row.pending else { return Ok(()) };
            for chunk in 0..pending.chunks {
                self.apply_chunk(id, row, pending, chunk).await?;
            }
            let call = Call::system("gsm:ReportResult", self.clock.now());
            let mut changes = self.changes(&call, &[&id]);
            changes.audit = None;
            changes.replace(
                key.clone(),
                Some(found.version),
                Row::Result(ResultRow { pending: None, ..row.clone() }),
            );
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
    }

    async fn apply_chunk(
        &self,
        id: MatchId,
        result: &ResultRow,
        pending: PendingRow,
        chunk: u32,
    ) -> Result<(), EngineError> {
        let marker = Key::ResultChunk(id, chunk);
        let system = self.views.queues.system_of(&result.mode).unwrap_or_default();
        let first = chunk as usize * pending.chunk as usize;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.get_one(&marker).await?.is_some() {
                return Ok(());
            }
            let part: Vec<SideChange> =
                result.changes.iter().skip(first).take(pending.chunk as usize).cloned().collect();
            let players: Vec<PlayerId> = part.iter().map(|c| c.player).collect();
            let rows = self.rating_rows(&result.mode, &players).await?;
            let call = Call::system("gsm:ReportResult", result.at);
            let mut changes = self.changes(&call, &[&id]);
            changes.audit = None;
            changes.create(marker.clone(), Row::ResultChunk);
            for (at, (mut change, old)) in part.into_iter().zip(&rows).enumerate() {
                let now = match old {
                    Some((row, _)) => system.at(row.rating, Some(row.rated_at), result.at),
                    None => system.initial(),
                };
                if now != change.before {
                    // Another match counted in between: this one moves the rating from where it is now, against the
                    // others as they were.
                    let mut before: Vec<(Rating, u32)> =
                        result.changes.iter().map(|c| (c.before, 0)).collect();
                    if let Some(own) = before.get_mut(first + at) {
                        *own = (now, old.as_ref().map_or(0, |(row, _)| row.games));
                    }
                    if let Some(again) =
                        rate(&system, &result.roster, &result.result, &before)?.into_iter().nth(first + at)
                    {
                        change = again;
                    }
                }
                self.add_rating(&mut changes, id, result, &change, old.as_ref());
            }
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// What follows the result commit of one match. Can be repeated without harm.
    pub(super) async fn follow(&self, id: MatchId) -> Result<(), EngineError> {
        self.finish_pending(id).await?;
        self.settle_owed(id).await
    }

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
                Err(EngineError::Raced | EngineError::Contended) => {}
                Err(error @ (EngineError::Refused(_) | EngineError::NoAnswer(_))) => away = Some(error),
                // One that can never be settled must not hold up the others.
                Err(error) => tracing::error!(match_id = %id, %error, "what follows a result cannot be done"),
            }
        }
        away.map_or(Ok((settled, next)), Err)
    }

    /// The end of one match in the document and the live home, then its outbox row.
    async fn settle_owed(&self, id: MatchId) -> Result<(), EngineError> {
        let outbox = Key::Outbox(id);
        let Some(owed) = self.get_one(&outbox).await? else { return Ok(()) };
        let call = Call::system("gsm:FinishMatch", self.clock.now());
        // In one journal the match ended, and its players were told, with the result itself.
        if !self.homes.is_one() {
            self.end_elsewhere(&call, id).await?;
        }
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
        if let Some((mut ended, version)) = self.live_match(id).await? {
            ended.state = MatchState::Finished;
            ended.changed_at = call.now;
            self.commit(Home::Document, self.copy_of(call, id, &ended)).await?;
            self.add_match_end(&mut changes, id, &ended, version).await?;
        } else {
            // A stale read must not pass for the end: the match and its claims would stay for ever.
            changes.check(Key::Match(id), Expect::Absent);
            // Abandoned, and reported by its own token all the same (decisions.md 5): the record home decides.
            match self.archived_match(id).await? {
                // Nowhere at all: the match of a history, whose players nobody tells.
                None if self.is_gone(Key::Archive(id)).await? && self.is_gone(Key::Match(id)).await? => {
                    return Ok(());
                }
                None => return Err(EngineError::Raced),
                Some(kept) if kept.state == MatchState::Finished => {}
                Some(kept) => {
                    let kept = MatchRow { state: MatchState::Finished, changed_at: call.now, ..kept };
                    self.commit(Home::Document, self.copy_of(call, id, &kept)).await?;
                }
            }
        }
        // What is owed has a result: none is a stale read, and nobody would ever be told.
        let result = self.result_row(id).await?.ok_or(EngineError::Raced)?;
        result.changes.iter().for_each(|change| tell_rating(&mut changes, id, &result.mode, change));
        self.commit(Home::Live, changes).await?;
        Ok(())
    }
}

/// The key of the live home's share in the end of a match.
fn finish_key(id: MatchId) -> CommitKey {
    let mut bits = [0u8; 16];
    let mut hasher = blake3::Hasher::new_derive_key("gsm finish match 1");
    hasher.update(&id.as_u128().to_be_bytes()).finalize_xof().fill(&mut bits);
    CommitKey::from_u128(u128::from_be_bytes(bits))
}
