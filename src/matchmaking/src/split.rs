//! Which party goes on which team, so that the teams are even.
use crate::packing::{Counts, pack};

/// Blocks up to which two teams are split exactly: 2^9 ways.
const EXACT_BLOCKS_MAX: usize = 10;

/// A party: its players and their mean skill.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) size: usize,
    pub(crate) skill: f64,
}

impl Block {
    fn total(&self) -> f64 {
        self.skill * self.size as f64
    }
}

/// The team of each block; `blocks` must pack into `teams` teams of `size` players.
///
/// Two teams of up to [`EXACT_BLOCKS_MAX`] blocks: the split with the least difference of mean skill (of equal ones
/// the first, in the order of the blocks; the first block is always on team 0). Otherwise greedily over the
/// packing's places: the largest party first, of equal sizes the strongest, to the team with the fewest players,
/// of equal ones the least total skill, that has a place of its size.
pub(crate) fn share_out(blocks: &[Block], teams: usize, size: usize) -> Vec<usize> {
    if blocks.len() == teams {
        return (0..teams).collect();
    }
    let exact = if teams == 2 && blocks.len() <= EXACT_BLOCKS_MAX { halves(blocks, size) } else { None };
    exact.unwrap_or_else(|| greedy(blocks, teams, size))
}

/// Tries every subset of the blocks after the first as team 1.
fn halves(blocks: &[Block], size: usize) -> Option<Vec<usize>> {
    let rest = blocks.get(1..)?;
    let all: f64 = blocks.iter().map(Block::total).sum();
    // Players and skill of each subset, from the one without its lowest block.
    let mut sums = vec![(0usize, 0.0f64); 1 << rest.len()];
    let mut best: Option<(f64, usize)> = None;
    for mask in 1..sums.len() {
        let &(players, total) = sums.get(mask & (mask - 1))?;
        let block = rest.get(mask.trailing_zeros() as usize)?;
        let sum = (players + block.size, total + block.total());
        *sums.get_mut(mask)? = sum;
        let gap = (all - 2.0 * sum.1).abs();
        if sum.0 == size && best.is_none_or(|(least, _)| gap < least) {
            best = Some((gap, mask));
        }
    }
    let (_, mask) = best?;
    Some((0..blocks.len()).map(|at| if at == 0 { 0 } else { mask >> (at - 1) & 1 }).collect())
}

fn greedy(blocks: &[Block], teams: usize, size: usize) -> Vec<usize> {
    struct Team {
        places: Counts,
        players: usize,
        total: f64,
    }
    let mut others = Counts::default();
    blocks.iter().skip(1).for_each(|block| others.add(block.size));
    let anchor = blocks.first().map_or(0, |block| block.size);
    let places = pack(teams, size, anchor, &others, &mut 0).unwrap_or_default();
    let mut teams: Vec<Team> =
        places.into_iter().map(|places| Team { places, players: 0, total: 0.0 }).collect();
    let mut order: Vec<(usize, &Block)> = blocks.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| b.size.cmp(&a.size).then(b.skill.total_cmp(&a.skill)));
    let mut side_of = vec![0; blocks.len()];
    for (at, block) in order {
        let weakest = teams
            .iter_mut()
            .enumerate()
            .filter(|(_, team)| team.places.get(block.size) > 0)
            .min_by(|(_, a), (_, b)| a.players.cmp(&b.players).then(a.total.total_cmp(&b.total)));
        let Some((side, team)) = weakest else { continue };
        team.places.take(block.size);
        team.players += block.size;
        team.total += block.total();
        if let Some(slot) = side_of.get_mut(at) {
            *slot = side;
        }
    }
    side_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(blocks: &[(usize, f64)], teams: usize, size: usize, sides: &[usize]) {
        let blocks: Vec<_> = blocks.iter().map(|&(size, skill)| Block { size, skill }).collect();
        assert_eq!(share_out(&blocks, teams, size), sides);
    }

    #[test]
    fn two_teams_are_as_even_as_can_be() {
        check(&[(1, 10.0), (1, 30.0), (1, 30.0), (1, 50.0)], 2, 2, &[0, 1, 1, 0]);
        check(&[(2, 50.0), (1, 90.0), (1, 20.0)], 2, 2, &[0, 1, 1]);
        check(&[(1, 8.0), (2, 5.0), (1, 1.0), (1, 7.0), (1, 3.0)], 2, 3, &[0, 1, 0, 0, 1]);
        check(&[(1, 5.0); 4], 2, 2, &[0, 1, 1, 0]);
    }

    #[test]
    fn many_teams_are_filled_greedily() {
        let skills = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0].map(|skill| (1, skill));
        check(&skills, 3, 2, &[0, 1, 2, 2, 1, 0]);
        check(&[(2, 1.0), (1, 5.0), (1, 4.0), (2, 9.0)], 3, 2, &[1, 2, 2, 0]);
    }
    /// Least difference of total skill over every way to put the blocks on two teams of `size`.
    fn slow(blocks: &[Block], rooms: [usize; 2], gap: f64) -> f64 {
        let Some((block, rest)) = blocks.split_first() else {
            return if rooms == [0, 0] { gap.abs() } else { f64::INFINITY };
        };
        let on = |side: usize, sign: f64| {
            let mut rooms = rooms;
            let Some(room) = rooms[side].checked_sub(block.size) else { return f64::INFINITY };
            rooms[side] = room;
            slow(rest, rooms, gap + sign * block.total())
        };
        on(0, 1.0).min(on(1, -1.0))
    }

    proptest::proptest! {
        #[test]
        fn no_split_of_two_teams_is_more_even(
            skills in proptest::collection::vec((1usize..4, 0i32..40), 2..=EXACT_BLOCKS_MAX),
        ) {
            let blocks: Vec<_> = skills.iter().map(|&(size, s)| Block { size, skill: f64::from(s) }).collect();
            let players: usize = blocks.iter().map(|b| b.size).sum();
            let least = slow(&blocks, [players / 2; 2], 0.0);
            if players.is_multiple_of(2) && least.is_finite() {
                let sides = share_out(&blocks, 2, players / 2);
                let side = |n| blocks.iter().zip(&sides).filter(move |(_, side)| **side == n).map(|(b, _)| b);
                proptest::prop_assert_eq!(side(0).map(|b| b.size).sum::<usize>(), players / 2);
                let total = |n| side(n).map(Block::total).sum::<f64>();
                proptest::prop_assert_eq!((total(0) - total(1)).abs(), least);
            }
        }
    }
}
