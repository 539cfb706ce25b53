//! A candidate match: who would sit on which team.
use crate::party::Party;

/// One ticket on one team of a candidate match, all of its players together.
///
/// A candidate is a slice of seats in any order, which a search keeps as a stack. A team without a seat is empty.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// An index into [`RuleSet::teams`](crate::RuleSet::teams).
    pub team: u8,
    /// Prepared by the same rule set.
    pub party: &'a Party,
}

/// A set of teams, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TeamSet([u64; 4]);

impl TeamSet {
    pub(crate) fn insert(&mut self, team: u8) {
        if let Some(word) = self.0.get_mut(usize::from(team >> 6)) {
            *word |= 1 << (team & 63);
        }
    }
    #[inline]
    pub(crate) fn has(&self, team: u8) -> bool {
        self.0.get(usize::from(team >> 6)).is_some_and(|word| word >> (team & 63) & 1 == 1)
    }
    #[inline]
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
    /// Ascending.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u8> {
        [0_u8, 64, 128, 192]
            .into_iter()
            .zip(self.0)
            .flat_map(|(first, word)| Bits(word).map(move |bit| first + bit))
    }
}

/// The places of the ones of a word, ascending.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u8;
    #[inline]
    fn next(&mut self) -> Option<u8> {
        let place = (self.0 != 0).then(|| self.0.trailing_zeros() as u8);
        self.0 &= self.0.wrapping_sub(1);
        place
    }
}

impl FromIterator<u8> for TeamSet {
    fn from_iter<I: IntoIterator<Item = u8>>(teams: I) -> Self {
        let mut set = Self::default();
        teams.into_iter().for_each(|team| set.insert(team));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_teams_lists_what_was_put_in() {
        let teams = [0, 1, 63, 64, 127, 200, 255];
        let set: TeamSet = teams.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), teams);
        assert!(set.has(64) && !set.has(65) && set.meets(&[200].into_iter().collect()));
        assert!(!set.meets(&[2, 128].into_iter().collect()));
    }
}
