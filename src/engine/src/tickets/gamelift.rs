//! What tickets do over the GameLift wire otherwise than natively: FlexMatch's rules for trusted back ends.
use super::{NewTicket, TicketView, ticket_row};
use crate::{
    Call, Engine, EngineError,
    players::{PLAYER_ROWS, add_player},
    proposals::Asked,
    results::counting::rating_in,
    store::{Brought, Home, IdentityKind, Key, Row, TicketPlayer, TicketRow},
};
use gsm_core::{PlayerId, RequestKey, TicketId, limits};
use gsm_session::TicketState;
use std::collections::{BTreeMap, BTreeSet};

/// The issuer of the names by which GameLift's clients know their players.
const ISSUER: &str = "gamelift";

/// Whether a ticket was made over the GameLift wire: its id is that of its caller's own name for it there, which no native one is.
pub(crate) fn came_over_wire(id: TicketId, row: &TicketRow) -> bool {
    row.own_id.as_ref().is_some_and(|own| Engine::gamelift_ticket_id(own) == id)
}

impl Engine {
    /// The players whom GameLift's clients know by these names, where there are any. A native player's id names that player.
    pub async fn gamelift_known(&self, names: &[String]) -> Result<Vec<Option<PlayerId>>, EngineError> {
        let native = |name: &String| name.parse().ok().map(Key::Player);
        let own = |name: &String| Key::Identity(Self::named_identity(ISSUER, name));
        let keys: Vec<Key> = names.iter().filter_map(native).chain(names.iter().map(own)).collect();
        let rows = self.get(Home::Document, &keys).await?;
        let mut found = BTreeMap::new();
        for (key, row) in keys.into_iter().zip(rows) {
            let player = match (&key, row.as_ref().map(|row| &*row.row)) {
                (_, None) => continue,
                (Key::Player(player), Some(_)) => *player,
                (_, Some(Row::Identity(player))) => *player,
                _ => return Err(EngineError::damaged(&key)),
            };
            found.insert(key, player);
        }
        let known = |name: &String| {
            let found = native(name).and_then(|key| found.get(&key)).or_else(|| found.get(&own(name)));
            found.copied()
        };
        Ok(names.iter().map(known).collect())
    }

