use super::posterior::STEPS_MAX;
use super::sides::{Step, flattening, moved};
use super::team::Team;
use super::{KalmanSettings, Learnt, Lesson};
use crate::numeric::{logistic, score};
use crate::{Change, Game, Scratch};

/// A side looks at no more opponents than this, weighed up to stand for all.
const OPPONENTS_MAX: usize = 64;
/// The mode is found to this, in natural units.
const NEAR: f64 = 1e-10;
/// The least variance of a side: one of hardly any share.
const VARIANCE_MIN: f64 = 1e-12;

/// A free-for-all, or more than two teams: every side against the field as it was before the match.
pub(super) fn update(
    settings: &KalmanSettings,
    learnt: &Learnt,
    game: &Game<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<Change>,
) -> Lesson {
    let (advantage, _) = learnt.home_natural();
    scratch.kalman.clear();
    scratch.kalman.extend(game.sides.iter().map(|side| Team::of(settings, side.place, side.players.iter())));
    if let Some(home) = game.home.and_then(|home| scratch.kalman.get_mut(home)) {
        home.mean += advantage;
    }
    // The sample of opponents goes by place, and among equals by belief: the order of the sides says nothing.
    let (teams, order) = (&scratch.kalman, &mut scratch.order);
    order.clear();
    order.extend(teams.iter().map(|team| Opponent {
        place: team.place,
        mean: team.mean,
        slope: flattening(team.variance),
    }));
    order.sort_unstable_by(|a, b| {
        a.place.cmp(&b.place).then(b.mean.total_cmp(&a.mean)).then(b.slope.total_cmp(&a.slope))
    });
    let average = teams.iter().map(|team| team.newcomers).sum::<f64>() / teams.len().max(1) as f64;
    let (mut gradient, mut information) = (0.0, 0.0);
    for (side, team) in game.sides.iter().zip(teams) {
        let field = Field::of(settings, order, team);
        let stayed = field.posterior(team, |other| score(team.place, other));
        let quit = side.players.iter().any(|player| player.quit).then(|| field.posterior(team, |_| 0.0));
        for player in side.players {
            let seen = quit.filter(|_| player.quit).unwrap_or(stayed);
            out.push(moved(settings, learnt, player, team.scale, seen.step, seen.expected, seen.actual));
        }
        let factor = team.newcomers - average;
        // A pair of sides is looked at from both ends, and says the same twice.
        gradient += 0.5 * factor * stayed.step.shift;
        information += 0.5 * factor * factor * stayed.step.loss;
    }
    Lesson { field: Some((gradient, information)), ..Lesson::default() }
}

/// A side as its opponents see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opponent {
    place: u32,
    mean: f64,
    slope: f64,
}

/// The opponents that one side looks at.
struct Field<'a> {
    order: &'a [Opponent],
    /// The place of the side itself in the order, which is left out, where the sample begins, and every how many.
    own: usize,
    from: usize,
    every: usize,
    /// What one of them weighs.
    weight: f64,
}

#[derive(Clone, Copy)]
struct Seen {
    step: Step,
    expected: f64,
    actual: f64,
}

impl<'a> Field<'a> {
    fn of(settings: &KalmanSettings, order: &'a [Opponent], team: &Team) -> Self {
        let slope = flattening(team.variance);
        let own = order.partition_point(|other| {
            other
                .place
                .cmp(&team.place)
                .then(team.mean.total_cmp(&other.mean))
                .then(slope.total_cmp(&other.slope))
                .is_lt()
        });
        let others = order.len().saturating_sub(1).max(1);
        let every = order.len().div_ceil(OPPONENTS_MAX).max(1);
        let weight = settings.field_weight * libm::pow(others as f64, -settings.field_exponent);
        let mut field = Self { order, own, from: own % every, every, weight: 1.0 };
        field.weight = weight * others as f64 / field.opponents().count().max(1) as f64;
        field
    }

    fn opponents(&self) -> impl Iterator<Item = &'a Opponent> {
        let own = self.own;
        let (from, every) = (self.from, self.every);
        self.order
            .iter()
            .enumerate()
            .skip(from)
            .step_by(every)
            .filter(move |(at, _)| *at != own)
            .map(|(_, of)| of)
    }

    fn posterior(&self, team: &Team, score: impl Fn(u32) -> f64) -> Seen {
        let variance = team.variance.max(VARIANCE_MIN);
        let mut precision = 1.0 / variance;
        let reach = variance * self.weight * self.order.len() as f64;
        let x = zero(team.mean, team.mean - reach, team.mean + reach, NEAR, |x| {
            let mut slope = (team.mean - x) / variance;
            precision = 1.0 / variance;
            for other in self.opponents() {
                let e = logistic(other.slope * (x - other.mean));
                slope += self.weight * other.slope * (score(other.place) - e);
                precision += self.weight * other.slope * other.slope * e * (1.0 - e);
            }
            (slope, precision)
        });
        let (mut expected, mut actual, mut n) = (0.0, 0.0, 0.0);
        for other in self.opponents() {
            expected += logistic(other.slope * (team.mean - other.mean));
            actual += score(other.place);
            n += 1.0;
        }
        let left = 1.0 / precision;
        let step = Step {
            shift: (x - team.mean) / variance,
            loss: (variance - left).max(0.0) / (variance * variance),
        };
        let mean = |sum: f64| if n > 0.0 { sum / n } else { 0.5 };
        Seen { step, expected: mean(expected), actual: mean(actual) }
    }
}

/// The zero of `slope`, which falls all the way from `low` to `high`, begun at `x`: Newton's steps, and halves of the
/// interval where such a step would leave it. `slope` answers its value and how fast it falls (above 0). A step below
/// `near` is the last.
fn zero(mut x: f64, mut low: f64, mut high: f64, near: f64, mut slope: impl FnMut(f64) -> (f64, f64)) -> f64 {
    for _ in 0..STEPS_MAX {
        let (value, fall) = slope(x);
        if value > 0.0 {
            low = x
        } else {
            high = x
        }
        let step = value / fall;
        let next = x + step;
        if step.abs() < near {
            return next;
        }
        x = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    x
}
