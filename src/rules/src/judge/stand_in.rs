//! Who can stand in for whom: a search that has found no match with one ticket finds none with another in its place.
use super::{
    Check, Leaves, Reference,
    latency::Latency,
    logic::{Join, Logic},
    numbers::{Flat, Measured, Number, Numbers, Of},
    roles::Roles,
    strings::Strings,
};
use crate::{
    columns::{NumberColumn, WordColumn},
    party::Party,
    seat::TeamSet,
};
use gsm_core::FixedHasher;
use std::hash::Hasher;

/// How tickets have to be alike for one to stand in for another, by all rules of all stages.
#[derive(Debug, Clone, Default)]
pub(crate) struct StandIns {
    /// Which only have to lie near each other.
    near: Vec<NumberColumn>,
    numbers: Vec<NumberColumn>,
    words: Vec<WordColumn>,
    roles: Vec<Roles>,
    places: Vec<Latency>,
}

impl StandIns {
    pub(crate) fn new<'a>(stages: impl Iterator<Item = &'a [Check]>, everybody: &TeamSet) -> Self {
        let mut all = Self::default();
        for checks in stages {
            let mut turned = vec![false; checks.len()];
            for check in checks {
                if let Check::Logic(logic) = check {
                    turned_round(logic, false, checks, &mut turned);
                }
            }
            for (check, is_turned) in checks.iter().zip(turned) {
                all.add(check, is_turned, everybody);
            }
        }
        let Self { near, numbers, words, roles, places } = &mut all;
        near.retain(|column| !numbers.contains(column));
        roles.retain(|of| !words.contains(&of.lists));
        places.retain(|of| !words.contains(&of.column));
        all
    }

    fn add(&mut self, check: &Check, is_turned: bool, everybody: &TeamSet) {
        match check {
            Check::Batch { column, .. } => note(&mut self.near, *column),
            Check::Spread { teams, column, allowed }
                if teams == everybody && allowed.min <= 0.0 && !is_turned =>
            {
                note(&mut self.near, *column);
            }
            Check::Spread { column, .. } => note(&mut self.numbers, *column),
            Check::BatchText { column } => note(&mut self.words, *column),
            Check::Roles(roles) if !is_turned => note(&mut self.roles, roles.clone()),
            Check::Roles(roles) => note(&mut self.words, roles.lists),
            Check::Latency(latency) if latency.spread.is_none() && !is_turned => {
                note(&mut self.places, *latency);
            }
            Check::Latency(latency) => note(&mut self.words, latency.column),
            Check::Avoid(avoid) => {
                note(&mut self.words, avoid.lists);
                note(&mut self.words, avoid.players);
            }
            Check::Compare { measured, reference, .. } | Check::Distance { measured, reference, .. } => {
                measured.iter().for_each(|one| self.measured(one));
                self.number(reference);
            }
            Check::Alike { measured, .. } => measured.iter().for_each(|one| self.measured(one)),
            Check::CompareText { measured, .. } | Check::AlikeText { measured, .. } => {
                for one in measured {
                    match one {
                        Leaves::Texts(texts) => note(&mut self.words, texts.column),
                        Leaves::Of(strings) => self.strings(strings),
                    }
                }
            }
            Check::Contains { measured, .. } | Check::Intersection { measured, .. } => {
                measured.iter().for_each(|one| self.strings(one));
            }
            Check::Reference { measured, reference, .. } => {
                measured.iter().for_each(|one| self.strings(one));
                if let Reference::Of(strings) = reference {
                    self.strings(strings);
                }
            }
            // Sizes are compared in any case; the rules that a statement is over are among the others.
            Check::PartyBalance(_) | Check::Sort(_) | Check::Logic(_) | Check::Always => {}
        }
    }

    fn measured(&mut self, measured: &Measured) {
        match measured {
            Measured::One(number) => self.number(number),
            Measured::Each(numbers) => self.numbers(numbers),
        }
    }

    fn number(&mut self, number: &Number) {
        match number {
            Number::Const(_) => {}
            Number::Fold(_, numbers) => self.numbers(numbers),
            Number::Size(strings) => self.strings(strings),
        }
    }

    fn numbers(&mut self, numbers: &Numbers) {
        match numbers {
            Numbers::Flat(Flat { of, .. }) | Numbers::PerTeam(_, Flat { of, .. }) => match of {
                Of::Column(column) => note(&mut self.numbers, *column),
                Of::Length(column) => note(&mut self.words, *column),
                Of::One => {}
            },
            Numbers::Sizes(strings) => self.strings(strings),
        }
    }

    fn strings(&mut self, strings: &Strings) {
        match strings {
            Strings::PerPlayer(lists) | Strings::CommonPerTeam(lists) => note(&mut self.words, lists.column),
            Strings::PerTeam(texts) => note(&mut self.words, texts.column),
            Strings::Concat(inner) | Strings::Common(inner) => self.strings(inner),
        }
    }

    /// The same for tickets of which one may stand in for the other, and hardly ever for the rest.
    pub(crate) fn class(&self, party: &Party) -> u32 {
        let mut hasher = FixedHasher::default();
        hasher.write_u8(party.size());
        self.numbers.iter().for_each(|column| hasher.write_u64(party.number(*column).to_bits()));
        let words = self.words.iter().flat_map(|column| party.cells(*column));
        words.for_each(|word| hasher.write_u32(word.index() as u32));
        for roles in &self.roles {
            roles.named_by(party).iter().for_each(|named| hasher.write_u64(*named));
        }
        hasher.finish() as u32
    }

    /// Whether a match with `with` and `other` is one as well if `one` takes the place of `other`.
    pub(crate) fn may(&self, with: &Party, one: &Party, other: &Party) -> bool {
        let is_same =
            |column: &NumberColumn| one.number(*column).to_bits() == other.number(*column).to_bits();
        let is_between = |column: &NumberColumn| {
            let (end, far, own) = (with.number(*column), other.number(*column), one.number(*column));
            is_same(column) || (end.min(far) <= own && own <= end.max(far))
        };
        let has_places = |of: &Latency| {
            let near = |party: &Party, place| {
                let mut entries = party.entries(of.column);
                entries.any(|(at, ms)| at == place && ms <= of.max_ms)
            };
            let mut theirs = other.entries(of.column).filter(|(_, ms)| *ms <= of.max_ms);
            theirs.all(|(place, _)| near(one, place))
        };
        one.size() == other.size()
            && one.never() == other.never()
            && self.numbers.iter().all(is_same)
            && self.near.iter().all(is_between)
            && self.words.iter().all(|column| one.cells(*column) == other.cells(*column))
            && self.roles.iter().all(|roles| roles.named_by(one) == roles.named_by(other))
            && self.places.iter().all(has_places)
    }
}

