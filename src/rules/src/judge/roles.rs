//! Rules of the type `roles`: places on a team that are filled by players who name them.
//!
//! Whether they can be filled is a matching of players to places. Who takes which is the cheapest one: as few as can be
//! take a role that they did not name, then everybody as far ahead in his own list as can be.
use crate::{
    columns::WordColumn,
    party::Party,
    rule_set::TeamSize,
    seat::{Seat, TeamSet},
    stage::Verdict,
    symbols::Symbol,
};
use smallvec::SmallVec;

/// Roles of one rule.
pub(crate) const ROLES_MAX: usize = 40;
/// Players of a team that are looked at; no team of a match with such a rule takes more.
const PLAYERS_MAX: usize = 40;
/// What a role that a player did not name costs: more than all that are named together.
const NOT_NAMED: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Roles {
    /// Of each player: his roles, in order of preference.
    pub(crate) lists: WordColumn,
    pub(crate) teams: TeamSet,
    /// How many places each role has, in the order of the text.
    pub(crate) places: Vec<(Symbol, u32)>,
    /// So many players of a team may take a role that they did not name.
    pub(crate) autofill: u32,
}

/// The role that a player takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its name, of the symbols of the rule set.
    pub role: Symbol,
    /// Its place in the player's list, from 0; `None` if it is not there.
    pub choice: Option<u32>,
}

/// The roles of the players of a team, as bits, as far as a rule has places for them.
struct Team {
    named: [u64; PLAYERS_MAX],
    players: usize,
}

