use crate::numeric::score;
use crate::{MlError, Premade};
use gsm_core::Timestamp;

/// A match of two sides before it is played. Players are numbers from 0, given out by the caller without gaps: memory
/// goes by the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meeting<'a> {
    /// When.
    pub at: Timestamp,
    /// The mode's variant (map, surface, role), by number; none where a mode has only one.
    pub variant: Option<u16>,
    /// The side with the advantage of the game, 0 or 1, if one has it.
    pub home: Option<usize>,
    /// The players of both sides.
    pub sides: [&'a [u32]; 2],
    /// How much of each side came together.
    pub premade: [Premade; 2],
}

impl<'a> Meeting<'a> {
    /// Without variant, on neutral ground, nobody together.
    #[must_use]
    pub const fn new(at: Timestamp, one: &'a [u32], other: &'a [u32]) -> Self {
        Self { at, variant: None, home: None, sides: [one, other], premade: [Premade::NONE; 2] }
    }

    /// 1 when the first side is at home, -1 when the other is, else 0.
    pub(crate) const fn side(&self) -> f64 {
        match self.home {
            Some(0) => 1.0,
            Some(1) => -1.0,
            _ => 0.0,
        }
    }

    pub(crate) fn players(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.sides.into_iter().flatten().copied()
    }

    pub(crate) fn check(&self, players_max: u32) -> Result<(), MlError> {
        if let Some(side) = self.sides.iter().position(|side| side.is_empty()) {
            return Err(MlError::EmptySide { side });
        }
        if let Some(home) = self.home.filter(|home| *home > 1) {
            return Err(MlError::NoSuchSide { home });
        }
        check_players(self.players(), players_max)
    }
}

pub(crate) fn check_players(mut players: impl Iterator<Item = u32>, max: u32) -> Result<(), MlError> {
    match players.find(|player| *player >= max) {
        Some(player) => Err(MlError::NoSuchPlayer { player, max }),
        None => Ok(()),
    }
}

/// How a match of two sides ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// 1 is the best; equal places are a draw.
    pub places: [u32; 2],
    /// Points made, where the game has them.
    pub scores: [Option<f64>; 2],
}

impl Outcome {
    /// Without scores.
    #[must_use]
    pub const fn places(one: u32, other: u32) -> Self {
        Self { places: [one, other], scores: [None, None] }
    }

    /// Of the first side: win 1, draw 0.5, loss 0.
    pub(crate) fn score(&self) -> f64 {
        score(self.places[0], self.places[1])
    }

    /// By how much the first side was ahead; none unless both scores are known.
    pub(crate) fn margin(&self) -> Option<f64> {
        Some(self.scores[0]? - self.scores[1]?)
    }

    pub(crate) fn check(&self) -> Result<(), MlError> {
        match self.scores.iter().position(|score| score.is_some_and(|score| !score.is_finite())) {
            Some(side) => Err(MlError::BadScore { side }),
            None => Ok(()),
        }
    }
}
