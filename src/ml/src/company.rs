//! Who played with whom, and against whom.
use crate::bounded::Bounded;
use crate::numeric::ln_1p;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Sides of more players are only looked at as a whole: pairs would be too many.
const TEAM_MAX: usize = 8;
/// What one match leaves of the memory of the matches before it.
const LINEUP_FADES: f32 = 0.95;
const RIVALS_FADE: f32 = 0.9;

/// A fading sum of surprises, and of matches.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faded {
    surprise: f32,
    matches: f32,
}

impl Faded {
    #[cfg(test)]
    pub(crate) const fn with(self, surprise: f32) -> Self {
        Self { surprise, ..self }
    }

    pub(crate) const fn is_finite(self) -> bool {
        self.surprise.is_finite() && self.matches.is_finite()
    }

    fn add(&mut self, surprise: f64, fades: f32) {
        self.surprise = fades * self.surprise + surprise as f32;
        self.matches = fades * self.matches + 1.0;
    }

    fn mean(self, shrunk_by: f64) -> f64 {
        f64::from(self.surprise) / (f64::from(self.matches) + shrunk_by)
    }
}

/// Of each kind so many are remembered; beyond that those that met least lately are forgotten first.
pub(crate) const REMEMBERED_MAX: usize = 1 << 20;

/// What was seen of players together: some 100 MB at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Company {
    pub(crate) pairs: Bounded<(u32, u32), u32, REMEMBERED_MAX>,
    pub(crate) lineups: Bounded<u64, Faded, REMEMBERED_MAX>,
    pub(crate) rivals: Bounded<(u64, u64), Faded, REMEMBERED_MAX>,
}

/// A number for a set of players, whatever their order. Two sets may share one: then they share a memory, no more.
fn lineup(players: &[u32]) -> u64 {
    let one = |player: &u32| {
        let mixed = (u64::from(*player) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    players.iter().map(one).fold(0, u64::wrapping_add)
}

fn sorted<T: Ord>(a: T, b: T) -> (T, T) {
    if a < b { (a, b) } else { (b, a) }
}

fn pairs(players: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    let players = if players.len() <= TEAM_MAX { players } else { &[] };
    players
        .iter()
        .enumerate()
        .flat_map(move |(at, a)| players.iter().skip(at + 1).map(move |b| sorted(*a, *b)))
}

impl Company {
    /// The mean over all pairs of a side of `ln(1 + matches on one side)`; 0 for a single player.
    pub(crate) fn together(&self, players: &[u32]) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0_f64);
        for pair in pairs(players) {
            sum += self.pairs.get(&pair).map_or(0.0, |matches| ln_1p(f64::from(*matches)));
            n += 1.0;
        }
        sum / n.max(1.0)
    }

    /// How much better than predicted exactly these players did as a side; 0 for a single player.
    pub(crate) fn lineup(&self, players: &[u32]) -> f64 {
        if players.len() < 2 {
            return 0.0;
        }
        self.lineups.get(&lineup(players)).map_or(0.0, |of| of.mean(5.0))
    }

    /// How much better than predicted the first side did against just this other.
    pub(crate) fn head_to_head(&self, [one, other]: [&[u32]; 2]) -> f64 {
        let (one, other) = (lineup(one), lineup(other));
        let lead = self.rivals.get(&sorted(one, other)).map_or(0.0, |of| of.mean(3.0));
        match one.cmp(&other) {
            Ordering::Less => lead,
            Ordering::Equal => 0.0,
            Ordering::Greater => -lead,
        }
    }

    /// After a match that ended so much better than predicted for the first side.
    pub(crate) fn played(&mut self, sides: [&[u32]; 2], surprise: f64) {
        for (players, surprise) in sides.into_iter().zip([surprise, -surprise]) {
            if players.len() > 1 {
                self.lineups.meet(lineup(players)).add(surprise, LINEUP_FADES);
            }
            for pair in pairs(players) {
                let matches = self.pairs.meet(pair);
                *matches = matches.saturating_add(1);
            }
        }
        let [one, other] = sides.map(lineup);
        let surprise = if one < other { surprise } else { -surprise };
        self.rivals.meet(sorted(one, other)).add(surprise, RIVALS_FADE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_whatever_their_order() {
        let mut company = Company::default();
        company.played([&[3, 1, 2], &[7]], 0.0);
        company.played([&[9, 8], &[2, 3]], 0.0);
        let logs = |counts: [f64; 3]| counts.iter().map(|n| n.ln_1p()).sum::<f64>() / 3.0;
        assert!((company.together(&[1, 2, 3]) - logs([1.0, 1.0, 2.0])).abs() < 1e-15);
        assert_eq!(company.together(&[7]), 0.0);
        assert_eq!(company.together(&[1, 9]), 0.0);
    }

    #[test]
    fn rivals_and_lineups_remember_surprises() {
        let mut company = Company::default();
        company.played([&[1, 2], &[3, 4]], 0.5);
        assert_eq!(company.head_to_head([&[2, 1], &[3, 4]]), 0.5 / 4.0);
        assert_eq!(company.head_to_head([&[4, 3], &[1, 2]]), -0.5 / 4.0);
        assert_eq!(company.head_to_head([&[1], &[3, 4]]), 0.0);
        assert_eq!((company.lineup(&[2, 1]), company.lineup(&[3, 4])), (0.5 / 6.0, -0.5 / 6.0));
        company.played([&[3, 4], &[1, 2]], 0.25);
        let wanted = (0.9_f32 * 0.5 - 0.25) / (1.9 + 3.0);
        assert!((company.head_to_head([&[1, 2], &[3, 4]]) - f64::from(wanted)).abs() < 1e-7);
    }

    #[test]
    fn huge_sides_are_no_work() {
        let mut company = Company::default();
        let (one, other): (Vec<u32>, Vec<u32>) = ((0..50_000).collect(), (50_000..100_000).collect());
        company.played([&one, &other], 0.5);
        assert_eq!((company.pairs.len(), company.together(&one)), (0, 0.0));
        assert!(company.lineup(&one) > 0.0);
    }
}
