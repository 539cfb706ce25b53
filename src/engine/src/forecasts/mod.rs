//! What is predicted of matches: a model a mode that learns from every result.
//!
//! The models are a fold of commits. A result commit writes a lesson ([`Key::Lesson`]), which never changes; a model is
//! what was learnt from all lessons of its mode in the order of their commits, so that a start comes to the same bits.
//! Results that are voided or corrected later stay learnt as they were reported, as [`crate::learning`] has it too.
mod asking;
mod fairness;
mod league;
mod live;
mod loading;
mod remote;
mod segments;
mod shadow;
mod snapshot;
mod study;
mod trained;
mod views;

pub use asking::{Ask, Asked, MatchPrediction};
pub(crate) use asking::{regions_of, waits_of};
pub use live::CONTENDERS;
pub(crate) use remote::taken;
pub use remote::{Chances, Heard, HeardOf, Miss, Question, RemoteModel, Reply};
pub use segments::{Dimension as SegmentDimension, Segment};
pub use trained::{Beginning, CHALLENGERS_MAX, TrainedModel};
pub use views::{
    ChallengerGlance, ChallengerView, ContenderView, DriftView, FairnessLine, ModelGlance, ModelView,
    RecentFigures, SegmentFigures,
};

use crate::store::{ChangeSet, Key, LessonRow, Op, Row};
use gsm_core::{MatchId, Mode, PlayerId, Timestamp, Variant};
use gsm_ml::Portrait;
use league::League;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};
use study::Study;

/// Lessons of one commit, of one mode, in the order in which they are learnt.
type Lessons = Vec<(MatchId, Arc<Row>)>;

/// The models, mode by mode.
#[derive(Default)]
pub(crate) struct Forecasts {
    leagues: RwLock<BTreeMap<Mode, Arc<Study>>>,
    /// What was heard while all lessons are read; none where they are not.
    heard: Mutex<Option<Vec<(u64, Mode, Lessons)>>>,
    /// What models begin with, where not with the first weights of all games alone.
    beginnings: RwLock<BTreeMap<Mode, Beginning>>,
    /// How many lessons of all modes were learnt when models were last saved.
    saved: AtomicU64,
}

/// The lesson of a row.
fn lesson(row: &Row) -> Option<&LessonRow> {
    if let Row::Lesson(lesson) = row { Some(lesson) } else { None }
}

impl Forecasts {
    /// Learns from a commit, or leaves that to who looks at a model next.
    pub(crate) fn follow(&self, sequence: u64, changes: &ChangeSet) {
        let mut found: BTreeMap<&Mode, Lessons> = BTreeMap::new();
        for write in changes.writes.iter().chain(&changes.folds) {
            if let (Key::Lesson(mode, id), Op::Put { row, .. }) = (&write.key, &write.op) {
                found.entry(mode).or_default().push((*id, row.clone()));
            }
        }
        for (mode, mut lessons) in found {
            lessons.sort_unstable_by_key(|(id, row)| lesson(row).map(|of| (of.at, of.depth, *id)));
            if let Some(heard) = &mut *self.heard.lock() {
                heard.push((sequence, mode.clone(), lessons));
                continue;
            }
            self.league(mode).hear(sequence, lessons);
        }
    }

    /// The model of a mode, a new one if there is none yet.
    pub(crate) fn league(&self, mode: &Mode) -> Arc<Study> {
        if let Some(league) = self.leagues.read().get(mode) {
            return league.clone();
        }
        let begun = || Arc::new(Study::new(mode.clone(), self.begun(mode)));
        self.leagues.write().entry(mode.clone()).or_insert_with(begun).clone()
    }

    /// How strong each of some players is, on a scale on which the difference of two sides' means is how uneven their match
    /// is; none of whom nothing is known. Waits for who is at the model: not for a commit's fold.
    pub(crate) fn strengths(
        &self,
        mode: &Mode,
        players: impl Iterator<Item = PlayerId>,
        variant: Option<&Variant>,
        at: Timestamp,
    ) -> Vec<Option<f64>> {
        let league = self.leagues.read().get(mode).cloned();
        let mut league = league.as_ref().map(|league| league.lock());
        players.map(|player| league.as_mut()?.strength(player, variant, at)).collect()
    }

    fn beginning(&self, mode: &Mode) -> Beginning {
        self.beginnings.read().get(mode).cloned().unwrap_or_default()
    }

    /// The model of a mode before its first lesson.
    fn begun(&self, mode: &Mode) -> League {
        League::begun(self.beginning(mode))
    }

    /// What the models of modes begin with from the next start on.
    pub(crate) fn begin_with(&self, mut beginnings: BTreeMap<Mode, Beginning>) {
        beginnings.values_mut().for_each(|of| of.challengers.truncate(CHALLENGERS_MAX));
        *self.beginnings.write() = beginnings;
    }

    /// Whether anything was learnt or asked of a mode.
    fn has(&self, mode: &Mode) -> bool {
        self.leagues.read().contains_key(mode)
    }

    /// What was learnt of a player, mode by mode.
    pub(crate) fn portraits(&self, player: PlayerId) -> Vec<(Mode, Portrait)> {
        let of = |(mode, league): (Mode, Arc<Study>)| Some((mode, league.lock().portrait(player)?));
        self.all().into_iter().filter_map(of).collect()
    }

    /// All of them.
    fn all(&self) -> Vec<(Mode, Arc<Study>)> {
        self.leagues.read().iter().map(|(mode, league)| (mode.clone(), league.clone())).collect()
    }
}
