//! Tickets: made, read, explained.
mod brought;
mod ending;
mod gamelift;
mod recent;

pub(crate) use brought::NOT_FOR_PLAYERS;
pub use ending::CANCELLED;
pub(crate) use ending::{ENDED_TICKET_RETENTION, put_ticket, tell, tell_formed};
pub(crate) use gamelift::came_over_wire;

use crate::{
    Call, Engine, EngineError, Happening, Principal, QueueConfig,
    aside::aside_of,
    pools::{Explained, members},
    results::counting::rating_in,
    store::{AlsoIn, Brought, Claim, Expect, Home, Key, Row, TicketPlayer, TicketRow, Version},
    token::ConsentClaim,
    turns::{self, Turn},
};
use gsm_core::{PlayerId, QueueName, RequestKey, TicketId, Timestamp, limits};
use gsm_session::TicketState;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// How a ticket is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Intake {
    /// One live ticket or match a player; the same id again gives the first ticket.
    #[default]
    Native,
    /// For a trusted back end over the GameLift wire: older tickets of its players are cancelled, who is in a match is
    /// taken to have left it, and an id is used once.
    GameLift,
    /// The same for players who play already and look for others: nothing else of theirs is touched.
    Backfill,
}

/// A request to be matched.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// Where to wait.
    pub queue: QueueName,
    /// Where to wait as well: the first match of any of these queues is the ticket's.
    pub also: Vec<QueueName>,
    /// The party's leader; players queue themselves, servers name one.
    pub leader: PlayerId,
    /// The others, each with the consent that a leader who is a player must bring.
    pub members: Vec<(PlayerId, Option<String>)>,
    /// The caller's own id.
    pub own_id: Option<RequestKey>,
    /// What the leader and the members bring, in this order; empty if nobody brings anything.
    pub brought: Vec<Brought>,
    /// How it is taken.
    pub intake: Intake,
    /// The game session of a backfill: it has one active backfill, the latest.
    pub session: Option<String>,
}

impl NewTicket {
    /// A ticket of one player, taken natively, who brings nothing.
    #[must_use]
    pub fn new(queue: QueueName, leader: PlayerId) -> Self {
        let intake = Intake::Native;
        let (also, members, brought) = (Vec::new(), Vec::new(), Vec::new());
        Self { queue, also, leader, members, own_id: None, brought, intake, session: None }
    }

    fn queues(&self) -> impl Iterator<Item = &QueueName> {
        std::iter::once(&self.queue).chain(&self.also)
    }

    fn players(&self) -> impl Iterator<Item = PlayerId> {
        std::iter::once(self.leader).chain(self.members.iter().map(|(player, _)| *player))
    }

    /// Where it is written what it holds, of whom and of what session.
    fn claims(&self, players: &[PlayerId]) -> Vec<Key> {
        claims(self.intake == Intake::Backfill, self.session.as_deref(), players)
    }

    /// Where an earlier version may have written which backfill its session has.
    fn claimed_before(&self) -> Option<Key> {
        claimed_before(self.intake == Intake::Backfill, self.session.as_deref())
    }

    /// The ticket as it enters its first queue, where nobody is in the shadow.
    fn row(&self, players: Vec<TicketPlayer>, brought: Vec<Brought>, now: Timestamp) -> TicketRow {
        TicketRow {
            own_id: self.own_id.clone(),
            owner: self.leader,
            queue: self.queue.clone(),
            also: Vec::new(),
            players,
            brought,
            backfill: self.intake == Intake::Backfill,
            shadow: false,
            session: self.session.clone(),
            state: TicketState::Queued,
            queued_at: now,
            expires_at: now,
            ended_at: None,
            reason: None,
            proposal: None,
            match_id: None,
        }
    }
}

/// A ticket as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketView {
    /// Its id.
    pub id: TicketId,
    /// The row; a queued ticket that has entered the pool shows as searching.
    pub row: TicketRow,
}

