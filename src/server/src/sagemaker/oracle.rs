//! A loaded model that answers questions about matches.
use super::{answer::Answer, people::Someone};
use gsm_core::Timestamp;
use gsm_ml::{FileError, MlError, ModelFile, Person, Question};
use std::collections::HashMap;

/// A model and the names of its players.
#[derive(Debug)]
pub(super) struct Oracle {
    file: ModelFile,
    hash: String,
    numbers: HashMap<String, u32>,
}

/// Who has the advantage of the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// As in the matches that the model was trained on: the first side, if it won more than it should.
    AsEver,
    Nobody,
    Side(usize),
}

/// A match that was asked about.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sides: [Vec<Someone>; 2],
    pub(super) variant: Option<String>,
    pub(super) home: Home,
    pub(super) at: Timestamp,
    pub(super) explain: bool,
}

impl Oracle {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let file = ModelFile::read(bytes)?;
        let numbers = file.names.players.iter().cloned().zip(0_u32..).collect();
        Ok(Self { file, hash: ModelFile::hash_of(bytes)?, numbers })
    }

    pub(super) fn name(&self) -> &str {
        &self.file.about.name
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    pub(super) fn schema(&self) -> &str {
        &self.file.about.schema
    }

    /// The prediction of a match. Players whom the model does not know are newcomers, each his own.
    pub(super) fn answer<'a>(&'a self, asked: &'a Asked) -> Result<Answer<'a>, MlError> {
        let mut unknown: Vec<&str> = Vec::new();
        let mut person = |someone: &'a Someone| match someone {
            Someone::Guest(guest) => Person::Guest(*guest),
            Someone::Id(id) => Person::Known(self.numbers.get(id).copied().unwrap_or_else(|| {
                unknown.push(id);
                u32::try_from(self.numbers.len() + unknown.len()).unwrap_or(u32::MAX)
            })),
        };
        let sides = asked.sides.each_ref().map(|side| side.iter().map(&mut person).collect::<Vec<_>>());
        let names = &self.file.names;
        // A mode of one variant has none.
        let variant = asked.variant.as_ref().filter(|_| names.variants.len() > 1);
        let variant = variant.and_then(|name| names.variants.iter().position(|known| known == name));
        let home = match asked.home {
            Home::AsEver => {
                names.home.get(variant.unwrap_or_default()).is_some_and(|home| *home).then_some(0)
            }
            Home::Nobody => None,
            Home::Side(side) => Some(side),
        };
        let [one, other] = &sides;
        let question = Question {
            at: asked.at,
            variant: variant.and_then(|number| u16::try_from(number).ok()),
            home,
            sides: [one, other],
        };
        let model = &self.file.model;
        let features = model.look_at(&question)?;
        let contributions = asked.explain.then(|| model.explain(&features).to_vec());
        Ok(Answer::new(&model.predict(&features), contributions, unknown, self))
    }
}
