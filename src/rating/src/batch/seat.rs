use crate::model::Model;
use crate::{Entrant, RatedState, Rating, RatingError, System};
use gsm_core::Timestamp;

/// What is kept of each player: half a cache line, and never across two.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Seat {
    mean: f64,
    deviation: f64,
    /// Of no meaning before the first match.
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
        let seat = Seat { mean, deviation, rated_at: Timestamp::EPOCH, games: 0 };
        let moved = if matches!(system, System::Glicko2(_)) { players } else { 0 };
        Self { seats: vec![seat; players], volatilities: vec![volatility; moved], newcomer }
    }

    /// A player with the rating grown to the time of a match.
    #[inline]
    pub(super) fn entrant<M: Model>(
        &self,
        model: &M,
        player: u32,
        at: Timestamp,
    ) -> Result<Entrant, RatingError> {
        let Some(RatedState { rating, rated_at, games }) = self.state(player) else {
            return Err(self.none(player));
        };
        let idle = rated_at.map(|then| at.since(then)).unwrap_or_default();
        Ok(Entrant { games, ..Entrant::new(model.grown(rating, idle)) })
    }

    /// Why a player cannot play.
    #[cold]
    pub(super) fn none(&self, player: u32) -> RatingError {
        RatingError::NoSuchPlayer { player, players: self.seats.len() }
    }

    #[inline]
    pub(super) fn state(&self, player: u32) -> Option<RatedState> {
        let Seat { mean, deviation, rated_at, games } = *self.seats.get(player as usize)?;
        let volatility = self.volatilities.get(player as usize).copied().unwrap_or(self.newcomer.volatility);
        let rated_at = (games > 0).then_some(rated_at);
        Some(RatedState { rating: Rating { mean, deviation, volatility }, rated_at, games })
    }

    /// As [`RatedState::after`].
    #[inline]
    pub(super) fn store(&mut self, player: u32, after: Rating, at: Timestamp) {
        if let Some(seat) = self.seats.get_mut(player as usize) {
            let Rating { mean, deviation, volatility } = after;
            let rated_at = if seat.games > 0 { seat.rated_at.max(at) } else { at };
            *seat = Seat { mean, deviation, rated_at, games: seat.games.saturating_add(1) };
            if let Some(of) = self.volatilities.get_mut(player as usize) {
                *of = volatility;
            }
        }
    }

    /// Has a player's seat brought into the cache.
    #[inline]
    pub(super) fn prefetch(&self, player: u32) {
        if let Some(seat) = self.seats.get(player as usize) {
            super::prefetch::read(seat);
        }
        if let Some(volatility) = self.volatilities.get(player as usize) {
            super::prefetch::read(volatility);
        }
    }
}
