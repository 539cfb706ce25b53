//! Questions by name, for who has read a model and knows no numbers.
use crate::file::{About, ModelFile};
use crate::{Contribution, Features, Guest, MlError, PARTS, Person, Prediction, Premade, Question};
use gsm_core::{Map, Timestamp};

/// A model that is asked by the names of players and variants. It learns nothing.
#[derive(Clone, Debug)]
pub struct Oracle {
    file: ModelFile,
    numbers: Map<String, u32>,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Who<'a> {
    /// A player, who is a newcomer if the model does not know him.
    Named(&'a str),
    /// A player, who is as good as these numbers say if the model does not know him.
    NamedOr(&'a str, Guest),
    /// Somebody told by numbers.
    Guest(Guest),
}

/// Which side has the advantage of the game.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// As in the matches that the model was trained on: the first side, where it won more than it should.
    #[default]
    AsEver,
    /// None.
    Nobody,
    /// This one.
    Side(usize),
}

/// A match of two sides that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a, 'b> {
    /// When.
    pub at: Timestamp,
    /// The variant; one that the model does not know is none.
    pub variant: Option<&'a str>,
    /// Who is at home.
    pub home: Home,
    /// Who meets whom.
    pub sides: [&'b [Who<'a>]; 2],
    /// How much of each side came together.
    pub premade: [Premade; 2],
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// What was looked at.
    pub features: Features,
    /// What is predicted of it.
    pub prediction: Prediction,
    /// The players whom the model does not know.
    pub unknown: Vec<&'a str>,
}

impl Oracle {
    /// Of a model and its names.
    #[must_use]
    pub fn new(file: ModelFile) -> Self {
        let numbers = file.names.players.iter().cloned().zip(0_u32..).collect();
        Self { file, numbers }
    }

    /// What the model is.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.file.about
    }

    /// Whether the model knows a player of this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// Whether the model has seen a variant of this name beside others.
    #[must_use]
    pub fn knows_variant(&self, name: &str) -> bool {
        self.variant(name).is_some()
    }

    fn variant(&self, name: &str) -> Option<usize> {
        // A mode of one variant has none.
        let known = &self.file.names.variants;
        known.iter().position(|of| of == name).filter(|_| known.len() > 1)
    }

    /// The prediction of a match. O(players).
    ///
    /// # Errors
    /// An empty side, a home side that is none.
    pub fn ask<'a>(&self, query: &Query<'a, '_>) -> Result<Told<'a>, MlError> {
        let mut unknown: Vec<&'a str> = Vec::new();
        let mut person = |who: &Who<'a>| match who {
            Who::Guest(guest) => Person::Guest(*guest),
            Who::NamedOr(name, guest) if !self.numbers.contains_key(*name) => {
                unknown.push(name);
                Person::Guest(*guest)
            }
            Who::Named(name) | Who::NamedOr(name, _) => {
                Person::Known(self.numbers.get(*name).copied().unwrap_or_else(|| {
                    // One name has one number, and no player of the model has it.
                    let at = unknown.iter().position(|of| of == name).unwrap_or_else(|| {
                        unknown.push(name);
                        unknown.len() - 1
                    });
                    u32::try_from(self.file.names.players.len() + at).unwrap_or(u32::MAX)
                }))
            }
        };
        let sides = query.sides.map(|side| side.iter().map(&mut person).collect::<Vec<_>>());
        let variant = query.variant.and_then(|name| self.variant(name));
        let home = match query.home {
            Home::AsEver => {
                let home = self.file.names.home.get(variant.unwrap_or_default());
                home.is_some_and(|home| *home).then_some(0)
            }
            Home::Nobody => None,
            Home::Side(side) => Some(side),
        };
        let [one, other] = &sides;
        let question = Question {
            at: query.at,
            variant: variant.and_then(|number| u16::try_from(number).ok()),
            home,
            sides: [one, other],
            premade: query.premade,
        };
        let features = self.file.model.look_at(&question)?;
        Ok(Told { features, prediction: self.file.model.predict(&features), unknown })
    }

    /// What each feature adds to the logit; see [`crate::Model::explain`].
    #[must_use]
    pub fn explain(&self, of: &Features) -> [Contribution; PARTS.len()] {
        self.file.model.explain(of)
    }
}
