use crate::{Rating, RatingError};
use gsm_core::{Probability, limits};
use serde::{Deserialize, Serialize};

/// One player of a match that is to be rated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entrant {
    /// Before the match, already grown to its time by [`crate::System::at`].
    pub rating: Rating,
    /// Left before the end: rated as having lost to every other side, whatever the place of the own side.
    /// The other players' ratings change as if nobody had left.
    pub quit: bool,
}

impl Entrant {
    /// A player who stayed.
    #[must_use]
    pub const fn new(rating: Rating) -> Self {
        Self { rating, quit: false }
    }
}

/// One side of a finished match: a team, or a single player in free-for-all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side<'a> {
    /// 1 is the best; equal places are a tie. Only the order counts, gaps mean nothing.
    pub place: u32,
    /// At least one.
    pub players: &'a [Entrant],
}

impl<'a> Side<'a> {
    /// A side and its place.
    #[must_use]
    pub const fn new(place: u32, players: &'a [Entrant]) -> Self {
        Self { place, players }
    }
}

/// What a match did to one player, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The rating that was given.
    pub before: Rating,
    /// The rating from now on.
    pub after: Rating,
    /// The score the system expected: the mean over the other sides. This is the expectation the update
    /// compares with. It differs a little from the prediction ([`crate::System::expected_pair`]), which also
    /// takes the own deviation into account.
    pub expected: Probability,
    /// The score that was achieved, `0.0..=1.0`: the mean over the other sides (win 1, tie 0.5, loss 0).
    pub actual: f64,
}

impl Change {
    /// How far the mean moved, in points.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.after.mean - self.before.mean
    }
}

/// Refuses what no system can rate: see [`RatingError`].
pub(crate) fn check_shape(sides: &[Side<'_>]) -> Result<(), RatingError> {
    if sides.len() < 2 {
        return Err(RatingError::TooFewSides { sides: sides.len() });
    }
    for (side, of) in sides.iter().enumerate() {
        if of.players.is_empty() {
            return Err(RatingError::EmptySide { side });
        }
        if let Some(player) = of.players.iter().position(|p| !p.rating.is_finite()) {
            return Err(RatingError::NotFinite { side, player });
        }
    }
    Ok(())
}

/// Refuses matches above the server's limits.
pub(crate) fn check_size(sides: &[Side<'_>]) -> Result<(), RatingError> {
    if sides.len() > limits::MATCH_SIDES_MAX {
        return Err(RatingError::TooManySides { sides: sides.len(), max: limits::MATCH_SIDES_MAX });
    }
    let players = sides.iter().map(|side| side.players.len()).sum();
    if players > limits::MATCH_PLAYERS_MAX {
        return Err(RatingError::TooManyPlayers { players, max: limits::MATCH_PLAYERS_MAX });
    }
    Ok(())
}
