use super::learner::Learner;
use crate::batch::{Fixture, Ladder};
use crate::history::History;
use crate::{Change, RatingError, System};
use gsm_core::Probability;

/// A rating system that goes through a history.
#[derive(Clone, Debug)]
pub struct Contender<'a> {
    history: &'a History,
    /// Whether team 0 has the advantage of the game in a variant.
    home: Vec<bool>,
    course: Course<'a>,
}

/// Every player as he stands.
#[derive(Clone, Debug)]
enum Course<'a> {
    Ladder(Box<Ladder>),
    Learner(Box<Learner<'a>>),
}

impl<'a> Contender<'a> {
    /// Before the first match.
    #[must_use]
    pub fn new(system: &'a System, history: &'a History) -> Self {
        let course = match Ladder::new(system, history.seats()) {
            Ok(ladder) => Course::Ladder(Box::new(ladder)),
            Err(settings) => Course::Learner(Box::new(Learner::new(system, settings.known(), history))),
        };
        Self { history, home: super::home::advantages(history), course }
    }

    /// The expected score of the first side of a match of two; one half for a match of others.
    pub fn expected(&mut self, index: usize) -> Probability {
        let home = home(&self.home, self.history, index);
        match &mut self.course {
            Course::Ladder(ladder) => fixture(self.history, index, home)
                .and_then(|fixture| ladder.predict(&fixture, 0, 1))
                .unwrap_or(Probability::HALF),
            Course::Learner(learner) => learner.expected(index, home),
        }
    }

    /// The chance of a draw in a match of two sides, whose expected score is `expected`; none where the system
    /// knows nothing about draws.
    #[must_use]
    pub fn draw(&mut self, index: usize, expected: Probability) -> Option<Probability> {
        let home = home(&self.home, self.history, index);
        match &mut self.course {
            Course::Ladder(ladder) => {
                let fixture = fixture(self.history, index, home).ok()?;
                ladder.predict_draw(&fixture).ok().flatten()
            }
            Course::Learner(learner) => learner.draw(expected),
        }
    }

    /// For every pair of sides with different places: the chance that the first is ahead of the second, and whether
    /// it was (1 or 0). O(sides² · players of a side).
    pub fn pairs(&mut self, index: usize, mut each: impl FnMut(f64, f64)) {
        let home = home(&self.home, self.history, index);
        let places = self.history.sides(index).map(|side| side.place);
        let mut each_of = |chance: &mut dyn FnMut(usize, usize) -> Option<Probability>| {
            for (one, place) in places.clone().enumerate() {
                for (nth, other) in places.clone().enumerate().skip(one + 1) {
                    if place != other
                        && let Some(p) = chance(one, nth)
                    {
                        each(p.get(), crate::numeric::score(place, other));
                    }
                }
            }
        };
        match &mut self.course {
            Course::Ladder(ladder) => {
                let Ok(fixture) = fixture(self.history, index, home) else { return };
                each_of(&mut |one, other| ladder.predict(&fixture, one, other).ok());
            }
            Course::Learner(learner) => {
                let chance = learner.expected_of(index, home);
                each_of(&mut |one, other| Some(chance(one, other)));
            }
        }
    }

    /// Rates a match; the answer holds what it did to its players, in the order of its sides.
    ///
    /// # Errors
    /// Where the system cannot rate it: see [`System::update_any_size`].
    pub fn rate(&mut self, index: usize) -> Result<&[Change], RatingError> {
        let home = home(&self.home, self.history, index);
        match &mut self.course {
            Course::Ladder(ladder) => ladder.apply(&fixture(self.history, index, home)?),
            Course::Learner(learner) => {
                learner.rate(index, home)?;
                Ok(learner.changes())
            }
        }
    }

    /// [`Contender::rate`] of the matches `from..to` one after another, for who does not ask what changed; `each` hears
    /// of every one of them.
    ///
    /// # Errors
    /// As there, with the index of the match.
    pub fn rate_all(
        &mut self,
        from: usize,
        to: usize,
        mut each: impl FnMut(),
    ) -> Result<(), (usize, RatingError)> {
        let Self { history, home: homes, course } = self;
        match course {
            Course::Ladder(ladder) => {
                let fixtures = (from..to).map(|index| {
                    each();
                    fixture(history, index, home(homes, history, index))
                });
                let done = ladder.settle_all(fixtures);
                done.map(drop).map_err(|(nth, error)| (from + nth, error))
            }
            Course::Learner(learner) => (from..to).try_for_each(|index| {
                each();
                learner.rate(index, home(homes, history, index)).map_err(|error| (index, error))
            }),
        }
    }
}

/// The side at home in a match.
fn home(home: &[bool], history: &History, index: usize) -> Option<usize> {
    let has = home.get(usize::from(history.variant_of(index))).copied().unwrap_or(false);
    has.then_some(0)
}

#[inline]
fn fixture(history: &History, index: usize, home: Option<usize>) -> Result<Fixture<'_>, RatingError> {
    let fixture = history.fixture(index)?;
    match home {
        Some(home) => fixture.with_home(home),
        None => Ok(fixture),
    }
}
