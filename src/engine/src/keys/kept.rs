//! What keys of every kind have in common: each is a row that is made once, listed, and ended.
use crate::{
    Call, Engine, EngineError, Role,
    store::{Home, Key, KeyRange, Row, Version},
};
use gsm_core::{KeyId, Timestamp, limits};
use std::cmp::Reverse;

/// A key as it is kept.
pub(crate) trait Kept: Clone + Send + Sync {
    /// As in errors: "API keys".
    const WHAT: &'static str;
    /// Where all of them are.
    const RANGE: KeyRange;

    fn row_key(id: KeyId) -> Key;
    fn of_row(row: &Row) -> Option<Self>;
    fn row(&self) -> Row;

    fn id(&self) -> KeyId;
    fn role(&self) -> Role;
    fn note(&self) -> &str;
    /// Whether it is for the same as another: a key outlives the memory of the call that made it, as long as it is good.
    fn is_for_the_same(&self, other: &Self) -> bool;
    fn ended(&self) -> Option<Timestamp>;
    fn end(&mut self, at: Timestamp);
}

impl Engine {
    /// A key, living or ended.
    pub(crate) async fn kept<K: Kept>(&self, id: KeyId) -> Result<Option<(K, Version)>, EngineError> {
        let key = K::row_key(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let row = K::of_row(&found.row).ok_or_else(|| EngineError::damaged(&key))?;
        Ok(Some((row, found.version)))
    }

    /// Keeps a new key. The same call again gives the first one, when the call is forgotten only where that is still good.
    pub(crate) async fn issue<K: Kept>(&self, call: &Call, new: K) -> Result<K, EngineError> {
        if new.role() == Role::Player {
            return Err(EngineError::invalid("role", "a key is for `server` or `admin`; players sign in"));
        }
        if new.note().chars().count() > limits::CALLER_ID_CHARS_MAX {
            let detail = format!("at most {} characters", limits::CALLER_ID_CHARS_MAX);
            return Err(EngineError::invalid("note", detail));
        }
        let id = new.id();
        let mut changes = self.changes(call, &[&id]);
        changes.create(K::row_key(id), new.row());
        self.remember(&mut changes, call, Home::Document, &())?;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let repeated = self.replayed::<()>(call, Home::Document).await?.is_some();
            if let Some((first, _)) = self.kept::<K>(id).await? {
                if !repeated && (first.ended().is_some() || !first.is_for_the_same(&new)) {
                    return Err(EngineError::IdempotencyMismatch);
                }
                return Ok(first);
            }
            let living = self.all_kept::<K>().await?.iter().filter(|key| key.ended().is_none()).count();
            if living >= limits::KEYS_MAX {
                return Err(EngineError::TooManyKeys { what: K::WHAT });
            }
            match self.commit(Home::Document, changes.clone()).await {
                Ok(_) => return Ok(new),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// So many keys as are listed: those that are good come before those that were ended.
    pub(crate) async fn all_kept<K: Kept>(&self) -> Result<Vec<K>, EngineError> {
        let (mut after, mut keys) = (None, Vec::new());
        while let Some(page) = self.page(&K::RANGE, &mut after).await? {
            keys.extend(page.iter().filter_map(|(_, found)| K::of_row(&found.row)));
            if keys.len() > limits::KEYS_MAX {
                keys.sort_by_key(|key: &K| key.ended().map(Reverse));
                keys.truncate(limits::KEYS_MAX);
            }
        }
        Ok(keys)
    }

    /// Ends a key; doing it again changes nothing.
    pub(crate) async fn end_kept<K: Kept>(&self, call: &Call, id: KeyId) -> Result<Timestamp, EngineError> {
        let mut tries = self.lines.tries_at(&K::row_key(id));
        while tries.again().await {
            let replayed = self.replayed::<()>(call, Home::Document).await?.is_some();
            let found = self.kept::<K>(id).await?;
            let (mut key, version) = found.ok_or(EngineError::Unknown { what: "key" })?;
            let done = match key.ended() {
                Some(at) if replayed => return Ok(at),
                Some(at) => self.remember_alone(call, Home::Document, &[&id]).await.map(|()| at),
                None => {
                    key.end(call.now);
                    let mut changes = self.changes(call, &[&id]);
                    changes.replace(K::row_key(id), Some(version), key.row());
                    self.remember(&mut changes, call, Home::Document, &())?;
                    self.commit(Home::Document, changes).await.map(|_| call.now)
                }
            };
            match done {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }
}
