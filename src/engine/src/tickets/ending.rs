//! How tickets end that find no match, and who is told where a ticket stands.
use super::{TicketView, claims_of};
use crate::{
    Call, Engine, EngineError, Happening, RuleCount,
    events::{self, Places, Telling},
    proposals::Asked,
    store::{
        ChangeSet, Claim, Expect, Forecast, Home, Key, Op, PushEvent, PushKind, Row, TicketRow, Version,
        Write,
    },
};
use gsm_core::{Millis, QueueName, TicketId, Timestamp};
use gsm_session::TicketState;
use std::sync::Arc;

/// Why a ticket ended that was taken out of its queue.
pub const CANCELLED: &str = "cancelled by its party";

/// How long an ended ticket can still be read.
pub(crate) const ENDED_TICKET_RETENTION: Millis = Millis::from_secs(24 * 3_600);

impl Engine {
    /// Tells in each of its queues what became of one ticket; `rules` are those of the first.
    pub(super) fn tell_of(
        &self,
        call: &Call,
        view: &TicketView,
        what: impl Fn(&QueueName) -> Happening,
        rules: Vec<RuleCount>,
    ) {
        if self.is_heard() {
            let shown = events::shown(view.id, &view.row, &Places::new());
            let mut rules = Some(rules);
            for queue in view.row.queues() {
                let rules = rules.take().unwrap_or_else(|| self.rule_counts(view.id, queue));
                let told = Telling::new(what(queue), vec![shown.clone()]).with(rules);
                self.publish(queue, call.now, vec![told]);
            }
        }
    }

    /// How often each rule was judged for a ticket's sake; nothing where nobody is told.
    pub(crate) fn rule_counts(&self, id: TicketId, queue: &QueueName) -> Vec<RuleCount> {
        let pool = self.views.pools.get(queue).filter(|_| self.is_heard());
        pool.map_or_else(Vec::new, |pool| pool.counts(id))
    }

    /// Takes a party out of its queue; any member may, but not a backfill, which trusted callers alone do. An open proposal counts as
    /// declined, one whose time is up ends as if nobody had come. Cancelling a cancelled ticket changes nothing.
    pub async fn cancel_ticket(&self, call: &Call, id: TicketId) -> Result<TicketView, EngineError> {
        self.cancel_ticket_as(call, id, CANCELLED).await
    }

