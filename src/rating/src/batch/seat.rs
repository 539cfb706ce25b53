use crate::model::Model;
use crate::{Entrant, Rating, RatingError};
use gsm_core::{Timestamp, prefetch};

/// Before all times before the first match.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// What is kept of a player between matches: what the settings of a system move or ask for, and no more, so that more
/// players fit the caches. None lies across two lines of a cache.
pub(super) trait Row: Copy {
    fn new(newcomer: Rating) -> Self;
    /// As he comes to a match at this time: [`crate::System::at`].
    #[inline(always)]
    fn grown<M: Model>(self, _model: &M, _at: Timestamp) -> Self {
        self
    }
    /// As he plays, with what the row does not hold from `newcomer`.
    fn entrant(&self, newcomer: Rating) -> Entrant;
    /// As [`crate::RatedState::after`].
    fn store(&mut self, after: Rating, at: Timestamp);
}

/// A mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean(f64);

impl Row for Mean {
    fn new(newcomer: Rating) -> Self {
        Self(newcomer.mean)
    }
    #[inline(always)]
    fn entrant(&self, newcomer: Rating) -> Entrant {
        Entrant::new(Rating { mean: self.0, ..newcomer })
    }
    #[inline(always)]
    fn store(&mut self, after: Rating, _: Timestamp) {
        self.0 = after.mean;
    }
}

/// A mean, and how many matches there were.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Counted {
    mean: f64,
    games: u32,
}

impl Row for Counted {
    fn new(newcomer: Rating) -> Self {
        Self { mean: newcomer.mean, games: 0 }
    }
    #[inline(always)]
    fn entrant(&self, newcomer: Rating) -> Entrant {
        Entrant { games: self.games, ..Entrant::new(Rating { mean: self.mean, ..newcomer }) }
    }
    #[inline(always)]
    fn store(&mut self, after: Rating, _: Timestamp) {
        *self = Self { mean: after.mean, games: self.games.saturating_add(1) };
    }
}

/// A mean, and how unsure it is.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Estimate {
    mean: f64,
    deviation: f64,
}

impl Row for Estimate {
    fn new(Rating { mean, deviation, .. }: Rating) -> Self {
        Self { mean, deviation }
    }
    #[inline(always)]
    fn entrant(&self, newcomer: Rating) -> Entrant {
        Entrant::new(Rating { mean: self.mean, deviation: self.deviation, ..newcomer })
    }
    #[inline(always)]
    fn store(&mut self, Rating { mean, deviation, .. }: Rating, _: Timestamp) {
        *self = Self { mean, deviation };
    }
}

/// All of a rating, and since when it has been idle.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Timed {
    rating: Rating,
    rated_at: Timestamp,
}

impl Row for Timed {
    fn new(newcomer: Rating) -> Self {
        Self { rating: newcomer, rated_at: NEVER }
    }
    #[inline(always)]
    fn grown<M: Model>(self, model: &M, at: Timestamp) -> Self {
        let Self { rating, rated_at } = self;
        if rated_at == NEVER {
            return self;
        }
        Self { rating: model.grown(rating, at.since(rated_at)), rated_at }
    }
    #[inline(always)]
    fn entrant(&self, _: Rating) -> Entrant {
        Entrant::new(self.rating)
    }
    #[inline(always)]
    fn store(&mut self, after: Rating, at: Timestamp) {
        *self = Self { rating: after, rated_at: self.rated_at.max(at) };
    }
}

/// The seats of all players by number.
#[derive(Clone, Debug)]
pub(super) struct Seats<R> {
    rows: Vec<R>,
    newcomer: Rating,
}

impl<R: Row> Seats<R> {
    pub(super) fn new(newcomer: Rating, players: usize) -> Self {
        Self { rows: vec![R::new(newcomer); players], newcomer }
    }

    /// The rating as the last match left it.
    pub(super) fn rating(&self, player: u32) -> Option<Rating> {
        self.rows.get(player as usize).map(|row| row.entrant(self.newcomer).rating)
    }

    /// Refuses players without seat.
    #[inline]
    pub(super) fn check(&self, players: &[u32]) -> Result<(), RatingError> {
        let seats = self.rows.len();
        match players.iter().find(|player| **player as usize >= seats) {
            Some(&player) => Err(RatingError::NoSuchPlayer { player, players: seats }),
            None => Ok(()),
        }
    }

    /// A player with the rating grown to the time of a match.
    #[inline(always)]
    pub(super) fn entrant<M: Model>(&self, model: &M, player: u32, at: Timestamp) -> Option<Entrant> {
        self.rows.get(player as usize).map(|row| row.grown(model, at).entrant(self.newcomer))
    }

    /// [`Seats::entrant`] of players who all have seats.
    #[inline]
    pub(super) fn entrants<'a, M: Model>(
        &'a self,
        model: &'a M,
        players: &'a [u32],
        at: Timestamp,
    ) -> impl Iterator<Item = Entrant> + use<'a, M, R> {
        players.iter().filter_map(move |player| self.entrant(model, *player, at))
    }

    /// After a match at this time.
    #[inline(always)]
    pub(super) fn store(&mut self, player: u32, after: Rating, at: Timestamp) {
        if let Some(row) = self.rows.get_mut(player as usize) {
            row.store(after, at);
        }
    }

    /// Has the seats brought into the cache.
    #[inline(always)]
    pub(super) fn prefetch(&self, players: &[u32]) {
        for player in players {
            self.rows.get(*player as usize).into_iter().for_each(prefetch);
        }
    }
}
