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
/// name and hash, and left out: in the place of a champion comes the one before it, and without any a mode begins with the
/// first weights of all games. Each file is read whole for a moment, with its players.
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
    let usable = |of: &Version, role: &str| match models.trained(of) {
        Ok(trained) => {
            tracing::info!(%mode, model = of.about.name, hash = of.hash, role, "a model of the registry is used");
            Some((of.version, trained))
        }
        Err(error) => {
            tracing::error!(%mode, %error, role, "a model of the registry is not used");
            None
        }
    };
    let champions = models.champions(mode.as_str());
    let champion = champions.iter().find_map(|of| usable(of, "champion"));
    if champion.is_none() && !champions.is_empty() {
        tracing::error!(%mode, "no champion can be used: the mode begins with the first weights");
    }
    let (number, champion) = champion.unzip();
    let challengers = models.challengers(mode.as_str()).into_iter().filter(|of| Some(of.version) != number);
    let challengers = challengers.filter_map(|of| Some(usable(of, "challenger")?.1)).collect();
    Beginning { champion, challengers }
}
