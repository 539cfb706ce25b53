//! What the tickets that are left of a search can still bring, against what a part of a match still needs.
//!
//! Rules about roles and parties fail where what is scarce has run out, and a search that learns it only at the end tries
//! every choice of what is plentiful before. By Hall's theorem the places of a match can be filled only if for each set of
//! roles enough players name a role outside of it; counted over all teams together, this is a bound from above.
use super::{Check, party_balance, roles::Roles};
use crate::{party::Party, rule_set::TeamSize, seat::Seat};

/// Roles up to which all sets of them are looked at; of more only those that leave out one role.
const ALL_SETS_ROLES: usize = 4;
/// Measures of one stage.
const MEASURES_MAX: usize = 48;

/// What can run out in one stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scarce {
    /// The first rule about roles that must hold, and the sets of its roles that are looked at.
    roles: Option<(usize, Vec<u64>)>,
    /// The first rule about the balance of parties that must hold.
    parties: Option<usize>,
}

/// Of what can run out: so much of each.
type Amounts = [u16; MEASURES_MAX];

/// What the tickets of a list bring from each of them on ([`Stage::supply`](crate::Stage::supply)).
#[derive(Debug, Clone, Default)]
pub struct Supply {
    width: usize,
    /// For each ticket, and once more with nothing at the end.
    amounts: Vec<u16>,
}

/// What a part of a match still needs ([`Stage::demand`](crate::Stage::demand)).
#[derive(Debug, Clone, Copy)]
pub struct Demand(Amounts);

impl Supply {
    /// Whether nothing can run out.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.width == 0
    }
    /// Whether the tickets from the one at `from` on bring too little, whichever of them are taken.
    #[must_use]
    pub fn lacks(&self, demand: &Demand, from: usize) -> bool {
        let there = self.amounts.get(from * self.width..).unwrap_or_default().iter().take(self.width);
        there.zip(&demand.0).any(|(there, needed)| there < needed)
    }
}

impl Scarce {
    /// Of the rules `must`, which may not fail.
    pub(crate) fn new(must: &[usize], checks: &[Check]) -> Self {
        let find =
            |is: fn(&Check) -> bool| must.iter().copied().find(|rule| checks.get(*rule).is_some_and(is));
        let roles = find(|check| matches!(check, Check::Roles(_))).and_then(|rule| match checks.get(rule) {
            Some(Check::Roles(roles)) => Some((rule, sets(roles.places.len()))),
            _ => None,
        });
        Self { roles, parties: find(|check| matches!(check, Check::PartyBalance(_))) }
    }

    fn roles<'c>(&self, checks: &'c [Check]) -> Option<(&'c Roles, &[u64])> {
        let (rule, sets) = self.roles.as_ref()?;
        match checks.get(*rule) {
            Some(Check::Roles(roles)) => Some((roles, sets)),
            _ => None,
        }
    }

    pub(crate) fn supply<'p>(
        &self,
        checks: &[Check],
        tickets: impl ExactSizeIterator<Item = &'p [Party]> + DoubleEndedIterator,
    ) -> Supply {
        let roles = self.roles(checks);
        let sets = roles.map_or(0, |(_, sets)| sets.len());
        let width = sets + usize::from(self.parties.is_some());
        if width == 0 {
            return Supply::default();
        }
        let mut amounts = vec![0; width * (tickets.len() + 1)];
        let mut sum = vec![0_u16; width];
        for (row, parties) in amounts.rchunks_exact_mut(width).skip(1).zip(tickets.rev()) {
            for party in parties {
                if let Some((roles, sets)) = roles {
                    outside(roles, sets, party, &mut sum);
                }
                if let Some(largest) = sum.get_mut(sets) {
                    *largest = (*largest).max(u16::from(party.size()));
                }
            }
            row.copy_from_slice(&sum);
        }
        Supply { width, amounts }
    }

    pub(crate) fn demand(&self, checks: &[Check], seats: &[Seat<'_>], sizes: &[TeamSize]) -> Demand {
        let mut needed: Amounts = [0; MEASURES_MAX];
        let mut sets_len = 0;
        if let Some((roles, sets)) = self.roles(checks) {
            sets_len = sets.len();
            // Teams that must have players, or have some.
            let must = |team: &u8| {
                let min = sizes.get(usize::from(*team)).map_or(0, |size| size.min);
                min > 0 || seats.iter().any(|seat| seat.team == *team)
            };
            let teams: crate::seat::TeamSet = roles.teams.iter().filter(must).collect();
            let count = teams.iter().count() as u32;
            let places: u32 = roles.places.iter().map(|(_, count)| *count).sum();
            let named = count * places.saturating_sub(roles.autofill);
            let mut there = [0_u16; MEASURES_MAX];
            for seat in seats.iter().filter(|seat| teams.has(seat.team)) {
                outside(roles, sets, seat.party, &mut there);
            }
            for ((set, there), needed) in sets.iter().zip(there).zip(&mut needed) {
                let within = roles.places.iter().enumerate().filter(|(role, _)| set >> role & 1 == 1);
                let within = count * within.map(|(_, (_, count))| *count).sum::<u32>();
                let left = named.saturating_sub(within).saturating_sub(u32::from(there));
                *needed = u16::try_from(left).unwrap_or(u16::MAX);
            }
        }
        if let Some(Check::PartyBalance(balance)) = self.parties.and_then(|rule| checks.get(rule))
            && let Some(largest) = needed.get_mut(sets_len)
        {
            *largest = u16::from(party_balance::missing(balance, seats, sizes));
        }
        Demand(needed)
    }
}

/// Sets of so many roles, as bits, that are worth a look.
fn sets(roles: usize) -> Vec<u64> {
    let all = (1_u64 << roles.min(63)) - 1;
    match roles {
        0..=ALL_SETS_ROLES => (0..all).collect(),
        _ => (0..roles).map(|role| all & !(1 << role)).chain([0]).collect(),
    }
}

/// Adds for each set how many players of a party name a role outside of it.
fn outside(roles: &Roles, sets: &[u64], party: &Party, sums: &mut [u16]) {
    for list in party.lists(roles.lists) {
        let named = roles.named(list);
        for (set, sum) in sets.iter().zip(&mut *sums) {
            *sum = sum.saturating_add(u16::from(named & !set != 0));
        }
    }
}
