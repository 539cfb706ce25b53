//! A model that goes through a history, by the evaluation protocol.
use crate::closeness::upset;
use crate::numeric::{logistic, score};
use crate::trees::Grower;
use crate::{Entry, Features, Field, Meeting, MlError, Model, Outcome, Premade};
use gsm_core::{Probability, Timestamp};
use gsm_rating::RatingError;
use gsm_rating::evaluation::{self, advantages};
use gsm_rating::history::{History, Lineup};
use std::sync::Arc;

/// A model in a history.
#[derive(Clone, Debug)]
pub struct Forecaster<'a> {
    model: Model,
    /// Until when the weights are held.
    seen: Option<Timestamp>,
    history: &'a History,
    /// Whether a match of two sides is looked at as that; else it is a free-for-all of two.
    knows_duels: bool,
    /// Whether team 0 has the advantage of the game in a variant.
    home: Vec<bool>,
    /// The matches of the moment, from this index on, as they were before the first of them counted.
    from: usize,
    /// Of two sides, or of more; none that makes no sense.
    twos: Vec<Option<Features>>,
    fields: Vec<Option<Field>>,
    /// The match that was predicted last, and the logit of its first side's score.
    told: Option<(usize, f64)>,
    /// Grows the model's trees as it goes.
    grower: Option<Grower>,
}

/// So many matches before its own what is known of its players is brought nearer.
const AHEAD: usize = 4;

impl<'a> Forecaster<'a> {
    /// Before the first match, with a model that knows nothing yet, as the evaluation protocol has it: where every match has
    /// two sides they are looked at as that, else all are free-for-all.
    #[must_use]
    pub fn new(history: &'a History) -> Self {
        Self { knows_duels: history.is_two_sided(), ..Self::with(Model::new(), history, None) }
    }

    /// Before the first match, with a model that knows no player. It looks at each match as a server does: at one of two sides
    /// as that, whatever others are among them. Its weights are held ([`Model::hold`]) for the matches up
    /// to and with `seen`: those that it has learnt them from.
    #[must_use]
    pub fn with(model: Model, history: &'a History, seen: Option<Timestamp>) -> Self {
        Self {
            model,
            seen,
            history,
            knows_duels: true,
            home: advantages(history),
            from: 0,
            twos: Vec::new(),
            fields: Vec::new(),
            told: None,
            grower: None,
        }
    }

    /// The same, growing so many trees as it goes, anew with twice as many matches each time: each match is predicted by
    /// trees grown on those before it. None where no match has two sides.
    #[must_use]
    pub fn growing(self, trees: usize) -> Self {
        let grower = (trees > 0 && self.knows_duels).then(|| Grower::new(trees));
        Self { grower, ..self }
    }

    /// The model as it stands, with trees grown on all matches where it grows some.
    #[must_use]
    pub fn into_model(mut self) -> Model {
        self.grow();
        let mut model = self.model;
        model.hold(false);
        model
    }

    /// Trees that cannot be grown leave those that are there.
    fn grow(&mut self) {
        if let Some(forest) = self.grower.as_mut().and_then(Grower::grow) {
            self.model.plant(Arc::new(forest));
        }
    }

    fn variant(&self, index: usize) -> Option<u16> {
        (self.history.variants() > 1).then(|| self.history.variant_of(index))
    }

