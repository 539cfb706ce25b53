//! A player's identity deleted: at once what says who he is, then what is left of it elsewhere.
use crate::{
    BanKind, Call, Engine, EngineError, Principal,
    store::{ErasedRow, ErasingRow, Expect, Home, IdentityKind, Key, KeyRange, Row, Version},
};
use gsm_core::{Map, PlayerId, limits};
use parking_lot::RwLock;

/// Steps that a call does itself of what is to be done behind it; the rest is left to upkeep.
const STEPS_OF_CALL: usize = 256;

/// What became of a player's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whose it was.
    pub player: PlayerId,
    /// What was deleted, and when.
    pub row: ErasedRow,
}

/// Players without identity: their tokens say nothing any more.
#[derive(Default)]
pub(crate) struct Erased(RwLock<Map<PlayerId, ()>>);

impl Erased {
    /// Follows a commit.
    pub(crate) fn put(&self, player: PlayerId, erased: bool) {
        let mut all = self.0.write();
        if erased {
            all.insert(player, ());
        } else {
            all.remove(&player);
        }
    }

    pub(crate) fn has(&self, player: PlayerId) -> bool {
        self.0.read().contains_key(&player)
    }

    /// Refuses things that are about nobody.
    pub(crate) fn check(&self, mut players: impl Iterator<Item = PlayerId>) -> Result<(), EngineError> {
        let all = self.0.read();
        if !all.is_empty() && players.any(|player| all.contains_key(&player)) {
            return Err(EngineError::Unknown { what: "player" });
        }
        Ok(())
    }
}

impl Engine {
    /// Whether a player's identity was deleted, as far as this node has heard.
    #[must_use]
    pub fn is_erased(&self, player: PlayerId) -> bool {
        self.views.erased.has(player)
    }

    /// Deletes a player's identity: the way from everything that he can sign in with to him, his name and outside id, and
    /// bans, in one commit; then, in steps that upkeep goes on with if this call ends, his ticket, watches, groups, and
    /// what he gave to tickets and boards. What is left of him is nobody's: ratings, results, entries and the log. Bans that
    /// hold are kept for whoever comes back by one of the same ways, under keyed hashes of these.
    ///
    /// Asked for by the player himself, or by an operator with a reason. Doing it again changes nothing.
    pub async fn erase_player(
        &self,
        call: &Call,
        player: PlayerId,
        reason: Option<&str>,
    ) -> Result<Erasure, EngineError> {
        let by_player = call.principal == Principal::Player(player);
        if !by_player && !matches!(call.principal, Principal::Admin(_)) {
            return Err(EngineError::Unknown { what: "player" });
        }
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            match self.try_erase(call, player, by_player, reason).await {
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
                Ok(()) => {
                    // It is decided: what cannot be done now is done later.
                    if let Err(error) = self.erase_leftovers(player, STEPS_OF_CALL).await {
                        tracing::warn!(%player, %error, "something of an erased player is left for later");
                    }
                    return self.erasure(player).await;
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// What was deleted of a player's identity.
    pub async fn erasure(&self, player: PlayerId) -> Result<Erasure, EngineError> {
        let found = self.erased_row(player).await?;
        let (row, _) = found.ok_or(EngineError::Unknown { what: "erasure" })?;
        Ok(Erasure { player, row })
    }

    pub(super) async fn erased_row(
        &self,
        player: PlayerId,
    ) -> Result<Option<(ErasedRow, Version)>, EngineError> {
        let key = Key::Erased(player);
        match self.get_one(&key).await? {
            None => Ok(None),
            Some(found) => match &*found.row {
                Row::Erased(row) => Ok(Some(((**row).clone(), found.version))),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    async fn try_erase(
        &self,
        call: &Call,
        player: PlayerId,
        by_player: bool,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        if self.replayed::<()>(call, Home::Document).await?.is_some() {
            return Ok(());
        }
        if self.erased_row(player).await?.is_some() {
            return self.remember_alone(call, Home::Document, &[&player]).await;
        }
        let (profile, version) = self.player_row(player).await?;
        let mut changes = self.changes(call, &[&player]);
        if let Some(audit) = &mut changes.audit {
            audit.reason = reason.map(str::to_owned);
        }
        changes.delete(Key::Player(player), version);
        let (mut identities, mut hashes) = (Vec::new(), Vec::new());
        for (key, found) in self.identities(player).await? {
            let (Key::IdentityOf(_, hash), Row::IdentityOf(kind)) = (&key, &*found.row) else {
                return Err(EngineError::damaged(&key));
            };
            identities.push(*kind);
            hashes.push(*hash);
            let way = Key::Identity(*hash);
            // It was made with the way back: none is a stale read.
            let there = self.get_one(&way).await?.ok_or(EngineError::Raced(None))?;
            changes.delete(way, there.version);
            changes.delete(key, found.version);
        }
        let bans = Key::Bans(player);
        let banned = self.get_one(&bans).await?;
        let mut row = ErasedRow {
            at: call.now,
            by_player,
            identities,
            name: profile.name.is_some(),
            external_id: profile.external_id.is_some(),
            bans: 0,
            finished_at: None,
        };
        if let Some(found) = banned {
            let Row::Bans(all) = &*found.row else { return Err(EngineError::damaged(&bans)) };
            // A receipt tells of the shadow as little as anything else.
            let told = all.iter().filter(|ban| ban.kind != BanKind::Shadow).count();
            row.bans = u32::try_from(told).unwrap_or(u32::MAX);
            self.keep_bans(&mut changes, &hashes, all);
            changes.delete(bans, found.version);
        } else {
            // Or somebody is just being banned.
            changes.check(bans, Expect::Absent);
        }
        changes.create(Key::Erased(player), Row::Erased(Box::new(row)));
        let first = ErasingRow { again: false, part: 0, after: None, due: call.now };
        changes.create(Key::Erasing(player), Row::Erasing(Box::new(first)));
        self.remember(&mut changes, call, Home::Document, &())?;
        self.commit(Home::Document, changes).await.map(drop)
    }

    /// The ways to a player.
    pub(super) async fn identities(
        &self,
        player: PlayerId,
    ) -> Result<Vec<(Key, crate::store::Versioned)>, EngineError> {
        let range = KeyRange::IdentitiesOf(player);
        Ok(self.store(Home::Document).list(&range, None, limits::IDENTITIES_MAX, false).await?)
    }

    /// How a player can sign in.
    pub(super) async fn identity_kinds(&self, player: PlayerId) -> Result<Vec<IdentityKind>, EngineError> {
        let all = self.identities(player).await?.into_iter();
        Ok(all
            .filter_map(|(_, found)| if let Row::IdentityOf(kind) = *found.row { Some(kind) } else { None })
            .collect())
    }
}
