use gsm_core::{
    PlayerId, Variant,
    limits::{MATCH_PLAYERS_MAX, MATCH_SIDES_MAX, TICKET_PLAYERS_MAX},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// At home is a side that does not play.
    #[error("`home` is {home}, the sides of this match are 0 to {last}")]
    Home {
        /// What came.
        home: usize,
        /// The last side.
        last: usize,
    },
    /// A party with somebody who does not play.
    #[error("`parties[{party}]` names `{player}`, who does not play this match")]
    PartyStranger {
        /// Who.
        player: PlayerId,
        /// The party's position, from 0.
        party: usize,
    },
    /// A player in two parties, or in one twice.
    #[error("`parties[{party}]` names `{player}` a second time, a player is in one party once")]
    PartyTwice {
        /// Who.
        player: PlayerId,
        /// The party of the second mention, from 0.
        party: usize,
    },
    /// A party without players, or with too many.
    #[error("`parties[{party}]` has {players} players, a party has 1 to {TICKET_PLAYERS_MAX}")]
    PartySize {
        /// How many came.
        players: usize,
        /// The party's position, from 0.
        party: usize,
    },
}

/// Who plays a match, by side, who came together, which side is at home, and which variant is to be played. Sides keep
/// their order and so do the players of a side.
///
/// Invariant: at least one side, none empty, nobody twice, at most [`MATCH_PLAYERS_MAX`] players. Only a roster of 2 to
/// [`MATCH_SIDES_MAX`] sides takes a result ([`Roster::is_contest`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Roster {
    sides: Vec<Vec<PlayerId>>,
    /// Of each player, side by side, how many of the side came together, the player included; empty if nobody did.
    parties: Vec<u32>,
    /// The side with the advantage of the game.
    home: Option<usize>,
    variant: Option<Variant>,
}

#[derive(Deserialize)]
#[serde(rename = "Roster")]
struct Unchecked {
    sides: Vec<Vec<PlayerId>>,
    #[serde(default)]
    parties: Vec<u32>,
    #[serde(default)]
    home: Option<usize>,
    #[serde(default)]
    variant: Option<Variant>,
}

/// Stored bytes that are no roster.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Roster(#[from] RosterError),
    #[error("not the party sizes of these sides")]
    Parties,
}

impl TryFrom<Unchecked> for Roster {
    type Error = Refused;
    fn try_from(raw: Unchecked) -> Result<Self, Refused> {
        let Unchecked { sides, parties, home, variant } = raw;
        let roster = Self::formed(sides)?.with_home(home)?.with_variant(variant);
        roster.with_party_sizes(parties).ok_or(Refused::Parties)
    }
}

impl Roster {
    /// A roster that takes a result: 2 to [`MATCH_SIDES_MAX`] sides. O(n log n) in the players.
    pub fn new(sides: Vec<Vec<PlayerId>>) -> Result<Self, RosterError> {
        if !(2..=MATCH_SIDES_MAX).contains(&sides.len()) {
            return Err(RosterError::Sides { sides: sides.len() });
        }
        Self::formed(sides)
    }

    /// Whether another roster is this one, whoever is there in the places of those of this one whom `is_nobody` picks.
    #[must_use]
    pub fn is_but_for(&self, other: &Self, is_nobody: impl Fn(PlayerId) -> bool) -> bool {
        let same = |(own, other): (&PlayerId, &PlayerId)| own == other || is_nobody(*own);
        let same_side = |(own, other): (&Vec<PlayerId>, &Vec<PlayerId>)| {
            own.len() == other.len() && own.iter().zip(other).all(same)
        };
        self.sides.len() == other.sides.len()
            && self.sides.iter().zip(&other.sides).all(same_side)
            && (&self.parties, self.home, &self.variant) == (&other.parties, other.home, &other.variant)
    }

