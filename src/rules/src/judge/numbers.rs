//! Numbers of a candidate.
use super::strings::Strings;
use crate::{
    columns::{NumberColumn, WordColumn},
    expression::Function,
    seat::{Seat, TeamSet},
};

/// One number a player, over the players of some teams.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flat {
    pub(crate) teams: TeamSet,
    pub(crate) of: Of,
}

/// Which number of a player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Of {
    Column(NumberColumn),
    /// How many strings his list has.
    Length(WordColumn),
    /// One: he is there.
    One,
}

/// A list of numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Flat(Flat),
    /// One a team.
    PerTeam(Function, Flat),
    /// How many strings each collection has.
    Sizes(Strings),
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    Const(f64),
    Fold(Function, Numbers),
    /// How many strings one collection has.
    Size(Strings),
}

/// What a rule measures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measured {
    One(Number),
    Each(Numbers),
}

/// Numbers that come one after another, each so many times.
pub(crate) trait Values {
    fn each(&self, take: impl FnMut(f64, u32));
}

/// Of a flat list: the numbers of one team, or of all its teams.
struct On<'a, 's> {
    flat: &'a Flat,
    team: Option<u8>,
    seats: &'a [Seat<'s>],
}

impl Values for On<'_, '_> {
    #[inline]
    fn each(&self, mut take: impl FnMut(f64, u32)) {
        let is_meant = |seat: &&Seat<'_>| match self.team {
            Some(team) => seat.team == team,
            None => self.flat.teams.has(seat.team),
        };
        let meant = self.seats.iter().filter(is_meant).map(|seat| seat.party);
        match self.flat.of {
            Of::Column(column) => meant.for_each(|party| take(party.number(column), u32::from(party.size()))),
            Of::One => meant.for_each(|party| take(1.0, u32::from(party.size()))),
            Of::Length(column) => {
                meant.for_each(|party| party.lists(column).for_each(|list| take(list.len() as f64, 1)));
            }
        }
    }
}

/// The numbers of any list; teams without one are passed over.
struct All<'a, 's>(&'a Numbers, &'a [Seat<'s>]);

impl Values for All<'_, '_> {
    #[inline]
    fn each(&self, mut take: impl FnMut(f64, u32)) {
        let Self(numbers, seats) = *self;
        match numbers {
            Numbers::Flat(flat) => On { flat, team: None, seats }.each(take),
            Numbers::PerTeam(function, flat) => {
                for team in flat.teams.iter() {
                    if let Some(number) = fold(*function, &On { flat, team: Some(team), seats }) {
                        take(number, 1);
                    }
                }
            }
            Numbers::Sizes(strings) => {
                strings.each(seats, |list, times| take(list.len() as f64, times));
                // A team without players has a list as well, for counting.
                let teams = strings.empty_teams(seats);
                if teams > 0 {
                    take(0.0, teams);
                }
            }
        }
    }
}

/// One number of many; none of none, but for their count.
pub(crate) fn fold(function: Function, values: &impl Values) -> Option<f64> {
    match function {
        Function::Min => {
            let mut min = f64::INFINITY;
            values.each(|value, _| min = min.min(value));
            (min < f64::INFINITY).then_some(min)
        }
        Function::Max => {
            let mut max = f64::NEG_INFINITY;
            values.each(|value, _| max = max.max(value));
            (max > f64::NEG_INFINITY).then_some(max)
        }
        Function::Count => Some(summed(values).1),
        Function::Sum => Some(summed(values)).filter(|(_, count)| *count > 0.0).map(|(sum, _)| sum),
        Function::Avg => average(values),
        Function::Stddev => {
            let average = average(values)?;
            let (mut squares, mut count) = (0.0, 0.0);
            values.each(|value, times| {
                squares += (value - average) * (value - average) * f64::from(times);
                count += f64::from(times);
            });
            Some(f64::sqrt(squares / count))
        }
        Function::Median => median(values),
    }
}

#[inline]
fn summed(values: &impl Values) -> (f64, f64) {
    let (mut sum, mut count) = (0.0, 0.0);
    values.each(|value, times| {
        sum += value * f64::from(times);
        count += f64::from(times);
    });
    (sum, count)
}

#[inline]
fn average(values: &impl Values) -> Option<f64> {
    let (sum, count) = summed(values);
    (count > 0.0).then(|| sum / count)
}

fn median(values: &impl Values) -> Option<f64> {
    let mut all = Vec::new();
    values.each(|value, times| all.extend(std::iter::repeat_n(value, times as usize)));
    all.sort_unstable_by(f64::total_cmp);
    let (low, high) = (all.get((all.len().max(1) - 1) / 2)?, all.get(all.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

impl Number {
    #[inline]
    pub(crate) fn value(&self, seats: &[Seat<'_>]) -> Option<f64> {
        match self {
            Self::Const(number) => Some(*number),
            Self::Fold(function, numbers) => match numbers {
                Numbers::Flat(flat) => fold(*function, &On { flat, team: None, seats }),
                _ => fold(*function, &All(numbers, seats)),
            },
            Self::Size(strings) => {
                let mut size = None;
                strings.each(seats, |list, _| size = Some(list.len() as f64));
                size.or(Some(0.0))
            }
        }
    }
}

impl Measured {
    /// Each measured value, and how often it comes.
    #[inline]
    pub(crate) fn each(&self, seats: &[Seat<'_>], mut take: impl FnMut(f64, u32)) {
        match self {
            Self::One(number) => {
                if let Some(value) = number.value(seats) {
                    take(value, 1);
                }
            }
            Self::Each(Numbers::Flat(flat)) => On { flat, team: None, seats }.each(take),
            Self::Each(numbers) => All(numbers, seats).each(take),
        }
    }
}
