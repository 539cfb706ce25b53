//! What teams have against what other teams have, before a search has taken those who decide it.
//!
//! A rule that compares the best of one team with the average of another fails for most choices of both, and judging a part
//! of a match sees it only once one of the teams is full. Whoever may still join a team has at least and at most so much:
//! that bounds each number of the rule on both sides, for what was taken and for that with one ticket more.
use super::{
    Check, Operation, Span,
    hopeless::{possible, reachable},
    numbers::{Flat, Measured, Number, Numbers, Of},
};
use crate::{
    columns::NumberColumn,
    expression::Function,
    rule_set::TeamSize,
    seat::{Seat, TeamSet},
};
use smallvec::SmallVec;

/// Columns that are looked at; rules that read others are not.
pub const VERSUS_COLUMNS_MAX: usize = 4;
/// How far rounding may move a bound, in parts.
const ROUNDING: f64 = 1e-9;

type Interval = (f64, f64);

/// What those have who may still join a team, in each of the columns of [`Stage::versus_columns`](crate::Stage::versus_columns):
/// at least, and at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reserve {
    /// Nobody may: then nothing is asked of it.
    low: [f64; VERSUS_COLUMNS_MAX],
    high: [f64; VERSUS_COLUMNS_MAX],
}

impl Reserve {
    /// Of nobody.
    pub const EMPTY: Self =
        Self { low: [f64::INFINITY; VERSUS_COLUMNS_MAX], high: [f64::NEG_INFINITY; VERSUS_COLUMNS_MAX] };
    /// Of anybody.
    pub const ANYBODY: Self =
        Self { low: [f64::NEG_INFINITY; VERSUS_COLUMNS_MAX], high: [f64::INFINITY; VERSUS_COLUMNS_MAX] };

    /// Adds one who has these.
    pub fn add(&mut self, values: &[f64; VERSUS_COLUMNS_MAX]) {
        for ((low, high), value) in self.low.iter_mut().zip(&mut self.high).zip(values) {
            (*low, *high) = (low.min(*value), high.max(*value));
        }
    }
}

/// The rules of a stage that compare numbers of teams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rivals {
    rules: Vec<Rival>,
    columns: Vec<NumberColumn>,
    /// Of each number that the rules read: whose, and from which column.
    reads: Vec<(TeamSet, usize)>,
}

#[derive(Debug, Clone)]
struct Rival {
    rule: usize,
    measured: Vec<Side>,
    reference: Side,
    asked: Asked,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Compare(Operation),
    Distance(Span),
}

/// A number, by what it reads.
#[derive(Debug, Clone)]
enum Side {
    Const(f64),
    /// One of a number of teams together.
    Fold(Function, usize),
    /// Every player's own.
    Each(usize),
    /// One of each team.
    Teams(Function, Vec<usize>),
    /// The largest or smallest of those.
    Best(Function, Function, Vec<usize>),
}

impl Rivals {
    /// Of the rules `must`, each of which may not fail.
    pub(crate) fn new(must: &[usize], checks: &[Check], everybody: &TeamSet) -> Self {
        let mut all = Self::default();
        for &rule in must {
            let Some(check) = checks.get(rule) else { continue };
            let before = (all.columns.len(), all.reads.len());
            match all.of(rule, check, everybody) {
                Some(rival) => all.rules.push(rival),
                None => {
                    all.columns.truncate(before.0);
                    all.reads.truncate(before.1);
                }
            }
        }
        all
    }

    pub(crate) fn columns(&self) -> &[NumberColumn] {
        &self.columns
    }

    /// Numbers that are looked at for each answer.
    pub(crate) fn values(&self) -> u32 {
        let sides = self.rules.iter().map(|rival| 1 + rival.measured.len());
        (self.reads.len() + sides.sum::<usize>()) as u32
    }

    pub(crate) fn first(&self) -> Option<usize> {
        self.rules.first().map(|rival| rival.rule)
    }

