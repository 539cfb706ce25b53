//! Bans that outlive an erasure, so that nobody is rid of one by being erased and signing in again.
//!
//! What the player proved is hashed once more, under a key that is not in the store and for this purpose alone; beside the
//! hash lie what the bans keep from and until when: no id, no reason, nobody's name. Whoever comes back by the same way is
//! a new player with these bans, and the row is gone; nobody comes back, and it goes when the last of them ends.
use crate::{
    Ban, BanKind, Engine, EngineError,
    store::{ChangeSet, Expect, Home, Key, Op, Row},
};
use gsm_core::{Millis, PlayerId, Timestamp};
use std::sync::Arc;

/// The longest that a ban is kept beyond an erasure; one for good ends then, too.
const KEPT_MAX: Millis = Millis::from_secs(1_095 * 24 * 3_600);
/// In the place of what an operator wrote, and of who it was.
const REASON: &str = "carried over from an account that was erased";
const BY: &str = "system";

impl Engine {
    fn banned(&self, identity: &[u8; 32]) -> Key {
        let mut hash = [0; 32];
        self.tokens.now().bans.derive("gsm banned identity 1", identity, &mut hash);
        Key::Banned(hash)
    }

    /// Keeps those of an erased player's bans that hold for whoever comes back by one of these ways.
    pub(super) fn keep_bans(&self, changes: &mut ChangeSet, identities: &[[u8; 32]], bans: &[Ban]) {
        let now = changes.at;
        let most = now.saturating_add(KEPT_MAX);
        let kept = bans.iter().filter(|ban| ban.holds(now)).map(|ban| Ban {
            kind: ban.kind.clone(),
            reason: REASON.to_owned(),
            by: BY.to_owned(),
            since: now,
            until: Some(ban.until.map_or(most, |until| until.min(most))),
        });
        let kept: Vec<Ban> = kept.collect();
        let Some(last) = kept.iter().filter_map(|ban| ban.until).max() else { return };
        let row = Arc::new(Row::Bans(kept));
        for identity in identities {
            let op = Op::Put { row: row.clone(), expires_at: Some(last) };
            changes.write(self.banned(identity), Expect::Any, op);
        }
    }

    /// Gives players the bans that are kept for the ways by which they come, each by one; whether there were any. At most
    /// two rows a player, the check that nothing is kept included.
    pub(crate) async fn return_bans(
        &self,
        changes: &mut ChangeSet,
        coming: &[(PlayerId, [u8; 32])],
    ) -> Result<bool, EngineError> {
        let keys: Vec<Key> = coming.iter().map(|(_, identity)| self.banned(identity)).collect();
        let found = self.get(Home::Document, &keys).await?;
        let mut any = false;
        for ((key, found), (player, _)) in keys.into_iter().zip(found).zip(coming) {
            let Some(found) = found else {
                // Or an erasure is just being made.
                changes.check(key, Expect::Absent);
                continue;
            };
            let Row::Bans(kept) = &*found.row else { return Err(EngineError::damaged(&key)) };
            let (mut bans, version) = self.stored_bans(*player).await?;
            for ban in kept.iter().filter(|ban| ban.holds(changes.at)) {
                add(&mut bans, ban, changes.at);
            }
            any = true;
            changes.replace(Key::Bans(*player), version, Row::Bans(bans));
            changes.delete(key, found.version);
        }
        Ok(any)
    }
}

/// Adds a ban that was kept. Of one kind there is one: it keeps from what either does, until the later end.
fn add(bans: &mut Vec<Ban>, kept: &Ban, now: Timestamp) {
    bans.retain(|ban| ban.holds(now));
    match bans.iter_mut().find(|ban| ban.kind.as_str() == kept.kind.as_str()) {
        None => bans.push(kept.clone()),
        Some(there) => {
            if let (BanKind::Queues(queues), BanKind::Queues(more)) = (&mut there.kind, &kept.kind) {
                queues.extend(more.iter().cloned());
            }
            there.until = there.until.zip(kept.until).map(|(one, other)| one.max(other));
        }
    }
}
