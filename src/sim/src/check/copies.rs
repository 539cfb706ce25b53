//! What is kept of ended matches agrees with their results.
use super::broken;
use crate::{
    Fault, Invariant,
    truth::{Eye, Truth},
};
use gsm_core::MatchId;
use gsm_session::MatchState;

/// Every match that there ever was is kept once it has ended: finished if its result counts, else abandoned. To be
/// called when nothing runs and nothing is owed.
pub(crate) fn copies_agree(
    truth: &Truth,
    matches: impl Iterator<Item = MatchId>,
    eye: &Eye,
) -> Result<(), Fault> {
    for id in matches {
        let counts = truth.results.contains_key(&id);
        let wanted = if counts { MatchState::Finished } else { MatchState::Abandoned };
        let kept = eye.archived(id).map(|row| row.state);
        if kept != Some(wanted) {
            let detail = format!("{id} is kept as {kept:?}, it must be {wanted}");
            return broken(Invariant::ResultKept, detail);
        }
    }
    Ok(())
}
