//! The steps that all systems share, and a match of two sides made of them.
use crate::{Change, Entrant, Game, Lead, Rating, Scratch, Side, numeric};
use gsm_core::Millis;

/// A rating system in steps. [`crate::System`] and [`crate::batch::Ladder`] both go through these, which is why they
/// agree to the bit.
pub(crate) trait Model {
    /// The players of a side so far.
    type Sum: Copy + Default;
    /// A side seen as one player.
    type Team: Copy;
    /// Two sides before their result counts.
    type Pair: Copy;
    /// What a result tells the players of one side.
    type Lesson: Copy;

    /// The rating of a player without matches.
    fn initial(&self) -> Rating;
    /// What the home side's advantage is worth.
    fn home_advantage(&self) -> f64;
    /// The rating after a time without matches.
    fn grown(&self, rating: Rating, idle: Millis) -> Rating;
    /// One more player of a side.
    fn joined(&self, sum: Self::Sum, player: &Entrant) -> Self::Sum;
    /// The side of these players, some of whom have a share, with an advantage.
    fn team(&self, sum: Self::Sum, advantage: f64) -> Self::Team;
    /// Two sides against each other.
    fn pair(&self, one: &Self::Team, other: &Self::Team) -> Self::Pair;
    /// The scores that the update expects of the first and the second.
    fn expected(&self, pair: &Self::Pair) -> (f64, f64);
    /// The score predicted of the first, both uncertainties considered.
    fn predicted(&self, one: &Self::Team, other: &Self::Team) -> f64 {
        self.expected(&self.pair(one, other)).0
    }
    /// The chance that the two draw, in models that have draws.
    fn drawn(&self, _: &Self::Pair) -> Option<f64> {
        None
    }
    /// [`Model::predicted`] as a logit, and how unsure the difference is that it was made of.
    fn lead(&self, one: &Self::Team, other: &Self::Team) -> Lead {
        let p = self.predicted(one, other);
        Lead { logit: libm::log(p / (1.0 - p)), variance: 0.0 }
    }
    /// What the first and the second learn from the score of the first.
    fn lessons(&self, pair: &Self::Pair, score: f64) -> (Self::Lesson, Self::Lesson);
    /// A player after the lesson of the side.
    fn applied(&self, player: &Entrant, lesson: &Self::Lesson) -> Rating;
    /// Rates a match of more than two sides, each with somebody who has a share.
    fn rate_field(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>);
}

/// The side of these players, some of whom have a share, as number `side` of a match.
#[inline(always)]
pub(crate) fn team<M: Model>(
    model: &M,
    players: impl Iterator<Item = Entrant>,
    home: Option<usize>,
    side: usize,
) -> M::Team {
    let sum = players.fold(M::Sum::default(), |sum, player| model.joined(sum, &player));
    model.team(sum, advantage(model, home, side))
}

/// Two sides against each other.
#[inline(always)]
pub(crate) fn pair<M: Model>(
    model: &M,
    one: impl Iterator<Item = Entrant>,
    other: impl Iterator<Item = Entrant>,
    home: Option<usize>,
) -> M::Pair {
    model.pair(&team(model, one, home, 0), &team(model, other, home, 1))
}

/// A match of two players that nobody else played; `score` is that of the first. No memory is touched but for the
/// settings.
#[inline]
pub(crate) fn alone<M: Model>(
    model: &M,
    [one, other]: [&Entrant; 2],
    home: Option<usize>,
    score: f64,
) -> [Change; 2] {
    let pair = pair(model, std::iter::once(*one), std::iter::once(*other), home);
    let expected = model.expected(&pair);
    let stayed = model.lessons(&pair, score);
    let (first, actual) = if one.quit { (model.lessons(&pair, 0.0).0, 0.0) } else { (stayed.0, score) };
    let first = Change::of(one, model.applied(one, &first), expected.0, actual);
    let (second, actual) =
        if other.quit { (model.lessons(&pair, 1.0).1, 0.0) } else { (stayed.1, 1.0 - score) };
    [first, Change::of(other, model.applied(other, &second), expected.1, actual)]
}

/// The advantage of the side with this index.
#[inline(always)]
pub(crate) fn advantage<M: Model>(model: &M, home: Option<usize>, side: usize) -> f64 {
    if home == Some(side) { model.home_advantage() } else { 0.0 }
}

/// Rates a match whose shape has been checked and where every side has somebody with a share; the changes are added
/// to `out`, side by side.
#[inline]
pub(crate) fn rate<M: Model>(model: &M, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
    if let [one, other] = game.sides {
        rate_duel(model, one, other, game.home, out);
    } else {
        model.rate_field(game, scratch, out);
    }
}

#[inline]
fn rate_duel<M: Model>(
    model: &M,
    one: &Side<'_>,
    other: &Side<'_>,
    home: Option<usize>,
    out: &mut Vec<Change>,
) {
    let score = numeric::score(one.place, other.place);
    if let ([one], [other]) = (one.players, other.players) {
        return out.extend(alone(model, [one, other], home, score));
    }
    let pair = pair(model, one.players.iter().copied(), other.players.iter().copied(), home);
    let expected = model.expected(&pair);
    let stayed = model.lessons(&pair, score);
    let has_quit = |side: &Side<'_>| side.players.iter().any(|player| player.quit);
    let mut tell = |side: &Side<'_>, expected, score, stayed: &M::Lesson, quit: &M::Lesson| {
        out.extend(side.players.iter().map(|player| {
            let (lesson, actual) = if player.quit { (quit, 0.0) } else { (stayed, score) };
            Change::of(player, model.applied(player, lesson), expected, actual)
        }));
    };
    let quit = if has_quit(one) { model.lessons(&pair, 0.0).0 } else { stayed.0 };
    tell(one, expected.0, score, &stayed.0, &quit);
    let quit = if has_quit(other) { model.lessons(&pair, 1.0).1 } else { stayed.1 };
    tell(other, expected.1, 1.0 - score, &stayed.1, &quit);
}
