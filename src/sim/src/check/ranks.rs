//! A rank equals a recount.
use super::broken;
use crate::{Fault, Invariant, truth::Truth};
use gsm_core::PlayerId;
use gsm_engine::{BoardRef, Engine, Viewer, store::RatingRow};
use std::collections::BTreeMap;

/// One node's boards against a fresh sort of the rating rows. To be called when no fold is held back.
pub(crate) fn ranks_recount(truth: &Truth, node: usize, engine: &Engine) -> Result<(), Fault> {
    let mut modes: BTreeMap<_, Vec<(PlayerId, &RatingRow)>> = BTreeMap::new();
    for ((mode, player), standing) in &truth.ratings {
        modes.entry(mode).or_default().extend(standing.rating.as_ref().map(|row| (*player, row)));
    }
    for (mode, mut rows) in modes {
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.score));
        for (player, row) in &rows {
            let better = rows.partition_point(|(_, other)| other.score > row.score) as u64;
            let seen = engine.rank(&BoardRef::from(mode), *player, Viewer::All);
            let agrees = seen.as_ref().is_ok_and(|seen| {
                (seen.rank.get(), seen.keys.first(), seen.games, seen.players)
                    == (better + 1, row.score, row.games, rows.len() as u64)
            });
            if !agrees {
                let detail = format!(
                    "node {node}, {mode}: {player} is {} of {} with {row:?}, the board says {seen:?}",
                    better + 1,
                    rows.len()
                );
                return broken(Invariant::RankRecounts, detail);
            }
        }
    }
    Ok(())
}
