use crate::kalman::POINTS;
use crate::{Learnt, Rating, RatingError};
use gsm_core::{Probability, limits};
use serde::{Deserialize, Serialize};

/// No offset is less sure than this, in natural units squared.
const OFFSET_VARIANCE_MAX: f64 = 300.0;
/// A share below this, a millionth of a match, counts as none.
const SHARE_MIN: f64 = 1e-6;

/// One player of a match that is to be rated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entrant {
    /// Before the match, already grown to its time by [`crate::System::at`].
    pub rating: Rating,
    /// Left before the end: rated as having lost to every other side, whatever the place of the own side.
    /// The other players' ratings change as if nobody had left.
    pub quit: bool,
    /// The part of the match that was played, `0.0..=1.0`; 1 is all of it. It is the player's weight within the
    /// side, and how much the result counts for the player. 0 (or less than a millionth) moves nobody: the player
    /// stays as before, and a side where all have 0 is no opponent to anybody. It counts for quitters too: 1 is the
    /// whole loss.
    pub share: f64,
    /// Rated matches before this one. Only systems that move newcomers faster look at it (Elo).
    pub games: u32,
    /// The player's offset in the variant played, where the match has one: see [`crate::KalmanSettings`].
    pub offset: Option<Offset>,
}

/// How much better or worse a player is in one variant of a mode (a map, a surface, a role) than in general.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offset {
    /// The estimate, in points.
    pub mean: f64,
    /// Its standard deviation, in points.
    pub deviation: f64,
}

impl Offset {
    /// Whether both are finite.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.mean.is_finite() && self.deviation.is_finite()
    }
    /// A rating in the variant: the general one and this offset, as sure as both together.
    #[must_use]
    pub fn applied(self, rating: Rating) -> Rating {
        let deviation = rating.deviation * rating.deviation + self.deviation * self.deviation;
        Rating { mean: rating.mean + self.mean, deviation: deviation.sqrt(), ..rating }
    }
    /// Mean and variance in natural units.
    pub(crate) fn natural(self) -> (f64, f64) {
        let (mean, deviation) = (crate::numeric::mean(self.mean, 0.0) / POINTS, self.deviation / POINTS);
        (mean, crate::numeric::kept(deviation * deviation, 0.0, OFFSET_VARIANCE_MAX, 0.0))
    }
    pub(crate) fn from_natural(mean: f64, variance: f64) -> Self {
        Self { mean: mean * POINTS, deviation: variance.max(0.0).sqrt() * POINTS }
    }
}

impl Entrant {
    /// A player who stayed from the first moment to the last, in a first match.
    #[must_use]
    #[inline]
    pub const fn new(rating: Rating) -> Self {
        Self { rating, quit: false, share: 1.0, games: 0, offset: None }
    }

    /// Whether any part of the match was played.
    #[inline]
    pub(crate) fn is_present(&self) -> bool {
        self.share >= SHARE_MIN
    }
}

/// One side of a finished match: a team, or a single player in free-for-all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side<'a> {
    /// 1 is the best; equal places are a tie. Only the order counts, gaps mean nothing.
    pub place: u32,
    /// Points made, where the game has them and they are finite. Systems that do not use margins ignore it.
    pub score: Option<f64>,
    /// At least one.
    pub players: &'a [Entrant],
}

impl<'a> Side<'a> {
    /// A side and its place.
    #[must_use]
    pub const fn new(place: u32, players: &'a [Entrant]) -> Self {
        Self { place, score: None, players }
    }
}

/// A finished match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game<'a> {
    /// At least two.
    pub sides: &'a [Side<'a>],
    /// The index of the side with the advantage of the game (white, the home team), if one has it. How much that
    /// is worth is the system's setting `home_advantage`.
    pub home: Option<usize>,
    /// What has been learnt from the matches before, for systems that learn; `None` is nothing yet.
    pub learnt: Option<&'a Learnt>,
}

impl<'a> Game<'a> {
    /// A match without a side at an advantage.
    #[must_use]
    pub const fn new(sides: &'a [Side<'a>]) -> Self {
        Self { sides, home: None, learnt: None }
    }
}

/// What a match did to one player, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The rating that was given.
    pub before: Rating,
    /// The rating from now on.
    pub after: Rating,
    /// The score the system expected: the mean over the other sides. This is the expectation the update
    /// compares with. It differs a little from the prediction ([`crate::System::expected_pair`]), which also
    /// takes the own deviation into account.
    pub expected: Probability,
    /// The score that was achieved, `0.0..=1.0`: the mean over the other sides (win 1, tie 0.5, loss 0).
    pub actual: f64,
    /// The offset in the variant played from now on, where the player had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
}

impl Change {
    /// How far the mean moved, in points.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.after.mean - self.before.mean
    }

    /// The change of a player, whom a share of nothing leaves as before.
    #[inline]
    pub(crate) fn of(player: &Entrant, after: Rating, expected: f64, actual: f64) -> Self {
        let after = if player.is_present() { after } else { player.rating };
        Self {
            before: player.rating,
            after,
            expected: Probability::saturating(expected),
            actual,
            offset: player.offset,
        }
    }
}

/// Refuses what no system can rate: see [`RatingError`].
pub(crate) fn check_shape(game: &Game<'_>) -> Result<(), RatingError> {
    let sides = game.sides.len();
    if sides < 2 {
        return Err(RatingError::TooFewSides { sides });
    }
    if let Some(home) = game.home.filter(|home| *home >= sides) {
        return Err(RatingError::NoSuchSide { home, sides });
    }
    for (side, of) in game.sides.iter().enumerate() {
        if of.players.is_empty() {
            return Err(RatingError::EmptySide { side });
        }
        if of.score.is_some_and(|score| !score.is_finite()) {
            return Err(RatingError::BadScore { side });
        }
        for (player, entrant) in of.players.iter().enumerate() {
            if !entrant.rating.is_finite() {
                return Err(RatingError::NotFinite { side, player });
            }
            if entrant.offset.is_some_and(|offset| !offset.is_finite()) {
                return Err(RatingError::NotFinite { side, player });
            }
            if !(0.0..=1.0).contains(&entrant.share) {
                return Err(RatingError::BadShare { side, player });
            }
        }
    }
    Ok(())
}

/// Refuses matches above the server's limits.
pub(crate) fn check_size(sides: &[Side<'_>]) -> Result<(), RatingError> {
    if sides.len() > limits::MATCH_SIDES_MAX {
        return Err(RatingError::TooManySides { sides: sides.len(), max: limits::MATCH_SIDES_MAX });
    }
    let players = sides.iter().map(|side| side.players.len()).sum();
    if players > limits::MATCH_PLAYERS_MAX {
        return Err(RatingError::TooManyPlayers { players, max: limits::MATCH_PLAYERS_MAX });
    }
    Ok(())
}

/// Whether anybody of a side played any part of the match.
pub(crate) fn is_present(side: &Side<'_>) -> bool {
    side.players.iter().any(Entrant::is_present)
}