    /// The sides of a match that is looked at as one of two.
    fn two(&self, index: usize) -> Option<[Lineup<'a>; 2]> {
        if !self.knows_duels || self.history.side_count(index) != 2 {
            return None;
        }
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
            premade: self.premade(index),
        }
    }

    /// How much of each of two sides came together.
    fn premade(&self, index: usize) -> [Premade; 2] {
        let mut sides = self.history.party_sizes(index).map(|sizes| Premade::of(sizes.iter().copied()));
        std::array::from_fn(|_| sides.next().unwrap_or_default())
    }

    /// How much of each side came together; nothing where nobody ever did.
    fn premades(&self, index: usize) -> Vec<Premade> {
        if !self.history.has_parties() {
            return Vec::new();
        }
        self.history.party_sizes(index).map(|sizes| Premade::of(sizes.iter().copied())).collect()
    }

    fn players(&self, index: usize) -> Vec<&'a [u32]> {
        self.history.sides(index).map(|side| side.players).collect()
    }

    fn entry<'s>(&self, index: usize, sides: &'s [&'s [u32]], premade: &'s [Premade]) -> Entry<'s> {
        Entry { at: self.history.at(index), variant: self.variant(index), sides, premade }
    }

    fn see_two(&mut self, index: usize) -> Option<Features> {
        let meeting = self.meeting(index, self.two(index)?);
        self.model.features(&meeting).ok()
    }

    fn see_field(&mut self, index: usize) -> Option<Field> {
        let (sides, premade) = (self.players(index), self.premades(index));
        let entry = self.entry(index, &sides, &premade);
        self.model.field(&entry).ok()
    }

    /// What was not seen, for it made no sense, is looked at again to tell why.
    fn learn_from(&mut self, index: usize) -> Result<(), MlError> {
        self.model.hold(self.seen.is_some_and(|seen| self.history.at(index) <= seen));
        let at = index.wrapping_sub(self.from);
        if let Some([one, other]) = self.two(index) {
            let meeting = self.meeting(index, [one, other]);
            let of = match self.twos.get_mut(at).and_then(Option::take) {
                Some(of) => of,
                None => self.model.features(&meeting)?,
            };
            let outcome = Outcome { places: [one.place, other.place], scores: [one.score, other.score] };
            let plain = self.model.plain(&of);
            self.model.learn(&meeting, &of, &outcome)?;
            if let Some(grower) = &mut self.grower {
                grower.add(plain, &of, outcome.score());
                if grower.is_due() {
                    self.grow();
                }
            }
            return Ok(());
        }
        let (sides, premade) = (self.players(index), self.premades(index));
        let entry = self.entry(index, &sides, &premade);
        let field = match self.fields.get_mut(at).and_then(Option::take) {
            Some(field) => field,
            None => self.model.field(&entry)?,
        };
        let places: Vec<u32> = self.history.sides(index).map(|side| side.place).collect();
        self.model.learn_field(&entry, &field, &places)
    }
}

impl evaluation::Forecaster for Forecaster<'_> {
    fn look(&mut self, from: usize, to: usize) {
        self.from = from;
        self.twos.clear();
        self.fields.clear();
        for index in from..to {
            let ahead = self.history.sides(index + AHEAD).flat_map(|side| side.players);
            self.model.prefetch(ahead.copied());
            let is_duel = self.two(index).is_some();
            let (two, field) =
                if is_duel { (self.see_two(index), None) } else { (None, self.see_field(index)) };
            self.twos.push(two);
            self.fields.push(field);
        }
    }

    fn forecast(&mut self, index: usize) -> (Probability, Option<Probability>) {
        let of = self.twos.get(index.wrapping_sub(self.from)).and_then(Option::as_ref);
        let Some(of) = of else { return (Probability::HALF, None) };
        let (logit, draw) = self.model.odds(of);
        self.told = Some((index, logit));
        (Probability::saturating(logistic(logit)), Some(Probability::saturating(draw)))
    }

    fn pairs(&mut self, index: usize, each: &mut dyn FnMut(f64, f64)) {
        let at = index.wrapping_sub(self.from);
        let places: Vec<u32> = self.history.sides(index).map(|side| side.place).collect();
        if let (Some(of), [place, against]) = (self.twos.get(at).and_then(Option::as_ref), places.as_slice())
            && place != against
        {
            return each(self.model.chances(of).0, score(*place, *against));
        }
        let Some(field) = self.fields.get(at).and_then(Option::as_ref) else { return };
        for (one, place) in places.iter().enumerate() {
            for (other, against) in places.iter().enumerate().skip(one + 1) {
                if place != against {
                    each(self.model.ahead(field, one, other), score(*place, *against));
                }
            }
        }
    }

    fn closeness(&mut self, index: usize) -> Option<(f64, f64)> {
        let at = index.wrapping_sub(self.from);
        if let (Some(of), Some([one, other])) = (self.twos.get(at).and_then(Option::as_ref), self.two(index))
        {
            let told = self.told.filter(|(told, _)| *told == index);
            let logit = told.map_or_else(|| self.model.odds(of).0, |(_, logit)| logit);
            let outcome = Outcome { places: [one.place, other.place], scores: [one.score, other.score] };
            let closeness = self.model.closeness(logistic(logit), &outcome)?;
            return Some((self.model.quality_of(logit), closeness));
        }
        let shares = self.model.shares(self.fields.get(at).and_then(Option::as_ref)?);
        let expected: Vec<f64> = shares.expected.iter().map(|[own, ..]| *own).collect();
        let places: Vec<u32> = self.history.sides(index).map(|side| side.place).collect();
        Some((shares.quality, upset(&expected, &places)?))
    }

    fn learn(&mut self, from: usize, to: usize, each: &mut dyn FnMut()) -> Result<(), (usize, RatingError)> {
        for index in from..to {
            self.learn_from(index).map_err(|error| (index, told(error, self.history.side_count(index))))?;
            each();
        }
        Ok(())
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
        MlError::NotFinite { .. } | MlError::OutOfRange { .. } => {
            RatingError::NotFinite { side: 0, player: 0 }
        }
        MlError::Rating(error) => error,
    }
}
