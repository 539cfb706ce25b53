//! Players: profile, consent, what they take part in.
use crate::{
    Call, Engine, EngineError, Principal,
    store::{ChangeSet, Claim, Home, IdentityKind, Key, PlayerRow, Row},
    token::ConsentClaim,
};
use gsm_core::{Label, Millis, PlayerId, RequestKey, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a party consent is good.
const CONSENT_LIFE: Millis = Millis::from_secs(300);
/// A player and what he takes part in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerView {
    /// Who.
    pub player: PlayerId,
    /// The row.
    pub row: PlayerRow,
    /// A live ticket or match.
    pub claim: Option<Claim>,
}

impl Engine {
    /// The match a match token speaks for.
    pub fn match_session(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<crate::token::MatchClaim, crate::token::TokenError> {
        self.tokens.open(token, now)
    }

    /// A token by which the caller agrees to be queued by `leader`.
    pub async fn consent(&self, call: &Call, leader: PlayerId) -> Result<(String, Timestamp), EngineError> {
        let player = call.principal.player().ok_or(EngineError::Forbidden)?;
        self.player_row(leader).await?;
        let expires_at = call.now.saturating_add(CONSENT_LIFE);
        Ok((self.tokens.issue(&ConsentClaim { player, leader, expires_at }), expires_at))
    }

    pub(crate) async fn player_row(&self, player: PlayerId) -> Result<(PlayerRow, u64), EngineError> {
        let key = Key::Player(player);
        let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "player" })?;
        if let Row::Player(row) = &*found.row {
            Ok((row.clone(), found.version))
        } else {
            Err(EngineError::damaged(&key))
        }
    }

    /// A player. Players see themselves whole and of others no external id and no claim.
    pub async fn player(&self, call: &Call, player: PlayerId) -> Result<PlayerView, EngineError> {
        let (mut row, _) = self.player_row(player).await?;
        let own = call.principal.is_trusted() || call.principal == Principal::Player(player);
        if !own {
            row.external_id = None;
            return Ok(PlayerView { player, row, claim: None });
        }
        Ok(PlayerView { player, row, claim: self.claim_of(player).await? })
    }

    async fn claim_of(&self, player: PlayerId) -> Result<Option<Claim>, EngineError> {
        let key = Key::Claim(player);
        match self.get_one(&key).await?.map(|found| found.row) {
            None => Ok(None),
            Some(row) => match &*row {
                Row::Claim(claim) => Ok(Some(*claim)),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    /// Changes a player's own display name; `None` removes it.
    pub async fn rename(
        &self,
        call: &Call,
        player: PlayerId,
        name: Option<Label>,
    ) -> Result<PlayerView, EngineError> {
        if !call.principal.is_trusted() && call.principal != Principal::Player(player) {
            return Err(EngineError::Unknown { what: "player" });
        }
        let mut tries = self.lines.tries_at(&Key::Player(player));
        while tries.again().await {
            match self.replayed(call, Home::Document).await? {
                Some(Some(first)) => return Ok(first),
                Some(None) => return self.player(call, player).await,
                None => {}
            }
            let (mut row, version) = self.player_row(player).await?;
            row.name.clone_from(&name);
            let mut changes = self.changes(call, &[&player]);
            changes.replace(Key::Player(player), Some(version), Row::Player(row.clone()));
            let view = PlayerView { player, row, claim: self.claim_of(player).await? };
            self.remember(&mut changes, call, Home::Document, &view)?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(view),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}

/// What a player proves, and its hash.
pub(crate) type Identity = (IdentityKind, [u8; 32]);

/// The rows of one more identity of a player.
pub(crate) fn add_identity(changes: &mut ChangeSet, player: PlayerId, (kind, identity): Identity) {
    changes.create(Key::Identity(identity), Row::Identity(player));
    changes.create(Key::IdentityOf(player, identity), Row::IdentityOf(kind));
}

/// Rows that a new player has: three, and what was kept of bans.
pub(crate) const PLAYER_ROWS: usize = 5;

/// The rows of a new player.
pub(crate) fn add_player(
    changes: &mut ChangeSet,
    player: PlayerId,
    (kind, identity): Identity,
    name: Option<Label>,
    external_id: Option<RequestKey>,
) {
    let created_at = changes.at;
    add_identity(changes, player, (kind, identity));
    changes.create(Key::Player(player), Row::Player(PlayerRow { name, external_id, created_at }));
}
