//! How many players with something a match must have, so that a search sees early that they are lacking.
//!
//! Rules about a whole match fail where what is scarce has run out, and a search that learns it only at the end tries every
//! choice of what is plentiful before. A need counts what is scarce: what it lacks is a bound from below, what a ticket
//! brings one from above, and both add up.
use crate::{
    columns::WordColumn,
    judge::{
        Check,
        hopeless::grows,
        party_balance::{self, PartyBalance},
        roles::Roles,
        strings::Strings,
    },
    party::Party,
    rule_set::TeamSize,
    seat::{Seat, TeamSet},
    symbols::Symbol,
};
use std::sync::Arc;

/// Roles up to which all sets of them are looked at; of more only those that leave out one role.
const ALL_SETS_ROLES: usize = 4;
/// Sizes of parties that are looked at.
const PARTY_SIZES: std::ops::RangeInclusive<u8> = 2..=6;

/// Players with something that every match of a stage must have on some teams.
#[derive(Debug, Clone)]
pub struct Need {
    rule: usize,
    of: Of,
}

#[derive(Debug, Clone)]
enum Of {
    /// Rules of the type `collection` with the operation `contains` and a `minCount`: players with a string, on teams
    /// that no other part of the need has.
    Strings { wanted: Symbol, parts: Vec<Part> },
    /// Rules of the type `roles`: players who name a role outside of a set (as bits). By Hall's theorem the places of a
    /// match can be filled only if for each set there are enough of them; here counted over all teams together.
    Roles { rule: Arc<(Roles, Vec<TeamSize>)>, set: u64 },
    /// Rules of the type `partyBalance`: parties of so many players or more.
    Parties { balance: PartyBalance, sizes: Arc<[TeamSize]>, at_least: u8 },
}

#[derive(Debug, Clone)]
struct Part {
    /// Of which every player brings what he has, whoever else is there.
    strings: Strings,
    min: u32,
}

impl Need {
    /// The first rule that asks it: an index into [`RuleSet::rules`](crate::RuleSet::rules).
    #[must_use]
    pub const fn rule(&self) -> usize {
        self.rule
    }
    /// The column of lists that it reads whole, and how often each of their strings is looked at.
    pub(crate) fn reads(&self) -> Option<(WordColumn, u64)> {
        match &self.of {
            Of::Roles { rule, .. } => Some((rule.0.lists, rule.0.places.len() as u64)),
            Of::Strings { .. } | Of::Parties { .. } => None,
        }
    }
    /// How many a candidate lacks that is to become a match.
    #[must_use]
    pub fn lacking(&self, seats: &[Seat<'_>]) -> u32 {
        match &self.of {
            Of::Strings { wanted, parts } => {
                let lacking = |part: &Part| part.min.saturating_sub(part.strings.containing(seats, *wanted));
                parts.iter().map(lacking).sum()
            }
            Of::Roles { rule, set } => lacking_roles(&rule.0, &rule.1, *set, seats),
            Of::Parties { balance, sizes, at_least } => {
                party_balance::missing(balance, seats, sizes, *at_least)
            }
        }
    }
    /// Whether another one is of the same players, whatever their number.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        match (&self.of, &other.of) {
            (Of::Strings { wanted, parts }, Of::Strings { wanted: other, parts: others }) => {
                let firsts = parts.first().zip(others.first());
                wanted == other && firsts.is_some_and(|(one, two)| is_alike(&one.strings, &two.strings))
            }
            (Of::Roles { rule, set }, Of::Roles { rule: other, set: others }) => {
                let names = |roles: &Roles| roles.places.iter().map(|(role, _)| *role).collect::<Vec<_>>();
                set == others && rule.0.lists == other.0.lists && names(&rule.0) == names(&other.0)
            }
            (Of::Parties { at_least, .. }, Of::Parties { at_least: other, .. }) => at_least == other,
            _ => false,
        }
    }
    /// How many of them a ticket would be.
    #[must_use]
    pub fn brings(&self, party: &Party) -> u32 {
        match &self.of {
            Of::Strings { wanted, parts } => {
                let brings = |part: &Part| {
                    let team = part.strings.teams().iter().next()?;
                    Some(part.strings.containing(&[Seat { team, party }], *wanted))
                };
                parts.first().and_then(brings).unwrap_or(0)
            }
            Of::Roles { rule, set } => outside(&rule.0, *set, party),
            Of::Parties { at_least, .. } => u32::from(party.size() >= *at_least),
        }
    }
}

