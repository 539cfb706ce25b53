use crate::model::Model;
use crate::{Entrant, RatedState, Rating, RatingError, System};
use gsm_core::{Timestamp, prefetch};

/// What is kept of each player: half a cache line, and never across two.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Seat {
    mean: f64,
    deviation: f64,
    /// Before all times before the first match.
    rated_at: Timestamp,
    games: u32,
}

/// The seats of all players by number.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    /// One a player where the system moves it, none where all keep the newcomer's.
    volatilities: Vec<f64>,
    newcomer: Rating,
}

impl Seats {
    pub(super) fn new(system: &System, players: usize) -> Self {
        let newcomer = system.initial();
        let Rating { mean, deviation, volatility } = newcomer;
        let seat = Seat { mean, deviation, rated_at: Timestamp::from_millis(i64::MIN), games: 0 };
        let moved = if system.moves_volatility() { players } else { 0 };
        Self { seats: vec![seat; players], volatilities: vec![volatility; moved], newcomer }
    }

    pub(super) fn state(&self, player: u32) -> Option<RatedState> {
        let Seat { mean, deviation, rated_at, games } = *self.seats.get(player as usize)?;
        let volatility = self.volatilities.get(player as usize).copied().unwrap_or(self.newcomer.volatility);
        let rated_at = (games > 0).then_some(rated_at);
        Some(RatedState { rating: Rating { mean, deviation, volatility }, rated_at, games })
    }

    /// Refuses players without seat.
    #[inline]
    pub(super) fn check(&self, players: &[u32]) -> Result<(), RatingError> {
        let seats = self.seats.len();
        match players.iter().find(|player| **player as usize >= seats) {
            Some(&player) => Err(RatingError::NoSuchPlayer { player, players: seats }),
            None => Ok(()),
        }
    }

    /// A player with the rating grown to the time of a match: [`System::at`].
    #[inline(always)]
    pub(super) fn entrant<M: Model>(&self, model: &M, player: u32, at: Timestamp) -> Option<Entrant> {
        let seat = self.seats.get(player as usize)?;
        let mut rating = Rating { mean: seat.mean, deviation: seat.deviation, ..self.newcomer };
        if M::MOVES_VOLATILITY
            && let Some(volatility) = self.volatilities.get(player as usize)
        {
            rating.volatility = *volatility;
        }
        if model.has_growth() && seat.games > 0 {
            rating = model.grown(rating, at.since(seat.rated_at));
        }
        Some(Entrant { games: seat.games, ..Entrant::new(rating) })
    }

    /// [`Seats::entrant`] of players who all have seats.
    #[inline]
    pub(super) fn entrants<'a, M: Model>(
        &'a self,
        model: &'a M,
        players: &'a [u32],
        at: Timestamp,
    ) -> impl Iterator<Item = Entrant> + use<'a, M> {
        players.iter().filter_map(move |player| self.entrant(model, *player, at))
    }

    /// As [`RatedState::after`].
    #[inline(always)]
    pub(super) fn store<M: Model>(&mut self, player: u32, after: Rating, at: Timestamp) {
        if let Some(seat) = self.seats.get_mut(player as usize) {
            let rated_at = seat.rated_at.max(at);
            let games = seat.games.saturating_add(1);
            *seat = Seat { mean: after.mean, deviation: after.deviation, rated_at, games };
        }
        if M::MOVES_VOLATILITY
            && let Some(volatility) = self.volatilities.get_mut(player as usize)
        {
            *volatility = after.volatility;
        }
    }

    /// Has the seats brought into the cache.
    #[inline]
    pub(super) fn prefetch<M: Model>(&self, players: &[u32]) {
        for player in players {
            if let Some(seat) = self.seats.get(*player as usize) {
                prefetch(seat);
            }
            if M::MOVES_VOLATILITY
                && let Some(volatility) = self.volatilities.get(*player as usize)
            {
                prefetch(volatility);
            }
        }
    }
}