impl Engine {
    /// The id of a ticket that a caller named: the same caller and name give the same id, so that creating it again
    /// meets the first.
    #[must_use]
    pub fn own_ticket_id(owner: PlayerId, own_id: &RequestKey) -> TicketId {
        let parts: [&[u8]; 2] = [&owner.as_u128().to_be_bytes(), own_id.as_str().as_bytes()];
        TicketId::from_u128(crate::hash::id128("gsm own ticket id 1", &parts))
    }

    /// The id of a ticket that the GameLift wire names; a native ticket is named by its id.
    #[must_use]
    pub fn gamelift_ticket_id(own_id: &RequestKey) -> TicketId {
        own_id.as_str().parse().unwrap_or_else(|_| {
            TicketId::from_u128(crate::hash::id128("gsm gamelift ticket id 1", &[own_id.as_str().as_bytes()]))
        })
    }

    /// The id under which the GameLift wire and events know a ticket: its caller's own where it came over the wire. A native
    /// ticket is named by its id: its caller's own name for it is that caller's alone, and may be anybody's on the wire.
    #[must_use]
    pub fn gamelift_ticket_name(id: TicketId, row: &TicketRow) -> String {
        let own = row.own_id.as_ref().filter(|_| came_over_wire(id, row));
        own.map_or_else(|| id.to_string(), ToString::to_string)
    }

    /// Puts a party into a queue. One live ticket or match a player; the same own id or idempotency key again gives
    /// the first ticket. [`Intake`] says what is otherwise over the GameLift wire.
    pub async fn create_ticket(&self, call: &Call, new: &NewTicket) -> Result<TicketView, EngineError> {
        check_queues(new)?;
        let queues = new.queues().map(|name| self.queue(name)).collect::<Result<Vec<_>, _>>()?;
        for queue in &queues {
            self.check_party(call, new, queue)?;
        }
        let id = match (&new.own_id, new.intake) {
            (Some(own), Intake::Native) => Self::own_ticket_id(new.leader, own),
            (Some(own), _) => Self::gamelift_ticket_id(own),
            (None, _) => TicketId::fresh(&*self.ids),
        };
        // Through all tries: one of them may have ended an older ticket for this one's sake.
        let _passed = self.doors.pass(new.queues()).await;
        // They may have gone before.
        new.queues().try_for_each(|name| self.queue(name).map(drop))?;
        let (mut turn, mut left) = (Turn::new(), limits::CONFLICT_TRIES_MAX);
        while left > 0 {
            match self.try_create_ticket(call, new, id, &queues).await {
                Ok(Some(view)) => return Ok(view),
                // It ended what was in its way: that is no race lost.
                Ok(None) => {}
                Err(EngineError::Raced(_)) => left -= 1,
                Err(other) => return Err(other),
            }
            if turn.is_empty() {
                // Who lost a race waits for all others who want the same players or session.
                let players: Vec<PlayerId> = new.players().collect();
                let claims = new.claims(&players);
                turn = turns::turn(&self.claiming.of(claims.iter())).await;
            }
        }
        Err(EngineError::Contended)
    }

    fn check_party(&self, call: &Call, new: &NewTicket, queue: &QueueConfig) -> Result<(), EngineError> {
        if let Principal::Player(player) = call.principal
            && player != new.leader
        {
            return Err(EngineError::Forbidden);
        }
        let most = match new.intake {
            Intake::Native => {
                let set = self.views.rule_sets.of(queue);
                set.map_or_else(|| queue.party_max().min(limits::PARTY_SIZE_MAX), |set| set.party_max())
            }
            Intake::GameLift => limits::PARTY_SIZE_MAX,
            Intake::Backfill => limits::MATCH_PLAYERS_MAX - 1,
        };
        if new.intake != Intake::Native && !call.principal.is_trusted() {
            return Err(EngineError::Forbidden);
        }
        if new.intake == Intake::Backfill && queue.rule_set.is_none() {
            return Err(EngineError::invalid("queue", "only a queue with a rule set takes backfills"));
        }
        if new.members.len() >= most {
            return Err(EngineError::invalid(
                "members",
                format!("a party in this queue has at most {most} players, leader included"),
            ));
        }
        brought::check(call, new, queue)?;
        let mut seen = BTreeSet::from([new.leader]);
        for (at, (member, consent)) in new.members.iter().enumerate() {
            if !seen.insert(*member) {
                return Err(EngineError::invalid(
                    format!("members[{at}]"),
                    format!("`{member}` is in the party already"),
                ));
            }
            if call.principal.is_trusted() {
                continue;
            }
            let claim: Option<ConsentClaim> =
                consent.as_deref().and_then(|token| self.tokens.open(token, call.now).ok());
            if !claim.is_some_and(|c| c.player == *member && c.leader == new.leader) {
                return Err(EngineError::NoConsent { player: *member });
            }
        }
        Ok(())
    }