    fn of(&mut self, rule: usize, check: &Check, everybody: &TeamSet) -> Option<Rival> {
        let (measured, reference, asked) = match check {
            Check::Compare { measured, operation, reference } => {
                (measured.as_slice(), reference, Asked::Compare(*operation))
            }
            Check::Distance { measured, reference, allowed } => {
                (measured.as_slice(), reference, Asked::Distance(*allowed))
            }
            Check::Spread { teams, column, allowed } if teams != everybody => {
                let at = self.read(Flat { teams: *teams, of: Of::Column(*column) })?;
                let measured = vec![Side::Fold(Function::Max, at)];
                let reference = Side::Fold(Function::Min, at);
                return Some(Rival { rule, measured, reference, asked: Asked::Distance(*allowed) });
            }
            _ => return None,
        };
        let reference = self.number(reference)?;
        let mut sides = Vec::new();
        for one in measured {
            let side = match one {
                Measured::One(number) => self.number(number),
                Measured::Each(Numbers::Flat(flat)) => self.read(flat.clone()).map(Side::Each),
                Measured::Each(Numbers::PerTeam(function, flat)) if is_bounded(*function) => {
                    self.teams(flat).map(|teams| Side::Teams(*function, teams))
                }
                Measured::Each(_) => None,
            };
            sides.extend(side);
        }
        let is_asked_elsewhere = match reference {
            // Of each ticket alone.
            Side::Const(_) => sides.iter().all(|side| matches!(side, Side::Each(_))),
            // Of any two tickets.
            _ => sides.iter().chain([&reference]).all(|side| self.is_of_pairs(side, everybody)),
        };
        (!is_asked_elsewhere).then_some(Rival { rule, measured: sides, reference, asked })
    }

    /// Whether it is about what any of all players has.
    fn is_of_pairs(&self, side: &Side, everybody: &TeamSet) -> bool {
        match side {
            Side::Const(_) => true,
            Side::Each(at) | Side::Fold(Function::Min | Function::Max, at) => {
                self.reads.get(*at).is_some_and(|(teams, _)| teams == everybody)
            }
            Side::Fold(..) | Side::Teams(..) | Side::Best(..) => false,
        }
    }

    fn number(&mut self, number: &Number) -> Option<Side> {
        match number {
            Number::Const(value) => Some(Side::Const(*value)),
            Number::Fold(function, Numbers::Flat(flat)) if is_bounded(*function) => {
                self.read(flat.clone()).map(|at| Side::Fold(*function, at))
            }
            Number::Fold(outer @ (Function::Max | Function::Min), Numbers::PerTeam(inner, flat))
                if is_bounded(*inner) =>
            {
                self.teams(flat).map(|teams| Side::Best(*outer, *inner, teams))
            }
            Number::Fold(..) | Number::Size(_) => None,
        }
    }

    fn teams(&mut self, flat: &Flat) -> Option<Vec<usize>> {
        flat.teams
            .iter()
            .map(|team| self.read(Flat { teams: std::iter::once(team).collect(), of: flat.of }))
            .collect()
    }

    fn read(&mut self, flat: Flat) -> Option<usize> {
        let Of::Column(column) = flat.of else { return None };
        let at = match self.columns.iter().position(|known| *known == column) {
            Some(at) => at,
            None if self.columns.len() < VERSUS_COLUMNS_MAX => {
                self.columns.push(column);
                self.columns.len() - 1
            }
            None => return None,
        };
        let read = (flat.teams, at);
        Some(self.reads.iter().position(|known| *known == read).unwrap_or_else(|| {
            self.reads.push(read);
            self.reads.len() - 1
        }))
    }

    pub(crate) fn versus<'a>(
        &'a self,
        seats: &[Seat<'_>],
        sizes: &[TeamSize],
        firsts: &'a [u8],
    ) -> Option<Versus<'a>> {
        if self.rules.is_empty() {
            return None;
        }
        let mut players: SmallVec<[u32; 8]> = SmallVec::from_elem(0, sizes.len());
        for seat in seats {
            if let Some(count) = players.get_mut(usize::from(seat.team)) {
                *count += u32::from(seat.party.size());
            }
        }
        let room = |team: u8| {
            let (size, has) = (sizes.get(usize::from(team)), players.get(usize::from(team)));
            size.zip(has).map_or((0, 0), |(size, has)| {
                (u32::from(size.max).saturating_sub(*has), u32::from(size.min).saturating_sub(*has))
            })
        };
        let standing = |(teams, column): &(TeamSet, usize)| {
            let mut standing = Standing { kinds: 0, ..Standing::NOBODY };
            for team in teams.iter() {
                let (most, least) = room(team);
                standing.room += most;
                standing.need += least;
                if most > 0 {
                    standing.kinds |= 1 << kind(firsts, team).min(63);
                }
            }
            let Some(column) = self.columns.get(*column) else { return standing };
            for seat in seats.iter().filter(|seat| teams.has(seat.team)) {
                standing.seat(seat.party.number(*column), f64::from(seat.party.size()));
            }
            standing
        };
        Some(Versus { of: self, standings: self.reads.iter().map(standing).collect(), firsts })
    }
}

