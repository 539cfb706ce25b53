//! A challenger of the registry in the shadow of a mode's model: what it says is judged and neither shown nor used.
//!
//! A challenger is weights alone. It looks at what the model has looked at, as it was when the match was formed, and learns
//! from it when the result comes, so that one costs some tens of KB and microseconds, whatever the number of players.
use super::{
    live::{Figures, Scored},
    trained::TrainedModel,
};
use gsm_core::{Timestamp, Variant};
use gsm_ml::{About, Features, Field, FileError, Kept, MlError, Model, ModelFile, Names, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One challenger.
#[derive(Clone)]
pub(super) struct Shadow {
    of: Arc<TrainedModel>,
    tag: String,
    model: Model,
    pub(super) judged: Judged,
}

/// How it held up.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Judged {
    pub(super) own: Figures,
    /// The champion's figures over the same matches.
    pub(super) champion: Figures,
}

/// A challenger as it is saved.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedShadow {
    hash: String,
    judged: Judged,
    /// A model file.
    model: Vec<u8>,
}

impl Shadow {
    /// Before the first lesson.
    pub(super) fn begun(of: &Arc<TrainedModel>) -> Self {
        Self { of: of.clone(), tag: of.tag(), model: of.begun(), judged: Judged::default() }
    }

    /// The challenger as it is saved.
    ///
    /// # Errors
    /// A model that cannot be written.
    pub(super) fn saved(self) -> Result<SavedShadow, FileError> {
        let about = About::new(&self.tag, "", Timestamp::EPOCH, "");
        let file = ModelFile { about, names: Names::default(), model: self.model };
        let hash = self.of.hash().to_owned();
        Ok(SavedShadow { hash, judged: self.judged, model: file.to_bytes(Kept::Weights)? })
    }

    /// Those that were saved of `wanted`; none where one was not.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub(super) fn restored(
        saved: Vec<SavedShadow>,
        wanted: &[Arc<TrainedModel>],
    ) -> Result<Option<Vec<Self>>, FileError> {
        let restored = |of: &Arc<TrainedModel>| {
            let saved = saved.iter().find(|saved| saved.hash == of.hash())?;
            let read = ModelFile::read(&saved.model);
            let judged = saved.judged.clone();
            Some(read.map(|file| Self { of: of.clone(), tag: of.tag(), model: file.model, judged }))
        };
        wanted.iter().map(restored).map(Option::transpose).collect()
    }

    pub(super) fn name(&self) -> String {
        self.of.name()
    }

    pub(super) fn hash(&self) -> &str {
        self.of.hash()
    }

    /// What it expects of the first of two sides.
    pub(super) fn of_two(&self, features: &Features) -> (String, Vec<f64>) {
        (self.tag.clone(), vec![self.model.chances(features).0])
    }

    /// What it expects of each side of more; `leader` looked at them.
    pub(super) fn of_many(&self, leader: &Model, field: &Field) -> (String, Vec<f64>) {
        (self.tag.clone(), self.model.shares_beside(leader, field))
    }

    /// A variant has a number now.
    pub(super) fn meet(&mut self, number: u16, variant: &Variant) {
        self.of.lend(&mut self.model, number, variant.as_str());
    }

    /// The result of that commit and time comes next.
    pub(super) fn hold(&mut self, sequence: u64, at: Timestamp) {
        self.model.hold(self.of.has_seen(sequence, at));
    }

    /// Learns from a match of two sides that ended.
    pub(super) fn learn(&mut self, features: &Features, outcome: &Outcome) -> Result<(), MlError> {
        self.model.follow(features, outcome)
    }

    /// Learns from a match of more, of which `leader` has not learnt yet.
    pub(super) fn learn_field(&mut self, leader: &Model, field: &Field, places: &[u32]) {
        self.model.follow_field(leader, field, places);
    }

    /// Takes in a match, if it was predicted by this one. Beside it counts the mode's own model, whoever else spoke.
    pub(super) fn score(&mut self, scored: &Scored) {
        let own = scored.shadows.iter().find(|(tag, _)| *tag == self.tag);
        let local = scored.beside.as_ref().map(|[_, local]| std::slice::from_ref(local));
        let champion = local.or_else(|| scored.scores.first().map(Vec::as_slice));
        if let (Some((_, own)), Some(champion)) = (own, champion) {
            let segments = scored.segments();
            self.judged.own.add(own, &segments);
            self.judged.champion.add(champion, &segments);
        }
    }
}
