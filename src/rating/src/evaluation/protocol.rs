use super::{Contender, Evaluation};
use crate::history::History;
use crate::{RatingError, System};

/// The windows of the protocol, by index of the match: before `tune` nothing is scored, from `tune` to `test` settings
/// may be chosen, from `test` on they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// floor(0.2 n)
    pub tune: usize,
    /// floor(0.5 n)
    pub test: usize,
    /// n
    pub end: usize,
}

impl Windows {
    /// Of a history.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let n = history.len();
        Self { tune: n / 5, test: n / 2, end: n }
    }
}

/// How the predictions of the two windows held up.
#[derive(Clone, Debug, Default)]
pub struct Scored {
    /// Where settings may be chosen.
    pub tune: Evaluation,
    /// What is reported.
    pub test: Evaluation,
}

/// A match that a system cannot rate.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the match at {index} cannot be rated: {error}")]
pub struct Unrated {
    /// Its index in the history.
    pub index: usize,
    /// Why.
    pub error: RatingError,
}

/// Goes through the matches before `end` in order: of all matches of one moment each is predicted before the first of
/// them counts. `each` hears of every match that was rated.
///
/// # Errors
/// A match that the system cannot rate.
pub fn evaluate(
    system: &System,
    history: &History,
    end: usize,
    mut each: impl FnMut(),
) -> Result<Scored, Unrated> {
    let windows = Windows::of(history);
    let two_sided = history.is_two_sided();
    let mut contender = Contender::new(system, history);
    let mut scored = Scored::default();
    let mut from = 0;
    while from < end {
        let to = history.group_end(from).min(end);
        for index in from..to {
            predict(&mut contender, history, two_sided, index, windows, &mut scored);
        }
        for index in from..to {
            contender.rate(index).map_err(|error| Unrated { index, error })?;
            each();
        }
        from = to;
    }
    Ok(scored)
}

fn predict(
    contender: &mut Contender<'_>,
    history: &History,
    two_sided: bool,
    index: usize,
    windows: Windows,
    scored: &mut Scored,
) {
    if index < windows.tune {
        return;
    }
    let window = if index < windows.test { &mut scored.tune } else { &mut scored.test };
    if two_sided {
        let expected = contender.expected(index);
        let y = history.outcome(index);
        window.two_sides(expected.get(), y);
        if let Some(draw) = contender.draw(index, expected) {
            window.three_ways(expected.get(), draw.get(), y);
        }
    } else {
        let mut pairs = Vec::new();
        contender.pairs(index, |p, y| pairs.push((p, y)));
        window.pairs(pairs);
    }
}
