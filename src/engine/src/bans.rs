//! Bans: an operator keeps a player out of all queues or of some, or among his like, for a while or for good.
//!
//! A ban is a document; who is banned is in memory too, where a ticket looks. A ticket that passed while a ban was
//! being made is ended by whichever of the two comes last: the ban looks for tickets after its commit, and the ticket
//! looks for bans after its own. Every node looks once more in its next turn for tickets of those whom it heard of.
use crate::{
    Call, Engine, EngineError,
    store::{Claim, Expect, Home, Key, KeyRange, Row, TicketRow},
};
use gsm_core::{Map, PlayerId, QueueName, TicketId, Timestamp, limits};
use gsm_session::TicketState;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Players looked at in a turn.
const EXPELLED_MAX: usize = 256;

/// Why a ticket of a banned player ends, for people.
const EXPELLED: &str = "a player of the party was banned";

/// What a ban keeps a player from. A player has at most one ban of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BanKind {
    /// All queues.
    Play,
    /// Some queues.
    Queues(BTreeSet<QueueName>),
    /// Everybody but others in the shadow: tickets wait, and meet only theirs. The player is not told.
    Shadow,
}

impl BanKind {
    /// As in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Play => "play",
            Self::Queues(_) => "queues",
            Self::Shadow => "shadow",
        }
    }
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// What from.
    pub kind: BanKind,
    /// Why; told to the player, but for the shadow.
    pub reason: String,
    /// Who banned.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` for good.
    pub until: Option<Timestamp>,
}

impl Ban {
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    fn keeps_out_of(&self, queue: &QueueName) -> bool {
        match &self.kind {
            BanKind::Play => true,
            BanKind::Queues(queues) => queues.contains(queue),
            BanKind::Shadow => false,
        }
    }
}

/// What whoever banned a player, or lifted a ban, was answered: kept for a repeat, unless the player is erased.
#[derive(Serialize, Deserialize)]
struct Told {
    player: PlayerId,
    bans: Vec<Ban>,
}

/// Who is banned.
#[derive(Default)]
pub(crate) struct Bans {
    all: RwLock<Map<PlayerId, Arc<[Ban]>>>,
    /// Who may wait for a match still: this node has just heard of their bans.
    unseen: Mutex<BTreeSet<PlayerId>>,
}

impl Bans {
    /// Takes in a changed row.
    pub(crate) fn follow(&self, player: PlayerId, bans: Option<&[Ban]>) {
        match bans.filter(|bans| !bans.is_empty()) {
            Some(bans) => {
                self.all.write().insert(player, bans.into());
                self.unseen.lock().insert(player);
            }
            None => drop(self.all.write().remove(&player)),
        }
    }

    /// Takes in a row that was read, unless a commit of the meantime was here first.
    pub(crate) fn load(&self, player: PlayerId, bans: &[Ban]) {
        self.all.write().entry(player).or_insert_with(|| bans.into());
        self.unseen.lock().insert(player);
    }

    fn of(&self, player: PlayerId) -> Option<Arc<[Ban]>> {
        self.all.read().get(&player).cloned()
    }

    /// Refuses players who are banned from one of the queues.
    pub(crate) fn check<'a>(
        &self,
        queues: impl Iterator<Item = &'a QueueName>,
        players: &[PlayerId],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if self.all.read().is_empty() {
            return Ok(());
        }
        let queues: Vec<&QueueName> = queues.collect();
        let found = players.iter().find_map(|player| {
            let of = self.of(*player)?;
            let ban = of
                .iter()
                .filter(|ban| ban.holds(now) && queues.iter().any(|queue| ban.keeps_out_of(queue)))
                // That which ends last.
                .max_by_key(|ban| ban.until.map_or(i64::MAX, Timestamp::as_millis))?;
            Some((*player, ban.clone()))
        });
        match found {
            None => Ok(()),
            Some((player, ban)) => {
                let until = ban.until.map(|until| (until, until.since(now)));
                Err(EngineError::Banned { player, until, reason: ban.reason })
            }
        }
    }

    /// Whether one of the players is in the shadow.
    pub(crate) fn is_shadow(&self, players: &[PlayerId], now: Timestamp) -> bool {
        let shadow = |of: Arc<[Ban]>| of.iter().any(|ban| ban.kind == BanKind::Shadow && ban.holds(now));
        players.iter().any(|player| self.of(*player).is_some_and(shadow))
    }
}

