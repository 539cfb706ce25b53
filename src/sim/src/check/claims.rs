//! A player is in at most one live ticket or match that the matcher made: claims agree with both, both ways.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::PlayerId;
use gsm_engine::store::Claim;

fn check(truth: &Truth, player: PlayerId, wanted: Claim) -> Result<(), Fault> {
    let found = truth.claims.get(&player);
    if found == Some(&wanted) {
        return Ok(());
    }
    broken(Invariant::OneClaim, format!("{player} is in {wanted:?}, the claim says {found:?}"))
}

/// Claims against tickets and matches.
pub(crate) fn one_claim(truth: &Truth) -> Result<(), Fault> {
    for (id, row) in truth.tickets.iter().filter(|(_, row)| !row.state.is_terminal()) {
        for player in &row.players {
            check(truth, player.player, Claim::Ticket(*id))?;
        }
    }
    for (id, row) in truth.matches.iter().filter(|(_, row)| row.claimed) {
        for player in row.roster.players() {
            check(truth, player, Claim::Match(*id))?;
        }
    }
    for (player, claim) in &truth.claims {
        let holds = match claim {
            Claim::Ticket(id) => truth.tickets.get(id).is_some_and(|row| {
                !row.state.is_terminal() && row.players.iter().any(|p| p.player == *player)
            }),
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
