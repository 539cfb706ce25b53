//! What judging a candidate takes, so that work is counted as what it is: a rule set may have one rule about two numbers, or
//! a hundred about lists of a hundred strings.
//!
//! What rules and seats alone tell is added up once for each stage; only of lists of strings it is counted what is there.
use crate::{
    columns::WordColumn,
    expression::Function,
    judge::{
        Check, Leaves, Reference,
        numbers::{Measured, Number, Numbers, Of},
        strings::Strings,
    },
    need::Need,
    pairwise::Pairwise,
    seat::Seat,
};

/// Further values that are one work unit more: a plain judgement takes about as long.
const VALUES_OF_WORK: u64 = 256;
/// So many values counts each string of a list that is looked for in another, or in as many others as still have it, or that is
/// sorted, and each number of a median.
const FIND: u64 = 4;
const MEET: u64 = 3;
const SORT: u64 = 8;
const MEDIAN: u64 = 12;

/// Values that a look at a candidate visits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weight {
    /// So many are within the work unit that the look counts as anyway.
    free: u64,
    /// Whoever sits there.
    fixed: u64,
    /// For each seat.
    seat: u64,
    /// For each symbol that a seat has in a column.
    words: Vec<(WordColumn, u64)>,
    /// For each seat and each player who has something in his list of a column.
    lists: Vec<(WordColumn, u64)>,
    /// For each seat and each location that the first one has in a column.
    places: Vec<(WordColumn, u64)>,
}

impl Weight {
    /// Judging by all of these rules.
    pub(crate) fn of_rules(checks: &[Check]) -> Self {
        let mut weight = Self { free: 1_024, ..Self::default() };
        checks.iter().for_each(|check| weight.check(check));
        weight
    }

    /// What two tickets are asked.
    pub(crate) fn of_pairs(pairs: &[Pairwise]) -> Self {
        let mut weight = Self { free: 256, fixed: pairs.len() as u64, ..Self::default() };
        for pair in pairs {
            match *pair {
                Pairwise::Overlap { column, .. } | Pairwise::Region { column, .. } => {
                    weight.word(column, 1);
                }
                _ => weight.seat += 1,
            }
        }
        weight
    }

