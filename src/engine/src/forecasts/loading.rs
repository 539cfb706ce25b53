//! The models at start: all lessons, in the order in which they were learnt.
use super::{Beginning, Forecasts, TrainedModel, league::League, lesson, study::Study};
use crate::{
    Engine, EngineError, Snapshots,
    store::{Key, KeyRange, LessonRow, Version},
};
use gsm_core::{MatchId, Mode, Timestamp, limits};
use gsm_ml::ModelFile;
use std::{collections::BTreeMap, sync::Arc};

/// Where a lesson stands: commit, then time, depth and match; and in which mode, by number.
type Place = (Version, Timestamp, u64, MatchId, usize);

impl Forecasts {
    /// From now on what is heard waits.
    fn begin(&self) {
        self.heard.lock().get_or_insert_default();
    }

    /// What was read takes the place of what is there, and what was heard since is learnt on top of it.
    fn replace(&self, leagues: BTreeMap<Mode, League>) {
        let mut heard = self.heard.lock();
        let study = |(mode, league): (Mode, League)| (mode.clone(), Arc::new(Study::new(mode, league)));
        *self.leagues.write() = leagues.into_iter().map(study).collect();
        for (sequence, mode, lessons) in heard.take().unwrap_or_default() {
            self.league(&mode).hear(sequence, lessons);
        }
    }
}

impl Engine {
    /// Brings all models up to date, from what was saved where that can be; how many lessons they have learnt.
    pub(crate) async fn load_models(&self, saved: Option<&dyn Snapshots>) -> Result<u64, EngineError> {
        self.views.forecasts.begin();
        let restored = match saved {
            Some(saved) => self.restore_models(saved).await?,
            None => None,
        };
        let leagues = match restored {
            Some(leagues) => leagues,
            None => self.learn_all().await?,
        };
        let learnt = leagues.values().map(League::learnt).sum();
        self.views.forecasts.replace(leagues);
        Ok(learnt)
    }

    /// A model with the players of its mode as a server learns them that begins with its weights: so that whoever asks the
    /// file hears what that server says. The weights stay as they are, and have seen all results there are: its window reaches
    /// to the last. Reads all lessons.
    ///
    /// # Errors
    /// A store that fails, or has a damaged row.
    pub async fn with_players(&self, mode: &Mode, mut file: ModelFile) -> Result<ModelFile, EngineError> {
        let (modes, places) = self.lesson_places(Some(mode)).await?;
        let last = places.iter().map(|(_, at, ..)| *at).max();
        file.about.window.to = last.map_or(file.about.window.to, |last| last.max(file.about.window.to));
        file.about.results_to = Some(places.iter().map(|(version, ..)| *version).max().unwrap_or_default());
        let champion = Arc::new(TrainedModel::new(file.clone(), String::new()));
        let mut league = League::begun(Beginning { champion: Some(champion), challengers: Vec::new() });
        self.read_lessons(&modes, &places, |_, version, lesson| {
            league.learn(version, lesson);
        })
        .await?;
        Ok(league.taught(file))
    }

    /// Learns from all lessons. Memory for their places, and one read a lesson.
    async fn learn_all(&self) -> Result<BTreeMap<Mode, League>, EngineError> {
        let (modes, places) = self.lesson_places(None).await?;
        let mut leagues: BTreeMap<Mode, League> = BTreeMap::new();
        self.read_lessons(&modes, &places, |mode, version, lesson| {
            let begun = || self.views.forecasts.begun(mode);
            leagues.entry(mode.clone()).or_insert_with(begun).learn(version, lesson);
        })
        .await?;
        Ok(leagues)
    }

    /// Where lessons stand, of one mode or of all, in the order in which they are learnt; and the modes that they number.
    async fn lesson_places(&self, only: Option<&Mode>) -> Result<(Vec<Mode>, Vec<Place>), EngineError> {
        let (mut modes, mut places) = (Vec::<Mode>::new(), Vec::<Place>::new());
        self.each(KeyRange::AllLessons, |key, found| {
            let (Key::Lesson(mode, id), Some(lesson)) = (&key, lesson(&found.row)) else {
                return Err(EngineError::damaged(&key));
            };
            if only.is_some_and(|only| only != mode) {
                return Ok(());
            }
            // Keys come mode by mode.
            if modes.last() != Some(mode) {
                modes.push(mode.clone());
            }
            places.push((found.version, lesson.at, lesson.depth, *id, modes.len() - 1));
            Ok(())
        })
        .await?;
        places.sort_unstable();
        Ok((modes, places))
    }

    /// Reads the lessons that stand there, in that order.
    async fn read_lessons(
        &self,
        modes: &[Mode],
        places: &[Place],
        mut take: impl FnMut(&Mode, Version, &LessonRow),
    ) -> Result<(), EngineError> {
        for page in places.chunks(limits::PAGE_SIZE_MAX) {
            let of = |at: usize| modes.get(at).cloned();
            let keys: Option<Vec<Key>> =
                page.iter().map(|(.., id, mode)| Some(Key::Lesson(of(*mode)?, *id))).collect();
            let keys = keys.unwrap_or_default();
            let rows = self.lessons(&keys).await?;
            for ((key, row), (version, ..)) in keys.iter().zip(rows).zip(page) {
                let (Key::Lesson(mode, _), Some(lesson)) = (key, lesson(&row)) else {
                    return Err(EngineError::damaged(key));
                };
                take(mode, *version, lesson);
            }
        }
        Ok(())
    }

    /// Rows that were listed: where one is missing the read was stale.
    async fn lessons(&self, keys: &[Key]) -> Result<Vec<Arc<crate::store::Row>>, EngineError> {
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let rows = self.get(crate::store::Home::Record, keys).await?;
            let rows: Option<Vec<_>> = rows.into_iter().map(|found| found.map(|found| found.row)).collect();
            if let Some(rows) = rows {
                return Ok(rows);
            }
        }
        Err(EngineError::Contended)
    }
}
