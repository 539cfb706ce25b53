//! Tickets whose players do not sit on one team: backfills, whose players have their teams, and parties that fit no team
//! and are split.
//!
//! A party is split once, when it comes: over as few teams side by side as have room for it, as evenly as their sizes let
//! it, in the order of its players. Which teams those are is left to the search, which may shift all parts together.
use super::ticket::Waiting;
use gsm_core::PlayerId;
use gsm_rules::{RuleSet, Seat, Stage, TeamSize};

/// How many players of a party go to each of some teams side by side, in the first stage whose teams have room for all;
/// `None` where none have.
pub(super) fn parts(set: &RuleSet, players: usize) -> Option<Vec<usize>> {
    set.stages().iter().find_map(|stage| {
        let sizes = stage.teams();
        let room =
            |teams: &&[TeamSize]| teams.iter().map(|size| usize::from(size.max)).sum::<usize>() >= players;
        (2..=sizes.len()).find_map(|count| sizes.windows(count).find(room)).map(|teams| even(teams, players))
    })
}

/// One player after the other, to the team with the fewest that has room.
fn even(teams: &[TeamSize], players: usize) -> Vec<usize> {
    let mut parts = vec![0_usize; teams.len()];
    for _ in 0..players {
        let open = parts.iter_mut().zip(teams).filter(|(part, size)| **part < usize::from(size.max));
        if let Some((part, _)) = open.min_by_key(|(part, _)| **part) {
            *part += 1;
        }
    }
    parts
}

impl Waiting {
    /// Whether its players may sit on different teams.
    pub(super) fn is_apart(&self) -> bool {
        !self.teams.is_empty()
    }

    /// The seats of such a ticket; those of a split party begin at the team `first`.
    pub(super) fn seats_apart(&self, first: u8) -> impl Iterator<Item = Seat<'_>> {
        let shift = if self.is_backfill() { 0 } else { first };
        let seat = move |(team, party): (&u8, _)| Seat { team: shift.saturating_add(*team), party };
        self.teams.iter().zip(&self.parties).map(seat)
    }

    /// Its players, each with the team.
    pub(super) fn places_apart(&self, first: u8) -> impl Iterator<Item = (u8, PlayerId)> {
        let teams =
            self.seats_apart(first).flat_map(|s| std::iter::repeat_n(s.team, usize::from(s.party.size())));
        teams.zip(self.players.iter().copied())
    }

    /// Of the ways in which it may sit beside those who are there, the `nth`: the team of its first player.
    pub(super) fn way_apart(&self, stage: &Stage, filled: &[u32], nth: usize) -> Option<u8> {
        let ways = match self.is_backfill() {
            true => 1,
            false => (stage.teams().len() + 1).saturating_sub(self.teams.len()),
        };
        let fits = |first: &u8| {
            let mut all = filled.to_vec();
            self.seats_apart(*first).all(|seat| {
                let at = usize::from(seat.team);
                let (Some(players), Some(size)) = (all.get_mut(at), stage.teams().get(at)) else {
                    return false;
                };
                *players += u32::from(seat.party.size());
                *players <= u32::from(size.max)
            })
        };
        let first = (0..=u8::MAX).take(ways).filter(fits).nth(nth)?;
        self.seats_apart(first).next().map(|seat| seat.team)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_rules::{Dialect, parse};

    /// Teams of these most players.
    fn check(teams: &[u32], players: usize, expected: Option<&[usize]>) {
        let team = |(at, most): (usize, &u32)| {
            format!(r#"{{"name": "t{at}", "minPlayers": 1, "maxPlayers": {most}}}"#)
        };
        let teams: Vec<String> = teams.iter().enumerate().map(team).collect();
        let text = format!(r#"{{"ruleLanguageVersion": "1.0", "teams": [{}]}}"#, teams.join(","));
        let set = parse(&text, Dialect::Extended).unwrap().set;
        assert_eq!(parts(&set, players).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_party_is_split_over_few_teams_evenly() {
        check(&[10, 10], 12, Some(&[6, 6]));
        check(&[10, 10], 13, Some(&[7, 6]));
        check(&[10, 10], 20, Some(&[10, 10]));
        check(&[10, 10], 21, None);
        check(&[4, 4, 4], 6, Some(&[3, 3]));
        check(&[4, 4, 4], 9, Some(&[3, 3, 3]));
        check(&[1, 4, 3], 7, Some(&[4, 3]));
        check(&[4, 1], 5, Some(&[4, 1]));
        check(&[9], 10, None);
    }
}
