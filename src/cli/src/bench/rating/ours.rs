//! Our systems: each match by itself on a table of ratings, and whole histories.
use super::{super::machine, history::History};
use crate::output::Failure;
use gsm_rating::{System, batch::Ladder};

/// Processor nanoseconds of one match.
pub(super) struct Readings {
    /// Rated by itself, on a table: [`Ladder::settle`].
    pub(super) alone: f64,
    /// Of a history that is rated anew: [`Ladder::settle_all`].
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
    let matches = history.matches().len();
    let newcomers =
        || Ladder::new(system, players).map_err(|_| Failure::failed("the bench rates on ladders alone"));
    let mut ladder = newcomers()?;
    let alone = middle(matches, || {
        history.fixtures().try_for_each(|fixture| ladder.settle(&fixture?)).map_err(Failure::failed)
    })?;
    let mut ladder = newcomers()?;
    let in_history = middle(matches, || {
        let done = ladder.settle_all(history.fixtures());
        done.map(drop).map_err(|(nth, error)| Failure::failed(format!("match {nth}: {error}")))
    })?;
    Ok(Readings { alone, in_history })
}
