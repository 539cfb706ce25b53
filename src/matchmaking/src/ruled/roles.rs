//! Who takes which role in a match that is formed.
use super::{RulePool, ticket::Waiting};
use crate::formed::Role;
use gsm_core::Timestamp;
use gsm_rules::{ExpansionAge, Seat};

impl RulePool {
    /// The role of each player, side by side as the match has them, by the rules of its stage; nothing where no rule is
    /// about roles. Tickets come in the order in which they fill the sides, each with its team.
    pub(super) fn roles(&self, tickets: &[(&Waiting, u8)], now: Timestamp) -> Vec<Vec<Option<Role>>> {
        let starts = tickets.iter().map(|(ticket, _)| ticket.turn.started_at);
        let start = match self.set.expansion_age() {
            ExpansionAge::Newest => starts.max(),
            ExpansionAge::Oldest => starts.min(),
        };
        let stage = start.and_then(|start| self.set.stages().get(self.set.stage_at(now.since(start))));
        let Some(stage) = stage.filter(|stage| stage.has_roles()) else { return Vec::new() };
        let mut seats: Vec<Seat<'_>> = Vec::with_capacity(tickets.len());
        for (ticket, team) in tickets {
            match ticket.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(ticket.seats_apart(*team)),
            }
        }
        let mut sides = vec![Vec::new(); self.set.teams().len()];
        for (seat, players) in seats.iter().zip(stage.roles(&seats).into_iter().flatten()) {
            if let Some(side) = sides.get_mut(usize::from(seat.team)) {
                side.extend(players.into_iter().map(|taken| {
                    let taken = taken?;
                    Some(Role { name: self.symbols.text(taken.role).to_owned(), choice: taken.choice })
                }));
            }
        }
        sides
    }
}