fn note<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// The rules that a statement may hold for because they fail. Each is followed once, however many statements name it.
fn turned_round(logic: &Logic, is_turned: bool, checks: &[Check], all: &mut [bool]) {
    match logic {
        Logic::Rule(rule) => {
            let Some(known) = all.get_mut(*rule).filter(|known| is_turned && !**known) else { return };
            *known = true;
            if let Some(Check::Logic(inner)) = checks.get(*rule) {
                turned_round(inner, true, checks, all);
            }
        }
        Logic::Not(inner) => turned_round(inner, true, checks, all),
        Logic::Join(join, parts) => {
            let is_turned = is_turned || *join == Join::Xor;
            parts.iter().for_each(|part| turned_round(part, is_turned, checks, all));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each names the one before it twice: whoever follows every name has no end.
    #[test]
    fn a_rule_that_many_name_is_followed_once() {
        let twice = |rule| {
            let parts = vec![Logic::Rule(rule), Logic::Rule(rule)];
            Check::Logic(Logic::Not(Box::new(Logic::Join(Join::Or, parts))))
        };
        let checks: Vec<Check> = std::iter::once(Check::Always).chain((0..64).map(twice)).collect();
        let mut all = vec![false; checks.len()];
        if let Some(Check::Logic(last)) = checks.last() {
            turned_round(last, false, &checks, &mut all);
        }
        assert_eq!(all.iter().filter(|is_turned| **is_turned).count(), 64);
        assert!(StandIns::new(std::iter::once(checks.as_slice()), &TeamSet::default()).numbers.is_empty());
    }
}
