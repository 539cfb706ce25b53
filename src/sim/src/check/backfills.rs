//! A game session has one active backfill, the latest: it is written with its tickets, both ways.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::TicketId;
use gsm_engine::store::Claim;
use std::collections::BTreeMap;

/// Backfills that wait against what their sessions say.
pub(crate) fn one_backfill(truth: &Truth) -> Result<(), Fault> {
    let mut active: BTreeMap<&String, TicketId> = BTreeMap::new();
    for (id, row) in truth.tickets.iter().filter(|(_, row)| row.backfill && !row.state.is_terminal()) {
        let Some(session) = &row.session else { continue };
        if let Some(other) = active.insert(session, *id) {
            return broken(Invariant::OneBackfill, format!("{other} and {id} both wait for {session}"));
        }
        let found = truth.backfills.get(session);
        if found != Some(&Claim::Ticket(*id)) {
            let detail = format!("{id} waits for {session}, which says {found:?}");
            return broken(Invariant::OneBackfill, detail);
        }
    }
    match truth.backfills.iter().find(|(session, _)| !active.contains_key(session)) {
        None => Ok(()),
        Some((session, claim)) => broken(
            Invariant::OneBackfill,
            format!("{session} is held by {claim:?}, which does not wait for it"),
        ),
    }
}
