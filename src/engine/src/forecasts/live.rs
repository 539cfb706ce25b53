//! How predictions that were made before matches held up: of the model, and of those that compete with it in its shadow.
use super::{
    fairness::Fairness,
    segments::{Parts, Segment},
};
use crate::store::LessonRow;
use gsm_core::{Attribute, PlayerId, Timestamp};
use gsm_ml::{Drift, log_loss, reached};
use gsm_rating::evaluation::{self, BINS, Closeness, Evaluation};
use serde::{Deserialize, Serialize};

/// Who predicts every match. The first is the champion: what it says is shown and used. The others are the regressions that
/// it mixes, each alone, and the rating system of the queue.
pub const CONTENDERS: [&str; 5] = ["gsm", "learner", "first_weights", "base", "rating"];

/// Who is judged beside them over the matches of which a model elsewhere spoke: that one, and the mode's own model.
pub(super) const BESIDE: [&str; 2] = ["endpoint", "local"];

/// What a match takes of the matches before it, in figures of late.
const FADES: f64 = 1e-3;

/// A match whose prediction can be judged, and who played it.
pub(super) struct Scored {
    /// By contender: pairs of expected and reached score, one of two sides, or one a side.
    pub(super) scores: Vec<Vec<(f64, f64)>>,
    /// Of [`BESIDE`], where a model elsewhere spoke.
    pub(super) beside: Option<[(f64, f64); BESIDE.len()]>,
    /// The same of challengers in the shadow, by their tags.
    pub(super) shadows: Vec<(String, Vec<(f64, f64)>)>,
    pub(super) quality: f64,
    pub(super) at: Timestamp,
    pub(super) region: Option<Attribute>,
    pub(super) players: Vec<Person>,
}

/// A player of a match.
pub(super) struct Person {
    pub(super) party: u32,
    pub(super) region: Option<Attribute>,
    pub(super) games: u32,
    /// As predicted; none where nothing was.
    pub(super) expected: Option<f64>,
    pub(super) reached: f64,
    pub(super) wait_ms: Option<u64>,
}

/// Whether it was predicted, by a chance `p`, that a side reached a score `y` above half, or below: half where it was even. None
/// of just half.
pub(super) fn hit(p: f64, y: f64) -> Option<f64> {
    (y != 0.5).then(|| evaluation::hit(p, y))
}

/// The mean score over its opponents of a side that takes this share of a match of so many sides: each meets one less than
/// there are, and shares are of as many wins as there are pairs. Of two sides, the share.
fn score_of_share(share: f64, sides: usize) -> f64 {
    (share * sides as f64 / 2.0).clamp(0.0, 1.0)
}

impl Scored {
    pub(super) fn new(lesson: &LessonRow, games: impl Fn(PlayerId) -> u32) -> Self {
        let reached = reached(&lesson.places);
        let forecast = lesson.forecast.as_deref();
        let inside = forecast.and_then(|of| of.inside.as_deref());
        let is_whole = |scores: &&Vec<f64>| scores.len() == 1 || scores.len() == reached.len();
        let contenders = inside.map(|inside| inside.contenders.as_slice()).unwrap_or_default();
        let pairs = |scores: &Vec<f64>| scores.iter().copied().zip(reached.iter().copied()).collect();
        let mut scores: Vec<Vec<(f64, f64)>> = contenders.iter().filter(is_whole).map(pairs).collect();
        if let Some(shares) = scores.get_mut(gsm_ml::CONTENDERS.len()) {
            shares.iter_mut().for_each(|(share, _)| *share = score_of_share(*share, reached.len()));
        }
        let own = inside.and_then(|inside| inside.spoke.own());
        let beside = match (own, scores.first().map(Vec::as_slice)) {
            (Some(own), Some([shown])) => Some([*shown, (own, shown.1)]),
            _ => None,
        };
        let shadows = inside.map(|inside| inside.shadows.as_slice()).unwrap_or_default().iter();
        let shadows = shadows.filter(|(_, scores)| is_whole(&scores));
        let shadows = shadows.map(|(tag, scores)| (tag.clone(), pairs(scores))).collect();
        let waits = inside.map(|inside| inside.waits_ms.as_slice()).unwrap_or_default();
        let expected = forecast.map(|of| of.expected.as_slice()).unwrap_or_default();
        let regions = inside.map(|inside| inside.regions.clone()).unwrap_or_default();
        let sides = lesson.roster.sides().iter().enumerate();
        let sides = sides.flat_map(|(side, players)| players.iter().map(move |player| (side, *player)));
        let players = sides
            .zip(lesson.roster.party_sizes())
            .enumerate()
            .map(|(nth, ((side, player), party))| Person {
                party,
                region: regions.of_player(nth).cloned(),
                games: games(player),
                expected: expected.get(side).copied(),
                reached: reached.get(side).copied().unwrap_or(0.5),
                wait_ms: waits.get(nth).copied(),
            })
            .collect();
        Self {
            scores,
            beside,
            shadows,
            quality: forecast.map_or(0.0, |of| of.quality),
            at: lesson.at,
            region: regions.of_match().cloned(),
            players,
        }
    }

