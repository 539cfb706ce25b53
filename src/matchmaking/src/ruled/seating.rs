//! Who sits where, while the teams of a large match are filled.
use super::ticket::Waiting;
use gsm_core::TicketId;
use gsm_rules::{Seat, Stage};
use std::collections::BTreeSet;

/// Teams that are being filled.
pub(super) struct Seating<'a, 'w> {
    stage: &'a Stage,
    /// Of each team the players and the sum of their values.
    filled: Vec<(u32, f64)>,
    /// Each ticket with its team; of one that sits on different teams that of its first player.
    placed: Vec<(&'w Waiting, u8)>,
}

impl<'a, 'w> Seating<'a, 'w> {
    pub(super) fn new(stage: &'a Stage) -> Self {
        Self { stage, filled: vec![(0, 0.0); stage.teams().len()], placed: Vec::new() }
    }

    /// Of each team how many players it lacks, and for how many it has room.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (u32, u32)> {
        let teams = self.stage.teams().iter().zip(&self.filled);
        teams.map(|(size, (players, _))| {
            (u32::from(size.min).saturating_sub(*players), u32::from(size.max).saturating_sub(*players))
        })
    }

    pub(super) fn ids(&self) -> BTreeSet<TicketId> {
        self.placed.iter().map(|(of, _)| of.turn.id).collect()
    }

    pub(super) fn seats(&self) -> Vec<Seat<'w>> {
        let mut seats = Vec::with_capacity(self.placed.len());
        for (of, team) in &self.placed {
            match of.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(of.seats_apart(*team)),
            }
        }
        seats
    }

    /// The tickets with their teams, this one first.
    pub(super) fn placed(&self, first: TicketId) -> Vec<(TicketId, u8)> {
        let mut placed: Vec<(TicketId, u8)> =
            self.placed.iter().map(|(of, team)| (of.turn.id, *team)).collect();
        placed.sort_by_key(|(id, _)| *id != first);
        placed
    }

    /// Puts a ticket, whose players are worth `value` each, on teams, if there is room: those who play already stay, a
    /// split party sits on the first teams that have room for all of its parts, and any other on the team that lacks
    /// most to its minimum, then on the one with most room, then on the weaker one.
    pub(super) fn seat(&mut self, of: &'w Waiting, value: f64) -> bool {
        if !of.is_apart() {
            let best = self.best(of.size());
            return best.is_some_and(|team| self.seat_on(team, of, value));
        }
        let players: Vec<u32> = self.filled.iter().map(|(players, _)| *players).collect();
        let Some(first) = of.way_apart(self.stage, &players, 0) else { return false };
        for seat in of.seats_apart(first) {
            self.add(seat.team, u32::from(seat.party.size()), value);
        }
        self.placed.push((of, first));
        true
    }

    /// Puts a ticket on this team, if there is room.
    pub(super) fn seat_on(&mut self, team: u8, of: &'w Waiting, value: f64) -> bool {
        let has_room = self.lacking().nth(usize::from(team)).is_some_and(|(_, room)| room >= of.size());
        if has_room {
            self.add(team, of.size(), value);
            self.placed.push((of, team));
        }
        has_room
    }

    /// Seats parties as a plan says, which has of each team how many of each size; the weakest of the teams that want
    /// one first.
    pub(super) fn follow(
        &mut self,
        mut plan: Vec<Vec<u32>>,
        parties: impl Iterator<Item = (&'w Waiting, f64)>,
    ) {
        for (of, value) in parties {
            let wanted =
                plan.iter_mut().zip(&self.filled).zip(0_u8..).filter_map(|((sizes, (_, sum)), team)| {
                    let left = sizes.get_mut(of.size() as usize).filter(|left| **left > 0)?;
                    Some((*sum, team, left))
                });
            let Some((_, team, left)) = wanted.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else {
                continue;
            };
            *left -= 1;
            self.seat_on(team, of, value);
        }
    }

    fn add(&mut self, team: u8, players: u32, value: f64) {
        if let Some((count, sum)) = self.filled.get_mut(usize::from(team)) {
            *count += players;
            *sum += value * f64::from(players);
        }
    }

    fn best(&self, players: u32) -> Option<u8> {
        let teams = (0_u8..=u8::MAX).zip(self.lacking()).zip(&self.filled);
        teams
            .filter(|((_, (_, room)), _)| *room >= players)
            .min_by(|((a, (lacks_a, room_a)), (_, sum_a)), ((b, (lacks_b, room_b)), (_, sum_b))| {
                (*lacks_a == 0)
                    .cmp(&(*lacks_b == 0))
                    .then(room_b.cmp(room_a))
                    .then(sum_a.total_cmp(sum_b))
                    .then(a.cmp(b))
            })
            .map(|((team, _), _)| team)
    }
}
