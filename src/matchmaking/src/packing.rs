//! Which parties fill the teams of a match exactly.
use gsm_core::limits::{MATCH_PLAYERS_MAX, PARTY_SIZE_MAX};

/// Nodes that one [`pack`] may visit. Never reached by two teams of up to ten players, for which it is exact.
pub(crate) const PACK_NODES_MAX: u32 = 20_000;

/// How many parties there are of each size; more than a match has places count as that many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u8; PARTY_SIZE_MAX + 1]);

impl Counts {
    pub(crate) fn get(&self, size: usize) -> usize {
        self.0.get(size).map_or(0, |&n| usize::from(n))
    }
    pub(crate) fn set(&mut self, size: usize, n: usize) {
        if let Some(slot) = self.0.get_mut(size) {
            *slot = u8::try_from(n.min(MATCH_PLAYERS_MAX)).unwrap_or(u8::MAX);
        }
    }
    pub(crate) fn add(&mut self, size: usize) {
        self.set(size, self.get(size) + 1);
    }
    pub(crate) fn take(&mut self, size: usize) {
        self.set(size, self.get(size).saturating_sub(1));
    }
    pub(crate) fn players(&self) -> usize {
        self.0.iter().zip(0..).map(|(&n, size)| usize::from(n) * size).sum()
    }
}

/// Fills `teams` teams of `size` players with a party of `anchor` players and some of `others`: the parties taken
/// by each team, the anchor's party in the first. Larger parties go first, since they are harder to place.
/// Adds the nodes visited to `work`; `None` when there is no way, or none within [`PACK_NODES_MAX`].
pub(crate) fn pack(
    teams: usize,
    size: usize,
    anchor: usize,
    others: &Counts,
    work: &mut u32,
) -> Option<Vec<Counts>> {
    let room = size.checked_sub(anchor)?;
    if others.players() + anchor < teams * size {
        return None;
    }
    let mut packer = Packer { size, left: *others, bins: vec![Counts::default(); teams], nodes: 0 };
    packer.bins.first_mut()?.add(anchor);
    let found = packer.fill(0, room, PARTY_SIZE_MAX, PARTY_SIZE_MAX);
    *work = work.saturating_add(packer.nodes);
    found.then_some(packer.bins)
}

/// Whether [`pack`] finds a way. Quick where single players alone would do.
pub(crate) fn packs(teams: usize, size: usize, anchor: usize, others: &Counts, work: &mut u32) -> bool {
    let singles_do = anchor <= size && others.get(1) + anchor >= teams * size;
    singles_do || pack(teams, size, anchor, others, work).is_some()
}

struct Packer {
    size: usize,
    left: Counts,
    bins: Vec<Counts>,
    nodes: u32,
}

impl Packer {
    /// Fills the `room` left in team `bin` with parties of at most `part` players, then the teams after it.
    /// Teams after the first are alike, so the largest party of each is at most the one before's (`lead`).
    fn fill(&mut self, bin: usize, room: usize, part: usize, lead: usize) -> bool {
        self.nodes += 1;
        if self.nodes > PACK_NODES_MAX {
            return false;
        }
        if room == 0 {
            let next = bin + 1;
            return next >= self.bins.len() || self.fill(next, self.size, lead, lead);
        }
        let opens = bin > 0 && room == self.size;
        for take in (1..=part.min(room)).rev() {
            if self.left.get(take) == 0 {
                continue;
            }
            self.shift(bin, take, true);
            if self.fill(bin, room - take, take, if opens { take } else { lead }) {
                return true;
            }
            self.shift(bin, take, false);
        }
        false
    }

    fn shift(&mut self, bin: usize, size: usize, into: bool) {
        let Some(team) = self.bins.get_mut(bin) else { return };
        if into {
            self.left.take(size);
            team.add(size);
        } else {
            self.left.add(size);
            team.take(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sizes: &[usize]) -> Counts {
        let mut counts = Counts::default();
        sizes.iter().for_each(|&size| counts.add(size));
        counts
    }

    fn check(teams: usize, size: usize, anchor: usize, others: &[usize], wanted: bool) {
        let mut work = 0;
        let bins = pack(teams, size, anchor, &counts(others), &mut work);
        assert_eq!(packs(teams, size, anchor, &counts(others), &mut work), bins.is_some());
        assert_eq!(bins.is_some(), wanted, "{anchor} with {others:?} into {teams} of {size}");
        assert!(bins.iter().flatten().all(|bin| bin.players() == size));
    }

    #[test]
    fn parties_fill_teams_exactly_or_not_at_all() {
        check(2, 1, 1, &[1], true);
        check(2, 5, 3, &[3, 2, 2], true);
        check(2, 5, 3, &[3, 3, 3], false);
        check(2, 5, 3, &[3, 2, 1, 1], true);
        check(2, 5, 3, &[4, 1, 1, 1], true);
        check(2, 5, 3, &[3, 3, 1], false);
        check(2, 5, 5, &[4], false);
        check(2, 5, 6, &[4, 5, 5], false);
        check(3, 4, 2, &[3, 3, 2, 1, 1], true);
        check(3, 4, 2, &[3, 3, 3, 1, 1], false);
        check(20, 10, 10, &[7; 40], false);
        check(20, 10, 1, &[[9].as_slice(), &[1; 199]].concat(), true);
    }

    /// Fills places one party at a time, every way.
    fn slow(rooms: &mut [usize], parties: &[usize]) -> bool {
        if rooms.iter().all(|&room| room == 0) {
            return true;
        }
        let Some((&party, rest)) = parties.split_first() else { return false };
        if slow(rooms, rest) {
            return true;
        }
        for at in 0..rooms.len() {
            if rooms[at] >= party {
                rooms[at] -= party;
                let found = slow(rooms, rest);
                rooms[at] += party;
                if found {
                    return true;
                }
            }
        }
        false
    }

    proptest::proptest! {
        #[test]
        fn packing_is_as_good_as_trying_everything(
            teams in 2usize..4, size in 1usize..6, anchor in 1usize..6,
            others in proptest::collection::vec(1usize..6, 0..7),
        ) {
            let mut rooms = vec![size; teams];
            let fits = anchor <= size && { rooms[0] -= anchor; slow(&mut rooms, &others) };
            check(teams, size, anchor, &others, fits);
        }
    }
}
