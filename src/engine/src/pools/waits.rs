//! How long the tickets of a queue wait.
use crate::store::TicketRow;
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_matchmaking::{WaitEnd, WaitEstimate, WaitFacts, WaitModel, nearest_region};
use gsm_session::TicketState;
use std::collections::VecDeque;

/// Waits that count for the mean.
const KEPT: usize = 256;

/// The waits of the last matched tickets, and what is told to those who wait.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    matched: VecDeque<u64>,
    model: WaitModel,
}

impl Waits {
    /// Takes in where a ticket stands now; `is_matched_here` where a match of it is one of this queue. Backfills play already: their waits are no player's.
    pub(crate) fn ticket(&mut self, id: TicketId, row: &TicketRow, is_matched_here: bool) {
        if row.backfill {
            return;
        }
        let Some(ended_at) = row.ended_at.filter(|_| row.state.is_terminal()) else {
            if matches!(row.state, TicketState::Queued | TicketState::Searching) {
                self.model.came(id, facts(row), row.queued_at);
            }
            return;
        };
        let is_matched = row.state == TicketState::Completed;
        if is_matched && is_matched_here {
            self.note(ended_at.since(row.queued_at));
        }
        let is_over = (is_matched && is_matched_here) || row.state == TicketState::TimedOut;
        self.model.ended(id, ended_at, if is_over { WaitEnd::Over } else { WaitEnd::Left });
    }

    fn note(&mut self, wait: Millis) {
        if self.matched.len() == KEPT {
            self.matched.pop_front();
        }
        self.matched.push_back(wait.get());
    }

    /// The mean of the last matched tickets; nothing without any.
    pub(crate) fn mean(&self) -> Option<Millis> {
        let sum: u64 = self.matched.iter().fold(0, |sum, wait| sum.saturating_add(*wait));
        sum.checked_div(self.matched.len() as u64).map(Millis::new)
    }

    /// How long a waiting ticket will have waited in all.
    pub(crate) fn estimate(&self, id: TicketId, now: Timestamp) -> Option<WaitEstimate> {
        self.model.estimate(id, now)
    }
}

fn facts(row: &TicketRow) -> WaitFacts<'_> {
    let size = row.players.len();
    let skill = row.players.iter().map(|p| p.rating.mean).sum::<f64>() / size.max(1) as f64;
    let region = nearest_region(row.party().iter().map(|brought| &brought.latency_ms));
    WaitFacts { region, skill: Some(skill), size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_the_last_ones() {
        let mut waits = Waits::default();
        assert_eq!(waits.mean(), None);
        waits.note(Millis::new(1_000_000));
        (0..KEPT as u64).for_each(|n| waits.note(Millis::new(n % 2 * 100)));
        assert_eq!(waits.mean(), Some(Millis::new(50)));
    }
}