    /// One try; nothing where older tickets were ended, and all is to be looked at again.
    async fn try_create_ticket(
        &self,
        call: &Call,
        new: &NewTicket,
        id: TicketId,
        queues: &[Arc<QueueConfig>],
    ) -> Result<Option<TicketView>, EngineError> {
        if let Some(first) = self.replayed(call, Home::Live).await? {
            return Ok(Some(first));
        }
        let players: Vec<PlayerId> = new.players().collect();
        let mut keys = vec![Key::Ticket(id)];
        keys.extend(new.claims(&players));
        let before = new.claimed_before();
        keys.extend(before.clone());
        let mut found = self.get(Home::Live, &keys).await?.into_iter();
        if let Some(first) = found.next().flatten() {
            let row = ticket_row(&keys[0], &first.row)?;
            let same = new.intake == Intake::Native
                && new.queues().collect::<BTreeSet<_>>() == row.queues().collect()
                && row.players.iter().map(|p| p.player).eq(players.iter().copied());
            return if same {
                Ok(Some(self.shown(id, row.clone())))
            } else {
                Err(EngineError::TicketIdTaken)
            };
        }
        let (mut claimed, mut older) = (Vec::new(), BTreeSet::new());
        for (claim, key) in found.zip(&keys[1..]) {
            claimed.push(claim.as_ref().map(|claim| claim.version));
            let Some(claim) = claim else { continue };
            match (&*claim.row, new.intake, key) {
                (Row::Claim(Claim::Match(_)), Intake::GameLift, _) => {}
                (Row::Claim(Claim::Ticket(ticket)), Intake::GameLift | Intake::Backfill, _) => {
                    older.insert(*ticket);
                }
                (Row::Claim(Claim::Ticket(ticket)), Intake::Native, Key::Claim(player)) => {
                    return Err(EngineError::AlreadyQueued { player: *player, ticket: *ticket });
                }
                (Row::Claim(Claim::Match(match_id)), Intake::Native, Key::Claim(player)) => {
                    return Err(EngineError::InMatch { player: *player, match_id: *match_id });
                }
                _ => return Err(EngineError::damaged(key)),
            }
        }
        let profile_keys: Vec<Key> = players.iter().map(|p| Key::Player(*p)).collect();
        if self.get(Home::Document, &profile_keys).await?.iter().any(Option::is_none) {
            return Err(EngineError::Unknown { what: "player" });
        }
        // Who plays already is let in.
        let playing = new.intake == Intake::Backfill;
        if !playing {
            self.views.bans.check(new.queues(), &players, call.now)?;
        }
        let shadow = !playing && self.views.bans.is_shadow(&players, call.now);
        let locks = if playing { Vec::new() } else { self.check_locks(queues, &players, call.now).await? };
        self.check_room(queues)?;
        let mut rated = Vec::with_capacity(queues.len());
        for queue in queues {
            let rows = self.ratings(&queue.mode, &players).await?;
            let system = self.rates(queue);
            let rating = |row: &Option<_>| rating_in(&system, row.as_ref(), queue.variant.as_ref(), call.now);
            let ratings = rows.iter().map(rating).collect();
            rated.push(AlsoIn { queue: queue.name.clone(), ratings });
        }
        let mut rated = rated.into_iter();
        let first = rated.next().map(|first| first.ratings).unwrap_or_default();
        let players: Vec<TicketPlayer> = players
            .iter()
            .zip(first)
            .map(|(player, rating)| TicketPlayer { player: *player, rating })
            .collect();
        let mut each = self.with_opponents(new, queues, &players, call.now).await?.into_iter();
        let mut brought = each.next().unwrap_or_default();
        let others: Vec<Vec<Brought>> = each.collect();
        if others.iter().any(|other| *other != brought) {
            let there = |of: Brought| Brought { attributes: of.attributes, ..Brought::default() };
            brought.extend(others.into_iter().flatten().map(there));
        }
        // No queue keeps a ticket longer than it says.
        let patience = queues.iter().map(|queue| queue.ticket_timeout_ms).min().unwrap_or_default();
        let row = TicketRow {
            also: rated.collect(),
            shadow,
            expires_at: call.now.saturating_add(patience),
            ..new.row(players, brought, call.now)
        };
        for queue in queues {
            if let Some(row) = row.seen_from(&queue.name) {
                self.check_fit(queue, &row)?;
            }
        }
        if row.is_overladen() {
            let detail = "what the players bring, with what the server fills in, is too much to be kept for so many queues";
            return Err(EngineError::invalid("queues", detail));
        }
        if !older.is_empty() {
            // Only now that nothing stands against the new one; then everything is looked at again.
            older.remove(&id);
            let any = self.supersede(call, &older).await?;
            return if any { Ok(None) } else { Err(EngineError::Raced(None)) };
        }
        let mut changes = self.changes(call, &[&id, &new.queue]);
        if let Some(audit) = &mut changes.audit {
            audit.resources.extend(new.also.iter().map(ToString::to_string));
        }
        for (key, version) in keys.drain(1..).zip(claimed) {
            if before.as_ref() == Some(&key) {
                changes.check(key, Expect::Absent);
            } else {
                changes.replace(key, version, Row::Claim(Claim::Ticket(id)));
            }
        }
        self.rest_on_locks(&mut changes, locks).await?;
        tell(&mut changes, id, &row, None);
        changes.create(Key::Ticket(id), Row::Ticket(Box::new(row.clone())));
        let view = TicketView { id, row };
        self.remember(&mut changes, call, Home::Live, &view)?;
        self.commit(Home::Live, changes).await?;
        if let Err(banned) = self.may_wait(&view.row, call.now) {
            // The ban came while the ticket was made.
            self.expel_from(id, call.now).await.map_err(EngineError::after_commit)?;
            return Err(banned);
        }
        self.tell_of(call, &view, |queue| Happening::Searching(self.estimated_wait(queue)), Vec::new());
        Ok(Some(self.without_erased(call, view).await))
    }

