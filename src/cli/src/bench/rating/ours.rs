//! Our systems: each match by itself on a table of ratings, and whole histories.
use super::{super::machine, history::History};
use crate::output::Failure;
use gsm_rating::{RatingError, System, batch::Ladder};
use std::hint::black_box;

/// Processor nanoseconds of one match.
pub(super) struct Readings {
    /// Rated by itself, on a table, with changes and expectations: [`Ladder::apply`].
    pub(super) alone: f64,
    /// Of a history that is rated anew: [`Ladder::apply_all`].
    pub(super) in_history: f64,
}

/// The middle of three rounds over so many matches.
fn middle(matches: usize, mut round: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut rounds = [0.0; 3];
    for took in &mut rounds {
        let before = machine::cpu_ns();
        round()?;
        *took = (machine::cpu_ns() - before) as f64 / matches as f64;
    }
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[1])
}

pub(super) fn measure(system: &System, players: usize, history: &History) -> Result<Readings, Failure> {
    let fixtures = history.fixtures().map_err(Failure::failed)?;
    let mut ladder = Ladder::new(system.clone(), players);
    let alone = middle(fixtures.len(), || {
        let each = |fixture| {
            black_box(ladder.apply(fixture)?);
            Ok(())
        };
        fixtures.iter().try_for_each(each).map_err(|error: RatingError| Failure::failed(error))
    })?;
    let mut ladder = Ladder::new(system.clone(), players);
    let in_history = middle(fixtures.len(), || {
        let done = ladder.apply_all(fixtures.iter().copied());
        done.map(drop).map_err(|(nth, error)| Failure::failed(format!("match {nth}: {error}")))
    })?;
    Ok(Readings { alone, in_history })
}
