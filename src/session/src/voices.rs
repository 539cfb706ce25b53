//! Results that players report themselves: when enough of them say the same, and when that can no longer be.
use crate::{MatchResult, Roster};
use gsm_core::{PlayerId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What one player says of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// Who.
    pub player: PlayerId,
    /// Since when this is what the player says.
    pub at: Timestamp,
    /// How it ended.
    pub result: MatchResult,
}

/// The last word of each player who has said anything, in the order in which it was said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Voices(Vec<Voice>);

/// How far the voices of a match have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accord {
    /// Those who are still silent may decide it.
    Open,
    /// Enough say the same: the place of the first of them among the voices.
    Reached(usize),
    /// Whatever is said by those who are still silent, too few will say the same.
    Impossible,
}

impl Voices {
    /// Takes a player's word, in the place of an earlier one.
    pub fn say(&mut self, player: PlayerId, at: Timestamp, result: MatchResult) {
        self.0.retain(|voice| voice.player != player);
        self.0.push(Voice { player, at, result });
    }

    /// All of them, the last words last.
    #[must_use]
    pub fn all(&self) -> &[Voice] {
        &self.0
    }

    /// What a player says.
    #[must_use]
    pub fn of(&self, player: PlayerId) -> Option<&Voice> {
        self.0.iter().find(|voice| voice.player == player)
    }

    /// Who says otherwise than `result`.
    pub fn against<'a>(&'a self, result: &'a MatchResult) -> impl Iterator<Item = PlayerId> + 'a {
        self.0.iter().filter(|voice| !voice.result.agrees_with(result)).map(|voice| voice.player)
    }

    /// Whether two of them say different things.
    #[must_use]
    pub fn contradict(&self) -> bool {
        self.0.first().is_some_and(|first| self.against(&first.result).next().is_some())
    }

    /// Whether somebody of every side has spoken.
    #[must_use]
    pub fn are_of_all_sides(&self, roster: &Roster) -> bool {
        let heard: BTreeSet<usize> = self.0.iter().filter_map(|voice| roster.side_of(voice.player)).collect();
        heard.len() == roster.sides().len()
    }

    /// The first of those who say what most say; of two results that as many say the one that was said first.
    #[must_use]
    pub fn most_said(&self) -> Option<&Voice> {
        let supporters = |voice: &Voice| self.0.len() - self.against(&voice.result).count();
        // The first of several that are equal is the last by `rev`.
        self.0.iter().rev().max_by_key(|voice| supporters(voice))
    }

    /// Whether `agree` players say the same, from two sides at least if they are two at least. Where fewer play, all
    /// who do. O(n^2) in the players.
    #[must_use]
    pub fn accord(&self, roster: &Roster, agree: usize) -> Accord {
        let agree = agree.clamp(1, roster.players().count().max(1));
        let is_enough = |players: &[PlayerId]| {
            let sides: BTreeSet<Option<usize>> =
                players.iter().map(|player| roster.side_of(*player)).collect();
            players.len() >= agree && (agree == 1 || sides.len() > 1)
        };
        let silent: Vec<PlayerId> = roster.players().filter(|player| self.of(*player).is_none()).collect();
        let mut is_open = is_enough(&silent);
        for (at, voice) in self.0.iter().enumerate() {
            let same = self.0.iter().filter(|other| other.result.agrees_with(&voice.result));
            let mut same: Vec<PlayerId> = same.map(|other| other.player).collect();
            if is_enough(&same) {
                return Accord::Reached(at);
            }
            same.extend(&silent);
            is_open |= is_enough(&same);
        }
        if is_open { Accord::Open } else { Accord::Impossible }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Report, SideReport, Standings};
    use gsm_core::Millis;

    /// Sides of these sizes; the players are numbered through from 0.
    fn roster(sizes: &[usize]) -> Roster {
        let mut next = 0;
        let side = |size: &usize| {
            next += size;
            (next - size..next).map(|n| PlayerId::from_u128(n as u128)).collect()
        };
        Roster::new(sizes.iter().map(side).collect()).unwrap()
    }

    fn ended(roster: &Roster, winner: usize, duration: Option<u64>) -> MatchResult {
        let place = |at: usize| SideReport { place: if at == winner { 1 } else { 2 }, score: None };
        let report = Report {
            standings: Standings::Sides((0..roster.sides().len()).map(place).collect()),
            quits: vec![],
            afk: vec![],
            duration: duration.map(Millis::new),
            variant: None,
        };
        MatchResult::validate(&report, roster).unwrap()
    }

