//! What whoever joins can no longer change.
//!
//! A partial candidate only grows: players join teams that have room. So values of seats persist, a maximum only rises,
//! what all have only shrinks. A number that may still change is an interval; a rule that fails for all of it is dead.
use super::{
    Check, Counts, Leaves, Operation, Reference, Span, common,
    logic::{Join, Judge, Logic, Said},
    numbers::{Flat, Measured, Number, Numbers, Of},
    shared, spread,
    strings::Strings,
};
use crate::{
    expression::Function,
    rule_set::TeamSize,
    seat::{Seat, TeamSet},
    stage::Verdict,
};

/// How far rounding may move a bound, in parts.
const ROUNDING: f64 = 1e-9;

/// A candidate that may still grow.
pub(crate) struct Partial<'a, 's> {
    seats: &'a [Seat<'s>],
    sizes: &'a [TeamSize],
    /// At most 255 each, which is more than any team takes.
    players: [u8; 256],
    /// Teams with room.
    open: TeamSet,
    checks: &'a [Check],
    judge: Judge<'a>,
    dead: Said<bool>,
}

/// Where a number will be, both ends included.
type Interval = (f64, f64);
const ANYWHERE: Interval = (f64::NEG_INFINITY, f64::INFINITY);

impl<'a, 's> Partial<'a, 's> {
    /// `has_logic`: whether a statement is among the rules.
    pub(crate) fn new(
        seats: &'a [Seat<'s>],
        sizes: &'a [TeamSize],
        checks: &'a [Check],
        has_logic: bool,
    ) -> Self {
        let mut players = [0_u8; 256];
        for seat in seats {
            if let Some(count) = players.get_mut(usize::from(seat.team)) {
                *count = count.saturating_add(seat.party.size());
            }
        }
        let teams = (0_u8..=u8::MAX).zip(sizes).zip(&players);
        let open = teams.filter(|((_, size), count)| size.max > **count).map(|((team, _), _)| team);
        let (judge, dead) = (Judge::new(checks, has_logic), Said::new(has_logic));
        Self { seats, sizes, players, open: open.collect(), checks, judge, dead }
    }
    /// Players that still fit into these teams.
    fn room(&self, teams: &TeamSet) -> u32 {
        let room = self
            .sizes
            .iter()
            .zip(&self.players)
            .map(|(size, count)| u32::from(size.max.saturating_sub(*count)));
        (0_u8..=u8::MAX).zip(room).filter(|(team, _)| teams.has(*team)).map(|(_, room)| room).sum()
    }
    /// So much of a standard deviation stays, whoever joins: what its squares sum up to only grows, and at most so many
    /// share it as there is room for.
    fn deviation_kept(&self, deviation: f64, flat: &Flat) -> f64 {
        let of = |function| Number::Fold(function, Numbers::Flat(flat.clone())).value(self.seats);
        let (players, average) = (of(Function::Count).unwrap_or(0.0), of(Function::Avg).unwrap_or(0.0));
        let shared = f64::sqrt(players / (players + f64::from(self.room(&flat.teams))));
        (deviation * shared * (1.0 - ROUNDING) - ROUNDING * average.abs()).max(0.0)
    }
    fn is_closed(&self, teams: &TeamSet) -> bool {
        !teams.meets(&self.open)
    }

    /// Does this rule fail, whoever joins?
    #[inline]
    pub(crate) fn is_dead(&self, rule: usize) -> bool {
        self.checks.get(rule).is_some_and(|check| self.dead.get(rule, || self.fails(check)))
    }

    fn fails(&self, check: &Check) -> bool {
        match check {
            Check::Compare { measured, operation, reference } => {
                self.any(measured, reference, |value, reference| !possible(*operation, value, reference))
            }
            Check::Distance { measured, reference, allowed } => {
                self.any(measured, reference, |value, reference| !reachable(*allowed, value, reference))
            }
            // The distance only grows.
            Check::Spread { teams, column, allowed } => {
                let seats = self.seats.iter().filter(|seat| teams.has(seat.team));
                spread(seats, *column).is_some_and(|distance| {
                    distance > allowed.max || (distance < allowed.min && self.is_closed(teams))
                })
            }
            Check::Alike { measured, differ: false } => {
                let (mut highest_low, mut lowest_high) = ANYWHERE;
                self.each(measured, |(low, high), _| {
                    highest_low = highest_low.max(low);
                    lowest_high = lowest_high.min(high);
                });
                highest_low > lowest_high
            }
            Check::Alike { measured, differ: true } => {
                let mut exact = Vec::new();
                self.each(measured, |(low, high), times| {
                    if low == high {
                        exact.extend(std::iter::repeat_n(low, times.min(2) as usize));
                    }
                });
                exact.sort_unstable_by(f64::total_cmp);
                exact.array_windows().any(|[a, b]| a == b)
            }
            Check::CompareText { measured, .. } | Check::AlikeText { measured, .. } => {
                measured.iter().all(|one| self.leaves_persist(one))
                    && check.verdict(self.seats, &self.judge) == Verdict::Fails
            }
            Check::Batch { .. } | Check::BatchText { .. } => {
                check.verdict(self.seats, &self.judge) == Verdict::Fails
            }
            Check::Contains { measured, wanted, allowed } => {
                let (mut low, mut high) = (0, 0_u32);
                for one in measured {
                    let is_closed = self.is_closed(one.teams());
                    if is_closed || grows(one) {
                        let count = one.containing(self.seats, *wanted);
                        low += count;
                        high =
                            high.saturating_add(count + if is_closed { 0 } else { self.room(one.teams()) });
                    } else {
                        high = u32::MAX;
                    }
                }
                let has_players = measured.iter().any(|one| one.has_players(self.seats));
                has_players && (low > allowed.max || high < allowed.min)
            }
            Check::Intersection { measured, allowed } => self.intersection_is_dead(measured, *allowed),
            Check::Reference { measured, reference, allowed } => {
                self.reference_is_dead(measured, reference, *allowed)
            }
            // Whoever joins can only be one more.
            Check::Avoid(avoid) => avoid.verdict(self.seats) == Verdict::Fails,
            Check::Roles(roles) => roles.is_dead(self.seats, self.sizes),
            Check::PartyBalance(balance) => balance.is_dead(self.seats, self.sizes),
            Check::Latency(latency) => !latency.location(self.seats, false),
            Check::Logic(logic) => self.logic_is_dead(logic),
            Check::Sort(_) | Check::Always => false,
        }
    }

    fn logic_is_dead(&self, logic: &Logic) -> bool {
        let is_dead = |part: &Logic| self.logic_is_dead(part);
        match logic {
            Logic::Rule(rule) => self.is_dead(*rule),
            Logic::Join(Join::And, parts) => parts.iter().any(is_dead),
            Logic::Join(Join::Or | Join::Xor, parts) => parts.iter().all(is_dead),
            Logic::Not(_) => false,
        }
    }

    fn intersection_is_dead(&self, measured: &[Strings], allowed: Counts) -> bool {
        let is_closed = |one: &Strings| self.is_closed(one.teams());
        let shrinks = |one: &Strings| is_closed(one) || matches!(one, Strings::PerPlayer(_));
        let Some(count) = common(measured, self.seats).filter(|_| measured.iter().all(shrinks)) else {
            return false;
        };
        count < allowed.min || (measured.iter().all(is_closed) && count > allowed.max)
    }

    fn reference_is_dead(&self, measured: &[Strings], reference: &Reference, allowed: Counts) -> bool {
        if !reference.has_value(self.seats) {
            return false;
        }
        let (may_grow, may_shrink) = match reference {
            Reference::Const(_) => (false, false),
            Reference::Of(strings) if self.is_closed(strings.teams()) => (false, false),
            Reference::Of(strings) if grows(strings) => (true, false),
            Reference::Of(Strings::Common(inner)) if matches!(**inner, Strings::PerPlayer(_)) => {
                (false, true)
            }
            Reference::Of(_) => (true, true),
        };
        let persist = |one: &&Strings| self.is_closed(one.teams()) || matches!(one, Strings::PerPlayer(_));
        let all = reference.strings(self.seats);
        let mut is_dead = false;
        for one in measured.iter().filter(persist) {
            one.each(self.seats, |list, _| {
                let count = shared(list, &all);
                is_dead |= (!may_shrink && count > allowed.max) || (!may_grow && count < allowed.min);
            });
        }
        is_dead
    }

    fn leaves_persist(&self, leaves: &Leaves) -> bool {
        match leaves {
            Leaves::Texts(_) => true,
            Leaves::Of(strings) => grows(strings) || self.is_closed(strings.teams()),
        }
    }

    /// Is there a measured value that is there to stay and, with the reference, `fails` wherever both will be?
    fn any(
        &self,
        measured: &[Measured],
        reference: &Number,
        fails: impl Fn(Interval, Interval) -> bool,
    ) -> bool {
        if self.may_be_anything(reference) {
            return false;
        }
        let Some(reference) = self.number(reference) else { return false };
        let mut any = false;
        self.each(measured, |value, _| any |= fails(value, reference));
        any
    }

    fn each(&self, measured: &[Measured], mut take: impl FnMut(Interval, u32)) {
        for one in measured {
            match one {
                Measured::One(number) => {
                    if let Some(interval) = self.number(number) {
                        take(interval, 1);
                    }
                }
                Measured::Each(Numbers::PerTeam(function, flat)) => {
                    for team in flat.teams.iter() {
                        let flat = Flat { teams: std::iter::once(team).collect(), of: flat.of };
                        let number = Number::Fold(*function, Numbers::Flat(flat));
                        if let Some(interval) = self.number(&number) {
                            take(interval, 1);
                        }
                    }
                }
                Measured::Each(Numbers::Sizes(strings)) if !matches!(strings, Strings::PerPlayer(_)) => {
                    if self.is_closed(strings.teams()) {
                        one.each(self.seats, |value, times| take((value, value), times));
                    }
                }
                Measured::Each(_) => one.each(self.seats, |value, times| take((value, value), times)),
            }
        }
    }

    /// Tells of the commonest numbers that they may still become anything, without working them out.
    fn may_be_anything(&self, number: &Number) -> bool {
        match number {
            Number::Fold(
                Function::Avg | Function::Median,
                Numbers::Flat(flat) | Numbers::PerTeam(_, flat),
            ) => !self.is_closed(&flat.teams),
            _ => false,
        }
    }

    /// Where a number will be, if it has a value that stays.
    fn number(&self, number: &Number) -> Option<Interval> {
        let value = number.value(self.seats)?;
        let (up, down) = ((value, f64::INFINITY), (f64::NEG_INFINITY, value));
        Some(match number {
            Number::Const(_) => (value, value),
            Number::Fold(_, Numbers::Flat(flat) | Numbers::PerTeam(_, flat))
                if self.is_closed(&flat.teams) =>
            {
                (value, value)
            }
            Number::Fold(function, Numbers::Flat(flat)) => match (function, flat.of) {
                (Function::Max | Function::Count, _) | (Function::Sum, Of::One | Of::Length(_)) => up,
                (Function::Min, _) => down,
                (Function::Stddev, Of::Column(_)) => (self.deviation_kept(value, flat), f64::INFINITY),
                (Function::Stddev, _) => (0.0, f64::INFINITY),
                _ => ANYWHERE,
            },
            Number::Fold(Function::Max, Numbers::PerTeam(Function::Max | Function::Count, _)) => up,
            Number::Fold(Function::Min, Numbers::PerTeam(Function::Min, _)) => down,
            Number::Size(strings) | Number::Fold(_, Numbers::Sizes(strings))
                if self.is_closed(strings.teams()) =>
            {
                (value, value)
            }
            Number::Size(strings) if grows(strings) => up,
            Number::Fold(..) | Number::Size(_) => ANYWHERE,
        })
    }
}

/// Do its collections (or their number) only get more strings, at most one of a kind with each player?
pub(crate) fn grows(strings: &Strings) -> bool {
    match strings {
        Strings::PerPlayer(_) => true,
        Strings::Concat(inner) => matches!(**inner, Strings::PerPlayer(_) | Strings::PerTeam(_)),
        Strings::PerTeam(_) | Strings::CommonPerTeam(_) | Strings::Common(_) => false,
    }
}

pub(crate) fn possible(operation: Operation, (low, high): Interval, (from, to): Interval) -> bool {
    match operation {
        Operation::Less => low < to,
        Operation::AtMost => low <= to,
        Operation::Equal => low <= to && from <= high,
        Operation::Different => low != high || from != to || low != from,
        Operation::AtLeast => high >= from,
        Operation::More => high > from,
    }
}

pub(crate) fn reachable(allowed: Span, (low, high): Interval, (from, to): Interval) -> bool {
    let nearest = (low - to).max(from - high).max(0.0);
    let farthest = (high - from).max(to - low);
    nearest <= allowed.max && farthest >= allowed.min
}
