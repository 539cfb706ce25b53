//! What the registry gives a server to begin with.
use super::{Models, Version};
use gsm_core::Mode;
use gsm_engine::{Beginning, CHALLENGERS_MAX, TrainedModel};
use std::{collections::BTreeMap, path::Path, sync::Arc};

impl Models {
    /// Who predicts a mode in its champion's shadow: the newest [`CHALLENGERS_MAX`] versions that are not the champion, the
    /// newest first.
    #[must_use]
    pub fn challengers(&self, mode: &str) -> Vec<&Version> {
        let champion = self.champion(mode).map(|of| of.version);
        let others =
            self.versions().iter().filter(|of| of.about.mode == mode && Some(of.version) != champion);
        let mut others: Vec<&Version> = others.collect();
        others.sort_by_key(|of| std::cmp::Reverse(of.version));
        others.truncate(CHALLENGERS_MAX);
        others
    }

    fn trained(&self, of: &Version) -> Result<Arc<TrainedModel>, super::ModelsError> {
        let file = self.load(of)?;
        Ok(Arc::new(TrainedModel::new(file, of.hash.clone())))
    }
}

/// Champion and challengers of every mode of a data directory's registry. A version that cannot be used is told in the log by
/// name and hash, and left out: a mode without champion begins with the first weights of all games. Each file is read whole
/// for a moment, with its players.
#[must_use]
pub fn beginnings(data_dir: &Path) -> BTreeMap<Mode, Beginning> {
    let models = match Models::open(data_dir) {
        Ok(models) => models,
        Err(error) => {
            tracing::error!(%error, "the registry of models is not used, every mode begins with the first weights");
            return BTreeMap::new();
        }
    };
    let mut found = BTreeMap::new();
    for of in models.versions() {
        let Ok(mode) = Mode::new(&of.about.mode) else { continue };
        found.entry(mode).or_insert_with_key(|mode| beginning(&models, mode));
    }
    found
}

fn beginning(models: &Models, mode: &Mode) -> Beginning {
    let champion = models.champion(mode.as_str()).and_then(|of| match models.trained(of) {
        Ok(trained) => {
            tracing::info!(%mode, model = of.about.name, hash = of.hash, "the mode begins with its champion");
            Some(trained)
        }
        Err(error) => {
            tracing::error!(%mode, %error, "the champion is not used, the mode begins with the first weights");
            None
        }
    });
    let challengers = models.challengers(mode.as_str()).into_iter().filter_map(|of| match models.trained(of) {
        Ok(trained) => {
            tracing::info!(%mode, model = of.about.name, hash = of.hash, "a challenger predicts in the shadow");
            Some(trained)
        }
        Err(error) => {
            tracing::error!(%mode, %error, "a challenger is not used, it does not predict in the shadow");
            None
        }
    });
    Beginning { champion, challengers: challengers.collect() }
}
