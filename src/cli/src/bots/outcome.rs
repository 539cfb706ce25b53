//! How a match ends: hidden skills, and luck that belongs to the match. Pure.
use super::rng::Rng;
use std::time::Duration;

/// Elo's scale: 400 points are odds of ten to one. 400 / ln 10.
const LOGISTIC_POINTS: f64 = 173.717_792_761;
/// How often a duel ends level, and how often somebody leaves a match before its end.
const DRAW_CHANCE: f64 = 0.03;
const QUIT_CHANCE: f64 = 0.02;
/// How long a match is played.
const PLAY_MIN: Duration = Duration::from_millis(2_000);
const PLAY_MAX: Duration = Duration::from_millis(6_500);

/// The end of a match, side by side and seat by seat in the order of the roster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fate {
    /// Per side: 1 is the best; equal only in a draw.
    pub(super) places: Vec<u32>,
    /// Per side and player.
    pub(super) scores: Vec<Vec<u32>>,
    /// Side and seat of the player who left.
    pub(super) quitter: Option<(usize, usize)>,
    /// How long it was played.
    pub(super) played: Duration,
}

/// Decides a match between `sides`, each with the skills of its players in points.
///
/// A side is as good as the mean of its players plus Gumbel noise on Elo's scale, so that two sides win by the logistic
/// curve and more than two by Plackett and Luce. Only duels can end level. Nothing else but `rng` plays in.
pub(super) fn decide(sides: &[Vec<f64>], rng: &mut Rng) -> Fate {
    let played = rng.between(PLAY_MIN, PLAY_MAX);
    let mean = |side: &Vec<f64>| side.iter().sum::<f64>() / side.len().max(1) as f64;
    let shown: Vec<f64> = sides.iter().map(|side| mean(side) + LOGISTIC_POINTS * rng.gumbel()).collect();
    let duel = sides.len() == 2 && sides.iter().all(|side| side.len() == 1);
    let level = duel && rng.chance(DRAW_CHANCE);
    let better = |than: f64| shown.iter().filter(|other| **other > than).count() as u32;
    let places: Vec<u32> = shown.iter().map(|own| if level { 1 } else { 1 + better(*own) }).collect();
    let scores = scores(sides, &places, rng);
    let last = places.iter().copied().max().unwrap_or(1);
    let quitter = (last > 1 && rng.chance(QUIT_CHANCE))
        .then(|| places.iter().position(|place| *place == last))
        .flatten()
        .map(|side| (side, rng.below(sides.get(side).map_or(0, Vec::len))));
    Fate { places, scores, quitter, played }
}

/// Points that fit the places: the winner has ten to twenty for each player, each next place a few less.
fn scores(sides: &[Vec<f64>], places: &[u32], rng: &mut Rng) -> Vec<Vec<u32>> {
    let best = 10 + rng.below(11) as u32;
    let gap = 1 + rng.below(2) as u32;
    let one_side = |(side, place): (&Vec<f64>, &u32)| {
        let each = best.saturating_sub(gap * (place - 1));
        let mut own = vec![each; side.len()];
        // Mates do not score alike; what one has more another has less.
        for at in 1..own.len() {
            if let [.., left, right] = own.get_mut(..=at).unwrap_or_default() {
                let moved = rng.below(4).min(*left as usize) as u32;
                *left -= moved;
                *right += moved;
            }
        }
        own
    };
    sides.iter().zip(places).map(one_side).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rng(match_id: u64) -> Rng {
        Rng::of(1, &[b"outcome", &match_id.to_be_bytes()])
    }

    /// How often the first of `sides` wins alone, of 4,000 matches.
    fn win_share(sides: &[Vec<f64>]) -> f64 {
        let won = |id: u64| {
            let places = decide(sides, &mut rng(id)).places;
            places[0] == 1 && places.iter().filter(|place| **place == 1).count() == 1
        };
        (0..4_000).filter(|id| won(*id)).count() as f64 / 4_000.0
    }

    #[test]
    fn a_match_ends_the_same_way_each_time() {
        let sides = vec![vec![1500.0, 1400.0], vec![1450.0, 1480.0]];
        assert!((0..200).all(|id| decide(&sides, &mut rng(id)) == decide(&sides, &mut rng(id))));
        assert!(
            (0..200).any(|id| decide(&sides, &mut rng(id)).places != decide(&sides, &mut rng(id + 1)).places)
        );
    }

    #[test]
    fn the_stronger_win_more_by_the_logistic_curve() {
        let close =
            |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.025, "{found} and not {wanted}");
        close(win_share(&[vec![1500.0], vec![1500.0]]), 0.5 * 0.97);
        close(win_share(&[vec![1700.0], vec![1500.0]]), 0.7597 * 0.97);
        close(win_share(&[vec![1900.0, 1500.0], vec![1500.0, 1500.0]]), 0.7597);
        // Of four, Plackett and Luce give the one who is 400 points ahead 10 of 13 chances.
        close(win_share(&[vec![1900.0], vec![1500.0], vec![1500.0], vec![1500.0]]), 10.0 / 13.0);
    }

    #[test]
    fn results_are_such_as_the_server_takes() {
        let shapes: [&[usize]; 4] = [&[1, 1], &[3, 3], &[1, 1, 1, 1, 1, 1], &[2, 2]];
        let (mut draws, mut quits) = (0, 0);
        for (id, shape) in (0..4_000).zip(shapes.into_iter().cycle()) {
            let sides: Vec<Vec<f64>> = shape.iter().map(|size| vec![1500.0; *size]).collect();
            let fate = decide(&sides, &mut rng(id));
            assert!(
                fate.places.contains(&1) && fate.places.iter().all(|p| (1..=shape.len() as u32).contains(p))
            );
            assert_eq!(fate.scores.iter().map(Vec::len).collect::<Vec<_>>(), shape);
            let sums: Vec<u32> = fate.scores.iter().map(|side| side.iter().sum()).collect();
            for (a, b) in (0..shape.len()).flat_map(|a| (0..shape.len()).map(move |b| (a, b))) {
                assert_eq!(fate.places[a] < fate.places[b], sums[a] > sums[b], "{fate:?}");
            }
            if let Some((side, seat)) = fate.quitter {
                assert!(fate.places[side] > 1 && seat < shape[side]);
                quits += 1;
            }
            draws += usize::from(fate.places.iter().filter(|p| **p == 1).count() > 1);
            assert!((PLAY_MIN..=PLAY_MAX).contains(&fate.played));
        }
        assert!((15..=50).contains(&draws), "{draws} of 1,000 duels");
        assert!((45..=120).contains(&quits), "{quits} of 4,000 matches");
    }
}
