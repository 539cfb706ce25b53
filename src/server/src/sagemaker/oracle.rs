//! A loaded model that answers questions about matches.
use super::{answer::Answer, people::Someone};
use gsm_core::Timestamp;
use gsm_ml::{FileError, Home, MlError, ModelFile, Premade, Query, Who};

/// A model and the hash of its file.
#[derive(Debug)]
pub(super) struct Oracle {
    oracle: gsm_ml::Oracle,
    hash: String,
}

/// A match that was asked about.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sides: [Vec<Someone>; 2],
    pub(super) premade: [Premade; 2],
    pub(super) variant: Option<String>,
    pub(super) home: Home,
    pub(super) at: Timestamp,
    pub(super) explain: bool,
}

impl Oracle {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let oracle = gsm_ml::Oracle::new(ModelFile::read(bytes)?);
        Ok(Self { oracle, hash: ModelFile::hash_of(bytes)? })
    }

    pub(super) fn name(&self) -> &str {
        &self.oracle.about().name
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    pub(super) fn schema(&self) -> &str {
        &self.oracle.about().schema
    }

    /// Whether an id is a player of the model.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.oracle.knows(id)
    }

    /// The prediction of a match.
    pub(super) fn answer<'a>(&'a self, asked: &'a Asked) -> Result<Answer<'a>, MlError> {
        let who = |someone: &'a Someone| match someone {
            Someone::Id(id, None) => Who::Named(id),
            Someone::Id(id, Some(otherwise)) => Who::NamedOr(id, *otherwise),
            Someone::Guest(guest) => Who::Guest(*guest),
        };
        let [one, other] = asked.sides.each_ref().map(|side| side.iter().map(who).collect::<Vec<_>>());
        let query = Query {
            at: asked.at,
            variant: asked.variant.as_deref(),
            home: asked.home,
            sides: [&one, &other],
            premade: asked.premade,
        };
        let told = self.oracle.ask(&query)?;
        let contributions = asked.explain.then(|| self.oracle.explain(&told.features).to_vec());
        Ok(Answer::new(&told.prediction, contributions, told.unknown, self))
    }
}
