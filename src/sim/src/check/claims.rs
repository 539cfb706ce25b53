//! A player is in at most one live ticket or match that the matcher made: claims agree with both, both ways.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::PlayerId;
use gsm_engine::store::{Claim, TicketRow};
use std::collections::BTreeSet;

fn check(truth: &Truth, player: PlayerId, wanted: Claim) -> Result<(), Fault> {
    let found = truth.claims.get(&player);
    if found == Some(&wanted) {
        return Ok(());
    }
    broken(Invariant::OneClaim, format!("{player} is in {wanted:?}, the claim says {found:?}"))
}

/// Claims against tickets and matches.
pub(crate) fn one_claim(truth: &Truth) -> Result<(), Fault> {
    // Players of a backfill play already, in a match that is not ours.
    let waits = |row: &TicketRow| !row.backfill && !row.state.is_terminal();
    for (id, row) in truth.tickets.iter().filter(|(_, row)| waits(row)) {
        for player in &row.players {
            check(truth, player.player, Claim::Ticket(*id))?;
        }
    }
    for (id, row) in truth.matches.iter().filter(|(_, row)| row.claimed) {
        let joined = row.tickets.iter().filter_map(|id| truth.tickets.get(id)).filter(|row| row.backfill);
        let playing: BTreeSet<PlayerId> = joined.flat_map(|row| &row.players).map(|of| of.player).collect();
        for player in row.roster.players().filter(|player| !playing.contains(player)) {
            check(truth, player, Claim::Match(*id))?;
        }
    }
    for (player, claim) in &truth.claims {
        let holds = match claim {
            Claim::Ticket(id) => truth
                .tickets
                .get(id)
                .is_some_and(|row| waits(row) && row.players.iter().any(|p| p.player == *player)),
            Claim::Match(id) => {
                truth.matches.get(id).is_some_and(|row| row.claimed && row.roster.side_of(*player).is_some())
            }
        };
        if !holds {
            return broken(
                Invariant::OneClaim,
                format!("{player} is held by {claim:?}, which does not have him"),
            );
        }
    }
    Ok(())
}
