//! Proposals: a potential match that waits for its players' answers.
use crate::{
    Call, Decision, Engine, EngineError, Happening, HeardOf, Principal, QueueConfig,
    events::{Places, Telling, all_shown, places, shown},
    matches::Forming,
    store::{ChangeSet, Home, Key, Row, TicketRow, Version},
    tickets::{came_over_wire, put_ticket, tell, ticket_row},
};
use gsm_core::{PlayerId, ProposalId, QueueName, TicketId};
use gsm_matchmaking::{
    Proposal, Seat,
    proposal::{Answer, Failure, Outcome},
};
use gsm_session::TicketState;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a call that answers a proposal asked for, and so what its idempotency key gives again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The answer itself: the proposal as it stood then.
    Answer,
    /// To end a ticket, and why: nothing but that it was done.
    Cancel(&'static str),
}

/// A proposal as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProposalView {
    /// Its queue.
    pub queue: QueueName,
    /// Sides, answers and deadline.
    pub proposal: Proposal,
}

/// A proposal as it is stored.
struct Open {
    queue: QueueName,
    proposal: Proposal,
    /// What a model elsewhere said of its match, where one was asked.
    heard: Option<Box<HeardOf>>,
    version: Version,
}

/// Why a ticket searches again that was in a proposal.
const NOT_ACCEPTED: &str = "a proposed match was not accepted";
/// Why a ticket ended that was in a proposal.
pub(crate) const DECLINED: &str = "a player of the party declined";
pub(crate) const SILENT: &str = "a player of the party did not answer";

