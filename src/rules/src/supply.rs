//! How many players with something a match must have, so that a search sees early that they are lacking.
use crate::{
    judge::{Check, strings::Strings},
    party::Party,
    rule_set::TeamSize,
    seat::Seat,
    symbols::Symbol,
};

/// Players with one string that every match of a stage must have on some teams: what rules of the type `collection` with
/// the operation `contains` and a `minCount` ask.
#[derive(Debug, Clone)]
pub struct Supply {
    rule: usize,
    wanted: Symbol,
    /// On teams that no other need of the supply has.
    needs: Vec<Need>,
}

#[derive(Debug, Clone)]
struct Need {
    /// Of which every player brings what he has, whoever else is there.
    strings: Strings,
    min: u32,
}

impl Supply {
    /// The first rule that asks it: an index into [`RuleSet::rules`](crate::RuleSet::rules).
    #[must_use]
    pub const fn rule(&self) -> usize {
        self.rule
    }
    /// How many a candidate lacks that is to become a match.
    #[must_use]
    pub fn lacking(&self, seats: &[Seat<'_>]) -> u32 {
        let lacking = |need: &Need| need.min.saturating_sub(need.strings.containing(seats, self.wanted));
        self.needs.iter().map(lacking).sum()
    }
    /// Whether another one is of the same players, whatever their number.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        let firsts = self.needs.first().zip(other.needs.first());
        self.wanted == other.wanted && firsts.is_some_and(|(one, two)| is_alike(&one.strings, &two.strings))
    }
    /// How many of them a ticket would be.
    #[must_use]
    pub fn brings(&self, party: &Party) -> u32 {
        let brings = |need: &Need| {
            let team = need.strings.teams().iter().next()?;
            Some(need.strings.containing(&[Seat { team, party }], self.wanted))
        };
        self.needs.first().and_then(brings).unwrap_or(0)
    }
}

/// What the rules `must`, each of which may not fail, ask of a match with teams of these sizes.
pub(crate) fn supplies(must: &[usize], checks: &[Check], sizes: &[TeamSize]) -> Vec<Supply> {
    let mut all: Vec<Supply> = Vec::new();
    for &rule in must {
        let Some(Check::Contains { measured, wanted, allowed }) = checks.get(rule) else { continue };
        let [strings] = measured.as_slice() else { continue };
        // A rule about teams without players passes.
        let has_players = |team: u8| sizes.get(usize::from(team)).is_some_and(|size| size.min > 0);
        if allowed.min == 0 || !adds_up(strings) || !strings.teams().iter().any(has_players) {
            continue;
        }
        let need = Need { strings: strings.clone(), min: allowed.min };
        let is_with = |supply: &&mut Supply| {
            supply.wanted == *wanted
                && supply.needs.iter().all(|other| is_alike(&other.strings, strings))
                && supply.needs.iter().all(|other| !other.strings.teams().meets(strings.teams()))
        };
        match all.iter_mut().find(is_with) {
            Some(supply) => supply.needs.push(need),
            None => all.push(Supply { rule, wanted: *wanted, needs: vec![need] }),
        }
    }
    all
}

/// Does each player add to the count what he has?
fn adds_up(strings: &Strings) -> bool {
    match strings {
        Strings::PerPlayer(_) => true,
        Strings::Concat(inner) => matches!(**inner, Strings::PerPlayer(_) | Strings::PerTeam(_)),
        Strings::PerTeam(_) | Strings::CommonPerTeam(_) | Strings::Common(_) => false,
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
