//! A model that goes through a history, by the evaluation protocol.
use crate::meeting::score;
use crate::{Entry, Features, Field, Meeting, MlError, Model, Outcome};
use gsm_core::Probability;
use gsm_rating::RatingError;
use gsm_rating::evaluation::{self, advantages};
use gsm_rating::history::{History, Lineup};

/// A model in a history. Where every match has two sides they are looked at as that, else all are free-for-all.
#[derive(Clone, Debug)]
pub struct Forecaster<'a> {
    model: Model,
    history: &'a History,
    two_sided: bool,
    /// Whether team 0 has the advantage of the game in a variant.
    home: Vec<bool>,
    /// The matches of the moment, from this index on, as they were before the first of them counted.
    from: usize,
    seen: Vec<Seen>,
}

/// A match as it was seen; none that makes no sense.
#[derive(Clone, Debug)]
enum Seen {
    Two(Box<Features>),
    Field(Box<Field>),
    Nothing,
}

impl<'a> Forecaster<'a> {
    /// Before the first match, with a model that knows nothing yet.
    #[must_use]
    pub fn new(history: &'a History) -> Self {
        Self {
            model: Model::new(),
            history,
            two_sided: history.is_two_sided(),
            home: advantages(history),
            from: 0,
            seen: Vec::new(),
        }
    }

    fn variant(&self, index: usize) -> Option<u16> {
        (self.history.variants() > 1).then(|| self.history.variant_of(index))
    }

    fn two(&self, index: usize) -> Option<[Lineup<'a>; 2]> {
        let mut sides = self.history.sides(index);
        Some([sides.next()?, sides.next()?])
    }

    fn meeting(&self, index: usize, sides: [Lineup<'a>; 2]) -> Meeting<'a> {
        let home = self.home.get(usize::from(self.history.variant_of(index))).copied().unwrap_or_default();
        Meeting {
            at: self.history.at(index),
            variant: self.variant(index),
            home: home.then_some(0),
            sides: sides.map(|side| side.players),
        }
    }

    fn players(&self, index: usize) -> Vec<&'a [u32]> {
        self.history.sides(index).map(|side| side.players).collect()
    }

    fn see(&mut self, index: usize) -> Seen {
        if self.two_sided {
            let Some(sides) = self.two(index) else { return Seen::Nothing };
            let meeting = self.meeting(index, sides);
            return self.model.features(&meeting).map_or(Seen::Nothing, |of| Seen::Two(Box::new(of)));
        }
        let sides = self.players(index);
        let entry = Entry { at: self.history.at(index), variant: self.variant(index), sides: &sides };
        self.model.field(&entry).map_or(Seen::Nothing, |of| Seen::Field(Box::new(of)))
    }

    fn seen(&self, index: usize) -> &Seen {
        self.seen.get(index.wrapping_sub(self.from)).unwrap_or(&Seen::Nothing)
    }
}

impl evaluation::Forecaster for Forecaster<'_> {
    fn look(&mut self, from: usize, to: usize) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.clear();
        seen.extend((from..to).map(|index| self.see(index)));
        (self.from, self.seen) = (from, seen);
    }

    fn forecast(&mut self, index: usize) -> (Probability, Option<Probability>) {
        let Seen::Two(of) = self.seen(index) else { return (Probability::HALF, None) };
        let (expected, draw) = self.model.chances(of);
        (Probability::saturating(expected), Some(Probability::saturating(draw)))
    }

    fn pairs(&mut self, index: usize, each: &mut dyn FnMut(f64, f64)) {
        let Seen::Field(field) = self.seen(index) else { return };
        let places: Vec<u32> = self.history.sides(index).map(|side| side.place).collect();
        for (one, place) in places.iter().enumerate() {
            for (other, against) in places.iter().enumerate().skip(one + 1) {
                if place != against {
                    each(self.model.ahead(field, one, other), score(*place, *against));
                }
            }
        }
    }

    fn learn(&mut self, index: usize) -> Result<(), RatingError> {
        let sides: Vec<Lineup<'_>> = self.history.sides(index).collect();
        let seen = std::mem::replace(
            self.seen.get_mut(index.wrapping_sub(self.from)).unwrap_or(&mut Seen::Nothing),
            Seen::Nothing,
        );
        let done = match (seen, sides.as_slice()) {
            (Seen::Two(of), &[one, other]) => {
                let meeting = self.meeting(index, [one, other]);
                let outcome = Outcome { places: [one.place, other.place], scores: [one.score, other.score] };
                self.model.learn(&meeting, &of, &outcome)
            }
            (Seen::Field(field), sides) => {
                let players = self.players(index);
                let places: Vec<u32> = sides.iter().map(|side| side.place).collect();
                let (at, variant) = (self.history.at(index), self.variant(index));
                self.model.learn_field(&Entry { at, variant, sides: &players }, &field, &places)
            }
            (_, sides) => match sides.iter().position(|side| side.players.is_empty()) {
                Some(side) => Err(MlError::EmptySide { side }),
                None => Err(MlError::TooFewSides { sides: sides.len() }),
            },
        };
        done.map_err(|error| told(error, sides.len()))
    }
}

/// The same in the words of the protocol.
fn told(error: MlError, sides: usize) -> RatingError {
    match error {
        MlError::EmptySide { side } => RatingError::EmptySide { side },
        MlError::TooFewSides { sides } => RatingError::TooFewSides { sides },
        MlError::NoSuchSide { home } => RatingError::NoSuchSide { home, sides },
        MlError::NoSuchPlayer { player, max } => RatingError::NoSuchPlayer { player, players: max as usize },
        MlError::BadScore { side } => RatingError::BadScore { side },
        MlError::NotFinite { .. } => RatingError::NotFinite { side: 0, player: 0 },
        MlError::Rating(error) => error,
    }
}