    /// What is asked of a part of a match by its needs.
    pub(crate) fn of_needs<'a>(needs: impl Iterator<Item = &'a Need>) -> Self {
        let mut weight = Self { free: 4_096, ..Self::default() };
        for need in needs {
            weight.fixed += 2;
            match need.reads() {
                Some((lists, places)) => weight.word(lists, places),
                None => weight.seat += SORT,
            }
        }
        weight
    }

    /// Work units beyond the one that a look counts as anyway. O(seats) where rules read lists of strings.
    #[inline]
    pub(crate) fn units(&self, seats: &[Seat<'_>]) -> u32 {
        let count = seats.len() as u64;
        let mut values = self.fixed + self.seat * count;
        if values + self.strings_most(seats) <= self.free {
            return 0;
        }
        let cells = |seat: &Seat<'_>, column: WordColumn| seat.party.cells(column).len() as u64;
        for (column, times) in &self.words {
            values += times * seats.iter().map(|seat| cells(seat, *column)).sum::<u64>();
        }
        for (column, times) in &self.lists {
            // Each list begins with its length.
            let has = |seat: &&Seat<'_>| cells(seat, *column) > seat.party.size().into();
            let players = seats.iter().filter(has).map(|seat| u64::from(seat.party.size()));
            values += times * count * players.sum::<u64>();
        }
        for (column, times) in &self.places {
            values += times * count * seats.first().map_or(0, |seat| cells(seat, *column)) / 3;
        }
        u32::try_from(values.saturating_sub(self.free) / VALUES_OF_WORK).unwrap_or(u32::MAX)
    }

    /// What strings and locations add at most, if all of a party's cells were in each column: nearly always enough to know.
    #[inline]
    fn strings_most(&self, seats: &[Seat<'_>]) -> u64 {
        let times = |of: &[(WordColumn, u64)]| of.iter().map(|(_, times)| times).sum::<u64>();
        let (words, lists, places) = (times(&self.words), times(&self.lists), times(&self.places));
        if words + lists + places == 0 {
            return 0;
        }
        let count = seats.len() as u64;
        let cells: u64 = seats.iter().map(|seat| seat.party.all_cells() as u64).sum();
        let first = seats.first().map_or(0, |seat| seat.party.all_cells() as u64);
        (words + lists * count) * cells + places * count * first / 3
    }

    fn word(&mut self, column: WordColumn, times: u64) {
        add(&mut self.words, column, times);
    }

    fn check(&mut self, check: &Check) {
        self.fixed += 2;
        match check {
            Check::Compare { measured, reference, .. } | Check::Distance { measured, reference, .. } => {
                measured.iter().for_each(|one| self.measured(one));
                self.number(reference);
            }
            Check::Alike { measured, differ } => {
                measured.iter().for_each(|one| self.measured(one));
                self.seat += if *differ { SORT * measured.len() as u64 } else { 0 };
            }
            Check::CompareText { measured, .. } => measured.iter().for_each(|one| self.leaves(one, 1)),
            Check::AlikeText { measured, differ } => {
                measured.iter().for_each(|one| self.leaves(one, if *differ { SORT } else { 1 }));
            }
            Check::Spread { .. } | Check::Batch { .. } | Check::BatchText { .. } => self.seat += 1,
            Check::Contains { measured, .. } => {
                for one in measured {
                    match one {
                        Strings::PerPlayer(_) => self.seat += SORT,
                        Strings::Concat(inner) => match &**inner {
                            Strings::PerPlayer(_) | Strings::PerTeam(_) => self.seat += SORT,
                            inner => self.strings(inner, 1),
                        },
                        one => self.strings(one, 1),
                    }
                }
            }
            Check::Intersection { measured, .. } => measured.iter().for_each(|one| self.strings(one, MEET)),
            Check::Reference { measured, reference, .. } => {
                measured.iter().for_each(|one| self.strings(one, FIND));
                if let Reference::Of(strings) = reference {
                    self.strings(strings, SORT);
                }
            }
            Check::Avoid(avoid) => add(&mut self.lists, avoid.lists, SORT),
            Check::Roles(roles) => {
                self.fixed += 64;
                self.word(roles.lists, roles.places.len() as u64);
            }
            Check::PartyBalance(_) => self.fixed += 256,
            Check::Latency(latency) => add(&mut self.places, latency.column, 1),
            Check::Logic(logic) => logic.rules(&mut |_| self.fixed += 1),
            Check::Sort(_) | Check::Always => {}
        }
    }

    fn measured(&mut self, measured: &Measured) {
        match measured {
            Measured::One(number) => self.number(number),
            Measured::Each(numbers) => self.numbers(numbers, 1),
        }
    }

    fn number(&mut self, number: &Number) {
        match number {
            Number::Const(_) => {}
            Number::Fold(function, numbers) => self.numbers(numbers, passes(*function)),
            Number::Size(strings) => self.strings(strings, 0),
        }
    }

    fn numbers(&mut self, numbers: &Numbers, times: u64) {
        let of = |of: Of| if matches!(of, Of::Length(_)) { 4 } else { 1 };
        match numbers {
            Numbers::Flat(flat) => self.seat += times * of(flat.of),
            Numbers::PerTeam(function, flat) => {
                // Each team looks for its own seats.
                let teams = flat.teams.iter().count() as u64;
                self.fixed += teams;
                self.seat += teams + passes(*function) * of(flat.of);
            }
            Numbers::Sizes(strings) => self.strings(strings, 0),
        }
    }

    fn leaves(&mut self, leaves: &Leaves, times: u64) {
        match leaves {
            Leaves::Texts(_) => self.seat += 2 * times,
            Leaves::Of(strings) => self.strings(strings, times),
        }
    }

    /// Of collections whose strings are then each looked at so often.
    fn strings(&mut self, strings: &Strings, times: u64) {
        match strings {
            Strings::PerPlayer(lists) => {
                self.seat += 2;
                self.word(lists.column, times);
            }
            Strings::PerTeam(texts) => {
                self.seat += texts.teams.iter().count() as u64;
                self.word(texts.column, SORT + times);
            }
            Strings::CommonPerTeam(lists) => {
                self.seat += 2 * lists.teams.iter().count() as u64;
                self.word(lists.column, MEET + times);
            }
            Strings::Concat(inner) => self.strings(inner, SORT + times),
            Strings::Common(inner) => self.strings(inner, MEET),
        }
    }
}

/// Passes over the numbers, with what is asked of a part of a match.
const fn passes(function: Function) -> u64 {
    match function {
        Function::Stddev => 5,
        Function::Median => MEDIAN,
        _ => 1,
    }
}

fn add(all: &mut Vec<(WordColumn, u64)>, column: WordColumn, times: u64) {
    if times == 0 {
        return;
    }
    match all.iter_mut().find(|(known, _)| *known == column) {
        Some((_, sum)) => *sum += times,
        None => all.push((column, times)),
    }
}