    fn check_room(&self, queues: &[Arc<QueueConfig>]) -> Result<(), EngineError> {
        let is_full =
            |queue: &&Arc<QueueConfig>| self.views.pools.get(&queue.name).is_some_and(|pool| pool.is_full());
        if let Some(queue) = queues.iter().find(is_full) {
            return Err(EngineError::QueueFull { queue: queue.name.to_string() });
        }
        match queues.iter().find(|queue| self.views.rule_sets.is_unusable(queue)) {
            Some(queue) => Err(EngineError::RuleSetUnusable { queue: queue.name.to_string() }),
            None => Ok(()),
        }
    }

    /// Refuses what the rule set of the queue cannot take: an attribute of another type than it declares.
    fn check_fit(&self, queue: &QueueConfig, row: &TicketRow) -> Result<(), EngineError> {
        let Some(set) = self.views.rule_sets.of(queue) else { return Ok(()) };
        let members = members(row, queue.rating_attribute.as_deref());
        let together = if row.backfill { 1 } else { members.len().max(1) };
        let stray = |team: &&str| !set.teams().iter().any(|known| known.name == **team);
        if row.backfill
            && let Some(team) = row.brought.iter().filter_map(|of| of.team.as_deref()).find(stray)
        {
            return Err(EngineError::invalid("team", format!("the rule set has no team `{team}`")));
        }
        let mut symbols = set.symbols();
        for part in members.chunks(together) {
            set.prepare(part, &mut symbols).map_err(|unfit| EngineError::invalid("attributes", unfit))?;
        }
        Ok(())
    }

