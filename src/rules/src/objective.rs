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
    /// What the match lacks of an even one: 1 - 4p(1 - p) of the expected score p of the teams' averages, from 0
    /// (even) to 1. By the players' strengths where all of them have one, else by their ratings.
    LostQuality {
        /// Strengths, as logits.
        strength: NumberColumn,
        /// Ratings, on Elo's scale.
        rating: NumberColumn,
    },
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

    /// The part of it that depends on who sits on which team.
    #[must_use]
    pub fn cost_of_seats(&self, stage: &Stage, seats: &[Seat<'_>]) -> f64 {
        let of = self.terms.iter().filter(|term| term.measure.is_of_seats());
        of.map(|term| term.weight * term.measure.of(stage, seats).unwrap_or(0.0)).sum()
    }

    /// Whether a part of the cost depends on who sits on which team; otherwise a match costs the same however it is seated.
    #[must_use]
    pub fn is_of_seats(&self) -> bool {
        self.terms.iter().any(|term| term.weight > 0.0 && term.measure.is_of_seats())
    }

    /// Whether a part of the cost reads players' [strengths](crate::Member::strength).
    #[must_use]
    pub fn reads_strengths(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.measure, Measure::LostQuality { .. }))
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

/// On what tickets lie near each other for a part of the cost: the number by which they can be put in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A number.
    Number(NumberColumn),
    /// Strengths, as logits, and the ratings of who has none.
    Strength {
        /// Strengths.
        strength: NumberColumn,
        /// Ratings.
        rating: NumberColumn,
    },
}

impl Term {
    /// On what it lies how much two tickets cost; none where no one number says it.
    #[must_use]
    pub const fn line(&self) -> Option<Line> {
        match self.measure {
            Measure::Spread(column) | Measure::Imbalance(column) | Measure::Unevenness(column) => {
                Some(Line::Number(column))
            }
            Measure::LostQuality { strength, rating } => Some(Line::Strength { strength, rating }),
            Measure::LatencyAbove { .. } | Measure::RoleChoice(_) => None,
        }
    }

    /// What two tickets cost, one against one, that are so far apart on its [line](Self::line).
    #[must_use]
    pub fn apart(&self, far: f64) -> f64 {
        self.weight
            * match self.measure {
                Measure::Spread(_) | Measure::Imbalance(_) => far,
                Measure::Unevenness(_) => sureness(rating_logit(far)),
                Measure::LostQuality { .. } => sureness(far) * sureness(far),
                Measure::LatencyAbove { .. } | Measure::RoleChoice(_) => 0.0,
            }
    }
}

/// The logit of the expected score at so many points of rating more.
#[must_use]
pub fn rating_logit(points: f64) -> f64 {
    points * std::f64::consts::LN_10 / ELO_SCALE
}

/// How sure the winner is: 2p - 1 of the logistic p.
fn sureness(logit: f64) -> f64 {
    libm::tanh(logit / 2.0)
}

impl Measure {
    /// Whether it depends on who sits on which team.
    #[must_use]
    pub const fn is_of_seats(self) -> bool {
        match self {
            Self::Imbalance(_) | Self::Unevenness(_) | Self::LostQuality { .. } | Self::RoleChoice(_) => true,
            Self::Spread(_) | Self::LatencyAbove { .. } => false,
        }
    }

    fn of(self, stage: &Stage, seats: &[Seat<'_>]) -> Option<f64> {
        match self {
            Self::Spread(column) => Some(range(seats.iter().map(|seat| seat.party.number(column)))),
            Self::Imbalance(column) => Some(range(averages(seats, column))),
            Self::Unevenness(column) => Some(sureness(rating_logit(range(averages(seats, column))))),
            Self::LostQuality { strength, rating } => {
                let is_known = seats.iter().all(|seat| !seat.party.number(strength).is_nan());
                let logit = if is_known {
                    range(averages(seats, strength))
                } else {
                    rating_logit(range(averages(seats, rating)))
                };
                // 1 - 4p(1 - p) is the square of 2p - 1.
                Some(sureness(logit) * sureness(logit))
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