impl Roles {
    pub(crate) fn verdict(&self, seats: &[Seat<'_>]) -> Verdict {
        let mut verdict = Verdict::NoValue;
        for team in self.teams.iter() {
            let players = self.team(seats, team);
            if players.players == 0 {
                continue;
            }
            if self.lacks(&players, 0) {
                return Verdict::Fails;
            }
            verdict = Verdict::Holds;
        }
        verdict
    }

    /// Whether the places of a team cannot be filled, whoever takes the room that is left.
    pub(crate) fn is_dead(&self, seats: &[Seat<'_>], sizes: &[TeamSize]) -> bool {
        self.teams.iter().any(|team| {
            let most = sizes.get(usize::from(team)).map_or(0, |size| usize::from(size.max));
            let players = self.team(seats, team);
            players.players > 0 && self.lacks(&players, most.saturating_sub(players.players))
        })
    }

    /// Whether places stay empty, or too many are autofilled, if so many more players come who name what is wanted.
    fn lacks(&self, team: &Team, more: usize) -> bool {
        let places = self.places.iter().map(|(_, count)| *count as usize).sum::<usize>();
        let named = places.saturating_sub(self.autofill as usize);
        team.players + more < places || (more < named && self.matched(team) + more < named)
    }

    /// The roles with places that a list names, as bits.
    pub(crate) fn named(&self, list: &[Symbol]) -> u64 {
        let roles = self.places.iter().enumerate().filter(|(_, (role, _))| list.contains(role));
        roles.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// The same of each player of a party, ascending.
    pub(crate) fn named_by(&self, party: &Party) -> SmallVec<[u64; 8]> {
        let mut named: SmallVec<[u64; 8]> = party.lists(self.lists).map(|list| self.named(list)).collect();
        named.sort_unstable();
        named
    }

    fn team(&self, seats: &[Seat<'_>], team: u8) -> Team {
        let mut found = Team { named: [0; PLAYERS_MAX], players: 0 };
        for list in seats.iter().filter(|seat| seat.team == team).flat_map(|s| s.party.lists(self.lists)) {
            if let Some(named) = found.named.get_mut(found.players) {
                *named = self.named(list);
            }
            found.players += 1;
        }
        found
    }

    /// Most players who can take a place that they name, each place once.
    fn matched(&self, team: &Team) -> usize {
        let mut matching =
            Matching { roles: self, team, role_of: [NONE; PLAYERS_MAX], taken: [0; ROLES_MAX] };
        (0..team.players.min(PLAYERS_MAX)).filter(|player| matching.place(*player, &mut 0)).count()
    }

    /// The roles of all players, party by party in the order of the seats; nothing for players of teams that cannot fill
    /// their places, and for those who are more than there are places.
    pub(crate) fn assigned(&self, seats: &[Seat<'_>]) -> Vec<Vec<Option<Taken>>> {
        let lists =
            |seat: &Seat<'_>| seat.party.lists(self.lists).map(<[Symbol]>::to_vec).collect::<Vec<_>>();
        let mut all: Vec<Vec<Option<Taken>>> =
            seats.iter().map(|seat| vec![None; usize::from(seat.party.size())]).collect();
        for team in self.teams.iter() {
            let found = self.team(seats, team);
            if found.players == 0 || self.lacks(&found, 0) {
                continue;
            }
            let on = || seats.iter().filter(|seat| seat.team == team);
            let lists: Vec<Vec<Symbol>> = on().flat_map(lists).collect();
            let mut taken = self.cheapest(&lists).into_iter();
            for (_, roles) in seats.iter().zip(&mut all).filter(|(seat, _)| seat.team == team) {
                roles.iter_mut().for_each(|role| *role = taken.next().flatten());
            }
        }
        all
    }

    /// The cheapest filling of the places by at least as many players.
    fn cheapest(&self, players: &[Vec<Symbol>]) -> Vec<Option<Taken>> {
        let places: Vec<Symbol> = self
            .places
            .iter()
            .flat_map(|(role, count)| std::iter::repeat_n(*role, *count as usize))
            .collect();
        let choice = |place: usize, player: usize| {
            let (role, list) = (places.get(place)?, players.get(player)?);
            list.iter().position(|named| named == role)
        };
        let cost = |place, player| choice(place, player).map_or(NOT_NAMED, |rank| rank as i64);
        let filled = fill(places.len(), players.len(), cost);
        let taken = |(player, place): (usize, Option<usize>)| {
            let role = *places.get(place?)?;
            Some(Taken { role, choice: choice(place?, player).map(|rank| rank as u32) })
        };
        filled.into_iter().enumerate().map(taken).collect()
    }
}

const NONE: u8 = u8::MAX;

/// Players in places, while more come.
struct Matching<'a> {
    roles: &'a Roles,
    team: &'a Team,
    role_of: [u8; PLAYERS_MAX],
    /// Of each role: how many places.
    taken: [u32; ROLES_MAX],
}

impl Matching<'_> {
    /// Finds a place for a player, for whom others may move to another that they name as well. `seen`: roles that were
    /// tried.
    fn place(&mut self, player: usize, seen: &mut u64) -> bool {
        let named = self.team.named.get(player).copied().unwrap_or(0);
        while named & !*seen != 0 {
            let role = (named & !*seen).trailing_zeros() as usize;
            *seen |= 1 << role;
            let most = self.roles.places.get(role).map_or(0, |(_, count)| *count);
            let Some(taken) = self.taken.get_mut(role) else { continue };
            let has_room = *taken < most;
            if has_room {
                *taken += 1;
            }
            let holders = (0..PLAYERS_MAX).filter(|at| self.role_of.get(*at) == Some(&(role as u8)));
            let holders: u64 = if has_room { 0 } else { holders.fold(0, |bits, at| bits | 1 << at) };
            let mut moves = (0..PLAYERS_MAX).filter(|at| holders >> at & 1 == 1);
            if has_room || moves.any(|other| self.place(other, seen)) {
                if let Some(slot) = self.role_of.get_mut(player) {
                    *slot = role as u8;
                }
                return true;
            }
        }
        false
    }
}

/// The cheapest way to fill all `places` by `players` (at least as many), by the Hungarian algorithm (Kuhn 1955, in the
/// form with potentials): of each player the place. O(places² · players).
fn fill(places: usize, players: usize, cost: impl Fn(usize, usize) -> i64) -> Vec<Option<usize>> {
    // Column 0 and place 0 stand for none.
    let (mut of_place, mut of_player) = (vec![0_i64; places + 1], vec![0_i64; players + 1]);
    let mut holds = vec![0_usize; players + 1];
    for place in 1..=places {
        put(&mut holds, 0, place);
        let (mut least, mut from) = (vec![i64::MAX; players + 1], vec![0_usize; players + 1]);
        let mut used = vec![false; players + 1];
        let mut at = 0;
        while get(&holds, at) != 0 {
            put(&mut used, at, true);
            let here = get(&holds, at);
            let (mut delta, mut next) = (i64::MAX, 0);
            for player in (1..=players).filter(|player| !get(&used, *player)) {
                let reduced = cost(here - 1, player - 1) - get(&of_place, here) - get(&of_player, player);
                if reduced < get(&least, player) {
                    put(&mut least, player, reduced);
                    put(&mut from, player, at);
                }
                if get(&least, player) < delta {
                    (delta, next) = (get(&least, player), player);
                }
            }
            if next == 0 {
                // More places than players.
                return vec![None; players];
            }
            for player in 0..=players {
                if get(&used, player) {
                    let place = get(&holds, player);
                    change(&mut of_place, place, |is| is + delta);
                    change(&mut of_player, player, |is| is - delta);
                } else if player > 0 {
                    change(&mut least, player, |is| is.saturating_sub(delta));
                }
            }
            at = next;
        }
        while at != 0 {
            let before = get(&from, at);
            let place = get(&holds, before);
            put(&mut holds, at, place);
            at = before;
        }
    }
    holds.iter().skip(1).map(|place| place.checked_sub(1)).collect()
}

fn get<T: Copy + Default>(all: &[T], at: usize) -> T {
    all.get(at).copied().unwrap_or_default()
}

fn put<T: Copy>(all: &mut [T], at: usize, value: T) {
    change(all, at, |_| value);
}

fn change<T: Copy>(all: &mut [T], at: usize, to: impl FnOnce(T) -> T) {
    if let Some(slot) = all.get_mut(at) {
        *slot = to(*slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least cost over every way to fill the places.
    fn least(costs: &[Vec<i64>], free: &mut [bool]) -> i64 {
        let Some((first, rest)) = costs.split_first() else { return 0 };
        let mut best = i64::MAX / 2;
        for player in 0..free.len() {
            if std::mem::take(&mut free[player]) {
                best = best.min(first[player] + least(rest, free));
                free[player] = true;
            }
        }
        best
    }

    #[test]
    fn places_are_filled_at_the_least_cost() {
        let mut seed = 7_u64;
        let mut next = move |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for _ in 0..2_000 {
            let (places, more) = (1 + next(5) as usize, next(3) as usize);
            let players = places + more;
            let costs: Vec<Vec<i64>> = (0..places)
                .map(|_| {
                    (0..players).map(|_| if next(4) == 0 { NOT_NAMED } else { next(4) as i64 }).collect()
                })
                .collect();
            let filled = fill(places, players, |place, player| costs[place][player]);
            let mut of: Vec<usize> = filled.iter().copied().flatten().collect();
            of.sort_unstable();
            assert_eq!(of, (0..places).collect::<Vec<_>>(), "each place once");
            let cost: i64 =
                filled.iter().enumerate().filter_map(|(at, place)| Some(costs[(*place)?][at])).sum();
            assert_eq!(cost, least(&costs, &mut vec![true; players]), "{costs:?}");
        }
    }
}