    /// A roster of any number of sides: rule sets also make matches of one team, and of more than are rated. O(n log n)
    /// in the players.
    pub fn formed(sides: Vec<Vec<PlayerId>>) -> Result<Self, RosterError> {
        if sides.is_empty() {
            return Err(RosterError::Sides { sides: 0 });
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
        Ok(Self { sides, parties: Vec::new(), home: None, variant: None })
    }

    /// The roster with the variant of the mode (map, surface) that is to be played; or with none.
    #[must_use]
    pub fn with_variant(self, variant: Option<Variant>) -> Self {
        Self { variant, ..self }
    }

    /// The roster with the side, from 0, that has the advantage of the game (white, the home team); or with none.
    pub fn with_home(self, home: Option<usize>) -> Result<Self, RosterError> {
        let last = self.sides.len().saturating_sub(1);
        match home {
            Some(home) if home > last => Err(RosterError::Home { home, last }),
            home => Ok(Self { home, ..self }),
        }
    }

    /// The roster with the parties that queued together. Only players of one side are a party in the match: one that
    /// was spread over sides counts on each by who is there. Who is in none came alone. O(n log n) in the players.
    pub fn with_parties<'a>(
        self,
        parties: impl IntoIterator<Item = &'a [PlayerId]>,
    ) -> Result<Self, RosterError> {
        let mut of: BTreeMap<PlayerId, Option<usize>> = self.players().map(|player| (player, None)).collect();
        for (party, members) in parties.into_iter().enumerate() {
            if !(1..=TICKET_PLAYERS_MAX).contains(&members.len()) {
                return Err(RosterError::PartySize { players: members.len(), party });
            }
            for &player in members {
                match of.get_mut(&player) {
                    None => return Err(RosterError::PartyStranger { player, party }),
                    Some(Some(_)) => return Err(RosterError::PartyTwice { player, party }),
                    Some(known) => *known = Some(party),
                }
            }
        }
        let party_of = |player: &PlayerId| of.get(player).copied().flatten();
        let mut parties = Vec::new();
        for side in &self.sides {
            for player in side {
                let own = party_of(player);
                let mates = side.iter().filter(|mate| own.is_some() && party_of(mate) == own).count();
                parties.push(u32::try_from(mates).unwrap_or(u32::MAX).max(1));
            }
        }
        if parties.iter().all(|size| *size == 1) {
            parties.clear();
        }
        Ok(Self { parties, ..self })
    }

    /// The roster with how many of the own side came together with each player, the player included, side by side; of none,
    /// nobody did. Nothing where these are no such sizes of these sides.
    #[must_use]
    pub fn with_party_sizes(self, sizes: Vec<u32>) -> Option<Self> {
        let lawful = |size: &u32| (1..=TICKET_PLAYERS_MAX).contains(&(*size as usize));
        let complete = sizes.is_empty() || sizes.len() == self.players().count();
        let is_lawful = complete && sizes.iter().all(lawful);
        let parties = if sizes.iter().all(|size| *size == 1) { Vec::new() } else { sizes };
        is_lawful.then_some(Self { parties, ..self })
    }

    /// Whether there are as many sides as a rated match has.
    #[must_use]
    pub fn is_contest(&self) -> bool {
        (2..=MATCH_SIDES_MAX).contains(&self.sides.len())
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

    /// The side with the advantage of the game, from 0, where one has it.
    #[must_use]
    pub const fn home(&self) -> Option<usize> {
        self.home
    }

    /// The variant of the mode that is to be played, where that is known before; a result may name another.
    #[must_use]
    pub const fn variant(&self) -> Option<&Variant> {
        self.variant.as_ref()
    }

    /// How many players of the own side came together with each player, the player included, side by side: 1 for
    /// who came alone, at most [`TICKET_PLAYERS_MAX`].
    pub fn party_sizes(&self) -> impl Iterator<Item = u32> + '_ {
        let sizes = self.parties.iter().copied();
        self.players().zip(sizes.chain(std::iter::repeat(1))).map(|(_, size)| size)
    }

    /// Of each side the sizes of [`Roster::party_sizes`].
    pub fn party_sizes_by_side(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.sides.iter().map(move |side| {
            let own = start..start + side.len();
            start = own.end;
            self.parties.get(own).unwrap_or_default()
        })
    }

