//! A score that was taken counts, none does that was refused, and boards show it.
use super::broken;
use crate::{Fault, Invariant, truth::Eye, world::LAPS};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{BoardRef, Engine, EngineError, Viewer};
use std::collections::BTreeSet;

/// The best score of each player against what callers were told: those that may have been taken, and the best that was.
pub(crate) fn scores_kept<'a>(
    known: impl Iterator<Item = (PlayerId, &'a BTreeSet<i64>, Option<i64>)>,
    eye: &Eye,
) -> Result<(), Fault> {
    let entries = eye.entries(&[LAPS]);
    for (player, may, surely) in known {
        let found = entries.iter().find(|((_, _, of), _)| *of == player).map(|(_, row)| row.values[0]);
        if found < surely {
            let detail = format!("{player} was told of a score of {surely:?}, and has {found:?}");
            return broken(Invariant::ResultKept, detail);
        }
        if found.is_some_and(|found| !may.contains(&found)) {
            let detail = format!("{player} has a score of {found:?}, and brought {may:?}");
            return broken(Invariant::Answers, detail);
        }
    }
    Ok(())
}

/// A node's board against the entries of those whom everybody sees. To be called when no fold is held back.
pub(crate) fn scores_shown(eye: &Eye, node: usize, engine: &Engine) -> Result<(), Fault> {
    let Ok(name) = BoardName::new(LAPS) else { return Ok(()) };
    let (entries, shades, board) = (eye.entries(&[LAPS]), eye.shades(&name), BoardRef::whole(name));
    let ranked: Vec<_> = entries.iter().filter(|((_, _, player), _)| !shades.contains_key(player)).collect();
    for ((_, _, player), row) in &entries {
        let better = ranked.iter().filter(|(_, other)| other.values > row.values).count() as u64;
        let seen = engine.rank(&board, *player, Viewer::All);
        let shade = shades.get(player);
        // Who is in the shadow is shown the rank that would be his.
        let players = ranked.len() as u64 + u64::from(shade.is_some());
        let agrees = match &seen {
            Ok(seen) => {
                (seen.rank.get(), seen.keys.first(), seen.games, seen.players)
                    == (better + 1, row.values[0], row.submissions, players)
                    && shade != Some(&false)
            }
            Err(EngineError::Unknown { .. }) => shade == Some(&false),
            Err(error) => matches!(error, EngineError::BoardFilling { .. }),
        };
        if !agrees {
            let all: Vec<_> = ranked.iter().map(|((_, _, of), row)| (of, row.values[0])).collect();
            let detail = format!("node {node}: {player} has {row:?} of {all:?}, the board says {seen:?}");
            return broken(Invariant::RankRecounts, detail);
        }
    }
    Ok(())
}
