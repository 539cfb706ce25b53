//! The factor graph of three and more sides: a chain of neighbours in the order of their places, each difference cut
//! by the result. Messages run along it until nothing moves (section 3 of the paper: the schedule of its figure 1).
use super::sides::{Lesson, Team, TrueSkill};
use crate::gaussian::{Moved, drawn, won};

/// Sweeps at most; the usual number is below ten.
const SWEEPS_MAX: usize = 40;
/// Where the sweeps stop: the largest move of a difference, in units of its deviation.
const STILL: f64 = 1e-10;
/// What a result leaves of a variance at least: a draw without margin would leave nothing.
const LEFT_MIN: f64 = 1e-10;

/// A normal density by precision and precision times mean; the default says nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    precision: f64,
    weighted: f64,
}

impl Message {
    fn times(self, other: Self) -> Self {
        Self { precision: self.precision + other.precision, weighted: self.weighted + other.weighted }
    }
    /// Mean and variance.
    fn moments(self) -> (f64, f64) {
        (self.weighted / self.precision, 1.0 / self.precision)
    }
}

/// A side in the chain, and the difference to the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    side: usize,
    /// Of the match, or behind all of them.
    place: u64,
    mean: f64,
    variance: f64,
    players: f64,
    /// From the difference to the better neighbour, and from that to the worse.
    from_better: Message,
    from_worse: Message,
    /// What the result says about the difference to the worse neighbour.
    result: Message,
    margin: f64,
}

impl Node {
    fn prior(&self) -> Message {
        Message { precision: 1.0 / self.variance, weighted: self.mean / self.variance }
    }

    /// All that both differences say.
    fn told(&self) -> Message {
        self.from_better.times(self.from_worse)
    }

    /// Whether two sides cannot be told apart. Rounded, so that the order in which players were summed does not show.
    fn is_like(&self, other: &Self) -> bool {
        self.place == other.place && self.key() == other.key()
    }
    fn key(&self) -> (f32, f32, f32) {
        (self.mean as f32, self.variance as f32, self.players as f32)
    }
}

/// Runs the chain of `teams` and leaves it in `nodes`; the side `last` is put behind all others.
pub(super) fn learn(model: &TrueSkill<'_>, teams: &[Team], last: Option<usize>, nodes: &mut Vec<Node>) {
    nodes.clear();
    nodes.extend(teams.iter().enumerate().map(|(side, team)| Node {
        side,
        place: if last == Some(side) { u64::MAX } else { u64::from(team.place) },
        mean: team.sum.mean,
        variance: team.sum.variance,
        players: team.sum.players,
        from_better: Message::default(),
        from_worse: Message::default(),
        result: Message::default(),
        margin: 0.0,
    }));
    nodes.sort_unstable_by(|a, b| {
        let (own, other) = (a.key(), b.key());
        (a.place.cmp(&b.place))
            .then(other.0.total_cmp(&own.0))
            .then(own.1.total_cmp(&other.1))
            .then(own.2.total_cmp(&other.2))
            .then(a.side.cmp(&b.side))
    });
    for at in 0..nodes.len() {
        if let Some([one, other]) = nodes.get_mut(at..at + 2) {
            one.margin = model.margin.for_players(model.settings, one.players + other.players);
        }
    }
    sweep(nodes);
}

/// Down the chain and up again until nothing moves.
fn sweep(nodes: &mut [Node]) {
    let links = nodes.len().saturating_sub(1);
    for _ in 0..SWEEPS_MAX {
        let mut moved: f64 = 0.0;
        for at in 0..links.saturating_sub(1) {
            if let Some([better, worse]) = nodes.get_mut(at..at + 2) {
                moved = moved.max(compare(better, worse));
                tell_worse(better, worse);
            }
        }
        for at in (1..links).rev() {
            if let Some([better, worse]) = nodes.get_mut(at..at + 2) {
                moved = moved.max(compare(better, worse));
                tell_better(better, worse);
            }
        }
        if moved <= STILL {
            break;
        }
    }
    // Nobody has told the two ends yet.
    if let Some([better, worse]) = nodes.get_mut(..2) {
        tell_better(better, worse);
    }
    if let Some([better, worse]) = nodes.get_mut(links.saturating_sub(1)..) {
        tell_worse(better, worse);
    }
}

/// Mean and variance of two neighbours, each without what the difference between them has said.
fn without_each_other(better: &Node, worse: &Node) -> ((f64, f64), (f64, f64)) {
    (better.prior().times(better.from_better).moments(), worse.prior().times(worse.from_worse).moments())
}

/// Cuts the difference of two neighbours by the result. Returns how far the result's message moved.
fn compare(better: &mut Node, worse: &Node) -> f64 {
    let ((own, own_variance), (other, other_variance)) = without_each_other(better, worse);
    let (lead, variance) = (own - other, own_variance + other_variance);
    let scale = 1.0 / variance.sqrt();
    let margin = better.margin * scale;
    let Moved { mean, shrink } =
        if better.place == worse.place { drawn(lead * scale, margin) } else { won(lead * scale - margin) };
    let left = (1.0 - shrink).max(LEFT_MIN);
    let result = Message {
        precision: shrink / (left * variance),
        weighted: (mean / scale + lead * shrink) / (left * variance),
    };
    let before = std::mem::replace(&mut better.result, result);
    let precision = (result.precision - before.precision).abs() * variance;
    precision.max((result.weighted - before.weighted).abs() / scale)
}

/// What the difference says about the better one: worse plus difference.
fn tell_better(better: &mut Node, worse: &Node) {
    let (_, (mean, variance)) = without_each_other(better, worse);
    let Message { precision, weighted } = better.result;
    let left = 1.0 + variance * precision;
    better.from_worse =
        Message { precision: precision / left, weighted: (mean * precision + weighted) / left };
}

/// What the difference says about the worse one: better minus difference.
fn tell_worse(better: &Node, worse: &mut Node) {
    let ((mean, variance), _) = without_each_other(better, worse);
    let Message { precision, weighted } = better.result;
    let left = 1.0 + variance * precision;
    worse.from_better =
        Message { precision: precision / left, weighted: (mean * precision - weighted) / left };
}

/// What each side of the chain has learned, by the side's index.
pub(super) fn lessons(nodes: &[Node]) -> impl Iterator<Item = (usize, Lesson)> {
    nodes.chunk_by(Node::is_like).flat_map(|group| {
        let sum = group.iter().fold(Message::default(), |sum, node| sum.times(node.told()));
        let n = group.len() as f64;
        let mean = Message { precision: sum.precision / n, weighted: sum.weighted / n };
        group.iter().map(move |node| {
            // The product of two normal densities, in a form that bears a message of no precision.
            let left = 1.0 + node.variance * mean.precision;
            let push = (mean.weighted - node.mean * mean.precision) / left;
            (node.side, Lesson { push, pull: mean.precision / left })
        })
    })
}
