//! How little the numbers of a match can deviate, with the best choice of those who may still join.
use smallvec::SmallVec;

/// How far rounding may move a bound, in parts.
const ROUNDING: f64 = 1e-9;

/// Whether the standard deviation is above `limit` whichever `missing` players of `left` (in the order of their numbers)
/// join those who are taken, where a match has at most `most` players. Numbers come with the players who have them; a
/// party may be taken apart, so that it may tell too little and never too much. O(players).
///
/// The squares only grow with whoever else joins. Of all choices of so many the one with the least squares lies side by
/// side: it takes those who are nearest to its own mean.
pub(super) fn is_above(
    limit: f64,
    taken: impl Iterator<Item = (f64, u32)>,
    left: impl Iterator<Item = (f64, u32)>,
    missing: usize,
    most: u32,
) -> bool {
    let mut all = Squares::default();
    taken.for_each(|(number, players)| all.add(number, players.into()));
    let each = left.flat_map(|(number, players)| std::iter::repeat_n(number, players as usize));
    let each: SmallVec<[f64; 64]> = each.collect();
    let (first, rest) = each.split_at(missing.min(each.len()));
    first.iter().for_each(|number| all.add(*number, 1.0));
    let allowed = limit * limit * f64::from(most);
    if !all.exceed(allowed) {
        return false;
    }
    each.iter().zip(rest).all(|(gone, next)| {
        all.add(*gone, -1.0);
        all.add(*next, 1.0);
        all.exceed(allowed)
    })
}

/// The sums of numbers, counted from the first of them.
#[derive(Default)]
struct Squares {
    from: Option<f64>,
    players: f64,
    sum: f64,
    squares: f64,
}

impl Squares {
    fn add(&mut self, number: f64, players: f64) {
        let number = number - *self.from.get_or_insert(number);
        self.players += players;
        self.sum += players * number;
        self.squares += players * number * number;
    }
    /// Whether the squares of the distances from the mean are more than that.
    fn exceed(&self, allowed: f64) -> bool {
        let around = self.squares - self.sum * self.sum / self.players.max(1.0);
        around > allowed + ROUNDING * (self.squares + allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least standard deviation over every choice of so many players.
    fn slow(taken: &[(f64, u32)], left: &[(f64, u32)], missing: usize, most: u32) -> f64 {
        let units = |of: &[(f64, u32)]| -> Vec<f64> {
            of.iter().flat_map(|(number, players)| vec![*number; *players as usize]).collect()
        };
        let (taken, left) = (units(taken), units(left));
        let mut least = f64::INFINITY;
        for choice in (0..1_u32 << left.len()).filter(|choice| choice.count_ones() as usize == missing) {
            let chosen = left.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
            let all: Vec<f64> = taken.iter().copied().chain(chosen.map(|(_, number)| *number)).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let squares = all.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
            least = least.min((squares / f64::from(most)).sqrt());
        }
        least
    }

    #[test]
    fn the_least_deviation_is_that_of_the_best_choice() {
        let mut seed = 7_u64;
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut above = 0;
        for _ in 0..3_000 {
            let count = 1 + draw(3);
            let mut some = |count: u64| -> Vec<(f64, u32)> {
                (0..count).map(|_| (1_500.0 + draw(20) as f64, 1 + draw(2) as u32)).collect()
            };
            let (taken, mut left) = (some(count), some(5));
            left.sort_by(|a, b| a.0.total_cmp(&b.0));
            let missing = 1 + draw(4) as usize;
            let most = (taken.iter().map(|(_, players)| players).sum::<u32>()) + missing as u32;
            let least = slow(&taken, &left, missing, most);
            for limit in [least - 1e-4, least + 1e-4] {
                let found =
                    is_above(limit.max(0.0), taken.iter().copied(), left.iter().copied(), missing, most);
                assert_eq!(found, limit.max(0.0) < least, "{limit} {least} {taken:?} {left:?}");
                above += u32::from(found);
            }
        }
        assert!(above > 1_000, "{above}");
    }
}