impl Engine {
    /// A player's bans that hold: for trusted callers, and for the player himself those that he is told of.
    pub async fn bans(&self, call: &Call, player: PlayerId) -> Result<Vec<Ban>, EngineError> {
        let mine = call.principal.player() == Some(player);
        if !(mine || call.principal.is_trusted()) || self.get_one(&Key::Player(player)).await?.is_none() {
            return Err(EngineError::Unknown { what: "player" });
        }
        let mut bans = self.stored_bans(player).await?.0;
        bans.retain(|ban| ban.holds(call.now) && (!mine || ban.kind != BanKind::Shadow));
        Ok(bans)
    }

    /// Players with bans that hold, by id, among at most a page of those who are kept a ban of, after `after`; and after
    /// whom the next page begins, if there may be one. Who has only bans that are over is left out, so a page may be
    /// shorter, and empty.
    pub async fn all_bans(
        &self,
        after: Option<PlayerId>,
        limit: usize,
    ) -> Result<(Vec<(PlayerId, Vec<Ban>)>, Option<PlayerId>), EngineError> {
        let (now, limit) = (self.clock.now(), limit.min(limits::PAGE_SIZE_MAX));
        let after = after.map(Key::Bans);
        let page = self.store(Home::Document).list(&KeyRange::AllBans, after.as_ref(), limit, false).await?;
        let is_full = page.len() == limit;
        let (mut found, mut last) = (Vec::with_capacity(page.len()), None);
        for (key, versioned) in page {
            let (Key::Bans(player), Row::Bans(bans)) = (&key, &*versioned.row) else {
                return Err(EngineError::damaged(&key));
            };
            last = Some(*player);
            let bans: Vec<Ban> = bans.iter().filter(|ban| ban.holds(now)).cloned().collect();
            if !bans.is_empty() {
                found.push((*player, bans));
            }
        }
        Ok((found, last.filter(|_| is_full)))
    }

    /// Bans a player, in the place of a ban of the same kind. A ticket that waits in a queue that it is about ends.
    pub async fn ban(&self, call: &Call, player: PlayerId, ban: &Ban) -> Result<Vec<Ban>, EngineError> {
        if ban.until.is_some_and(|until| until <= call.now) {
            return Err(EngineError::invalid("until", "must be in the future"));
        }
        let change = |bans: &mut Vec<Ban>| {
            if let BanKind::Queues(queues) = &ban.kind {
                if queues.is_empty() {
                    return Err(EngineError::invalid("queues", "must name a queue"));
                }
                queues.iter().try_for_each(|queue| self.queue(queue).map(drop))?;
            }
            bans.retain(|other| other.kind.as_str() != ban.kind.as_str());
            bans.push(ban.clone());
            Ok(())
        };
        let bans = self.change_bans(call, player, &ban.reason, change).await?;
        self.expel(player).await;
        Ok(bans)
    }

    /// Lifts a player's ban of a kind. Where there is none, nothing changes.
    pub async fn lift_ban(
        &self,
        call: &Call,
        player: PlayerId,
        kind: &str,
        reason: &str,
    ) -> Result<Vec<Ban>, EngineError> {
        let change = |bans: &mut Vec<Ban>| {
            bans.retain(|ban| ban.kind.as_str() != kind);
            Ok(())
        };
        self.change_bans(call, player, reason, change).await
    }

