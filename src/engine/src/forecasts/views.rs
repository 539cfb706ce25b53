//! The models as operators look at them.
use super::{
    fairness::Sums,
    league::League,
    live::{BESIDE, CONTENDERS, Figures, Recent},
    segments::{Parts, Segment},
    shadow::Shadow,
};
use crate::{Engine, EngineError};
use gsm_core::{Mode, Timestamp};
use gsm_rating::evaluation::{ClosenessReport, Evaluation, TwoSidesReport};
use serde::Serialize;

/// The model of a mode and how its predictions held up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelView {
    /// Which mode.
    pub mode: Mode,
    /// Its model.
    pub model: String,
    /// Results that it has learnt from.
    pub learnt: u64,
    /// The commit of the last of them.
    pub sequence: u64,
    /// Players that it knows.
    pub players: usize,
    /// Matches of which there was a prediction before they were played, and a result since.
    pub matches: u64,
    /// The champion first. Where a model elsewhere has spoken, it and the mode's own model follow, judged over the matches of
    /// which it spoke.
    pub contenders: Vec<ContenderView>,
    /// Versions of the registry that predict in the shadow, the newest first.
    pub challengers: Vec<ChallengerView>,
    /// How close matches were beside the quality that was shown before; absent before the first. 1 is as close as equals on the
    /// mean.
    pub closeness: Option<ClosenessReport>,
    /// The drift alarm.
    pub drift: DriftView,
}

/// Figures of one who predicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContenderView {
    /// One of [`CONTENDERS`], or `endpoint` or `local`.
    pub name: &'static str,
    /// Whether its predictions are those that are shown and used.
    pub is_champion: bool,
    /// Over all matches that were scored; of a free-for-all each side counts. Absent before the first.
    pub all: Option<TwoSidesReport>,
    /// Over about the last thousand.
    pub recent: Option<RecentFigures>,
    /// By parts.
    pub parts: Vec<SegmentFigures>,
}

/// Figures of a version of the registry that predicts in the shadow, since it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChallengerView {
    /// The model, as it would be named if it were champion.
    pub model: String,
    /// The hash of its file.
    pub hash: String,
    /// Over all matches that it predicted and whose result has come; absent before the first.
    pub all: Option<TwoSidesReport>,
    /// Over about the last thousand of them.
    pub recent: Option<RecentFigures>,
    /// The champion's over the same matches.
    pub champion: Option<TwoSidesReport>,
    /// See `champion`.
    pub champion_recent: Option<RecentFigures>,
    /// By parts.
    pub parts: Vec<SegmentFigures>,
    /// The champion's, over the same matches.
    pub champion_parts: Vec<SegmentFigures>,
}

/// Figures in which the latest matches count most: a thousand matches ago counts for 1/e.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RecentFigures {
    /// The share of decided matches whose winner was predicted; absent without any.
    pub accuracy: Option<f64>,
    /// Mean log loss in nats.
    pub log_loss: f64,
    /// Mean squared error.
    pub brier: f64,
    /// The calibration error, over the same bins. Chance alone makes about 0.03 of a thousand matches.
    pub ece: f64,
}

/// Figures of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentFigures {
    /// Which.
    #[serde(flatten)]
    pub segment: Segment,
    /// Its figures.
    #[serde(flatten)]
    pub report: TwoSidesReport,
}

/// The drift alarm of a mode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriftView {
    /// Whether it is raised.
    pub is_raised: bool,
    /// Nats that were lost beyond what the model believes, since that last was nothing.
    pub lost: f64,
    /// At how many it is raised.
    pub raised_at: f64,
    /// How often it was raised.
    pub alarms: u64,
    /// When it was last.
    pub last_at: Option<Timestamp>,
}

/// How a part of the players fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FairnessLine {
    /// Which part; none is everybody.
    #[serde(flatten)]
    pub segment: Option<Segment>,
    /// Players' matches.
    pub matches: u64,
    /// The mean score that they reached: win 1, draw 0.5.
    pub score: Option<f64>,
    /// What was expected of the part less what it reached, of matches that were predicted: above 0, the model thinks too
    /// much of it.
    pub overrated: Option<f64>,
    /// Of its players' matches that were predicted and decided, the share in which it was predicted how it went for them.
    pub accuracy: Option<f64>,
    /// Mean log loss of what was predicted of their sides.
    pub log_loss: Option<f64>,
    /// The mean quality of its matches.
    pub quality: Option<f64>,
    /// The mean wait, and the longest.
    pub wait_ms_mean: Option<f64>,
    /// See `wait_ms_mean`.
    pub wait_ms_max: u64,
    /// The share of its players' matches after which the player had lost three or more in a row: of a row of five, the third, the
    /// fourth and the fifth.
    pub losing_streaks: Option<f64>,
    /// The longest row of losses.
    pub losing_streak_max: u16,
}

/// A challenger at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct ChallengerGlance {
    /// The model.
    pub model: String,
    /// Its figures of late.
    pub own: RecentFigures,
    /// The champion's over the same matches.
    pub champion: RecentFigures,
}

/// A model at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelGlance {
    /// Matches that were judged.
    pub matches: u64,
    /// The champion's figures of late; none before the first match.
    pub champion: Option<RecentFigures>,
    /// Those of the queue's rating system.
    pub rating: Option<RecentFigures>,
    /// By how much matches were closer, or less close, than their quality said, see [`ModelView::closeness`].
    pub closeness_error: Option<f64>,
    /// The challengers of whom a match was judged, the newest first.
    pub challengers: Vec<ChallengerGlance>,
    /// Whether the drift alarm is raised.
    pub is_drifting: bool,
}

