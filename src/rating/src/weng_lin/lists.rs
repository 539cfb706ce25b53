//! The model that draws the whole order at once: algorithm 3, Plackett-Luce, in O(sides · log sides) but for the
//! expected scores, which are O(sides²) divisions.
use super::WengLinSettings;
use super::sides::{Lesson, Team};
use crate::field::shares_of_pairs;

/// How far behind the best a side counts, in units of `c`: the square of `exp` of it is still above 0.
const BEHIND_MAX: f64 = 300.0;

/// `sum(1/x)` and `sum(1/x²)` over the draws that a side took part in, where `x` is the strength of all who were
/// still there.
#[derive(Clone, Copy, Default)]
struct Draws {
    inverse: f64,
    squares: f64,
}

impl Draws {
    fn add(&mut self, strength: f64) {
        let inverse = 1.0 / strength;
        self.inverse += inverse;
        self.squares += inverse * inverse;
    }

    /// Of a side of this strength that was drawn `times` (less than once if it shared its place).
    fn lesson(&self, strength: f64, times: f64, scale: f64) -> Lesson {
        let pull = strength * (self.inverse - strength * self.squares);
        Lesson {
            push: (times - strength * self.inverse) * scale,
            pull: pull.max(0.0) * scale * scale * scale,
        }
    }
}

/// `strengths` is memory to work in.
pub(super) fn rank(settings: &WengLinSettings, teams: &mut [Team], strengths: &mut Vec<f64>) {
    let beta = settings.beta * settings.beta;
    let scale = 1.0 / teams.iter().map(|team| team.sum.variance + beta).sum::<f64>().sqrt();
    let best = teams.iter().map(|team| team.sum.mean).fold(f64::NEG_INFINITY, f64::max);
    for team in teams.iter_mut() {
        team.strength = crate::exp::exp(((team.sum.mean - best) * scale).max(-BEHIND_MAX));
    }
    teams.sort_unstable_by_key(|team| (team.place, team.side));
    let mut present = 0.0;
    for group in groups(teams).rev() {
        present += group.iter().map(|team| team.strength).sum::<f64>();
        group.iter_mut().for_each(|team| team.present = present);
    }

    let (mut draws, mut after, others) = (Draws::default(), teams.len(), teams.len() as f64 - 1.0);
    strengths.clear();
    strengths.extend(teams.iter().map(|team| team.strength));
    for group in groups(teams) {
        let ties = group.len() as f64;
        after -= group.len();
        // One draw for each who shares the place, each counting for its part.
        draws.add(group.first().map_or(1.0, |team| team.present));
        for team in group {
            team.stayed = draws.lesson(team.strength, 1.0 / ties, scale);
            team.expected = shares_of_pairs(team.strength, strengths) - 0.5;
            team.actual = after as f64 + 0.5 * (ties - 1.0);
            team.met = others;
        }
    }
    for at in 0..teams.len() {
        let lesson = teams.get(at).filter(|team| team.has_quit).map(|team| lost(teams, team, scale));
        if let (Some(lesson), Some(team)) = (lesson, teams.get_mut(at)) {
            team.quit = lesson;
        }
    }
    teams.sort_unstable_by_key(|team| team.side);
}

fn groups(teams: &mut [Team]) -> impl DoubleEndedIterator<Item = &mut [Team]> {
    teams.chunk_by_mut(|a, b| a.place == b.place)
}

/// What a side learns that came last, alone: it was there at every draw and was never taken.
fn lost(teams: &[Team], own: &Team, scale: f64) -> Lesson {
    let mut draws = Draws::default();
    for group in teams.chunk_by(|a, b| a.place == b.place) {
        let present = group.first().map_or(1.0, |team| team.present);
        if group.iter().all(|team| team.side == own.side) {
            continue;
        }
        draws.add(if group.first().is_some_and(|team| team.place > own.place) {
            present + own.strength
        } else {
            present
        });
    }
    draws.lesson(own.strength, 0.0, scale)
}