    pub(crate) fn shown(&self, id: TicketId, mut row: TicketRow) -> TicketView {
        if row.state == TicketState::Queued
            && row.queues().any(|name| self.views.pools.get(name).is_some_and(|pool| pool.has(id)))
        {
            row.state = TicketState::Searching;
        }
        TicketView { id, row }
    }

    /// A ticket: its party and trusted callers see it, for all others there is none.
    pub async fn ticket(&self, call: &Call, id: TicketId) -> Result<TicketView, EngineError> {
        let (row, _) = self.visible_ticket(call, id).await?;
        Ok(self.shown(id, row))
    }

    pub(crate) async fn visible_ticket(
        &self,
        call: &Call,
        id: TicketId,
    ) -> Result<(TicketRow, Version), EngineError> {
        const NONE: EngineError = EngineError::Unknown { what: "ticket" };
        let key = Key::Ticket(id);
        let found = self.get_one(&key).await?.ok_or(NONE)?;
        let row = ticket_row(&key, &found.row)?;
        let mine = call.principal.player().is_some_and(|p| row.players.iter().any(|q| q.player == p));
        if mine || call.principal.is_trusted() { Ok((row.clone(), found.version)) } else { Err(NONE) }
    }

    /// Why a ticket still waits, queue by queue; nothing once it does not.
    pub async fn explain(
        &self,
        call: &Call,
        id: TicketId,
    ) -> Result<Vec<(QueueName, Explained)>, EngineError> {
        let (row, _) = self.visible_ticket(call, id).await?;
        let why = |name: &QueueName| {
            let pool = self.views.pools.get(name)?;
            let state = pool.settled(&self.views.forecasts);
            let why = aside_of(state.waiting(), || state.explain(id, call.now))?;
            Some((name.clone(), why))
        };
        Ok(row.queues().filter_map(why).collect())
    }
}

/// Refuses queues that no ticket can wait in together.
fn check_queues(new: &NewTicket) -> Result<(), EngineError> {
    if new.also.len() >= limits::TICKET_QUEUES_MAX {
        let detail = format!("a ticket waits in at most {} queues", limits::TICKET_QUEUES_MAX);
        return Err(EngineError::invalid("queues", detail));
    }
    if new.intake != Intake::Native && !new.also.is_empty() {
        return Err(EngineError::invalid("queues", "only native tickets wait in several queues"));
    }
    let mut seen = BTreeSet::new();
    match new.queues().position(|queue| !seen.insert(queue)) {
        Some(at) => Err(EngineError::invalid(format!("queues[{at}]"), "is named twice")),
        None => Ok(()),
    }
}

/// Where it is written what a ticket holds: each of its players; a backfill its game session, if it names one.
fn claims(backfill: bool, session: Option<&str>, players: &[PlayerId]) -> Vec<Key> {
    if !backfill {
        return players.iter().map(|player| Key::Claim(*player)).collect();
    }
    session.map(Key::backfill_of).into_iter().collect()
}

/// Where an earlier version may have written which backfill a session has, where that is elsewhere.
fn claimed_before(backfill: bool, session: Option<&str>) -> Option<Key> {
    let session = session.filter(|_| backfill)?;
    let before = Key::backfill_by(session);
    (before != Key::backfill_of(session)).then_some(before)
}

/// Both of a ticket that there is: where it holds what it holds, also where an earlier version may have written it for a backfill.
pub(crate) fn claims_of(row: &TicketRow) -> Vec<Key> {
    let players: Vec<PlayerId> = row.players.iter().map(|p| p.player).collect();
    let mut keys = claims(row.backfill, row.session.as_deref(), &players);
    keys.extend(claimed_before(row.backfill, row.session.as_deref()));
    keys
}

/// The ticket in a row.
pub(crate) fn ticket_row<'a>(key: &Key, row: &'a Row) -> Result<&'a TicketRow, EngineError> {
    if let Row::Ticket(row) = row { Ok(row) } else { Err(EngineError::damaged(key)) }
}
