//! The end of matches, and who is told where a match stands.
use crate::{
    Call, Engine, EngineError,
    store::{ChangeSet, Claim, Expect, Home, Key, MatchRow, Op, PushEvent, PushKind, Row, Version, Write},
};
use gsm_core::MatchId;
use gsm_session::MatchState;
use std::sync::Arc;

impl Engine {
    /// Abandons a match whose time is up; whether it was still running.
    pub(crate) async fn expire_match(&self, call: &Call, id: MatchId) -> Result<bool, EngineError> {
        let Some((mut row, version)) = self.live_match(id).await? else {
            if self.is_gone(Key::Match(id)).await? {
                self.views.pools.running(id, None);
            }
            return Ok(false);
        };
        if row.expires_at > call.now || self.get_one(&Key::Result(id)).await?.is_some() {
            return Ok(false);
        }
        if let Some((reports, _)) = self.reports_row(id).await? {
            // Its end is decided by those.
            self.begin_reporting(id, &reports).await?;
            return Ok(false);
        }
        row.state = row.state.step(MatchState::Abandoned)?;
        row.changed_at = call.now;
        match self.end_match(self.changes(call, &[&id]), id, row, version).await {
            Ok(()) => Ok(true),
            Err(EngineError::Raced(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Commits the end of a match in the live and the document home. `row` has its last state already.
    pub(super) async fn end_match(
        &self,
        mut changes: ChangeSet,
        id: MatchId,
        row: MatchRow,
        version: Version,
    ) -> Result<(), EngineError> {
        self.add_match_end(&mut changes, id, &row, version).await?;
        if self.homes.is_one() {
            // Whoever began to report it in the meantime is heard.
            changes.check(Key::Reports(id), Expect::Absent);
            changes.folds.push(archive(id, &row));
        } else {
            // First the copy, then the end: in between it is in both, never in neither. The copy that a result made
            // stays: a result is committed before it is copied, so that either is seen here.
            let key = Key::Archive(id);
            let old = self.get_one(&key).await?;
            if old.is_some() && !self.is_gone(Key::Result(id)).await? {
                return Err(EngineError::Raced(None));
            }
            let mut copy = self.changes(&Call::system("gsm:ArchiveMatch", changes.at), &[&id]);
            copy.audit = None;
            copy.replace(key, old.map(|found| found.version), Row::Match(Box::new(row)));
            self.commit(Home::Document, copy).await?;
        }
        self.commit(Home::Live, changes).await?;
        Ok(())
    }

    /// Adds to a live change set all that the end of a match changes there.
    pub(crate) async fn add_match_end(
        &self,
        changes: &mut ChangeSet,
        id: MatchId,
        row: &MatchRow,
        version: Version,
    ) -> Result<(), EngineError> {
        if row.claimed {
            let keys: Vec<Key> = row.roster.players().map(Key::Claim).collect();
            for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
                match found {
                    Some(found) if matches!(&*found.row, Row::Claim(Claim::Match(m)) if *m == id) => {
                        changes.delete(key.clone(), found.version);
                    }
                    // Another's, or a stale read: then the commit must not pass, or the claim would stay for ever.
                    found => {
                        changes.check(key.clone(), found.map_or(Expect::Absent, |f| Expect::At(f.version)));
                    }
                }
            }
        }
        tell_match(changes, id, row);
        changes.delete(Key::Match(id), version);
        Ok(())
    }
}

/// How many writes the end of a match takes: its row, and what holds its players.
pub(crate) fn end_writes(row: &MatchRow) -> usize {
    1 + if row.claimed { row.roster.players().count() } else { 0 }
}

/// The write that keeps an ended match.
pub(crate) fn archive(id: MatchId, row: &MatchRow) -> Write {
    let op = Op::Put { row: Arc::new(Row::Match(Box::new(row.clone()))), expires_at: None };
    Write { key: Key::Archive(id), expect: Expect::Any, op }
}

/// Tells a match's players where it stands.
pub(crate) fn tell_match(changes: &mut ChangeSet, id: MatchId, row: &MatchRow) {
    let at = changes.at;
    let prediction = row.prediction.forecast.as_ref().filter(|_| !row.state.is_terminal());
    for player in row.roster.players() {
        let kind = PushKind::Match {
            match_id: id,
            state: row.state,
            connection: row.connection.clone(),
            prediction: prediction.map(|of| Box::new(of.shown())),
        };
        changes.event(player, PushEvent { at, kind });
    }
}
