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
    pub(crate) fn iter(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|team| self.has(*team))
    }
}

impl FromIterator<u8> for TeamSet {
    fn from_iter<I: IntoIterator<Item = u8>>(teams: I) -> Self {
        let mut set = Self::default();
        teams.into_iter().for_each(|team| set.insert(team));
        set
    }
}
