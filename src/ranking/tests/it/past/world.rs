//! The slow twin: every player's steps, looked through for every answer.
use gsm_core::{Rank, Timestamp};
use gsm_ranking::{Past, Placed, Sample, Step};
use std::collections::BTreeMap;

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// The step that takes this one back.
pub(super) fn inverse(step: &Step) -> Step {
    Step { before: step.after, after: step.before, ..*step }
}

/// How many had a better score than this one, as a player of one step is told.
pub(crate) fn better_at(past: &Past, time: Timestamp, score: i64) -> u64 {
    let own = Step { at: at(i64::MIN), before: None, after: Some(score) };
    past.series(&[own], &[time])[0].place.unwrap().rank.get() - 1
}

/// How many players there were, as somebody without a step is told.
pub(crate) fn players_at(past: &Past, time: Timestamp) -> u64 {
    past.series(&[], &[time])[0].players
}

/// A past and what it must tell.
#[derive(Default)]
pub(super) struct World {
    pub(super) past: Past,
    players: BTreeMap<u64, Vec<Step>>,
}

impl World {
    /// The player's next step: `score` from `time` on, or from their last step on if that is later.
    pub(super) fn step(&mut self, player: u64, time: i64, score: Option<i64>) -> Step {
        let steps = self.players.entry(player).or_default();
        let (time, before) =
            steps.last().map_or((at(time), None), |last| (last.at.max(at(time)), last.after));
        let step = Step { at: time, before, after: score };
        steps.push(step);
        step
    }

    /// The player's step number `from` never happened, and the later ones led elsewhere.
    pub(super) fn void(&mut self, player: u64, from: usize, by: i64) {
        let Some(steps) = self.players.get_mut(&player).filter(|steps| from < steps.len()) else { return };
        let old = steps.split_off(from);
        let mut before = steps.last().and_then(|step| step.after);
        for step in old.iter().skip(1) {
            let after = step.after.map(|score| score.saturating_add(by));
            steps.push(Step { before, after, ..*step });
            before = after;
        }
        old.iter().for_each(|step| self.past.append(inverse(step)));
        steps[from..].iter().for_each(|step| self.past.append(*step));
    }

    fn score(steps: &[Step], time: Timestamp) -> Option<i64> {
        steps.iter().rfind(|step| step.at <= time).and_then(|step| step.after)
    }

    fn scores(&self, time: Timestamp) -> Vec<i64> {
        self.players.values().filter_map(|steps| Self::score(steps, time)).collect()
    }

    /// Compares all answers at and around every `pace`th instant, and the first and last there are.
    pub(super) fn check(&self, pace: usize) {
        let mut times: Vec<i64> = self.players.values().flatten().map(|step| step.at.as_millis()).collect();
        times.sort_unstable();
        times.dedup();
        let near = |time: i64| [time.saturating_sub(1), time, time.saturating_add(1)];
        let ends = [i64::MIN, i64::MAX].into_iter();
        let asked: Vec<Timestamp> =
            times.into_iter().step_by(pace).flat_map(near).chain(ends).map(at).collect();
        for &time in asked.iter().rev() {
            let scores = self.scores(time);
            assert_eq!(players_at(&self.past, time), scores.len() as u64, "{time:?}");
            let some = scores.iter().copied().step_by(1 + scores.len() / 6).flat_map(near);
            for score in some.chain([i64::MIN, i64::MAX]) {
                let better = scores.iter().filter(|&&other| other > score).count() as u64;
                assert_eq!(better_at(&self.past, time, score), better, "{time:?} {score}");
            }
        }
        self.players.values().step_by(3).for_each(|steps| self.check_series(steps, &asked));
    }

    fn check_series(&self, steps: &[Step], asked: &[Timestamp]) {
        let mut shuffled: Vec<Timestamp> = asked.iter().chain(asked.iter().step_by(5)).copied().collect();
        shuffled.sort_by_key(|time| time.as_millis().wrapping_mul(0x2545_f491_4f6c_dd1d));
        let want: Vec<Sample> = shuffled
            .iter()
            .map(|&time| {
                let scores = self.scores(time);
                let place = Self::score(steps, time).map(|score| {
                    let better = scores.iter().filter(|&&other| other > score).count() as u64;
                    let others = scores.len() as u64 - 1;
                    let percentile =
                        if others == 0 { 100.0 } else { (others - better) as f64 * 100.0 / others as f64 };
                    Placed { rank: Rank::after(better), percentile, score }
                });
                Sample { at: time, place, players: scores.len() as u64 }
            })
            .collect();
        assert_eq!(self.past.series(steps, &shuffled), want);
    }
}
