//! A match that a step found.
use crate::{
    rules::Format,
    split::{Block, share_out},
    ticket::PoolTicket,
};
use gsm_core::{Millis, PlayerId, TicketId, Timestamp};
use serde::{Deserialize, Serialize};

/// One player's place in a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The ticket that brought the player.
    pub ticket: TicketId,
    /// Who.
    pub player: PlayerId,
}

/// The role that a player takes in a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its place among the roles that the player named, from 0; `None` if he did not name it.
    pub choice: Option<u32>,
}

/// A match that a step found; its tickets have left the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Formed {
    /// Who plays with whom.
    pub sides: Vec<Vec<Seat>>,
    /// The tickets as they were in the pool, longest waiting first, ready to be inserted again.
    pub tickets: Vec<PoolTicket>,
    /// How long each of `tickets` waited.
    pub waits: Vec<Millis>,
    /// Largest less smallest ticket skill, in points.
    pub spread: f64,
    /// Largest less smallest mean skill of a side, in points.
    pub imbalance: f64,
}

impl Formed {
    /// Seats `tickets` (longest waiting first, of the right number) as `format` says. Where each has a strength, sides
    /// are made even by these in place of skills.
    pub(crate) fn seat(
        format: Format,
        tickets: Vec<PoolTicket>,
        strengths: Option<&[f64]>,
        now: Timestamp,
    ) -> Self {
        let side_of: Vec<usize> = match format {
            Format::FreeForAll { .. } => (0..tickets.len()).collect(),
            Format::Teams { teams, size } => {
                let block = |(nth, t): (usize, &PoolTicket)| {
                    let strength = strengths.and_then(|of| of.get(nth).copied());
                    Block { size: t.players.len(), skill: strength.unwrap_or_else(|| t.skill()) }
                };
                share_out(&tickets.iter().enumerate().map(block).collect::<Vec<_>>(), teams, size)
            }
        };
        let sides_len = side_of.iter().max().map_or(0, |last| last + 1);
        let mut sides = vec![(Vec::with_capacity(format.side_size()), 0.0); sides_len];
        for (ticket, side) in tickets.iter().zip(side_of) {
            if let Some((seats, total)) = sides.get_mut(side) {
                seats.extend(ticket.players.iter().map(|p| Seat { ticket: ticket.id, player: p.id }));
                *total += ticket.players.iter().map(|p| p.skill).sum::<f64>();
            }
        }
        Self {
            spread: span(tickets.iter().map(PoolTicket::skill)),
            imbalance: span(sides.iter().map(|(seats, total)| total / seats.len().max(1) as f64)),
            waits: tickets.iter().map(|t| now.since(t.queued_at)).collect(),
            sides: sides.into_iter().map(|(seats, _)| seats).collect(),
            tickets,
        }
    }
}

/// Largest less smallest; 0 for none.
fn span(values: impl Iterator<Item = f64>) -> f64 {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low <= high { high - low } else { 0.0 }
}
