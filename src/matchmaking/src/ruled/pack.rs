//! Which parties fill teams of any sizes to their minimums.

/// Of each team how many parties of each size (the index) it takes, so that it has `teams[..].0` more players at least and
/// `teams[..].1` at most. Larger parties go first, since they are harder to place. `None` where there is no way, or none is
/// found before `nodes` are visited, which are taken off.
pub(super) fn pack(
    teams: &[(u32, u32)],
    parties: impl Iterator<Item = u32>,
    nodes: &mut u32,
) -> Option<Vec<Vec<u32>>> {
    let largest = teams.iter().map(|(_, room)| *room).max()? as usize;
    let mut left = vec![0_u32; largest + 1];
    for size in parties {
        if let Some(count) = left.get_mut(size as usize) {
            *count += 1;
        }
    }
    let players: u32 = (0_u32..).zip(&left).map(|(size, count)| size.saturating_mul(*count)).sum();
    if players < teams.iter().map(|(lacks, _)| lacks).sum() {
        return None;
    }
    let plan = vec![vec![0; largest + 1]; teams.len()];
    let mut packer = Packer { teams, left, plan, nodes: *nodes };
    let is_packed = packer.open(0, u32::MAX);
    *nodes = packer.nodes;
    is_packed.then_some(packer.plan)
}

struct Packer<'t> {
    teams: &'t [(u32, u32)],
    /// Parties of each size.
    left: Vec<u32>,
    plan: Vec<Vec<u32>>,
    nodes: u32,
}

impl Packer<'_> {
    /// Fills a team and those after it. Of teams side by side that are alike the largest party of each is at most that of
    /// the one before (`lead`).
    fn open(&mut self, team: usize, lead: u32) -> bool {
        let Some(own) = self.teams.get(team) else { return true };
        let is_as_before = team.checked_sub(1).is_some_and(|before| self.teams.get(before) == Some(own));
        self.fill(team, *own, if is_as_before { lead } else { u32::MAX }, None)
    }

    /// Goes on with a team that lacks so many and has room for so many, with parties of at most `part`; `lead` is its
    /// largest.
    fn fill(&mut self, team: usize, (lacks, room): (u32, u32), part: u32, lead: Option<u32>) -> bool {
        if lacks == 0 {
            return self.open(team + 1, lead.unwrap_or(u32::MAX));
        }
        for size in (1..=part.min(room)).rev() {
            if self.left.get(size as usize).is_none_or(|left| *left == 0) {
                continue;
            }
            let Some(nodes) = self.nodes.checked_sub(1) else { return false };
            self.nodes = nodes;
            self.shift(team, size, true);
            let rest = (lacks.saturating_sub(size), room - size);
            if self.fill(team, rest, size, lead.or(Some(size))) {
                return true;
            }
            self.shift(team, size, false);
        }
        false
    }

    fn shift(&mut self, team: usize, size: u32, into: bool) {
        let at = size as usize;
        let parties = self.plan.get_mut(team).and_then(|sizes| sizes.get_mut(at));
        if let (Some(left), Some(parties)) = (self.left.get_mut(at), parties) {
            (*left, *parties) = if into { (*left - 1, *parties + 1) } else { (*left + 1, *parties - 1) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts parties on teams one by one, every way, or leaves them out.
    fn slow(teams: &mut [(u32, u32)], parties: &[u32]) -> bool {
        let Some((&party, rest)) = parties.split_first() else {
            return teams.iter().all(|(lacks, _)| *lacks == 0);
        };
        if slow(teams, rest) {
            return true;
        }
        (0..teams.len()).any(|at| {
            let own = teams[at];
            if own.1 < party {
                return false;
            }
            teams[at] = (own.0.saturating_sub(party), own.1 - party);
            let found = slow(teams, rest);
            teams[at] = own;
            found
        })
    }

    proptest::proptest! {
        #[test]
        fn packing_is_as_good_as_trying_everything(
            teams in proptest::collection::vec((0_u32..4, 0_u32..3), 1..4),
            parties in proptest::collection::vec(1_u32..5, 0..8),
        ) {
            let teams: Vec<(u32, u32)> = teams.into_iter().map(|(lacks, more)| (lacks, lacks + more)).collect();
            let plan = pack(&teams, parties.iter().copied(), &mut 20_000);
            assert_eq!(plan.is_some(), slow(&mut teams.clone(), &parties));
            for (sizes, (lacks, room)) in plan.iter().flatten().zip(&teams) {
                let players: u32 = (0..).zip(sizes).map(|(size, count)| size * count).sum();
                assert!((*lacks..=*room).contains(&players));
            }
            for size in 1..5 {
                let taken: u32 = plan.iter().flatten().filter_map(|sizes| sizes.get(size as usize)).sum();
                assert!(taken as usize <= parties.iter().filter(|party| **party == size).count());
            }
        }
    }

    #[test]
    fn a_search_that_is_too_long_ends() {
        let mut nodes = 100;
        assert_eq!(pack(&[(4, 4); 30], [3; 60].into_iter().chain([1; 29]), &mut nodes), None);
        assert_eq!(nodes, 0);
    }
}