/// Which kind of team it is: teams of one kind lie side by side.
fn kind(firsts: &[u8], team: u8) -> usize {
    firsts.partition_point(|first| *first <= team).saturating_sub(1)
}

const fn is_bounded(function: Function) -> bool {
    matches!(function, Function::Min | Function::Max | Function::Avg | Function::Median)
}

/// A part of a match, as the rules that compare teams see it ([`Stage::versus`](crate::Stage::versus)).
#[derive(Debug)]
pub struct Versus<'a> {
    of: &'a Rivals,
    standings: SmallVec<[Standing; 4]>,
    firsts: &'a [u8],
}

/// What is known of the players on some teams.
#[derive(Debug, Clone, Copy)]
struct Standing {
    players: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// Players who may still come, and who must.
    room: u32,
    need: u32,
    /// Kinds of teams that they may come to, as bits.
    kinds: u64,
}

impl Standing {
    const NOBODY: Self = Self {
        players: 0.0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        room: 0,
        need: 0,
        kinds: 0,
    };

    fn seat(&mut self, value: f64, players: f64) {
        self.players += players;
        self.sum += value * players;
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
    }

    /// Where a number of these players will be; `None` where they may stay without one.
    fn fold(&self, function: Function, (least, most): Interval) -> Option<Interval> {
        let (is_there, may_come) = (self.players > 0.0, self.room > 0 && least <= most);
        if !is_there && self.need == 0 {
            return None;
        }
        if !is_there && !may_come {
            // Nobody may come who must: that is counted elsewhere.
            return None;
        }
        let (floor, ceiling) = if may_come { (least, most) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let must_come = may_come && self.need > 0;
        let interval = match function {
            // The largest is at least that of those who must come.
            Function::Max => (if must_come { self.max.max(floor) } else { self.max }, self.max.max(ceiling)),
            Function::Min => (self.min.min(floor), if must_come { self.min.min(ceiling) } else { self.min }),
            Function::Avg if !may_come => {
                let average = self.sum / self.players;
                (average, average)
            }
            Function::Avg => (
                self.average(floor, |own, other| other < own),
                self.average(ceiling, |own, other| other > own),
            ),
            _ => (self.min.min(floor), self.max.max(ceiling)),
        };
        Some((interval.0 - slack(interval.0), interval.1 + slack(interval.1)))
    }

    /// The farthest that players with this can move the average: as many as there is room for, or as must come.
    fn average(&self, other: f64, is_farther: impl Fn(f64, f64) -> bool) -> f64 {
        if other.is_infinite() {
            return other;
        }
        let moves = self.players == 0.0 || is_farther(self.sum / self.players, other);
        let come = f64::from(if moves { self.room } else { self.need });
        (self.sum + other * come) / (self.players + come)
    }
}

fn slack(bound: f64) -> f64 {
    if bound.is_finite() { bound.abs() * ROUNDING } else { 0.0 }
}

/// One who would sit on a team.
#[derive(Clone, Copy)]
struct Joins<'a> {
    team: u8,
    players: u32,
    values: &'a [f64; VERSUS_COLUMNS_MAX],
}

