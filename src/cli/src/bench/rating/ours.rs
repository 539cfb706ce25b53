//! Our systems: each match by itself on a table of ratings, and whole histories.
use super::{super::machine, history::History};
use crate::output::Failure;
use gsm_rating::{Entrant, Game, Scratch, Side, System, batch::Ladder};

/// Processor nanoseconds of one match.
pub(super) struct Readings {
    /// Rated by itself, with expectations, as the server rates: [`System::update_into`].
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
    let in_history = middle(fixtures.len(), || {
        let done = ladder.apply_all(fixtures.iter().copied());
        done.map(drop).map_err(|(nth, error)| Failure::failed(format!("match {nth}: {error}")))
    })?;
    drop(ladder);
    let alone = alone(system, players, history)?;
    Ok(Readings { alone, in_history })
}

fn alone(system: &System, players: usize, history: &History) -> Result<f64, Failure> {
    let mut table = vec![system.initial(); players];
    let (mut scratch, mut changes, mut entrants) = (Scratch::new(), Vec::new(), Vec::new());
    middle(history.matches().count(), || {
        for (of, [first, second]) in history.matches() {
            entrants.clear();
            entrants.extend(of.iter().map(|player| Entrant::new(table[*player as usize])));
            let (a, b) = entrants.split_at(history.size);
            let sides = [Side::new(*first, a), Side::new(*second, b)];
            system.update_into(&Game::new(&sides), &mut scratch, &mut changes).map_err(Failure::failed)?;
            for (player, change) in of.iter().zip(&changes) {
                table[*player as usize] = change.after;
            }
        }
        Ok(())
    })
}
