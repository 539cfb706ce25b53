//! Rules, compiled, and what they say about a candidate.
pub(crate) mod avoid;
pub(crate) mod hopeless;
pub(crate) mod latency;
pub(crate) mod logic;
pub(crate) mod numbers;
pub(crate) mod pairs;
pub(crate) mod party_balance;
pub(crate) mod roles;
pub(crate) mod sort;
pub(crate) mod stand_in;
pub(crate) mod strings;
pub(crate) mod versus;

use crate::{
    columns::{NumberColumn, WordColumn},
    expression::Function,
    seat::{Seat, TeamSet},
    stage::Verdict,
    symbols::Symbol,
};
use avoid::Avoid;
use latency::Latency;
use logic::{Judge, Logic};
use numbers::{Measured, Number, Numbers, Of};
use party_balance::PartyBalance;
use roles::Roles;
use smallvec::SmallVec;
use sort::Sort;
use std::{borrow::Cow, cmp::Ordering};
use strings::{Strings, Texts};

/// A rule of one stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Check {
    /// Every number compares true with the reference.
    Compare { measured: Vec<Measured>, operation: Operation, reference: Number },
    /// All numbers are equal, or all differ.
    Alike { measured: Vec<Measured>, differ: bool },
    /// Every string is the reference, or none is.
    CompareText { measured: Vec<Leaves>, reference: Symbol, differ: bool },
    /// All strings are equal, or all differ.
    AlikeText { measured: Vec<Leaves>, differ: bool },
    /// Every number is as far from the reference as allowed.
    Distance { measured: Vec<Measured>, reference: Number, allowed: Span },
    /// The distance of the largest and the smallest number of some teams: the commonest of distances, in one pass.
    Spread { teams: TeamSet, column: NumberColumn, allowed: Span },
    /// The tickets' numbers lie so near.
    Batch { column: NumberColumn, width: f64 },
    /// All have the same string.
    BatchText { column: WordColumn },
    /// So many collections have the string.
    Contains { measured: Vec<Strings>, wanted: Symbol, allowed: Counts },
    /// So many strings are in all collections.
    Intersection { measured: Vec<Strings>, allowed: Counts },
    /// So many strings of each collection are in the reference.
    Reference { measured: Vec<Strings>, reference: Reference, allowed: Counts },
    /// Players who do not want to meet.
    Avoid(Avoid),
    /// Places on a team that are filled by players who name them.
    Roles(Roles),
    /// Parties meet parties.
    PartyBalance(PartyBalance),
    /// A location that is near enough for all.
    Latency(Latency),
    /// An order, which always holds.
    Sort(Sort),
    /// Logic over other rules.
    Logic(Logic),
    /// Nothing to ask.
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Less,
    AtMost,
    Equal,
    Different,
    AtLeast,
    More,
}

impl Operation {
    #[inline]
    pub(crate) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::Different => left != right,
            Self::AtLeast => left >= right,
            Self::More => left > right,
        }
    }
}

/// Strings one by one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Leaves {
    /// One of each player.
    Texts(Texts),
    /// Those of collections.
    Of(Strings),
}

impl Leaves {
    #[inline]
    pub(crate) fn each(&self, seats: &[Seat<'_>], mut take: impl FnMut(Symbol, u32)) {
        match self {
            Self::Texts(texts) => texts.each(seats, take),
            Self::Of(strings) => {
                strings.each(seats, |list, times| list.iter().for_each(|text| take(*text, times)))
            }
        }
    }
}

/// From `min` to `max`, both allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// From `min` to `max`, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl Counts {
    pub(crate) const fn allow(self, count: u32) -> bool {
        self.min <= count && count <= self.max
    }
}

/// What collections are compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reference {
    /// Ascending.
    Const(Box<[Symbol]>),
    Of(Strings),
}

impl Reference {
    /// None where nobody has a seat whom it would be made of.
    pub(crate) fn has_value(&self, seats: &[Seat<'_>]) -> bool {
        match self {
            Self::Const(_) => true,
            Self::Of(strings) => strings.has_players(seats),
        }
    }
    /// All of its strings, ascending.
    pub(crate) fn strings(&self, seats: &[Seat<'_>]) -> Cow<'_, [Symbol]> {
        match self {
            Self::Const(all) => Cow::Borrowed(all),
            Self::Of(strings) => {
                let mut all = Vec::new();
                strings.each(seats, |list, _| all.extend_from_slice(list));
                all.sort_unstable();
                all.dedup();
                Cow::Owned(all)
            }
        }
    }
}

/// How many different strings of one ascending list another has.
pub(crate) fn shared(list: &[Symbol], all: &[Symbol]) -> u32 {
    let mut last = None;
    let is_new = |symbol: &&Symbol| last.replace(**symbol) != Some(**symbol);
    list.iter().filter(is_new).filter(|symbol| all.binary_search(symbol).is_ok()).count() as u32
}

/// What is known while values are judged one by one.
#[derive(Clone, Copy)]
pub(crate) struct Tally {
    any: bool,
    fails: bool,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self { any: false, fails: false }
    }
    #[inline]
    pub(crate) fn add(&mut self, holds: bool) {
        self.any = true;
        self.fails |= !holds;
    }
    #[inline]
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self { fails: true, .. } => Verdict::Fails,
            Self { any: true, .. } => Verdict::Holds,
            Self { any: false, .. } => Verdict::NoValue,
        }
    }
}

