//! A waiting ticket as the matcher sees it.
use gsm_core::{PlayerId, TicketId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Largest skill, in points to either side of 0, that a pool takes.
pub const SKILL_ABS_MAX: f64 = 1e9;

/// A party that waits for a match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolTicket {
    /// Which ticket.
    pub id: TicketId,
    /// Its 1 to [`limits::PARTY_SIZE_MAX`] players; they stay on one side.
    pub players: Vec<PoolPlayer>,
    /// Since when it waits; kept when it comes back from a failed proposal.
    pub queued_at: Timestamp,
}

/// One player of a ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolPlayer {
    /// Who.
    pub id: PlayerId,
    /// Rating points, finite, within [`SKILL_ABS_MAX`] of 0.
    pub skill: f64,
    /// Uncertainty of `skill` in points, finite, 0 or more. Carried, not judged by this matcher.
    pub deviation: f64,
}

impl PoolTicket {
    /// The ticket's skill: the mean of its players'. 0 for a ticket without players (a pool takes none).
    #[must_use]
    pub fn skill(&self) -> f64 {
        // Adding 0.0 makes one zero of the two, so that equal skills have equal keys.
        self.players.iter().map(|p| p.skill).sum::<f64>() / self.players.len().max(1) as f64 + 0.0
    }

    pub(crate) fn check(&self, side_size: usize) -> Result<(), PoolError> {
        let (id, size) = (self.id, self.players.len());
        let max = side_size.min(limits::PARTY_SIZE_MAX);
        if size == 0 || size > max {
            return Err(PoolError::PartySize { id, size, max });
        }
        let mut seen = BTreeSet::new();
        for player in &self.players {
            let skill_ok = player.skill.is_finite() && player.skill.abs() <= SKILL_ABS_MAX;
            if !skill_ok || !player.deviation.is_finite() || player.deviation < 0.0 {
                return Err(PoolError::BadNumber { player: player.id });
            }
            if size > 1 && !seen.insert(player.id) {
                return Err(PoolError::PlayerTwice { player: player.id });
            }
        }
        Ok(())
    }
}

/// Why a pool refuses a ticket; the pool is as before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A ticket of this id waits already.
    #[error("ticket `{id}` waits already")]
    Duplicate {
        /// The ticket.
        id: TicketId,
    },
    /// No players, or more than a side has places.
    #[error("ticket `{id}` has {size} players, must have 1 to {max}")]
    PartySize {
        /// The ticket.
        id: TicketId,
        /// Its players.
        size: usize,
        /// Places of one side.
        max: usize,
    },
    /// One player twice on a ticket.
    #[error("player `{player}` is on the ticket twice")]
    PlayerTwice {
        /// Who.
        player: PlayerId,
    },
    /// A skill or deviation that is not finite or out of range.
    #[error("skill or deviation of player `{player}` is not a finite number in range")]
    BadNumber {
        /// Whose.
        player: PlayerId,
    },
    /// [`limits::POOL_TICKETS_MAX`] tickets wait.
    #[error("the pool is full: {max} tickets wait")]
    Full {
        /// The limit.
        max: usize,
    },
}
