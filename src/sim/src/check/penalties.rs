//! Each offence counts once, and nobody who is locked out gets a ticket.
use super::broken;
use crate::{
    Fault, Invariant,
    ledger::Ledger,
    truth::{Eye, Truth},
    world::penalties,
};
use gsm_core::{MatchId, Mode, PlayerId, Timestamp, limits};
use gsm_engine::store::PenaltiesRow;
use gsm_session::OffenceKind;
use std::collections::BTreeSet;

/// Whether offences lock their player out at `now`.
pub(crate) fn locks(row: &PenaltiesRow, now: Timestamp) -> bool {
    row.0.values().any(|offences| offences.stand(now).locked_until.is_some())
}

/// A result blames whom it names, while it counts; and what is blamed on a player is what the player has done, each once.
pub(crate) fn offences_once(truth: &Truth, eye: &Eye) -> Result<(), Fault> {
    for (id, row) in truth.results.iter().filter(|(_, row)| penalties(row.mode.as_str()).is_some()) {
        if !truth.matches.contains_key(id) && eye.archived(*id).is_none() {
            // A match that is not kept has no queue either; that it is not is for others to find.
            continue;
        }
        let left: BTreeSet<PlayerId> = row.result.quits().iter().copied().filter(|_| row.counts()).collect();
        let blamed = truth.offences.get(id).map(|row| row.of.as_slice()).unwrap_or_default();
        let of = |kind| blamed.iter().filter(move |(_, of)| *of == kind).map(|(player, _)| *player);
        let away: BTreeSet<PlayerId> = of(OffenceKind::Afk).collect();
        let lawful = of(OffenceKind::Leave).collect::<BTreeSet<_>>() == left
            && (row.counts() || away.is_empty())
            && away.is_disjoint(&left);
        if !lawful {
            let detail = format!("{id} is left by {left:?} and blames {blamed:?}");
            return broken(Invariant::OffencesOnce, detail);
        }
    }
    let mut blamed: BTreeSet<(&Mode, PlayerId, OffenceKind, MatchId)> = BTreeSet::new();
    for (id, row) in &truth.offences {
        blamed.extend(row.of.iter().map(|(player, kind)| (&row.scope, *player, *kind, *id)));
    }
    let mut done = BTreeSet::new();
    for ((scope, player), row) in &truth.leaves {
        for (kind, offences) in &row.0 {
            for offence in offences.list() {
                if !done.insert((scope, *player, *kind, offence.match_id)) {
                    let detail = format!("{player} has done {kind:?} twice in {}", offence.match_id);
                    return broken(Invariant::OffencesOnce, detail);
                }
            }
            if offences.list().len() == limits::OFFENCES_KEPT_MAX {
                // The oldest may have gone.
                blamed.retain(|(of, who, what, _)| (*of, *who, *what) != (scope, *player, *kind));
                done.retain(|(of, who, what, _)| (*of, *who, *what) != (scope, *player, *kind));
            }
        }
    }
    match blamed.symmetric_difference(&done).next() {
        None => Ok(()),
        Some(odd) => {
            broken(Invariant::OffencesOnce, format!("{odd:?} is blamed and not done, or done and not blamed"))
        }
    }
}

/// No ticket was made for who was locked out, and no dodge without the end of a proposal.
pub(crate) fn locks_hold(ledger: &Ledger) -> Result<(), Fault> {
    match ledger.lock_fault() {
        None => Ok(()),
        Some(detail) => broken(Invariant::OffencesOnce, detail),
    }
}

/// Once nothing is held back: dodges are as many as were written.
pub(crate) fn dodges_count(truth: &Truth, ledger: &Ledger) -> Result<(), Fault> {
    let offences = truth.dodges.values().flat_map(|row| row.0.values());
    let full = offences.clone().any(|of| of.list().len() == limits::OFFENCES_KEPT_MAX);
    let (done, written) = (offences.map(|of| of.list().len()).sum::<usize>(), ledger.dodges());
    if full || done == written {
        return Ok(());
    }
    broken(Invariant::OffencesOnce, format!("{written} dodges were written, {done} count"))
}