impl Check {
    /// Of numbers measured from a reference.
    pub(crate) fn distance(measured: Vec<Measured>, reference: Number, allowed: Span) -> Self {
        match (measured.as_slice(), &reference) {
            (
                [Measured::One(Number::Fold(Function::Max, Numbers::Flat(high)))],
                Number::Fold(Function::Min, Numbers::Flat(low)),
            ) if high == low => {
                if let Of::Column(column) = low.of {
                    return Self::Spread { teams: low.teams, column, allowed };
                }
            }
            _ => {}
        }
        Self::Distance { measured, reference, allowed }
    }
    /// Of a complete candidate; `judge` asks all rules, for the logic over them.
    #[inline]
    pub(crate) fn verdict(&self, seats: &[Seat<'_>], judge: &Judge<'_>) -> Verdict {
        let mut tally = Tally::new();
        match self {
            Self::Compare { measured, operation, reference } => {
                let Some(reference) = reference.value(seats) else { return Verdict::NoValue };
                for one in measured {
                    one.each(seats, |value, _| tally.add(operation.holds(value, reference)));
                }
            }
            Self::Distance { measured, reference, allowed } => {
                let Some(reference) = reference.value(seats) else { return Verdict::NoValue };
                for one in measured {
                    one.each(seats, |value, _| {
                        let distance = (value - reference).abs();
                        tally.add(allowed.min <= distance && distance <= allowed.max);
                    });
                }
            }
            Self::Alike { measured, differ } => alike(*differ, &mut tally, f64::total_cmp, |take| {
                measured.iter().for_each(|one| one.each(seats, &mut *take));
            }),
            Self::CompareText { measured, reference, differ } => {
                for one in measured {
                    one.each(seats, |text, _| tally.add((text == *reference) != *differ));
                }
            }
            Self::AlikeText { measured, differ } => alike(*differ, &mut tally, Symbol::cmp, |take| {
                measured.iter().for_each(|one| one.each(seats, &mut *take));
            }),
            Self::Spread { teams, column, allowed } => {
                if let Some(distance) = spread(seats.iter().filter(|seat| teams.has(seat.team)), *column) {
                    tally.add(allowed.min <= distance && distance <= allowed.max);
                }
            }
            Self::Batch { column, width } => {
                if let Some(distance) = spread(seats.iter(), *column) {
                    tally.add(distance <= *width);
                }
            }
            Self::BatchText { column } => {
                let mut texts = seats.iter().flat_map(|seat| seat.party.texts(*column));
                if let Some(first) = texts.next() {
                    tally.add(texts.all(|text| text == first));
                }
            }
            Self::Contains { measured, wanted, allowed } => {
                if measured.iter().any(|one| one.has_players(seats)) {
                    tally.add(allowed.allow(measured.iter().map(|one| one.containing(seats, *wanted)).sum()));
                }
            }
            Self::Intersection { measured, allowed } => {
                if let Some(count) = common(measured, seats) {
                    tally.add(allowed.allow(count));
                }
            }
            Self::Reference { measured, reference, allowed } => {
                if !reference.has_value(seats) {
                    return Verdict::NoValue;
                }
                let all = reference.strings(seats);
                for one in measured {
                    one.each(seats, |list, _| tally.add(allowed.allow(shared(list, &all))));
                }
            }
            Self::Avoid(avoid) => return avoid.verdict(seats),
            Self::Roles(roles) => return roles.verdict(seats),
            Self::PartyBalance(balance) => return balance.verdict(seats),
            Self::Latency(latency) => return latency.verdict(seats),
            Self::Logic(logic) => return logic.verdict(seats, judge),
            Self::Sort(_) | Self::Always => return Verdict::Holds,
        }
        tally.verdict()
    }
}

/// How far the largest number lies from the smallest; none of nobody.
#[inline]
fn spread<'a, 's: 'a>(seats: impl Iterator<Item = &'a Seat<'s>>, column: NumberColumn) -> Option<f64> {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for seat in seats {
        let number = seat.party.number(column);
        min = min.min(number);
        max = max.max(number);
    }
    (min <= max).then_some(max - min)
}

/// Are all values of `visit` (each with how often it comes) equal, or do all differ?
#[inline]
fn alike<T: PartialEq + Copy>(
    differ: bool,
    tally: &mut Tally,
    order: impl Fn(&T, &T) -> Ordering,
    visit: impl Fn(&mut dyn FnMut(T, u32)),
) {
    if !differ {
        let mut first = None;
        visit(&mut |value, _| tally.add(*first.get_or_insert(value) == value));
        return;
    }
    let mut all: SmallVec<[T; 64]> = SmallVec::new();
    visit(&mut |value, times| {
        all.push(value);
        tally.add(times == 1);
    });
    all.sort_unstable_by(order);
    if all.array_windows().any(|[one, next]| one == next) {
        tally.add(false);
    }
}

/// How many strings are in all collections; none where there is no collection.
pub(crate) fn common(measured: &[Strings], seats: &[Seat<'_>]) -> Option<u32> {
    let mut common: Option<SmallVec<[Symbol; 32]>> = None;
    for one in measured {
        one.each(seats, |list, _| match &mut common {
            None => {
                let mut first = SmallVec::from_slice(list);
                first.dedup();
                common = Some(first);
            }
            Some(common) => common.retain(|symbol| list.binary_search(symbol).is_ok()),
        });
    }
    common.map(|common| common.len() as u32)
}