impl Versus<'_> {
    /// A rule that fails whoever of the reserves joins: one for each kind of team, in their order; for kinds without one
    /// anybody may.
    #[must_use]
    pub fn fails(&self, reserves: &[Reserve]) -> Option<usize> {
        self.failing(reserves, None)
    }

    /// A rule that fails if a ticket with so many players and these values sits on a team, whoever of the reserves joins.
    #[must_use]
    pub fn refuses(
        &self,
        team: u8,
        players: u32,
        values: &[f64; VERSUS_COLUMNS_MAX],
        reserves: &[Reserve],
    ) -> Option<usize> {
        self.failing(reserves, Some(Joins { team, players, values }))
    }

    fn failing(&self, reserves: &[Reserve], joins: Option<Joins<'_>>) -> Option<usize> {
        let intervals: SmallVec<[(Standing, Interval); 4]> =
            (0..self.standings.len()).filter_map(|at| self.at(at, reserves, joins)).collect();
        self.of.rules.iter().find(|rival| rival.is_dead(&intervals)).map(|rival| rival.rule)
    }

    /// What is known of the players that a number reads, one who joins included, and what may come to them.
    fn at(&self, at: usize, reserves: &[Reserve], joins: Option<Joins<'_>>) -> Option<(Standing, Interval)> {
        let (mut standing, (teams, column)) = (*self.standings.get(at)?, self.of.reads.get(at)?);
        if let Some(joins) = joins.filter(|joins| teams.has(joins.team)) {
            let value = joins.values.get(*column).copied().unwrap_or(f64::NAN);
            standing.seat(value, f64::from(joins.players));
            standing.room = standing.room.saturating_sub(joins.players);
            standing.need = standing.need.saturating_sub(joins.players);
        }
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        let kinds = (0..self.firsts.len()).filter(|kind| standing.kinds >> (*kind).min(63) & 1 == 1);
        for kind in kinds {
            let reserve = reserves.get(kind).unwrap_or(&Reserve::ANYBODY);
            let of = |bounds: &[f64; VERSUS_COLUMNS_MAX], none| bounds.get(*column).copied().unwrap_or(none);
            range.0 = range.0.min(of(&reserve.low, f64::NEG_INFINITY));
            range.1 = range.1.max(of(&reserve.high, f64::INFINITY));
        }
        Some((standing, range))
    }
}

impl Rival {
    fn is_dead(&self, intervals: &[(Standing, Interval)]) -> bool {
        let fold = |function: Function, at: usize| {
            intervals.get(at).and_then(|(standing, range)| standing.fold(function, *range))
        };
        let one = |side: &Side| match side {
            Side::Const(value) => Some((*value, *value)),
            Side::Fold(function, at) => fold(*function, *at),
            Side::Best(outer, inner, teams) => best(*outer, teams.iter().map(|at| fold(*inner, *at))),
            Side::Each(_) | Side::Teams(..) => None,
        };
        let Some(reference) = one(&self.reference) else { return false };
        let fails = |value: Interval| match self.asked {
            Asked::Compare(operation) => !possible(operation, value, reference),
            Asked::Distance(allowed) => {
                let slack = slack(allowed.max);
                !reachable(Span { min: allowed.min, max: allowed.max + slack }, value, reference)
            }
        };
        self.measured.iter().any(|side| match side {
            // Those who are there stay as they are.
            Side::Each(at) => intervals.get(*at).is_some_and(|(standing, _)| {
                standing.players > 0.0 && [standing.min, standing.max].iter().any(|own| fails((*own, *own)))
            }),
            Side::Teams(function, teams) => teams.iter().any(|at| fold(*function, *at).is_some_and(&fails)),
            side => one(side).is_some_and(&fails),
        })
    }
}

/// Where the largest or smallest of numbers will be, some of which may not be there.
fn best(function: Function, all: impl Iterator<Item = Option<Interval>>) -> Option<Interval> {
    let mut found: Option<Interval> = None;
    let mut may_miss = false;
    for one in all {
        let Some((low, high)) = one else {
            may_miss = true;
            continue;
        };
        found = Some(match found {
            None => (low, high),
            Some((a, b)) if function == Function::Max => (a.max(low), b.max(high)),
            Some((a, b)) => (a.min(low), b.min(high)),
        });
    }
    let (low, high) = found?;
    // One that may still come can be anything.
    Some(match (may_miss, function) {
        (false, _) => (low, high),
        (true, Function::Max) => (low, f64::INFINITY),
        (true, _) => (f64::NEG_INFINITY, high),
    })
}