    /// The same, for another reason.
    pub(crate) async fn cancel_ticket_as(
        &self,
        call: &Call,
        id: TicketId,
        reason: &'static str,
    ) -> Result<TicketView, EngineError> {
        let mut tries = self.lines.tries();
        while tries.again().await {
            match self.try_cancel_ticket(call, id, reason).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    async fn try_cancel_ticket(
        &self,
        call: &Call,
        id: TicketId,
        reason: &'static str,
    ) -> Result<TicketView, EngineError> {
        let done = self.replayed::<()>(call, Home::Live).await?.is_some();
        let (row, version) = self.visible_ticket(call, id).await?;
        if row.backfill && !call.principal.is_trusted() {
            // Players who are in the match see it; it is the game server's.
            return Err(EngineError::Forbidden);
        }
        match row.state {
            // A stale read, where the key says that it was done.
            state if done && state != TicketState::Cancelled => Err(EngineError::Raced(None)),
            TicketState::Cancelled => {
                if !done {
                    self.remember_alone(call, Home::Live, &[&id]).await?;
                }
                Ok(TicketView { id, row })
            }
            TicketState::RequiresAcceptance => {
                let player = call.principal.player().unwrap_or(row.owner);
                if let Some(proposal) = row.proposal {
                    // Its time may be up and its turn not have come yet: it ends as in that turn, and nobody is late with an answer.
                    let turn = Call::system("gsm:ExpireTicket", call.now);
                    if self.expire_proposal(&turn, proposal).await? {
                        return Err(EngineError::Raced(None));
                    }
                    match self.respond_as(call, proposal, &[player], false, Asked::Cancel(reason)).await {
                        Ok(_) => {}
                        // Settled in between: look again.
                        Err(EngineError::Unknown { .. }) => return Err(EngineError::Raced(None)),
                        Err(other) => return Err(other),
                    }
                }
                let (row, _) = self.visible_ticket(call, id).await?;
                if row.state == TicketState::Cancelled {
                    Ok(TicketView { id, row })
                } else {
                    Err(EngineError::Raced(None))
                }
            }
            TicketState::Queued | TicketState::Searching => {
                let rules = self.rule_counts(id, &row.queue);
                let mut changes = self.changes(call, &[&id]);
                let row =
                    self.end_ticket(&mut changes, id, row, version, TicketState::Cancelled, reason).await?;
                self.remember(&mut changes, call, Home::Live, &())?;
                self.commit(Home::Live, changes).await?;
                let view = TicketView { id, row };
                let what = |_: &QueueName| Happening::Cancelled(view.row.reason.clone().unwrap_or_default());
                self.tell_of(call, &view, what, rules);
                Ok(view)
            }
            state => Err(EngineError::NotWaiting { state: state.as_str() }),
        }
    }

    /// Ends a live ticket without a match: its row, its players' claims, their events.
    pub(crate) async fn end_ticket(
        &self,
        changes: &mut ChangeSet,
        id: TicketId,
        mut row: TicketRow,
        version: Version,
        state: TicketState,
        reason: &str,
    ) -> Result<TicketRow, EngineError> {
        row.state = row.state.step(state)?;
        // A call that was under way when a later one made the ticket may end it: it ends no earlier than it began.
        row.ended_at = Some(changes.at.max(row.queued_at));
        row.reason = Some(reason.to_owned());
        row.proposal = None;
        let keys = claims_of(&row);
        for (key, found) in keys.iter().zip(self.get(Home::Live, &keys).await?) {
            match found {
                Some(found) if matches!(&*found.row, Row::Claim(Claim::Ticket(t)) if *t == id) => {
                    changes.delete(key.clone(), found.version);
                }
                // A claim that is not this ticket's is left alone: it cannot be, and a repair must not make it worse.
                // Unless the read was stale: then the commit must not pass, or the claim would stay for ever.
                found => {
                    changes.check(key.clone(), found.map_or(Expect::Absent, |f| Expect::At(f.version)));
                }
            }
        }
        tell(changes, id, &row, None);
        put_ticket(changes, id, &row, version);
        Ok(row)
    }

    /// Times a ticket out, if it still waits.
    pub(crate) async fn time_out_ticket(&self, call: &Call, id: TicketId) -> Result<bool, EngineError> {
        let (row, version) = match self.visible_ticket(call, id).await {
            Ok(found) => found,
            Err(EngineError::Unknown { .. }) => return Ok(false),
            Err(other) => return Err(other),
        };
        if !matches!(row.state, TicketState::Queued | TicketState::Searching) || row.expires_at > call.now {
            return Ok(false);
        }
        let mut changes = self.changes(call, &[&id]);
        let (reason, rules) = ("no match was found in time", self.rule_counts(id, &row.queue));
        let row = self.end_ticket(&mut changes, id, row, version, TicketState::TimedOut, reason).await?;
        self.commit(Home::Live, changes).await?;
        self.tell_of(call, &TicketView { id, row }, |_: &QueueName| Happening::TimedOut, rules);
        Ok(true)
    }
}

/// Puts a ticket's new row; an ended one goes away by itself after a day.
pub(crate) fn put_ticket(changes: &mut ChangeSet, id: TicketId, row: &TicketRow, version: Version) {
    let expires_at = row.state.is_terminal().then(|| changes.at.saturating_add(ENDED_TICKET_RETENTION));
    let op = Op::Put { row: Arc::new(Row::Ticket(Box::new(row.clone()))), expires_at };
    changes.writes.push(Write { key: Key::Ticket(id), expect: Expect::At(version), op });
}

/// Tells every player of a ticket where it stands.
pub(crate) fn tell(changes: &mut ChangeSet, id: TicketId, row: &TicketRow, answer_by: Option<Timestamp>) {
    tell_with(changes, id, row, (answer_by, None));
}

/// The same of one whose match is formed, with what was predicted of it.
pub(crate) fn tell_formed(changes: &mut ChangeSet, id: TicketId, row: &TicketRow, of: Option<&Forecast>) {
    tell_with(changes, id, row, (None, of));
}

fn tell_with(
    changes: &mut ChangeSet,
    id: TicketId,
    row: &TicketRow,
    (answer_by, prediction): (Option<Timestamp>, Option<&Forecast>),
) {
    for (at, player) in row.players.iter().enumerate() {
        let kind = PushKind::Ticket {
            ticket: id,
            state: row.state,
            proposal: row.proposal,
            answer_by,
            match_id: row.match_id,
            role: row.brought.get(at).and_then(|brought| brought.role.clone()),
            prediction: prediction.map(|of| Box::new(of.shown())),
            // Players are told why their ticket ended.
            reason: row.reason.clone().filter(|_| row.state.is_terminal()),
        };
        changes.event(player.player, PushEvent { at: changes.at, kind });
    }
}
