//! Rules of the type `avoid`: players who name others, and do not want to meet them.
use crate::{columns::WordColumn, seat::Seat, stage::Verdict, symbols::Symbol};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Avoid {
    /// Of each player: whom he names, but those of his own ticket.
    pub(crate) lists: WordColumn,
    /// Who they are: the ids of each.
    pub(crate) players: WordColumn,
    /// Whether they may be on one team.
    pub(crate) opponents_only: bool,
    /// So often may somebody be named all the same.
    pub(crate) most: u32,
}

impl Avoid {
    pub(crate) fn verdict(&self, seats: &[Seat<'_>]) -> Verdict {
        if seats.is_empty() {
            return Verdict::NoValue;
        }
        let mut named = 0_u32;
        for (at, seat) in seats.iter().enumerate() {
            // Who plays together meets by choice, also where a party is split.
            let others = seats.iter().enumerate().filter(|(other, _)| *other != at);
            let others = others.filter(|(_, other)| !self.opponents_only || other.team != seat.team);
            let others = || others.clone().flat_map(|(_, other)| other.party.lists(self.players));
            for list in seat.party.lists(self.lists).filter(|list| !list.is_empty()) {
                let is_named = |ids: &&[Symbol]| ids.iter().any(|id| list.binary_search(id).is_ok());
                named += others().filter(is_named).count() as u32;
            }
        }
        if named <= self.most { Verdict::Holds } else { Verdict::Fails }
    }
}
