//! Rank at a date: where a player stood on a board at any past instant, exact.
//!
//! The past of a board is made of steps when somebody first asks, and follows commits from then on. The steps of a
//! mode's board are the mode's histories: what rewrites one (a result voided or corrected) ends the past, which is made
//! anew for the next who asks. Where scores are submitted the steps are kept if the board says so, and never rewritten.
mod asking;
mod packing;
#[cfg(test)]
mod tests;
mod track;
mod views;

pub(crate) use views::Pasts;

use super::{BoardConfig, Source, Ties};
use crate::EngineError;
use gsm_core::{Map, PlayerId, Rank, Timestamp};
use gsm_ranking::Keys;
use packing::Packing;

/// Instants of one question.
pub const SERIES_MAX: usize = 500;

/// Where a player stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRank {
    /// The instant; all that happened at it counts.
    pub at: Timestamp,
    /// `None` if the player was not ranked then.
    pub place: Option<PastPlace>,
    /// Players ranked then.
    pub players: u64,
}

/// A place of the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastPlace {
    /// 1 + the number of strictly better players.
    pub rank: Rank,
    /// Share of the others who were not better, `0.0..=100.0`.
    pub percentile: f64,
    /// What the board compared.
    pub keys: Keys,
}

/// A board, or a season of one, has no past: the field that says so, and why.
#[derive(Debug, Clone, Copy)]
struct Refusal(&'static str, &'static str);

const TOO_GREAT: Refusal =
    Refusal("board", "has no past: its numbers are too great to be compared over time");

const CHANGED: Refusal =
    Refusal("season", "has no past: it was paid out, and results of it were changed since");

/// Why a past was not made.
enum Unmade {
    /// It has none.
    Refused(Refusal),
    /// So many of the matches that each of these quit are to be counted as an earlier version did, which paid the season out.
    AsPaid(Map<PlayerId, u32>),
}

impl From<Refusal> for Unmade {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Refusal> for EngineError {
    fn from(Refusal(field, detail): Refusal) -> Self {
        Self::invalid(field, detail)
    }
}

/// Whether a past can compare the numbers of an entry; else within what they must be.
pub(super) fn check(config: &BoardConfig, values: [i64; 5]) -> Result<(), i64> {
    let Some(most) = Packing::new(config).map(|packing| packing.most()) else { return Ok(()) };
    let fits = values.iter().all(|value| value.unsigned_abs() <= most.unsigned_abs());
    if fits { Ok(()) } else { Err(most) }
}

/// Refuses a past that could not be told.
pub(super) fn validate(config: &BoardConfig) -> Result<(), EngineError> {
    let refused = |detail: &str| Err(EngineError::invalid("past", detail));
    match &config.source {
        _ if !config.past => Ok(()),
        Source::Mode(_) => {
            refused("is for boards that scores are submitted to: the boards of a mode have one")
        }
        Source::Submissions if config.ties != Ties::Competition => {
            refused("needs ranks by `competition`: others are not counted over time")
        }
        Source::Submissions if Packing::new(config).is_none() => {
            refused("needs one column or two: more are not compared over time")
        }
        Source::Submissions => Ok(()),
    }
}