/// How many players of a party name a role outside of a set.
fn outside(roles: &Roles, set: u64, party: &Party) -> u32 {
    party.lists(roles.lists).map(|list| u32::from(roles.named(list) & !set != 0)).sum()
}

/// How many players who name a role outside of a set a candidate lacks, over all teams that must have players, or have
/// some.
fn lacking_roles(roles: &Roles, sizes: &[TeamSize], set: u64, seats: &[Seat<'_>]) -> u32 {
    let must = |team: &u8| {
        let min = sizes.get(usize::from(*team)).map_or(0, |size| size.min);
        min > 0 || seats.iter().any(|seat| seat.team == *team)
    };
    let teams: TeamSet = roles.teams.iter().filter(must).collect();
    let count = teams.iter().count() as u32;
    let places: u32 = roles.places.iter().map(|(_, count)| *count).sum();
    let within = roles.places.iter().enumerate().filter(|(role, _)| set >> role & 1 == 1);
    let within: u32 = within.map(|(_, (_, count))| *count).sum();
    let there = seats.iter().filter(|seat| teams.has(seat.team));
    let there: u32 = there.map(|seat| outside(roles, set, seat.party)).sum();
    let named = count * places.saturating_sub(roles.autofill);
    named.saturating_sub(count * within).saturating_sub(there)
}

/// Sets of so many roles, as bits, that are worth a look.
fn sets(roles: usize) -> Vec<u64> {
    let all = (1_u64 << roles.min(63)) - 1;
    match roles {
        0..=ALL_SETS_ROLES => (0..all).collect(),
        _ => (0..roles).map(|role| all & !(1 << role)).chain([0]).collect(),
    }
}

/// What the rules `must`, each of which may not fail, ask of a match with teams of these sizes.
pub(crate) fn needs(must: &[usize], checks: &[Check], sizes: &[TeamSize]) -> Vec<Need> {
    let mut all: Vec<Need> = Vec::new();
    for &rule in must {
        match checks.get(rule) {
            Some(Check::Contains { measured, wanted, allowed }) => {
                if let [strings] = measured.as_slice() {
                    add_strings(&mut all, rule, strings, (*wanted, allowed.min), sizes);
                }
            }
            Some(Check::Roles(roles)) => {
                let of = Arc::new((roles.clone(), sizes.to_vec()));
                let sets = sets(roles.places.len()).into_iter();
                all.extend(sets.map(|set| Need { rule, of: Of::Roles { rule: of.clone(), set } }));
            }
            Some(Check::PartyBalance(balance)) => {
                let sizes: Arc<[TeamSize]> = sizes.into();
                all.extend(PARTY_SIZES.map(|at_least| {
                    let (balance, sizes) = (*balance, sizes.clone());
                    Need { rule, of: Of::Parties { balance, sizes, at_least } }
                }));
            }
            _ => {}
        }
    }
    all
}

fn add_strings(
    all: &mut Vec<Need>,
    rule: usize,
    strings: &Strings,
    (wanted, min): (Symbol, u32),
    sizes: &[TeamSize],
) {
    // A rule about teams without players passes.
    let has_players = |team: u8| sizes.get(usize::from(team)).is_some_and(|size| size.min > 0);
    if min == 0 || !grows(strings) || !strings.teams().iter().any(has_players) {
        return;
    }
    let part = Part { strings: strings.clone(), min };
    let is_with = |(known, parts): &(Symbol, &mut Vec<Part>)| {
        *known == wanted
            && parts.iter().all(|other| is_alike(&other.strings, strings))
            && parts.iter().all(|other| !other.strings.teams().meets(strings.teams()))
    };
    let known = all.iter_mut().filter_map(|need| match &mut need.of {
        Of::Strings { wanted, parts } => Some((*wanted, parts)),
        _ => None,
    });
    match known.into_iter().find(is_with) {
        Some((_, parts)) => parts.push(part),
        None => all.push(Need { rule, of: Of::Strings { wanted, parts: vec![part] } }),
    }
}

/// Do they read the same of a player?
fn is_alike(one: &Strings, two: &Strings) -> bool {
    match (one, two) {
        (Strings::PerPlayer(one), Strings::PerPlayer(two)) => (one.column, one.own) == (two.column, two.own),
        (Strings::PerTeam(one), Strings::PerTeam(two)) => one.column == two.column,
        (Strings::Concat(one), Strings::Concat(two)) => is_alike(one, two),
        _ => false,
    }
}
