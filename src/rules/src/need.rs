//! How many players with something a match must have, so that a search sees early that they are lacking.
use crate::{
    judge::{Check, hopeless::grows, strings::Strings},
    party::Party,
    rule_set::TeamSize,
    seat::Seat,
    symbols::Symbol,
};

/// Players with one string that every match of a stage must have on some teams: what rules of the type `collection` with
/// the operation `contains` and a `minCount` ask.
#[derive(Debug, Clone)]
pub struct Need {
    rule: usize,
    wanted: Symbol,
    /// On teams that no other part of the need has.
    parts: Vec<Part>,
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
    /// How many a candidate lacks that is to become a match.
    #[must_use]
    pub fn lacking(&self, seats: &[Seat<'_>]) -> u32 {
        let lacking = |part: &Part| part.min.saturating_sub(part.strings.containing(seats, self.wanted));
        self.parts.iter().map(lacking).sum()
    }
    /// Whether another one is of the same players, whatever their number.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        let firsts = self.parts.first().zip(other.parts.first());
        self.wanted == other.wanted && firsts.is_some_and(|(one, two)| is_alike(&one.strings, &two.strings))
    }
    /// How many of them a ticket would be.
    #[must_use]
    pub fn brings(&self, party: &Party) -> u32 {
        let brings = |part: &Part| {
            let team = part.strings.teams().iter().next()?;
            Some(part.strings.containing(&[Seat { team, party }], self.wanted))
        };
        self.parts.first().and_then(brings).unwrap_or(0)
    }
}

/// What the rules `must`, each of which may not fail, ask of a match with teams of these sizes.
pub(crate) fn needs(must: &[usize], checks: &[Check], sizes: &[TeamSize]) -> Vec<Need> {
    let mut all: Vec<Need> = Vec::new();
    for &rule in must {
        let Some(Check::Contains { measured, wanted, allowed }) = checks.get(rule) else { continue };
        let [strings] = measured.as_slice() else { continue };
        // A rule about teams without players passes.
        let has_players = |team: u8| sizes.get(usize::from(team)).is_some_and(|size| size.min > 0);
        if allowed.min == 0 || !grows(strings) || !strings.teams().iter().any(has_players) {
            continue;
        }
        let part = Part { strings: strings.clone(), min: allowed.min };
        let is_with = |need: &&mut Need| {
            need.wanted == *wanted
                && need.parts.iter().all(|other| is_alike(&other.strings, strings))
                && need.parts.iter().all(|other| !other.strings.teams().meets(strings.teams()))
        };
        match all.iter_mut().find(is_with) {
            Some(need) => need.parts.push(part),
            None => all.push(Need { rule, wanted: *wanted, parts: vec![part] }),
        }
    }
    all
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
