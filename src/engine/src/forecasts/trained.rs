//! Models of the registry: the weights that a mode's model begins with, and those that compete with it in its shadow.
use super::league::MODEL;
use gsm_core::Timestamp;
use gsm_ml::{Model, ModelFile};
use std::sync::Arc;

/// So many challengers of a mode predict in the shadow.
pub const CHALLENGERS_MAX: usize = 3;

/// A trained model, without its players: they are learnt from the mode's own results.
#[derive(Debug)]
pub struct TrainedModel {
    file: ModelFile,
    hash: String,
}

/// What a mode begins with.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// Whose weights predict; none: the first weights of all games.
    pub champion: Option<Arc<TrainedModel>>,
    /// Who predicts in the shadow, first come those that matter most; beyond [`CHALLENGERS_MAX`] they are left out.
    pub challengers: Vec<Arc<TrainedModel>>,
}

impl TrainedModel {
    /// Of a model file with this hash.
    #[must_use]
    pub fn new(mut file: ModelFile, hash: String) -> Self {
        file.model = file.model.without_players();
        file.names.players = Vec::new();
        Self { file, hash }
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The name under which it speaks: features that were stored under any such name are of one meaning.
    pub(super) fn name(&self) -> String {
        format!("{MODEL}/{}", self.file.about.name)
    }

    /// Under what its predictions in the shadow are stored: the name, and the start of the hash, for a registry that was begun
    /// anew gives names again.
    pub(super) fn tag(&self) -> String {
        let (name, hash) = (&self.file.about.name, self.hash());
        format!("{name}@{}", hash.get(..8).unwrap_or(hash))
    }

    /// A model with its weights, without variants yet.
    pub(super) fn begun(&self) -> Model {
        self.file.weights(&[])
    }

    /// Whether the weights have seen the result of that commit and time: it is not learnt by them again. Where the file does
    /// not tell up to which commit they have, the time decides.
    pub(super) fn has_seen(&self, sequence: u64, at: Timestamp) -> bool {
        let about = &self.file.about;
        about.results_to.map_or_else(|| at <= about.seen_to(), |to| sequence <= to)
    }

    /// Gives a model what is known of a variant, which has this number there.
    pub(super) fn lend(&self, to: &mut Model, number: u16, variant: &str) {
        self.file.lend_variant(to, number, variant);
    }
}
