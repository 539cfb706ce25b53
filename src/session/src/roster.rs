use gsm_core::{
    PlayerId,
    limits::{MATCH_PLAYERS_MAX, MATCH_SIDES_MAX},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why a list of sides is no roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Too few or too many sides.
    #[error("`sides` has {sides} entries, a match has 2 to {MATCH_SIDES_MAX} sides")]
    Sides {
        /// How many came.
        sides: usize,
    },
    /// A side without players.
    #[error("`sides[{side}]` is empty, a side has at least one player")]
    Empty {
        /// Its position, from 0.
        side: usize,
    },
    /// Too many players.
    #[error("`sides` has {players} players, a match has at most {MATCH_PLAYERS_MAX}")]
    Players {
        /// How many came.
        players: usize,
    },
    /// A player twice, on one side or on two.
    #[error("`sides[{side}]` names `{player}` a second time, a player is on one side once")]
    Twice {
        /// Who.
        player: PlayerId,
        /// The side of the second mention, from 0.
        side: usize,
    },
}

/// Who plays a match, by side. Sides keep their order and so do the players of a side.
///
/// Invariant: 2 to [`MATCH_SIDES_MAX`] sides, none empty, nobody twice, at most [`MATCH_PLAYERS_MAX`] players.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Roster {
    sides: Vec<Vec<PlayerId>>,
}

#[derive(Deserialize)]
#[serde(rename = "Roster")]
struct Unchecked {
    sides: Vec<Vec<PlayerId>>,
}

impl TryFrom<Unchecked> for Roster {
    type Error = RosterError;
    fn try_from(raw: Unchecked) -> Result<Self, RosterError> {
        Self::new(raw.sides)
    }
}

impl Roster {
    /// Checks the invariant. O(n log n) in the players.
    pub fn new(sides: Vec<Vec<PlayerId>>) -> Result<Self, RosterError> {
        if !(2..=MATCH_SIDES_MAX).contains(&sides.len()) {
            return Err(RosterError::Sides { sides: sides.len() });
        }
        if let Some(side) = sides.iter().position(Vec::is_empty) {
            return Err(RosterError::Empty { side });
        }
        let players = sides.iter().map(Vec::len).sum();
        if players > MATCH_PLAYERS_MAX {
            return Err(RosterError::Players { players });
        }
        let mut seen = BTreeSet::new();
        for (side, members) in sides.iter().enumerate() {
            if let Some(&player) = members.iter().find(|&&player| !seen.insert(player)) {
                return Err(RosterError::Twice { player, side });
            }
        }
        Ok(Self { sides })
    }

    /// The sides, each with its players.
    #[must_use]
    pub fn sides(&self) -> &[Vec<PlayerId>] {
        &self.sides
    }

    /// Every player once, side by side.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> + '_ {
        self.sides.iter().flatten().copied()
    }

    /// The position of the player's side, from 0; none for a stranger. O(players).
    #[must_use]
    pub fn side_of(&self, player: PlayerId) -> Option<usize> {
        self.sides.iter().position(|members| members.contains(&player))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sizes` are the sizes of the sides; players are numbered through.
    fn sides(sizes: &[usize]) -> Vec<Vec<PlayerId>> {
        let mut ids = (0..).map(PlayerId::from_u128);
        sizes.iter().map(|&n| ids.by_ref().take(n).collect()).collect()
    }
    fn check(sides: Vec<Vec<PlayerId>>, expected: Result<(), RosterError>) {
        assert_eq!(Roster::new(sides).map(drop), expected);
    }

    #[test]
    fn sides_are_two_to_the_maximum() {
        check(sides(&[3]), Err(RosterError::Sides { sides: 1 }));
        check(sides(&[1, 1]), Ok(()));
        check(sides(&[1; MATCH_SIDES_MAX]), Ok(()));
        check(sides(&[1; MATCH_SIDES_MAX + 1]), Err(RosterError::Sides { sides: MATCH_SIDES_MAX + 1 }));
    }

    #[test]
    fn players_are_at_most_the_maximum() {
        check(sides(&[1, MATCH_PLAYERS_MAX - 1]), Ok(()));
        let players = MATCH_PLAYERS_MAX + 1;
        check(sides(&[1, MATCH_PLAYERS_MAX]), Err(RosterError::Players { players }));
    }

    #[test]
    fn no_side_is_empty_and_nobody_plays_twice() {
        check(sides(&[1, 0]), Err(RosterError::Empty { side: 1 }));
        let [a, b] = [1, 2].map(PlayerId::from_u128);
        check(vec![vec![a], vec![b, a]], Err(RosterError::Twice { player: a, side: 1 }));
        check(vec![vec![a, a], vec![b]], Err(RosterError::Twice { player: a, side: 0 }));
    }

    #[test]
    fn everyone_is_found_on_their_side() {
        let roster = Roster::new(sides(&[2, 3])).unwrap();
        let found: Vec<_> = roster.players().map(|p| roster.side_of(p)).collect();
        assert_eq!(found, [0, 0, 1, 1, 1].map(Some));
        assert_eq!(roster.side_of(PlayerId::from_u128(99)), None);
    }

    #[test]
    fn reading_back_checks_again() {
        let roster = Roster::new(sides(&[1, 2])).unwrap();
        let text = serde_json::to_string(&roster).unwrap();
        assert_eq!(serde_json::from_str::<Roster>(&text).unwrap(), roster);
        assert!(serde_json::from_str::<Roster>(r#"{"sides":[[],[]]}"#).is_err());
    }
}
