//! What players do not agree on waits for an operator, and whom it is blamed on is known.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::{MatchId, PlayerId, limits};
use gsm_engine::{
    Candour, Engine,
    store::{ReportsStage, Verdict},
};
use std::collections::BTreeMap;

/// A node shows the disputes that there are, and how the players' reports went. To be called when no fold is held back.
pub(crate) async fn disputes_shown(truth: &Truth, node: usize, engine: &Engine) -> Result<(), Fault> {
    let disputed =
        |id: &MatchId| truth.reports.get(id).is_some_and(|row| row.stage == ReportsStage::Disputed);
    // A job that is decided and not carried out has its result and not yet its reports, or the other way round.
    if !truth.gates.is_empty() {
        return Ok(());
    }
    let waiting = truth.results.iter().filter(|(_, row)| matches!(row.verdict, Verdict::Disputed { .. }));
    let waiting: Vec<MatchId> = waiting.map(|(id, _)| *id).collect();
    let Ok(shown) = engine.disputes(None, limits::PAGE_SIZE_MAX).await else {
        return broken(Invariant::EnoughAgree, format!("node {node} cannot list disputes"));
    };
    let shown: Vec<MatchId> = shown.iter().map(|view| view.match_id).collect();
    let kept: Vec<MatchId> = truth.reports.keys().copied().filter(disputed).collect();
    if shown != waiting || kept != waiting {
        let detail = format!("node {node} shows {shown:?} in dispute, kept are {kept:?}, {waiting:?} wait");
        return broken(Invariant::EnoughAgree, detail);
    }
    for (id, row) in &truth.reports {
        let is_followed = row.stage != ReportsStage::Settled || !row.overruled.is_empty();
        if is_followed == truth.said.contains(id) {
            let detail = format!("what is said of {id} lies where a start does not look for it: {row:?}");
            return broken(Invariant::EnoughAgree, detail);
        }
    }
    let mut candour: BTreeMap<PlayerId, Candour> = BTreeMap::new();
    for row in truth.reports.values() {
        if matches!(row.stage, ReportsStage::Disputed | ReportsStage::Ruled) {
            row.voices.all().iter().for_each(|voice| candour.entry(voice.player).or_default().disputes += 1);
        }
        row.overruled.iter().for_each(|player| candour.entry(*player).or_default().overruled += 1);
    }
    for (player, wanted) in candour {
        let found = engine.candour(player);
        if found != wanted {
            let detail = format!("node {node} says {found:?} of {player}, it is {wanted:?}");
            return broken(Invariant::EnoughAgree, detail);
        }
    }
    Ok(())
}

/// Nobody waits for reports any more. To be called when every deadline has passed.
pub(crate) fn reports_ended(truth: &Truth) -> Result<(), Fault> {
    match truth.reports.iter().find(|(_, row)| row.stage == ReportsStage::Open) {
        None => Ok(()),
        Some((id, row)) => broken(Invariant::NoneStranded, format!("{id} is still being reported: {row:?}")),
    }
}