    /// Players who may have come together, as the sizes of their parties tell: whoever of a side has a size of two or more is
    /// with the next ones who have the same.
    #[must_use]
    pub fn parties(&self) -> Vec<Vec<PlayerId>> {
        let mut parties = Vec::new();
        for (side, sizes) in self.sides.iter().zip(self.party_sizes_by_side()) {
            let mut by_size: BTreeMap<u32, Vec<PlayerId>> = BTreeMap::new();
            for (player, size) in side.iter().zip(sizes).filter(|(_, size)| **size > 1) {
                by_size.entry(*size).or_default().push(*player);
            }
            let cut = |(size, players): (&u32, &Vec<PlayerId>)| -> Vec<Vec<PlayerId>> {
                players.chunks(*size as usize).map(<[PlayerId]>::to_vec).collect()
            };
            parties.extend(by_size.iter().flat_map(cut));
        }
        parties
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
    fn a_formed_match_may_be_no_contest() {
        for (sizes, contest) in [(vec![3], false), (vec![1, 2], true), (vec![1; MATCH_SIDES_MAX + 1], false)]
        {
            let formed = Roster::formed(sides(&sizes)).unwrap();
            assert_eq!(formed.is_contest(), contest);
            let text = serde_json::to_string(&formed).unwrap();
            assert_eq!(serde_json::from_str::<Roster>(&text).unwrap(), formed);
        }
        assert_eq!(Roster::formed(Vec::new()), Err(RosterError::Sides { sides: 0 }));
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
    fn parties_count_within_their_side() {
        let roster = Roster::new(sides(&[3, 2])).unwrap();
        let players: Vec<_> = roster.players().collect();
        let sizes = |parties: &[&[PlayerId]]| {
            let with = roster.clone().with_parties(parties.iter().copied())?;
            Ok::<Vec<u32>, RosterError>(with.party_sizes().collect())
        };
        assert_eq!(roster.party_sizes().collect::<Vec<_>>(), [1; 5]);
        assert_eq!(sizes(&[&players[..2], &players[3..]]), Ok(vec![2, 2, 1, 2, 2]));
        assert_eq!(sizes(&[&players[1..4]]), Ok(vec![1, 2, 2, 1, 1]), "spread over sides");
        assert_eq!(sizes(&[&players[2..3]]), Ok(vec![1; 5]));
        let alone = roster.clone().with_parties(players.chunks(1)).unwrap();
        assert_eq!(alone, roster, "all alone is as if nobody had said");
        assert_eq!(roster.clone().with_party_sizes(vec![1; 5]), Some(alone));
        assert_eq!(roster.clone().with_party_sizes(vec![1; 4]), None);
        assert_eq!(roster.with_party_sizes(vec![1, 1, 1, 2, 0]), None);
    }

    #[test]
    fn sizes_tell_of_parties() {
        let roster = Roster::new(sides(&[5, 2])).unwrap();
        let players: Vec<_> = roster.players().collect();
        let told = [vec![players[0], players[3]], vec![players[1], players[4]], players[5..].to_vec()];
        let with = roster.clone().with_parties(told.iter().map(Vec::as_slice)).unwrap();
        let by_side: Vec<&[u32]> = with.party_sizes_by_side().collect();
        assert_eq!(by_side, [&[2, 2, 1, 2, 2][..], &[2, 2]]);
        let parties = with.parties();
        assert_eq!(parties.len(), 3);
        assert_eq!(roster.clone().with_parties(parties.iter().map(Vec::as_slice)), Ok(with));
        assert!(roster.parties().is_empty() && roster.party_sizes_by_side().all(<[u32]>::is_empty));
    }

    #[test]
    fn at_home_is_a_side_of_the_match() {
        let roster = Roster::new(sides(&[1, 2])).unwrap();
        assert_eq!(roster.home(), None);
        assert_eq!(roster.clone().with_home(Some(1)).map(|with| with.home()), Ok(Some(1)));
        assert_eq!(roster.with_home(Some(2)), Err(RosterError::Home { home: 2, last: 1 }));
    }

    #[test]
    fn what_is_no_party_is_refused() {
        let roster = Roster::new(sides(&[3, 2])).unwrap();
        let [a, b, stranger] = [0, 1, 99].map(PlayerId::from_u128);
        let check = |parties: &[&[PlayerId]], expected| {
            assert_eq!(roster.clone().with_parties(parties.iter().copied()), Err(expected));
        };
        check(&[&[]], RosterError::PartySize { players: 0, party: 0 });
        check(
            &[&[a], &[a; TICKET_PLAYERS_MAX + 1]],
            RosterError::PartySize { players: TICKET_PLAYERS_MAX + 1, party: 1 },
        );
        check(&[&[a, b], &[b]], RosterError::PartyTwice { player: b, party: 1 });
        check(&[&[a, a]], RosterError::PartyTwice { player: a, party: 0 });
        check(&[&[a, stranger]], RosterError::PartyStranger { player: stranger, party: 0 });
    }

    #[test]
    fn reading_back_checks_again() {
        let plain = Roster::new(sides(&[1, 2])).unwrap();
        let pair = plain.sides()[1].clone();
        let home = plain.clone().with_home(Some(1)).unwrap();
        let text = serde_json::to_string(&home).unwrap();
        assert!(serde_json::from_str::<Roster>(&text.replace(r#""home":1"#, r#""home":2"#)).is_err());
        let varied = plain.clone().with_variant(Some("clay".parse().unwrap()));
        let text = serde_json::to_string(&varied).unwrap();
        assert!(serde_json::from_str::<Roster>(&text.replace("clay", "red clay")).is_err());
        for roster in [plain.clone(), home, varied, plain.with_parties([pair.as_slice()]).unwrap()] {
            let text = serde_json::to_string(&roster).unwrap();
            assert_eq!(serde_json::from_str::<Roster>(&text).unwrap(), roster);
            for wrong in ["[2,2]", "[0,1,1]", "[1,41,41]"] {
                let wrong = text
                    .replace("[1,2,2]", wrong)
                    .replace(r#""parties":[]"#, &format!(r#""parties":{wrong}"#));
                assert!(serde_json::from_str::<Roster>(&wrong).is_err(), "{wrong}");
            }
        }
        assert!(serde_json::from_str::<Roster>(r#"{"sides":[[],[]]}"#).is_err());
    }
}