    pub(crate) async fn stored_bans(&self, player: PlayerId) -> Result<(Vec<Ban>, Option<u64>), EngineError> {
        let key = Key::Bans(player);
        match self.get_one(&key).await? {
            None => Ok((Vec::new(), None)),
            Some(found) => match &*found.row {
                Row::Bans(bans) => Ok((bans.clone(), Some(found.version))),
                _ => Err(EngineError::damaged(&key)),
            },
        }
    }

    /// The bans that hold after a change.
    async fn change_bans(
        &self,
        call: &Call,
        player: PlayerId,
        reason: &str,
        change: impl Fn(&mut Vec<Ban>) -> Result<(), EngineError>,
    ) -> Result<Vec<Ban>, EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.replayed::<Option<Told>>(call, Home::Document).await? {
                Some(Some(first)) => return Ok(first.bans),
                Some(None) => return self.bans(call, player).await,
                None => {}
            }
            let (_, there) = self.player_row(player).await?;
            let (mut bans, version) = self.stored_bans(player).await?;
            // Those that are over go.
            bans.retain(|ban| ban.holds(call.now));
            change(&mut bans)?;
            let mut changes = self.changes(call, &[&player]);
            changes.because(reason);
            // Who is just being erased takes along the bans that there are, and gets no more.
            changes.check(Key::Player(player), Expect::At(there));
            match (bans.is_empty(), version) {
                (true, None) => {}
                (true, Some(version)) => {
                    changes.delete(Key::Bans(player), version);
                }
                (false, version) => {
                    changes.replace(Key::Bans(player), version, Row::Bans(bans.clone()));
                }
            }
            let told = Told { player, bans };
            self.remember(&mut changes, call, Home::Document, &told)?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(told.bans),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Ends tickets of players of whose bans this node has heard since the last time: whoever banned them may have died
    /// before it did, or a ticket may have been made where nobody had heard of the ban.
    pub(crate) async fn expel_unseen(&self) {
        let players: Vec<PlayerId> = {
            let mut unseen = self.views.bans.unseen.lock();
            std::iter::from_fn(|| unseen.pop_first()).take(EXPELLED_MAX).collect()
        };
        for player in players {
            self.expel(player).await;
        }
    }

    /// Ends the ticket that a player waits in, if bans keep the player out of one of its queues. A match goes on. What
    /// fails is tried again.
    pub(crate) async fn expel(&self, player: PlayerId) {
        if let Err(error) = self.try_expel(player).await {
            tracing::warn!(%player, %error, "a banned player may still wait for a match");
            self.views.bans.unseen.lock().insert(player);
        }
    }

    async fn try_expel(&self, player: PlayerId) -> Result<(), EngineError> {
        let Some(found) = self.get_one(&Key::Claim(player)).await? else { return Ok(()) };
        match &*found.row {
            Row::Claim(Claim::Ticket(id)) => self.expel_from(*id, self.clock.now()).await,
            _ => Ok(()),
        }
    }

    /// Ends a ticket that no longer may be, and says why; whether all is well with it.
    pub(crate) async fn expel_from(&self, id: TicketId, now: Timestamp) -> Result<(), EngineError> {
        let call = Call::system("gsm:ExpelBanned", now);
        let (row, _) = match self.visible_ticket(&call, id).await {
            Err(EngineError::Unknown { .. }) => return Ok(()),
            found => found?,
        };
        if self.may_wait(&row, now).is_ok() {
            return Ok(());
        }
        match self.cancel_ticket_as(&call, id, EXPELLED).await {
            // Over, or a match by now.
            Ok(_) | Err(EngineError::NotWaiting { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Whether bans let a ticket wait. Who plays already is let in.
    pub(crate) fn may_wait(&self, row: &TicketRow, now: Timestamp) -> Result<(), EngineError> {
        if row.backfill || row.state.is_terminal() || row.state == TicketState::Placing {
            return Ok(());
        }
        let players: Vec<PlayerId> = row.players.iter().map(|of| of.player).collect();
        self.views.bans.check(row.queues(), &players, now)
    }
}