    /// The parts that the match belongs to: those of its largest party and of its least experienced player.
    pub(super) fn segments(&self) -> [Segment; 3] {
        let party = self.players.iter().map(|of| of.party).max().unwrap_or(1);
        let games = self.players.iter().map(|of| of.games).min().unwrap_or(0);
        Segment::all(self.region.as_ref(), party, games)
    }
}

/// Figures in which the latest matches count most.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    pub(super) weight: f64,
    pub(super) log_loss: f64,
    pub(super) brier: f64,
    pub(super) decisive: f64,
    pub(super) hits: f64,
    /// By bins of the prediction, as calibration has them: what was predicted less what came.
    pub(super) gaps: [f64; BINS],
}

impl Recent {
    fn add(&mut self, scores: &[(f64, f64)]) {
        let sums =
            [&mut self.weight, &mut self.log_loss, &mut self.brier, &mut self.decisive, &mut self.hits];
        sums.into_iter().chain(&mut self.gaps).for_each(|sum| *sum *= 1.0 - FADES);
        let share = 1.0 / scores.len().max(1) as f64;
        for (p, y) in scores {
            self.weight += share;
            self.log_loss += share * log_loss(*p, *y);
            self.brier += share * (p - y) * (p - y);
            let bin = ((p * BINS as f64) as usize).min(BINS - 1);
            if let Some(gap) = self.gaps.get_mut(bin) {
                *gap += share * (p - y);
            }
            if let Some(hit) = hit(*p, *y) {
                self.decisive += share;
                self.hits += share * hit;
            }
        }
    }
}

/// All figures of one contender.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) all: Evaluation,
    pub(super) recent: Recent,
    pub(super) parts: Parts<Evaluation>,
}

impl Figures {
    /// Takes in a match, which belongs to these parts.
    pub(super) fn add(&mut self, scores: &[(f64, f64)], segments: &[Segment]) {
        self.recent.add(scores);
        for (p, y) in scores {
            self.all.two_sides(*p, *y);
            for segment in segments {
                self.parts.of(segment.clone()).two_sides(*p, *y);
            }
        }
    }
}

/// How the predictions of a mode held up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Live {
    /// Matches that were scored.
    pub(super) matches: u64,
    pub(super) contenders: [Figures; CONTENDERS.len()],
    pub(super) beside: [Figures; BESIDE.len()],
    pub(crate) drift: Drift,
    /// When the alarm was last raised.
    pub(super) alarmed_at: Option<Timestamp>,
    pub(super) fairness: Fairness,
    /// How close matches were beside the quality that was shown.
    pub(super) closeness: Closeness,
}

impl Live {
    /// Takes in a match that was so close, where that can be told; `numbers` are its players' by side. Whether that raised the drift
    /// alarm.
    pub(super) fn score(&mut self, scored: &Scored, closeness: Option<f64>, numbers: &[Vec<u32>]) -> bool {
        self.fairness.add(scored, numbers);
        let Some(champion) = scored.scores.first() else { return false };
        self.matches += 1;
        if let Some(closeness) = closeness {
            self.closeness.add(scored.quality, closeness);
        }
        let segments = scored.segments();
        for (figures, scores) in self.contenders.iter_mut().zip(&scored.scores) {
            figures.add(scores, &segments);
        }
        for (figures, score) in self.beside.iter_mut().zip(scored.beside.iter().flatten()) {
            figures.add(std::slice::from_ref(score), &segments);
        }
        let raised = self.drift.add(champion.iter().copied());
        if raised {
            self.alarmed_at = Some(scored.at);
        }
        raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_late_follow_the_latest() {
        let mut recent = Recent::default();
        (0..5_000).for_each(|_| recent.add(&[(0.9, 0.0)]));
        (0..5_000).for_each(|_| recent.add(&[(0.9, 1.0)]));
        assert!(recent.hits / recent.decisive > 0.99 && (recent.weight - 1_000.0).abs() < 1.0);
        assert!((recent.brier / recent.weight - 0.01).abs() < 0.01);
        // Nine tenths were told, all came.
        let gaps: f64 = recent.gaps.iter().map(|gap| gap.abs()).sum();
        assert!((gaps / recent.weight - 0.1).abs() < 0.01, "{gaps}");
    }
}
