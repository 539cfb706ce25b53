//! What a match costs, and how long a better one is waited for: an extension of the language.
use crate::{
    columns::{NumberColumn, WordColumn},
    seat::Seat,
    stage::Stage,
    symbols::Symbol,
};
use gsm_core::Millis;

/// Points of rating at which the stronger side is expected to win ten times in eleven (Elo's scale).
const ELO_SCALE: f64 = 400.0;

/// `objective` of a rule set: matches are chosen over the whole pool so that what they cost is least.
///
/// A ticket has a price that grows as it waits; a match is made when its tickets' prices together are at least its cost,
/// and of all matches that may be made those are that leave most over.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What is added up to the cost of a match.
    pub terms: Vec<Term>,
    /// When a match is not made yet.
    pub hold_back: HoldBack,
    /// A ticket that has waited so long is matched whatever it costs, before all others.
    pub starvation: Millis,
}

/// `holdBack`: what a waiting ticket may pay for a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HoldBack {
    /// Anything: as many tickets as can be are matched at once, at the least cost.
    None,
    /// So much at first, and so much more with each second of waiting.
    Price {
        /// Cost that a ticket pays at once.
        start: f64,
        /// More for each second.
        per_second: f64,
    },
}

/// A part of the cost of a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// How much one of what it measures costs; not negative.
    pub weight: f64,
    /// What it measures.
    pub measure: Measure,
}

/// What a part of the cost measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// How far apart the tickets' numbers are: the largest less the smallest.
    Spread(NumberColumn),
    /// How far apart the averages of the teams are: the largest less the smallest.
    Imbalance(NumberColumn),
    /// How sure the winner is by the expected score of the teams' average ratings, from 0 (even) to 1: |2p - 1|.
    Unevenness(NumberColumn),
    /// By how many milliseconds the worst latency exceeds so many, in the location where it exceeds them least. A match
    /// without a common location has no cost, and is not made.
    LatencyAbove {
        /// The largest latency of the ticket's players.
        column: WordColumn,
        /// In milliseconds.
        ms: f64,
    },
    /// How far behind the role that they name first is the one that they play, in the mean over the players whom rules
    /// of the type `roles` give one from these lists: 0 where everybody plays what he named first. Who is autofilled
    /// counts as if he had named every role before it.
    RoleChoice(WordColumn),
}

impl Objective {
    /// What a match that is judged in a stage costs; `None` where it must not be made. Order of seats does not matter.
    #[must_use]
    pub fn cost(&self, stage: &Stage, seats: &[Seat<'_>]) -> Option<f64> {
        self.terms.iter().try_fold(0.0, |sum, term| Some(sum + term.weight * term.measure.of(stage, seats)?))
    }

    /// The column of the first part that reads a number, by which neighbours are near.
    #[must_use]
    pub fn first_number(&self) -> Option<NumberColumn> {
        self.terms.iter().find_map(|term| match term.measure {
            Measure::Spread(column) | Measure::Imbalance(column) | Measure::Unevenness(column) => {
                Some(column)
            }
            Measure::LatencyAbove { .. } | Measure::RoleChoice(_) => None,
        })
    }

    /// What a ticket that has waited so long pays for a match; infinite where it pays anything.
    #[must_use]
    pub fn price(&self, waited: Millis) -> f64 {
        match self.hold_back {
            _ if waited >= self.starvation => f64::INFINITY,
            HoldBack::None => f64::INFINITY,
            HoldBack::Price { start, per_second } => start + per_second * waited.get() as f64 / 1_000.0,
        }
    }
}

impl Measure {
    fn of(self, stage: &Stage, seats: &[Seat<'_>]) -> Option<f64> {
        match self {
            Self::Spread(column) => Some(range(seats.iter().map(|seat| seat.party.number(column)))),
            Self::Imbalance(column) => Some(range(averages(seats, column))),
            Self::Unevenness(column) => {
                let apart = range(averages(seats, column));
                // 2p - 1 of the logistic p.
                Some(libm::tanh(apart * std::f64::consts::LN_10 / (2.0 * ELO_SCALE)))
            }
            Self::LatencyAbove { column, ms } => latency_above(seats, column, ms),
            Self::RoleChoice(lists) => Some(stage.role_choice(lists, seats)),
        }
    }
}

/// The largest less the smallest; nothing of none.
fn range(values: impl Iterator<Item = f64>) -> f64 {
    let (min, max) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)));
    if min <= max { max - min } else { 0.0 }
}

/// The average of each team's players, of teams with players.
fn averages<'a>(seats: &'a [Seat<'a>], column: NumberColumn) -> impl Iterator<Item = f64> + 'a {
    let is_first = |at: usize, team: u8| seats.iter().take(at).all(|seat| seat.team != team);
    seats.iter().enumerate().filter(move |(at, seat)| is_first(*at, seat.team)).map(move |(_, first)| {
        let team = seats.iter().filter(|seat| seat.team == first.team);
        let (sum, players) = team.fold((0.0, 0.0), |(sum, players), seat| {
            let size = f64::from(seat.party.size());
            (sum + size * seat.party.number(column), players + size)
        });
        sum / players
    })
}

fn latency_above(seats: &[Seat<'_>], column: WordColumn, ms: f64) -> Option<f64> {
    let (first, rest) = seats.split_first()?;
    let worst = |(place, own): (Symbol, f64)| {
        rest.iter().try_fold(own, |worst, seat| {
            let mut entries = seat.party.entries(column);
            entries.find(|(other, _)| *other == place).map(|(_, ms)| worst.max(ms))
        })
    };
    let best = first.party.entries(column).filter_map(worst).reduce(f64::min)?;
    Some((best - ms).max(0.0))
}
