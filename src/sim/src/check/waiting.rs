//! No ticket is stranded: every one waits where its owner sees it, or ends.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_session::TicketState;
use std::collections::BTreeMap;

/// No ticket is in two live proposals.
pub(crate) fn one_proposal(truth: &Truth) -> Result<(), Fault> {
    let mut proposed = BTreeMap::new();
    for (id, (_, proposal)) in &truth.proposals {
        for ticket in proposal.sides().iter().flatten().map(|place| place.seat.ticket) {
            let first = *proposed.entry(ticket).or_insert(*id);
            if first != *id {
                let detail = format!("{ticket} is in the live proposals {first} and {id}");
                return broken(Invariant::OneProposal, detail);
            }
        }
    }
    Ok(())
}

/// Open proposals and their tickets, both ways.
pub(crate) fn proposals_agree(truth: &Truth) -> Result<(), Fault> {
    for (id, (queue, proposal)) in &truth.proposals {
        for place in proposal.sides().iter().flatten() {
            let row = truth.tickets.get(&place.seat.ticket);
            let agrees = row.is_some_and(|row| {
                row.state == TicketState::RequiresAcceptance
                    && row.proposal == Some(*id)
                    && row.queue == *queue
            });
            if !agrees {
                let ticket = place.seat.ticket;
                return broken(Invariant::NoneStranded, format!("{id} waits for {ticket}, which is {row:?}"));
            }
        }
    }
    for (id, row) in &truth.tickets {
        let open = row.proposal.is_some_and(|proposal| truth.proposals.contains_key(&proposal));
        if (row.state == TicketState::RequiresAcceptance) != open {
            let detail = format!("{id} is {} with the proposal {:?}", row.state, row.proposal);
            return broken(Invariant::NoneStranded, detail);
        }
        if (row.state == TicketState::Completed) != row.match_id.is_some() {
            return broken(
                Invariant::NoneStranded,
                format!("{id} is {} in match {:?}", row.state, row.match_id),
            );
        }
    }
    Ok(())
}

/// At rest: whoever waits does so before the deadline and in the pool of the queue's owner, as `in_pool` says.
pub(crate) fn waits_lawfully(
    truth: &Truth,
    now: Timestamp,
    slack: Millis,
    in_pool: impl Fn(TicketId) -> bool,
) -> Result<(), Fault> {
    for (id, row) in truth.tickets.iter().filter(|(_, row)| !row.state.is_terminal()) {
        let waits = matches!(row.state, TicketState::Queued | TicketState::Searching);
        if waits && now > row.expires_at.saturating_add(slack) {
            let late = now.since(row.expires_at).get();
            return broken(Invariant::NoneStranded, format!("{id} waits {late} ms past its deadline"));
        }
        if waits && !in_pool(*id) {
            return broken(Invariant::NoneStranded, format!("{id} waits and is in no owner's pool"));
        }
    }
    for (id, (_, proposal)) in &truth.proposals {
        if now > proposal.deadline().saturating_add(slack) {
            return broken(Invariant::NoneStranded, format!("{id} is open past its deadline"));
        }
    }
    Ok(())
}

/// After every deadline has passed: nothing waits, nothing runs, nobody is held, nothing is owed.
pub(crate) fn all_ended(truth: &Truth) -> Result<(), Fault> {
    let left = [
        truth
            .tickets
            .iter()
            .find(|(_, row)| !row.state.is_terminal())
            .map(|(id, row)| format!("{id} is {}", row.state)),
        truth.proposals.keys().next().map(|id| format!("{id} is open")),
        truth.matches.iter().next().map(|(id, row)| format!("{id} is {}", row.state)),
        truth.claims.iter().next().map(|(player, claim)| format!("{player} is held by {claim:?}")),
        truth.backfills.keys().next().map(|session| format!("{session} has a backfill")),
        truth.owed.first().map(|id| format!("the end of {id} is owed")),
        truth.gates.iter().next().map(|(mode, gate)| format!("{mode} is closed by {gate:?}")),
    ];
    match left.into_iter().flatten().next() {
        Some(what) => broken(Invariant::NoneStranded, format!("after every deadline {what}")),
        None => Ok(()),
    }
}
