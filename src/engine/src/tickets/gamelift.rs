//! What tickets do over the GameLift wire otherwise than natively: FlexMatch's rules for trusted back ends.
use super::{TicketView, ticket_row};
use crate::{
    Call, Engine, EngineError,
    proposals::Asked,
    store::{Brought, Home, IdentityKind, Key, TicketRow},
};
use gsm_core::{PlayerId, RequestKey, TicketId};
use gsm_matchmaking::proposal::Outcome;
use gsm_session::TicketState;
use std::collections::{BTreeMap, BTreeSet};

/// The issuer of the names by which GameLift's clients know their players.
const ISSUER: &str = "gamelift";

/// Whether a ticket was made over the GameLift wire: its id is that of its caller's own name for it there, which no native one is.
pub(crate) fn came_over_wire(id: TicketId, row: &TicketRow) -> bool {
    row.own_id.as_ref().is_some_and(|own| Engine::gamelift_ticket_id(own) == id)
}

impl Engine {
    /// The players whom GameLift's clients know by these names, made where new. A native player's id names that player.
    pub async fn gamelift_players(
        &self,
        call: &Call,
        names: &[String],
    ) -> Result<Vec<PlayerId>, EngineError> {
        let native: Vec<Option<PlayerId>> = names.iter().map(|name| name.parse().ok()).collect();
        let keys: Vec<Key> = native.iter().flatten().map(|player| Key::Player(*player)).collect();
        let known = keys.iter().zip(self.get(Home::Document, &keys).await?);
        let known: Vec<&Key> = known.filter_map(|(key, found)| found.map(|_| key)).collect();
        let mut players = Vec::with_capacity(names.len());
        for (name, native) in names.iter().zip(native) {
            players.push(match native.filter(|player| known.contains(&&Key::Player(*player))) {
                Some(player) => player,
                None => self.player_named(&call.beforehand(), ISSUER, name).await?,
            });
        }
        Ok(players)
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

    /// Answers the open proposal of a ticket for some of its players. Of a backfill nothing is asked: its answer changes nothing.
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
        let mut answered = None;
        for player in answering {
            match self.respond_as(call, proposal, player, accept, Asked::Answer).await {
                Ok(view) => {
                    let is_open = view.proposal.outcome() == Outcome::Waiting;
                    answered = Some(view);
                    if !is_open {
                        break;
                    }
                }
                // Decided in between: the ticket says how it stands.
                Err(EngineError::Unknown { .. }) => return Err(EngineError::Raced(None)),
                Err(other) => return Err(other),
            }
        }
        if let Some(view) = answered {
            self.tell_answered(call, &view).await;
        }
        Ok(())
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

    async fn player_named(&self, call: &Call, issuer: &str, name: &str) -> Result<PlayerId, EngineError> {
        let identity = (IdentityKind::GameLiftName, Self::named_identity(issuer, name));
        let external = RequestKey::new(name).ok();
        self.identify(call, identity, None, external).await.map(|signed_in| signed_in.player)
    }
}

/// The players of a ticket by the names that its caller gave them.
fn named(brought: &[Brought], players: impl Iterator<Item = PlayerId>) -> BTreeMap<&str, PlayerId> {
    brought.iter().zip(players).filter_map(|(of, player)| Some((of.name.as_deref()?, player))).collect()
}