fn recent(of: &Recent) -> Option<RecentFigures> {
    (of.weight > 0.0).then(|| RecentFigures {
        accuracy: (of.decisive > 0.0).then(|| of.hits / of.decisive),
        log_loss: of.log_loss / of.weight,
        brier: of.brier / of.weight,
        ece: of.gaps.iter().map(|gap| gap.abs()).sum::<f64>() / of.weight,
    })
}

fn parts(of: &Parts<Evaluation>) -> Vec<SegmentFigures> {
    let figures = |(segment, sums): (&Segment, &Evaluation)| {
        let report = sums.report().two_sides?;
        Some(SegmentFigures { segment: segment.clone(), report })
    };
    of.iter().filter_map(figures).collect()
}

fn contender((nth, (name, of)): (usize, (&'static str, &Figures))) -> ContenderView {
    ContenderView {
        name,
        is_champion: nth == 0,
        all: of.all.report().two_sides,
        recent: recent(&of.recent),
        parts: parts(&of.parts),
    }
}

fn challenger(of: &Shadow) -> ChallengerView {
    let (own, champion) = (&of.judged.own, &of.judged.champion);
    ChallengerView {
        model: of.name(),
        hash: of.hash().to_owned(),
        all: own.all.report().two_sides,
        recent: recent(&own.recent),
        champion: champion.all.report().two_sides,
        champion_recent: recent(&champion.recent),
        parts: parts(&own.parts),
        champion_parts: parts(&champion.parts),
    }
}

fn challenger_glance(of: &Shadow) -> Option<ChallengerGlance> {
    let [own, champion] = [&of.judged.own, &of.judged.champion].map(|figures| recent(&figures.recent));
    Some(ChallengerGlance { model: of.name(), own: own?, champion: champion? })
}

fn view(mode: Mode, league: &League) -> ModelView {
    let live = league.live();
    let beside = BESIDE.into_iter().zip(&live.beside).filter(|(_, of)| of.recent.weight > 0.0);
    let contenders = CONTENDERS.into_iter().zip(&live.contenders).chain(beside);
    ModelView {
        mode,
        model: league.name(),
        learnt: league.learnt(),
        sequence: league.sequence(),
        players: league.players(),
        matches: live.matches,
        contenders: contenders.enumerate().map(contender).collect(),
        challengers: league.shadows().iter().map(challenger).collect(),
        closeness: live.closeness.report(),
        drift: DriftView {
            is_raised: live.drift.since().is_some(),
            lost: live.drift.sum(),
            raised_at: gsm_ml::ALARM_AT,
            alarms: live.drift.alarms(),
            last_at: live.alarmed_at,
        },
    }
}

fn mean(sum: f64, n: u64) -> Option<f64> {
    (n > 0).then(|| sum / n as f64)
}

fn line(segment: Option<&Segment>, sums: &Sums) -> FairnessLine {
    FairnessLine {
        segment: segment.cloned(),
        matches: sums.matches,
        score: mean(sums.reached, sums.matches),
        overrated: mean(sums.expected - sums.reached_predicted, sums.predicted),
        accuracy: mean(sums.hits, sums.decided),
        log_loss: mean(sums.log_loss, sums.predicted),
        quality: mean(sums.quality, sums.predicted),
        wait_ms_mean: mean(sums.wait_ms, sums.waited),
        wait_ms_max: sums.wait_ms_max,
        losing_streaks: mean(sums.in_streak as f64, sums.matches),
        losing_streak_max: sums.streak_max,
    }
}

impl Engine {
    /// The models of all modes that have one, by mode.
    #[must_use]
    pub fn models(&self) -> Vec<ModelView> {
        let leagues = self.views.forecasts.all().into_iter();
        leagues.map(|(mode, league)| view(mode, &league.lock())).collect()
    }

    /// The models of all modes that have one at a glance, by mode.
    #[must_use]
    pub fn model_glances(&self) -> Vec<(Mode, ModelGlance)> {
        let glance = |league: &League| {
            let live = league.live();
            let [champion, .., rating] = &live.contenders;
            ModelGlance {
                matches: live.matches,
                champion: recent(&champion.recent),
                rating: recent(&rating.recent),
                closeness_error: live.closeness.report().map(|of| of.error),
                challengers: league.shadows().iter().filter_map(challenger_glance).collect(),
                is_drifting: live.drift.since().is_some(),
            }
        };
        let leagues = self.views.forecasts.all().into_iter();
        leagues.map(|(mode, league)| (mode, glance(&league.lock()))).collect()
    }

    /// How all parts of a mode's players fare, everybody first.
    ///
    /// # Errors
    /// [`EngineError::Unknown`] where nothing is known of such a mode.
    pub fn fairness(&self, mode: &Mode) -> Result<Vec<FairnessLine>, EngineError> {
        let league = self.views.forecasts.all().into_iter().find(|(of, _)| of == mode);
        let Some((_, league)) = league else {
            let known = self.views.queues.has_mode(mode);
            return if known { Ok(Vec::new()) } else { Err(EngineError::Unknown { what: "mode" }) };
        };
        let league = league.lock();
        let fairness = &league.live().fairness;
        let parts = fairness.parts.iter().map(|(segment, sums)| line(Some(segment), sums));
        Ok(std::iter::once(line(None, &fairness.all)).chain(parts).collect())
    }
}
