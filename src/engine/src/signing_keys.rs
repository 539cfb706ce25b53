//! The keys that sign players' sessions: one signs, the next one is published already, and those before are good until
//! their last session has expired. Their private halves are sealed before they come here.
use crate::{
    Call, Engine, EngineError,
    store::{Home, Key, KeyRange, Row, SigningKeyRow, Version, WhoRow},
};
use gsm_core::{KeyId, Millis, limits};

/// A key pair to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSigningKey {
    /// Its name in tokens.
    pub id: KeyId,
    /// The public half (Ed25519).
    pub public: [u8; 32],
    /// The private half, sealed.
    pub sealed: Vec<u8>,
}

impl NewSigningKey {
    fn row(&self, call: &Call, signs: bool) -> SigningKeyRow {
        SigningKeyRow {
            id: self.id,
            public: self.public,
            sealed: self.sealed.clone(),
            created_at: call.now,
            active_at: signs.then_some(call.now),
            retired_at: None,
        }
    }
}

/// In the order in which they sign; the next one last.
fn order(row: &SigningKeyRow) -> impl Ord + use<> {
    let next = (row.active_at.is_none(), row.active_at);
    (next, row.retired_at.is_none(), row.created_at, row.id)
}

impl Engine {
    /// All keys in the order in which they sign, the next one last; empty before [`Engine::rotate_signing_keys`] was called for the first time.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyRow>, EngineError> {
        Ok(self.signing_rows().await?.into_iter().map(|(row, _)| row).collect())
    }

    async fn signing_rows(&self) -> Result<Vec<(SigningKeyRow, Version)>, EngineError> {
        let range = KeyRange::SigningKeys;
        let rows = self.store(range.home()).list(&range, None, limits::PAGE_SIZE_MAX, false).await?;
        let mut found = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let Row::Who(who) = &*row.row else { return Err(EngineError::damaged(&key)) };
            let WhoRow::SigningKey(signing) = &**who else { return Err(EngineError::damaged(&key)) };
            found.push((signing.clone(), row.version));
        }
        found.sort_by_key(|(row, _)| order(row));
        Ok(found)
    }

    /// The next key signs from now on, the one that did retires, and `fresh` becomes the next one. Where there are none
    /// yet, `fresh` has two: the one that signs, and the next.
    ///
    /// Keys that retired longer than `life` ago have no living session left and are forgotten. The call of an
    /// idempotency key that was used already changes nothing, and is told of the keys as they stood then.
    pub async fn rotate_signing_keys(
        &self,
        call: &Call,
        fresh: &[NewSigningKey; 2],
        life: Millis,
    ) -> Result<Vec<SigningKeyRow>, EngineError> {
        let [first, second] = fresh;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let rows = self.signing_rows().await?;
            match self.replayed(call, Home::Document).await? {
                Some(Some(first)) => return Ok(first),
                Some(None) => return Ok(rows.into_iter().map(|(row, _)| row).collect()),
                None => {}
            }
            let is_over = |row: &SigningKeyRow| {
                row.retired_at.is_some_and(|since| since.saturating_add(life) < call.now)
            };
            if rows.iter().filter(|(row, _)| !is_over(row)).count() >= limits::SIGNING_KEYS_MAX {
                return Err(EngineError::TooManySigningKeys);
            }
            let mut changes = self.changes(call, &[&first.id]);
            let stays = |(row, _): &&(SigningKeyRow, Version)| row.retired_at.is_some() && !is_over(row);
            let mut after: Vec<SigningKeyRow> =
                rows.iter().filter(stays).map(|(row, _)| row.clone()).collect();
            let mut put = |row: SigningKeyRow, at: Option<Version>| {
                after.push(row.clone());
                let key = Key::SigningKey(row.id);
                changes.replace(key, at, Row::Who(Box::new(WhoRow::SigningKey(row))));
            };
            match rows.iter().find(|(row, _)| row.active_at.is_none()) {
                Some((next, at)) => {
                    put(SigningKeyRow { active_at: Some(call.now), ..next.clone() }, Some(*at));
                }
                None => put(second.row(call, true), None),
            }
            put(first.row(call, false), None);
            for (row, at) in
                rows.iter().filter(|(row, _)| row.active_at.is_some() && row.retired_at.is_none())
            {
                put(SigningKeyRow { retired_at: Some(call.now), ..row.clone() }, Some(*at));
            }
            for (row, at) in rows.iter().filter(|(row, _)| is_over(row)) {
                changes.delete(Key::SigningKey(row.id), *at);
            }
            after.sort_by_key(order);
            self.remember(&mut changes, call, Home::Document, &after)?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(after),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Keeps another sealed half of each key for which `seal` gives one, all in one commit; how many there were.
    pub async fn seal_signing_keys(
        &self,
        call: &Call,
        seal: &(dyn Fn(&SigningKeyRow) -> Option<Vec<u8>> + Sync),
    ) -> Result<usize, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let rows = self.signing_rows().await?.into_iter();
            let anew = rows.filter_map(|(row, at)| Some((SigningKeyRow { sealed: seal(&row)?, ..row }, at)));
            let anew: Vec<_> = anew.collect();
            if anew.is_empty() {
                return Ok(0);
            }
            let (count, mut changes) = (anew.len(), self.changes(call, &[]));
            for (row, at) in anew {
                changes.replace(
                    Key::SigningKey(row.id),
                    Some(at),
                    Row::Who(Box::new(WhoRow::SigningKey(row))),
                );
            }
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(count),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
