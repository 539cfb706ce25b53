//! Our systems: each match by itself on a table of ratings, and whole histories.
use super::{super::machine, history::History};
use crate::output::Failure;
use gsm_rating::{Entrant, Game, Rating, Row, Scratch, Side, System, batch::Ladder};

/// Processor nanoseconds of one match.
pub(super) struct Readings {
    /// Rated by itself, in place: [`System::rate_pair`].
    pub(super) alone: f64,
    /// The same with expectations, as the server rates: [`System::update_into`].
    pub(super) told: f64,
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
    // Rows of what the system moves, as skillratings has them.
    let alone = match (system, history.size) {
        (System::Elo(_), 1) => alone::<[f64; 1], 1>(system, players, history),
        (System::Elo(_), _) => alone::<[f64; 1], 5>(system, players, history),
        (System::Glicko2(_), 1) => alone::<Rating, 1>(system, players, history),
        (System::Glicko2(_), _) => alone::<Rating, 5>(system, players, history),
        (_, 1) => alone::<[f64; 2], 1>(system, players, history),
        _ => alone::<[f64; 2], 5>(system, players, history),
    }?;
    let told = told(system, players, history)?;
    Ok(Readings { alone, told, in_history })
}

/// Sides of `N` by themselves, on a table of these rows.
fn alone<R: Row, const N: usize>(system: &System, players: usize, history: &History) -> Result<f64, Failure> {
    let mut table = vec![R::of(system.initial()); players];
    let mut scratch = Scratch::new();
    middle(history.matches().count(), || {
        for (of, [first, second]) in history.matches() {
            let (a, b) = of.split_at(N);
            let mut one: [R; N] = std::array::from_fn(|nth| table[a[nth] as usize]);
            let mut other: [R; N] = std::array::from_fn(|nth| table[b[nth] as usize]);
            let rated = system.rate_pair((*first, &mut one), (*second, &mut other), None, &mut scratch);
            rated.map_err(Failure::failed)?;
            for (player, after) in of.iter().zip(one.iter().chain(&other)) {
                table[*player as usize] = *after;
            }
        }
        Ok(())
    })
}

fn told(system: &System, players: usize, history: &History) -> Result<f64, Failure> {
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