    /// The same, made where new: those of one call together, as far as the store takes them.
    pub async fn gamelift_players(
        &self,
        call: &Call,
        names: &[String],
    ) -> Result<Vec<PlayerId>, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let known = self.gamelift_known(names).await?;
            let new = names.iter().zip(&known).filter(|(_, known)| known.is_none());
            let new: BTreeSet<&String> = new.map(|(name, _)| name).collect();
            match self.make_named(&call.beforehand(), &new).await {
                Ok(made) => {
                    let players = names.iter().zip(known);
                    return Ok(players
                        .filter_map(|(name, known)| known.or(made.get(name).copied()))
                        .collect());
                }
                // Another call was first: the next round finds its players.
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    async fn make_named<'a>(
        &self,
        call: &Call,
        names: &BTreeSet<&'a String>,
    ) -> Result<BTreeMap<&'a String, PlayerId>, EngineError> {
        let named: Vec<(&String, [u8; 32], PlayerId)> = names
            .iter()
            .map(|name| (*name, Self::named_identity(ISSUER, name), PlayerId::fresh(&*self.ids)))
            .collect();
        let most = (self.store(Home::Document).limits().items_max / PLAYER_ROWS).max(1);
        for part in named.chunks(most) {
            let about = part.iter().map(|(.., player)| player as &(dyn std::fmt::Display + Sync));
            let about: Vec<_> = about.collect();
            let mut changes = self.changes(call, &about);
            for (name, identity, player) in part {
                let identity = (IdentityKind::GameLiftName, *identity);
                add_player(&mut changes, *player, identity, None, RequestKey::new(name).ok());
            }
            let coming: Vec<_> = part.iter().map(|(_, identity, player)| (*player, *identity)).collect();
            self.return_bans(&mut changes, &coming).await?;
            self.commit(Home::Document, changes).await?;
        }
        Ok(named.into_iter().map(|(name, _, player)| (name, player)).collect())
    }

    /// Refuses a ticket that could not be made whoever its players are: before new ones are made for it. In the place of those `new`
    /// may have any ids, each another one.
    pub async fn check_ticket(&self, call: &Call, new: &NewTicket) -> Result<(), EngineError> {
        let queue = self.queue(&new.queue)?;
        self.check_party(call, new, &queue)?;
        if let Some(own) = &new.own_id
            && self.get_one(&Key::Ticket(Self::gamelift_ticket_id(own))).await?.is_some()
        {
            return Err(EngineError::TicketIdTaken);
        }
        self.check_room(std::slice::from_ref(&queue))?;
        let rating = rating_in(&self.rates(&queue), None, queue.variant.as_ref(), call.now);
        let players = new.players().map(|player| TicketPlayer { player, rating }).collect();
        self.check_fit(&queue, &new.row(players, new.brought.clone(), call.now))
    }

    /// Ends what a new ticket takes the place of; whether any of it waited still.
    pub(super) async fn supersede(
        &self,
        call: &Call,
        older: &BTreeSet<TicketId>,
    ) -> Result<bool, EngineError> {
        let call = call.beforehand();
        let mut any = false;
        for ticket in older {
            match self.stop_ticket(&call, *ticket).await {
                Ok(_) => any = true,
                // Ended in between: that is what was wanted.
                Err(EngineError::NotWaiting { .. } | EngineError::Unknown { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(any)
    }

    /// Takes a ticket out of its queue, as its caller asks; the others of an open proposal search on. Refused once the
    /// ticket waits no longer.
    pub async fn stop_ticket(&self, call: &Call, id: TicketId) -> Result<TicketView, EngineError> {
        let (row, _) = self.visible_ticket(call, id).await?;
        match row.state {
            TicketState::Queued | TicketState::Searching | TicketState::RequiresAcceptance => {
                self.cancel_ticket(call, id).await
            }
            state => Err(EngineError::NotWaiting { state: state.as_str() }),
        }
    }

    /// Answers the open proposal of a ticket for some of its players, all at once. Of a backfill nothing is asked: its answer changes
    /// nothing.
    pub async fn answer_for(
        &self,
        call: &Call,
        id: TicketId,
        players: &[String],
        accept: bool,
    ) -> Result<(), EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_answer_for(call, id, players, accept).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_answer_for(
        &self,
        call: &Call,
        id: TicketId,
        players: &[String],
        accept: bool,
    ) -> Result<(), EngineError> {
        let (row, _) = self.visible_ticket(call, id).await?;
        let (TicketState::RequiresAcceptance, Some(proposal)) = (row.state, row.proposal) else {
            return Err(EngineError::NotWaiting { state: self.shown(id, row).row.state.as_str() });
        };
        let of: BTreeMap<&str, PlayerId> = named(&row.brought, row.players.iter().map(|p| p.player));
        let mut answering = Vec::with_capacity(players.len());
        for (at, name) in players.iter().enumerate() {
            let known = of.get(name.as_str()).copied();
            let known = known
                .or_else(|| name.parse().ok().filter(|own| row.players.iter().any(|of| of.player == *own)));
            answering.push(known.ok_or_else(|| {
                EngineError::invalid(format!("playerIds[{at}]"), format!("`{name}` is not on the ticket"))
            })?);
        }
        // Its players play already: they are not asked, and refuse nobody.
        if row.backfill {
            return Ok(());
        }
        match self.respond_as(call, proposal, &answering, accept, Asked::Answer).await {
            Ok(_) => Ok(()),
            // Decided in between: the ticket says how it stands.
            Err(EngineError::Unknown { .. }) => Err(EngineError::Raced(None)),
            Err(other) => Err(other),
        }
    }

    /// Tickets by their ids, in the order asked; those that are not known are left out.
    pub async fn tickets(&self, call: &Call, ids: &[TicketId]) -> Result<Vec<TicketView>, EngineError> {
        let keys: Vec<Key> = ids.iter().map(|id| Key::Ticket(*id)).collect();
        let mut views = Vec::with_capacity(ids.len());
        for ((id, key), found) in ids.iter().zip(&keys).zip(self.get(Home::Live, &keys).await?) {
            let Some(found) = found else { continue };
            let row = ticket_row(key, &found.row)?;
            if call.principal.is_trusted() {
                views.push(self.shown(*id, row.clone()));
            }
        }
        Ok(views)
    }
}

/// The players of a ticket by the names that its caller gave them.
fn named(brought: &[Brought], players: impl Iterator<Item = PlayerId>) -> BTreeMap<&str, PlayerId> {
    brought.iter().zip(players).filter_map(|(of, player)| Some((of.name.as_deref()?, player))).collect()
}
