use super::{Closeness, Contender, Evaluation};
use crate::history::History;
use crate::{RatingError, System};
use gsm_core::Probability;

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
    /// How close the matches of the same window were, where the forecaster says how close they would be.
    pub closeness: Closeness,
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

/// Who predicts the matches of a history in their order, and learns from each.
pub trait Forecaster {
    /// Sees the matches of one moment, `from..to`, before the first of them counts.
    fn look(&mut self, from: usize, to: usize);
    /// The expected score of the first side of a match of two that was just seen, and the chance of a draw where it is known.
    fn forecast(&mut self, index: usize) -> (Probability, Option<Probability>);
    /// Of a match that was just seen, for every pair of sides with different places: the chance that the first is ahead of
    /// the second, and whether it was (1 or 0).
    fn pairs(&mut self, index: usize, each: &mut dyn FnMut(f64, f64));
    /// How close a match that was just seen was to be, and how close it was ([`Closeness`]); none of who does not say. Comes after
    /// [`Forecaster::forecast`] or [`Forecaster::pairs`] of the same match.
    fn closeness(&mut self, _index: usize) -> Option<(f64, f64)> {
        None
    }
    /// Learns from the matches `from..to`; `each` hears of every one of them.
    ///
    /// # Errors
    /// A match that makes no sense, with its index; the matches before it count.
    fn learn(&mut self, from: usize, to: usize, each: &mut dyn FnMut()) -> Result<(), (usize, RatingError)>;
}

impl Forecaster for Contender<'_> {
    fn look(&mut self, _: usize, _: usize) {}

    fn forecast(&mut self, index: usize) -> (Probability, Option<Probability>) {
        let expected = self.expected(index);
        (expected, self.draw(index, expected))
    }

    fn pairs(&mut self, index: usize, each: &mut dyn FnMut(f64, f64)) {
        Contender::pairs(self, index, each);
    }

    fn learn(&mut self, from: usize, to: usize, each: &mut dyn FnMut()) -> Result<(), (usize, RatingError)> {
        self.rate_all(from, to, each)
    }
}

/// [`evaluate_by`] of a rating system.
///
/// # Errors
/// A match that the system cannot rate.
pub fn evaluate(
    system: &System,
    history: &History,
    end: usize,
    each: impl FnMut(),
) -> Result<Scored, Unrated> {
    evaluate_by(&mut Contender::new(system, history), history, end, each)
}

/// [`evaluate_within`] the windows of the protocol, of the matches before `end`.
///
/// # Errors
/// A match that the forecaster cannot learn from.
pub fn evaluate_by(
    forecaster: &mut impl Forecaster,
    history: &History,
    end: usize,
    each: impl FnMut(),
) -> Result<Scored, Unrated> {
    evaluate_within(forecaster, history, Windows { end, ..Windows::of(history) }, each)
}

/// Goes through the matches before the end of `windows` in order: of all matches of one moment each is predicted before the first of
/// them counts. `each` hears of every match that was learnt from.
///
/// # Errors
/// A match that the forecaster cannot learn from.
pub fn evaluate_within(
    forecaster: &mut impl Forecaster,
    history: &History,
    windows: Windows,
    mut each: impl FnMut(),
) -> Result<Scored, Unrated> {
    let end = windows.end.min(history.len());
    let two_sided = history.is_two_sided();
    let mut scored = Scored::default();
    let mut from = 0;
    while from < end {
        let to = history.group_end(from).min(end);
        forecaster.look(from, to);
        for index in from.max(windows.tune)..to {
            predict(forecaster, history, two_sided, index, windows, &mut scored);
        }
        forecaster.learn(from, to, &mut each).map_err(|(index, error)| Unrated { index, error })?;
        from = to;
    }
    Ok(scored)
}

fn predict(
    forecaster: &mut impl Forecaster,
    history: &History,
    two_sided: bool,
    index: usize,
    windows: Windows,
    scored: &mut Scored,
) {
    let window = if index < windows.test { &mut scored.tune } else { &mut scored.test };
    if two_sided {
        let (expected, draw) = forecaster.forecast(index);
        let y = history.outcome(index);
        window.two_sides(expected.get(), y);
        if let Some(draw) = draw {
            window.three_ways(expected.get(), draw.get(), y);
        }
    } else {
        window.pairs_told(|each| forecaster.pairs(index, each));
    }
    if index >= windows.test
        && let Some((quality, closeness)) = forecaster.closeness(index)
    {
        scored.closeness.add(quality, closeness);
    }
}