    /// Each voice: who says which side has won.
    fn said(roster: &Roster, voices: &[(u128, usize)]) -> Voices {
        let mut all = Voices::default();
        for (nth, (player, winner)) in voices.iter().enumerate() {
            let at = Timestamp::from_millis(nth as i64);
            all.say(PlayerId::from_u128(*player), at, ended(roster, *winner, Some(nth as u64)));
        }
        all
    }

    fn check(sizes: &[usize], agree: usize, voices: &[(u128, usize)], expected: Accord) {
        let roster = roster(sizes);
        let found = said(&roster, voices).accord(&roster, agree);
        assert_eq!(found, expected, "{agree} of {sizes:?}, who said {voices:?}");
    }

    #[test]
    fn two_of_a_duel_must_say_the_same() {
        check(&[1, 1], 2, &[], Accord::Open);
        check(&[1, 1], 2, &[(0, 0)], Accord::Open);
        check(&[1, 1], 2, &[(0, 0), (1, 0)], Accord::Reached(0));
        check(&[1, 1], 2, &[(0, 0), (1, 1)], Accord::Impossible);
        check(&[1, 1], 1, &[(0, 0)], Accord::Reached(0));
    }

    #[test]
    fn one_side_alone_is_not_enough() {
        check(&[3, 3], 3, &[(0, 0), (1, 0), (2, 0)], Accord::Open);
        check(&[3, 3], 3, &[(0, 0), (1, 0), (2, 0), (4, 0)], Accord::Reached(0));
        check(&[3, 3], 3, &[(0, 0), (3, 1), (4, 1), (1, 1)], Accord::Reached(1));
    }

    #[test]
    fn a_dispute_is_one_as_soon_as_nobody_can_decide_it() {
        check(&[2, 2], 3, &[(0, 0), (2, 1)], Accord::Open);
        check(&[2, 2], 3, &[(0, 0), (2, 1), (1, 0)], Accord::Open);
        check(&[2, 2], 3, &[(0, 0), (2, 1), (1, 0), (3, 1)], Accord::Impossible);
        check(&[2, 2], 4, &[(0, 0), (2, 1)], Accord::Impossible);
        // Two of one side are left: they cannot agree with anybody of the other.
        check(&[1, 1, 1], 2, &[(0, 0), (1, 1)], Accord::Open);
        check(&[1, 1, 1], 2, &[(0, 0), (1, 1), (2, 2)], Accord::Impossible);
        check(&[2, 1], 2, &[(2, 1)], Accord::Open);
        check(&[2, 1], 2, &[(2, 1), (0, 0), (1, 0)], Accord::Impossible);
    }

    #[test]
    fn more_than_play_are_all_who_play() {
        check(&[1, 1], 64, &[(0, 0)], Accord::Open);
        check(&[1, 1], 64, &[(0, 0), (1, 0)], Accord::Reached(0));
    }

    #[test]
    fn the_last_word_of_a_player_is_the_one() {
        let roster = roster(&[1, 1]);
        let voices = said(&roster, &[(0, 0), (1, 1), (0, 1)]);
        assert_eq!(voices.accord(&roster, 2), Accord::Reached(0));
        assert_eq!(voices.all().len(), 2);
        assert!(!voices.contradict() && voices.are_of_all_sides(&roster));
    }

    #[test]
    fn what_most_say_is_the_first_of_equals() {
        let four = roster(&[2, 2]);
        let first = |voices: &[(u128, usize)]| said(&four, voices).most_said().unwrap().player.as_u128();
        assert_eq!(first(&[(0, 0), (2, 1)]), 0);
        assert_eq!(first(&[(0, 0), (2, 1), (3, 1)]), 2);
        assert_eq!(Voices::default().most_said(), None);
        let voices = said(&four, &[(0, 0), (2, 1), (3, 1)]);
        let against: Vec<u128> = voices.against(&ended(&four, 1, None)).map(PlayerId::as_u128).collect();
        assert_eq!(against, [0]);
        assert!(voices.contradict());
    }

    #[test]
    fn nobody_must_measure_the_same_time() {
        let two = roster(&[1, 1]);
        let [short, long] = [ended(&two, 0, Some(1)), ended(&two, 0, Some(90_000))];
        assert!(short != long && short.agrees_with(&long));
        assert!(!short.agrees_with(&ended(&two, 1, Some(1))));
    }
}
