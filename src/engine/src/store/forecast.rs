//! Rows of what was predicted, and of what predictions are learnt from.
use super::Regions;
use crate::Miss;
use gsm_core::{Timestamp, Variant};
use gsm_session::{MatchResult, Roster};
use serde::{Deserialize, Serialize};

/// What was predicted of a match when it was formed. Players see it without [`Forecast::inside`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// How close the match is expected to be beside one of equals, which has 1; `0.0..=1.0`.
    pub quality: f64,
    /// The score expected of each side, in `0.0..=1.0`.
    pub expected: Vec<f64>,
    /// Of two sides: the chances that the first one wins, that they draw, that it loses.
    pub chances: Option<[f64; 3]>,
    /// What is not for players.
    pub inside: Option<Box<Inside>>,
}

impl Forecast {
    /// What players see of it.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self { quality: self.quality, expected: self.expected.clone(), chances: self.chances, inside: None }
    }
}

/// Who made a prediction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Spoke {
    /// The mode's own model, as ever.
    #[default]
    Own,
    /// The mode's own model, for one elsewhere that did not answer.
    InsteadFor(Miss),
    /// A model elsewhere.
    Elsewhere {
        /// The one that it names.
        model: String,
        /// The production variant, where that was told.
        variant: Option<String>,
        /// The score of the first side that the mode's own model expected.
        own: f64,
    },
    /// The same, by a call that has an id.
    Called {
        /// See [`Spoke::Elsewhere`].
        model: String,
        /// See there.
        variant: Option<String>,
        /// See there.
        own: f64,
        /// The id of the call; that of other matches too, where they were asked about at once.
        inference: String,
    },
}

impl Spoke {
    /// Where a model elsewhere spoke, the score of the first side that the mode's own model expected.
    #[must_use]
    pub const fn own(&self) -> Option<f64> {
        match self {
            Self::Elsewhere { own, .. } | Self::Called { own, .. } => Some(*own),
            Self::Own | Self::InsteadFor(_) => None,
        }
    }
}

/// How a prediction came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inside {
    /// The mode's own model, by which all that follows is meant; it spoke unless `spoke` says otherwise.
    pub model: String,
    /// Who spoke: quality, chances, interval, margin and the first of the contenders are of that one.
    pub spoke: Spoke,
    /// It had learnt from the results of the mode up to this commit...
    pub sequence: u64,
    /// ... so many.
    pub learnt: u64,
    /// When it was asked.
    pub at: Timestamp,
    /// Of two sides: what is believed to hold the expected score of the first, 95 times out of 100.
    pub interval: Option<[f64; 2]>,
    /// The expected lead of the first of two sides, in points; none where too few scores were seen.
    pub margin: Option<f64>,
    /// What the model looked at, of two sides.
    pub seen: Option<Vector>,
    /// What each feature adds to the logit, of two sides.
    pub parts: Sparse,
    /// The scores that each of [`crate::CONTENDERS`] expects: of the first of two sides, or of every side of more; of more,
    /// what the rating system says are shares of the match, whose sum is 1.
    pub contenders: Vec<Vec<f64>>,
    /// The scores that each challenger in the shadow expects, by its name and the start of its hash.
    pub shadows: Vec<(String, Vec<f64>)>,
    /// Where it is played and its players are from, as far as is known.
    pub regions: Regions,
    /// How long each player waited, in the order of the roster; empty where nobody did.
    pub waits_ms: Vec<u64>,
}

/// A vector of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// One number each of [`gsm_ml::NAMES`], and how much more of the first side came together ([`gsm_ml::Features::seen`]).
    pub values: Sparse,
    /// The variant, by the number that the model has for it.
    pub variant: Option<u16>,
    /// What does not take sides ([`gsm_ml::Features::context`]).
    pub context: [f64; 2],
}

/// Numbers by place, without those that are 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sparse(Vec<(u8, f64)>);

impl Sparse {
    /// Of numbers by place, at most 256.
    #[must_use]
    pub fn new(numbers: impl IntoIterator<Item = f64>) -> Self {
        let placed = (0..=u8::MAX).zip(numbers);
        Self(placed.filter(|(_, number)| number.to_bits() != 0).collect())
    }

    /// The numbers, to the bit; places beyond `N` are left out.
    #[must_use]
    pub fn numbers<const N: usize>(&self) -> [f64; N] {
        let mut numbers = [0.0; N];
        for (place, number) in &self.0 {
            if let Some(slot) = numbers.get_mut(usize::from(*place)) {
                *slot = *number;
            }
        }
        numbers
    }
}

/// A result as predictions are learnt from it: written with it, never changed, so that whoever reads all of a mode in the
/// order of their versions learns what was learnt. Whoever voids or corrects the result later leaves it as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LessonRow {
    /// When the result was reported.
    pub at: Timestamp,
    /// The depth of the result: lessons of one commit are learnt in the order of time, depth, match.
    pub depth: u64,
    /// Who played.
    pub roster: Roster,
    /// The variant that was played.
    pub variant: Option<Variant>,
    /// The place of each side, 1 is the best.
    pub places: Vec<u32>,
    /// The score of each side, where one was reported.
    pub scores: Vec<Option<f64>>,
    /// What was predicted when the match was formed, contributions left out; none of a match that was not formed here.
    pub forecast: Option<Box<Forecast>>,
}

impl LessonRow {
    /// Of a result as it was reported.
    pub(crate) fn new(
        (at, depth): (Timestamp, u64),
        roster: &Roster,
        result: &MatchResult,
        forecast: Option<&Forecast>,
    ) -> Self {
        let forecast = forecast.cloned().map(|mut forecast| {
            if let Some(inside) = &mut forecast.inside {
                inside.parts = Sparse::default();
            }
            Box::new(forecast)
        });
        Self {
            at,
            depth,
            roster: roster.clone(),
            variant: result.variant().cloned(),
            places: result.places().to_vec(),
            scores: result.scores().to_vec(),
            forecast,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_take_no_room_and_bits_are_kept() {
        let numbers = [0.0, -0.0, 1.5, 0.0, f64::MIN_POSITIVE];
        let sparse = Sparse::new(numbers);
        assert_eq!(sparse.0.len(), 3);
        assert_eq!(sparse.numbers::<5>().map(f64::to_bits), numbers.map(f64::to_bits));
        assert_eq!(sparse.numbers::<3>()[2], 1.5);
    }
}
