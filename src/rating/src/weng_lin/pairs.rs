//! The models that compare sides two at a time: algorithms 1 and 2, full and partial.
use super::sides::{Lesson, Sum, Team};
use super::{WengLinModel as Model, WengLinSettings};
use crate::gaussian::{below, drawn, won};
use crate::numeric::{logistic, score};

/// Two sides before their result is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(super) variances: (f64, f64),
    is_normal: bool,
    /// The inverse of the paper's `c`.
    scale: f64,
    /// The lead of the first, in units of `c`.
    lead: f64,
    /// The margin for draws, in units of `c`.
    margin: f64,
    /// The chance of the first by the logistic distribution.
    chance: f64,
}

impl Pair {
    #[inline]
    pub(super) fn of(settings: &WengLinSettings, one: &Sum, other: &Sum) -> Self {
        let variances = (one.variance, other.variance);
        let c = (variances.0 + variances.1 + 2.0 * settings.beta * settings.beta).sqrt();
        let (is_normal, c) = match settings.model {
            Model::ThurstoneMostellerFull => (true, c),
            Model::ThurstoneMostellerPart => (true, 2.0 * c),
            Model::BradleyTerryFull | Model::BradleyTerryPart | Model::PlackettLuce => (false, c),
        };
        let scale = 1.0 / c;
        let (lead, margin) = ((one.mean - other.mean) * scale, settings.epsilon * scale);
        // The logistic chance is needed for every lesson, the normal one for the expectation alone.
        let chance = if is_normal { 0.5 } else { logistic(lead) };
        Self { variances, is_normal, scale, lead, margin, chance }
    }

    /// The score that the first is expected to make; a draw is half.
    #[inline]
    pub(super) fn expected(&self) -> f64 {
        if self.is_normal {
            0.5 * (below(self.lead - self.margin) + below(self.lead + self.margin))
        } else {
            self.chance
        }
    }

    /// The chance of a draw, where the model has draws.
    pub(crate) fn drawn(&self) -> Option<f64> {
        self.is_normal.then(|| below(self.margin - self.lead) - below(-self.margin - self.lead))
    }

    /// What the first learns from its score; the other learns the same with the push turned around.
    #[inline]
    pub(super) fn lesson(&self, score: f64) -> Lesson {
        let (push, pull) = if !self.is_normal {
            (score - self.chance, self.chance * (1.0 - self.chance))
        } else if score == 0.5 {
            let moved = drawn(self.lead, self.margin);
            (moved.mean, moved.shrink)
        } else {
            let sign = if score > 0.5 { 1.0 } else { -1.0 };
            let moved = won(sign * self.lead - self.margin);
            (sign * moved.mean, moved.shrink)
        };
        Lesson { push: push * self.scale, pull: pull * self.scale * self.scale * self.scale }
    }
}

impl Lesson {
    fn add(&mut self, push: f64, pull: f64) {
        self.push += push;
        self.pull += pull;
    }
    fn divided(self, by: f64) -> Self {
        Self { push: self.push / by, pull: self.pull / by }
    }
}

fn meet(settings: &WengLinSettings, one: &mut Team, other: &mut Team) {
    let pair = Pair::of(settings, &one.sum, &other.sum);
    let (expected, actual) = (pair.expected(), score(one.place, other.place));
    let lesson = pair.lesson(actual);
    one.stayed.add(lesson.push, lesson.pull);
    other.stayed.add(-lesson.push, lesson.pull);
    if one.has_quit {
        let lost = pair.lesson(0.0);
        one.quit.add(lost.push, lost.pull);
    }
    if other.has_quit {
        let lost = pair.lesson(1.0);
        other.quit.add(-lost.push, lost.pull);
    }
    one.expected += expected;
    one.actual += actual;
    one.met += 1.0;
    other.expected += 1.0 - expected;
    other.actual += 1.0 - actual;
    other.met += 1.0;
}

/// Every side meets every other. O(sides²).
pub(super) fn meet_all(settings: &WengLinSettings, teams: &mut [Team]) {
    let mut rest = teams;
    while let Some((one, others)) = rest.split_first_mut() {
        others.iter_mut().for_each(|other| meet(settings, one, other));
        rest = others;
    }
}

/// Every side meets those within the window, and learns the mean of it. O(sides · (window + ties)).
pub(super) fn meet_near(settings: &WengLinSettings, teams: &mut [Team]) {
    teams.sort_unstable_by_key(|team| (team.place, team.side));
    let mut rest = &mut *teams;
    while let Some((one, others)) = rest.split_first_mut() {
        let ties = others.iter().take_while(|other| other.place == one.place).count();
        let reach = ties + settings.window as usize;
        // Who ties with the last within reach is within reach.
        let last = others.get(reach.saturating_sub(1)).map(|team| team.place);
        let near = others.iter_mut().take_while(|other| last.is_none_or(|last| other.place <= last));
        near.for_each(|other| meet(settings, one, other));
        rest = others;
    }
    for team in teams.iter_mut() {
        team.stayed = team.stayed.divided(team.met);
        team.quit = team.quit.divided(team.met);
    }
    teams.sort_unstable_by_key(|team| team.side);
}
