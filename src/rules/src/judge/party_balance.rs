//! Rules of the type `partyBalance`: parties meet parties.
use crate::{rule_set::TeamSize, seat::Seat, stage::Verdict};

/// So many players may the largest parties of two teams differ by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PartyBalance {
    pub(crate) most: u32,
}

/// Of each team: its players, and those of its largest party.
fn teams(seats: &[Seat<'_>]) -> [(u8, u8); 256] {
    let mut teams = [(0_u8, 0_u8); 256];
    for seat in seats {
        if let Some((players, largest)) = teams.get_mut(usize::from(seat.team)) {
            *players = players.saturating_add(seat.party.size());
            *largest = (*largest).max(seat.party.size());
        }
    }
    teams
}

impl PartyBalance {
    /// Teams without players are left out.
    pub(crate) fn verdict(&self, seats: &[Seat<'_>]) -> Verdict {
        let teams = teams(seats);
        let sizes = || teams.iter().filter(|(players, _)| *players > 0).map(|(_, largest)| *largest);
        match (sizes().min(), sizes().max()) {
            (Some(min), Some(max)) if u32::from(max - min) <= self.most => Verdict::Holds,
            (Some(_), Some(_)) => Verdict::Fails,
            _ => Verdict::NoValue,
        }
    }

    /// Whether a team that has, or must have, players can no longer get a party that is large enough.
    pub(crate) fn is_dead(&self, seats: &[Seat<'_>], sizes: &[TeamSize]) -> bool {
        let teams = teams(seats);
        let top = teams.iter().map(|(_, largest)| *largest).max().unwrap_or(0);
        sizes.iter().zip(&teams).any(|(size, (players, largest))| {
            let reach = size.max.saturating_sub(*players).max(*largest);
            (*players > 0 || size.min > 0) && u32::from(top.saturating_sub(reach)) > self.most
        })
    }
}

/// How large a party some teams must still get, and how many teams; 0 if none must.
pub(crate) fn missing(balance: &PartyBalance, seats: &[Seat<'_>], sizes: &[TeamSize]) -> (u8, u32) {
    let teams = teams(seats);
    let top = teams.iter().map(|(_, largest)| u32::from(*largest)).max().unwrap_or(0);
    let least = u8::try_from(top.saturating_sub(balance.most)).unwrap_or(u8::MAX);
    let must = |(size, (players, largest)): &(&TeamSize, &(u8, u8))| {
        (*players > 0 || size.min > 0) && *largest < least
    };
    (least, sizes.iter().zip(&teams).filter(must).count() as u32)
}
