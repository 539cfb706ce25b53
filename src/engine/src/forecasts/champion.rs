//! Models of the registry: the weights that a mode's model begins with.
use super::league::MODEL;
use gsm_core::Timestamp;
use gsm_ml::{Model, ModelFile};

/// A trained model, without its players: they are learnt from the mode's own results.
#[derive(Debug)]
pub struct Champion {
    file: ModelFile,
    hash: String,
}

impl Champion {
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

    /// A model with its weights, without variants yet.
    pub(super) fn begun(&self) -> Model {
        self.file.weights(&[])
    }

    /// Whether the weights have seen a match of that time: it is not learnt by them again.
    pub(super) fn has_seen(&self, at: Timestamp) -> bool {
        at <= self.file.about.window.to
    }

    /// Gives a model what is known of a variant, which has this number there.
    pub(super) fn lend(&self, to: &mut Model, number: u16, variant: &str) {
        self.file.lend_variant(to, number, variant);
    }
}