impl Engine {
    async fn proposal_row(&self, id: ProposalId) -> Result<Open, EngineError> {
        let key = Key::Proposal(id);
        let found = self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "proposal" })?;
        if let Row::Proposal(queue, proposal, heard) = &*found.row {
            let (queue, proposal, heard) = (queue.clone(), (**proposal).clone(), heard.clone());
            Ok(Open { queue, proposal, heard, version: found.version })
        } else {
            Err(EngineError::damaged(&key))
        }
    }

    /// An open proposal, for its players and trusted callers.
    pub async fn proposal(&self, call: &Call, id: ProposalId) -> Result<ProposalView, EngineError> {
        let Open { queue, proposal, .. } = self.proposal_row(id).await?;
        let mine = call.principal.player().is_some_and(|p| proposal.answer_of(p).is_some());
        if mine || call.principal.is_trusted() {
            Ok(ProposalView { queue, proposal })
        } else {
            Err(EngineError::Unknown { what: "proposal" })
        }
    }

    /// A player's answer to a proposal. The last acceptance makes the match, the first decline ends the proposal. Who plays
    /// in the match already is not asked: any answer of theirs is taken and changes nothing.
    pub async fn respond(
        &self,
        call: &Call,
        id: ProposalId,
        player: PlayerId,
        accept: bool,
    ) -> Result<ProposalView, EngineError> {
        if let Principal::Player(own) = call.principal
            && own != player
        {
            return Err(EngineError::Unknown { what: "proposal" });
        }
        let mut tries = self.lines.tries_at(&Key::Proposal(id));
        while tries.again().await {
            if let Some(first) = self.replayed(call, Home::Live).await? {
                return Ok(first);
            }
            match self.respond_as(call, id, &[player], accept, Asked::Answer).await {
                Err(EngineError::Raced(row)) => tries.lost(row),
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// Takes one answer of some players, all at once.
    pub(crate) async fn respond_as(
        &self,
        call: &Call,
        id: ProposalId,
        players: &[PlayerId],
        accept: bool,
        asked: Asked,
    ) -> Result<ProposalView, EngineError> {
        let Open { queue, mut proposal, heard, version } = self.proposal_row(id).await?;
        if players.iter().any(|player| proposal.answer_of(*player).is_none()) {
            return Err(EngineError::Unknown { what: "proposal" });
        }
        let before = proposal.clone();
        let outcome = match asked {
            Asked::Answer => proposal.respond(players, accept, call.now),
            Asked::Cancel(_) => proposal.withdraw(players, call.now),
        };
        let outcome = outcome.map_err(|e| EngineError::ProposalClosed { detail: e.to_string() })?;
        let mut changes = self.changes(call, &[&id, &queue]);
        let view = ProposalView { queue, proposal };
        match asked {
            Asked::Answer => self.remember(&mut changes, call, Home::Live, &view)?,
            Asked::Cancel(_) => self.remember(&mut changes, call, Home::Live, &())?,
        }
        if outcome != Outcome::Waiting {
            let ProposalView { queue, proposal } = view.clone();
            // Who takes a ticket out answers for nobody.
            let said = places(if matches!(asked, Asked::Cancel(_)) { &before } else { &proposal });
            let open = Open { queue, proposal, heard, version };
            self.settle(changes, call, (&open, said), outcome, asked).await?;
            return Ok(view);
        }
        if before != view.proposal || call.once.is_some() {
            changes.replace(
                Key::Proposal(id),
                Some(version),
                Row::Proposal(view.queue.clone(), Box::new(view.proposal.clone()), heard),
            );
            self.commit(Home::Live, changes).await?;
        }
        let is_asked = |player: &PlayerId| view.proposal.answer_of(*player) != Some(Answer::Plays);
        if asked == Asked::Answer && players.iter().any(is_asked) {
            self.tell_answered(call, &view).await;
        }
        Ok(view)
    }

    /// Ends a proposal whose time is up; whether it was still open.
    pub(crate) async fn expire_proposal(&self, call: &Call, id: ProposalId) -> Result<bool, EngineError> {
        let mut open = match self.proposal_row(id).await {
            Ok(found) => found,
            Err(EngineError::Unknown { .. }) => {
                if self.is_gone(Key::Proposal(id)).await? {
                    self.views.pools.proposal_ended(id);
                }
                return Ok(false);
            }
            Err(other) => return Err(other),
        };
        let outcome = open.proposal.expire(call.now);
        if outcome == Outcome::Waiting {
            return Ok(false);
        }
        let changes = self.changes(call, &[&id, &open.queue]);
        let said = places(&open.proposal);
        self.settle(changes, call, (&open, said), outcome, Asked::Answer).await?;
        Ok(true)
    }

    /// Commits the end of a proposal: the match, or its tickets back in the pool or out of it. `places` say what its players
    /// have answered themselves.
    async fn settle(
        &self,
        mut changes: ChangeSet,
        call: &Call,
        (open, places): (&Open, Places),
        outcome: Outcome,
        asked: Asked,
    ) -> Result<(), EngineError> {
        let Open { queue, proposal, heard, version } = open;
        let id = proposal.id();
        let tickets = self.tickets_of(proposal).await?;
        let (mut tellings, mut elsewhere, mut prediction) = (Vec::new(), Vec::new(), None);
        // The answer comes before what it decides.
        let is_late = matches!(&outcome, Outcome::Failed(failure) if failure.missed_deadline);
        if self.is_heard() && asked == Asked::Answer && !is_late {
            tellings.push(Telling::new(Happening::Answered, all_shown(&tickets, &places)));
        }
        match outcome {
            Outcome::Waiting => return Ok(()),
            Outcome::Complete => {
                let config = self.queue_for(queue, id)?;
                let sides = proposal
                    .sides()
                    .iter()
                    .map(|side| side.iter().map(|place| place.seat).collect())
                    .collect();
                if self.is_heard() {
                    let shown = all_shown(&tickets, &places);
                    tellings.push(Telling::new(Happening::Decided(Decision::Accepted), shown.clone()));
                    tellings.push(Telling::new(Happening::Succeeded, shown));
                }
                let (id, teams) = (proposal.match_id(), proposal.teams().to_vec());
                let roles = proposal.roles().clone();
                let heard = heard.as_deref().cloned();
                let forming = Forming { id, queue: config, sides, teams, roles, tickets, heard };
                prediction = self.add_formed_match(&mut changes, call, forming).await?;
            }
            Outcome::Failed(failure) => {
                if self.is_heard() {
                    let decision =
                        if failure.missed_deadline { Decision::TimedOut } else { Decision::Rejected };
                    let shown = all_shown(&tickets, &places);
                    tellings.push(Telling::new(Happening::Decided(decision), shown));
                }
                let after = self.fail(&mut changes, call, tickets, (&failure, asked)).await?;
                if let Ok(queue) = self.queue(queue) {
                    self.add_dodges(&mut changes, call, &queue, proposal, (&failure, asked)).await?;
                }
                for (id, row) in &after {
                    tellings.push(self.after_failure(*id, row, queue));
                    let others = row.queues().filter(|other| *other != queue);
                    elsewhere
                        .extend(others.map(|other| (other.clone(), self.after_failure(*id, row, other))));
                }
            }
        }
        // Last: whoever asks whether the queue is in use finds the proposal or the tickets that search again.
        changes.delete(Key::Proposal(id), *version);
        self.commit(Home::Live, changes).await?;
        // Whoever searches on has no match.
        let tellings = tellings.into_iter().map(|told| match told.what {
            Happening::Searching(_) => told,
            _ => told.of_match(Some(proposal.match_id())).predicted(prediction.as_deref()),
        });
        self.publish(queue, call.now, tellings.collect());
        // The match was of this queue alone; that its tickets are back or gone concerns all of theirs.
        for (other, told) in elsewhere {
            self.publish(&other, call.now, vec![told]);
        }
        Ok(())
    }

    /// The queue of a proposal that all have accepted: as it is, unless its matches are rated otherwise by now, or it is gone.
    /// Then as it was when they were asked.
    fn queue_for(&self, name: &QueueName, id: ProposalId) -> Result<Arc<QueueConfig>, EngineError> {
        let was = self.views.pools.get(name).and_then(|pool| pool.asked(id)).map(|how| how.queue);
        match (self.queue(name), was) {
            (Ok(now), Some(was)) if !now.rates_as(&was) => Ok(was),
            (Err(_), Some(was)) => Ok(was),
            (now, _) => now,
        }
    }

    async fn tickets_of(
        &self,
        proposal: &Proposal,
    ) -> Result<Vec<(TicketId, TicketRow, Version)>, EngineError> {
        let ids = distinct(proposal.sides().iter().flatten().map(|place| place.seat));
        let keys: Vec<Key> = ids.iter().map(|id| Key::Ticket(*id)).collect();
        let rows = self.get(Home::Live, &keys).await?;
        ids.iter()
            .zip(&keys)
            .zip(rows)
            .map(|((id, key), found)| {
                let found = found.ok_or(EngineError::Raced(None))?;
                let row = ticket_row(key, &found.row)?;
                // Anything else is a stale read of one side or the other.
                if row.proposal != Some(proposal.id()) {
                    return Err(EngineError::Raced(None));
                }
                Ok((*id, row.clone(), found.version))
            })
            .collect()
    }

    async fn fail(
        &self,
        changes: &mut ChangeSet,
        call: &Call,
        tickets: Vec<(TicketId, TicketRow, Version)>,
        (failure, asked): (&Failure, Asked),
    ) -> Result<Vec<(TicketId, TicketRow)>, EngineError> {
        let mut after = Vec::with_capacity(tickets.len());
        for (id, mut row, version) in tickets {
            // FlexMatch cancels whoever has not accepted when another declines; not when one is taken out. So it is with tickets of
            // its wire, in whatever queue; of others whoever had no time to answer is not to blame and waits on.
            let flex_match = came_over_wire(id, &row);
            let is_blamed = failure.missed_deadline || (flex_match && asked == Asked::Answer);
            let waits_on = failure.willing.contains(&id) || (failure.silent.contains(&id) && !is_blamed);
            if waits_on {
                row.state = row.state.step(TicketState::Searching)?;
                row.proposal = None;
                row.reason = Some(NOT_ACCEPTED.to_owned());
                tell(changes, id, &row, None);
                put_ticket(changes, id, &row, version);
                after.push((id, row));
            } else {
                let reason = match asked {
                    _ if !failure.unwilling.contains(&id) => SILENT,
                    // Taken out by a server or by us: nobody in it declined.
                    Asked::Cancel(reason) if flex_match || call.principal.is_trusted() => reason,
                    Asked::Cancel(_) | Asked::Answer => DECLINED,
                };
                let ended = TicketState::Cancelled;
                after.push((id, self.end_ticket(changes, id, row, version, ended, reason).await?));
            }
        }
        Ok(after)
    }

    /// What one of its queues is told of a ticket whose proposal has failed.
    fn after_failure(&self, id: TicketId, row: &TicketRow, queue: &QueueName) -> Telling {
        let tickets = vec![shown(id, row, &Places::new())];
        match &row.reason {
            Some(reason) if row.state.is_terminal() => {
                Telling::new(Happening::Cancelled(reason.clone()), tickets).with(self.rule_counts(id, queue))
            }
            _ => Telling::new(Happening::Searching(self.estimated_wait(queue)), tickets),
        }
    }

    /// Tells whoever listens outside that players have answered, where others are still asked. The answer counts by now: what
    /// cannot be read is left out.
    async fn tell_answered(&self, call: &Call, view: &ProposalView) {
        if !self.is_heard() {
            return;
        }
        let ids = distinct(view.proposal.sides().iter().flatten().map(|place| place.seat));
        let tickets = match self.tickets(&Call::system(call.action, call.now), &ids).await {
            Ok(tickets) => tickets,
            Err(error) => {
                tracing::debug!(proposal = %view.proposal.id(), %error, "an answer is not told to those who listen");
                return;
            }
        };
        let places = places(&view.proposal);
        let shown = tickets.iter().map(|ticket| shown(ticket.id, &ticket.row, &places)).collect();
        let told = Telling::new(Happening::Answered, shown).of_match(Some(view.proposal.match_id()));
        self.publish(&view.queue, call.now, vec![told]);
    }
}

/// The tickets of seats, each once, in order of first appearance.
pub(crate) fn distinct(seats: impl Iterator<Item = Seat>) -> Vec<TicketId> {
    let mut ids = Vec::new();
    for seat in seats {
        if !ids.contains(&seat.ticket) {
            ids.push(seat.ticket);
        }
    }
    ids
}
