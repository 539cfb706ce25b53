//! Collections of strings of a candidate.
use crate::{
    columns::WordColumn,
    seat::{Seat, TeamSet},
    symbols::Symbol,
};

/// One or more collections of strings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Strings {
    /// Each player's list.
    PerPlayer(Lists),
    /// For each team with players the strings of its players.
    PerTeam(Texts),
    /// For each team with players what all of their lists have.
    CommonPerTeam(Lists),
    /// All of them as one.
    Concat(Box<Self>),
    /// What all of them have, as one.
    Common(Box<Self>),
}

/// The lists of the players of some teams.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lists {
    pub(crate) teams: TeamSet,
    pub(crate) column: WordColumn,
    /// Each player's own, or the one that all players of a ticket carry?
    pub(crate) own: bool,
}

/// The strings of the players of some teams.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Texts {
    pub(crate) teams: TeamSet,
    pub(crate) column: WordColumn,
}

impl Lists {
    /// Each list, and how many players have it.
    #[inline]
    pub(crate) fn each(&self, seats: &[Seat<'_>], mut take: impl FnMut(&[Symbol], u32)) {
        for seat in seats.iter().filter(|seat| self.teams.has(seat.team)) {
            if self.own {
                seat.party.lists(self.column).for_each(|list| take(list, 1));
            } else {
                take(seat.party.set(self.column), u32::from(seat.party.size()));
            }
        }
    }
    fn of_team(self, team: u8) -> Self {
        Self { teams: std::iter::once(team).collect(), ..self }
    }
    /// Have all lists this string?
    fn all_have(&self, seats: &[Seat<'_>], wanted: Symbol) -> bool {
        let mut all = true;
        self.each(seats, |list, _| all &= list.binary_search(&wanted).is_ok());
        all
    }
}

impl Texts {
    /// Each string, and how many players of one ticket have it.
    #[inline]
    pub(crate) fn each(&self, seats: &[Seat<'_>], mut take: impl FnMut(Symbol, u32)) {
        for seat in seats.iter().filter(|seat| self.teams.has(seat.team)) {
            match seat.party.texts(self.column) {
                [one] => take(*one, u32::from(seat.party.size())),
                all => all.iter().for_each(|text| take(*text, 1)),
            }
        }
    }
    fn has(&self, seats: &[Seat<'_>], team: Option<u8>, wanted: Symbol) -> bool {
        let is_meant =
            |seat: &&Seat<'_>| team.map_or_else(|| self.teams.has(seat.team), |team| seat.team == team);
        seats.iter().filter(is_meant).any(|seat| seat.party.texts(self.column).contains(&wanted))
    }
}

/// The teams among `teams` that have players.
fn present(teams: &TeamSet, seats: &[Seat<'_>]) -> TeamSet {
    seats.iter().map(|seat| seat.team).filter(|team| teams.has(*team)).collect()
}

impl Strings {
    /// The teams whose players have the strings.
    pub(crate) fn teams(&self) -> &TeamSet {
        match self {
            Self::PerPlayer(lists) | Self::CommonPerTeam(lists) => &lists.teams,
            Self::PerTeam(texts) => &texts.teams,
            Self::Concat(inner) | Self::Common(inner) => inner.teams(),
        }
    }
    /// Has any player of its teams a seat?
    #[inline]
    pub(crate) fn has_players(&self, seats: &[Seat<'_>]) -> bool {
        let teams = self.teams();
        seats.iter().any(|seat| teams.has(seat.team))
    }
    /// Of collections that are one a team: how many teams have no players, and so no collection.
    pub(crate) fn empty_teams(&self, seats: &[Seat<'_>]) -> u32 {
        match self {
            Self::CommonPerTeam(Lists { teams, .. }) | Self::PerTeam(Texts { teams, .. }) => {
                let present = present(teams, seats);
                teams.iter().filter(|team| !present.has(*team)).count() as u32
            }
            Self::PerPlayer(_) | Self::Concat(_) | Self::Common(_) => 0,
        }
    }
    /// Each collection, ascending by symbol, and how often it comes. Repeats within a collection stay, where it is the
    /// strings of several players.
    pub(crate) fn each(&self, seats: &[Seat<'_>], mut take: impl FnMut(&[Symbol], u32)) {
        self.visit(seats, &mut take);
    }
    fn visit(&self, seats: &[Seat<'_>], take: &mut dyn FnMut(&[Symbol], u32)) {
        match self {
            Self::PerPlayer(lists) => lists.each(seats, take),
            Self::PerTeam(texts) => {
                for team in present(&texts.teams, seats).iter() {
                    let mut all = Vec::new();
                    let texts = Texts { teams: std::iter::once(team).collect(), ..*texts };
                    texts.each(seats, |text, times| all.extend(std::iter::repeat_n(text, times as usize)));
                    all.sort_unstable();
                    take(&all, 1);
                }
            }
            Self::CommonPerTeam(lists) => {
                for team in present(&lists.teams, seats).iter() {
                    Self::Common(Box::new(Self::PerPlayer(lists.of_team(team)))).visit(seats, take);
                }
            }
            Self::Concat(inner) => {
                let mut all = Vec::new();
                inner.visit(seats, &mut |list, times| {
                    (0..times).for_each(|_| all.extend_from_slice(list));
                });
                all.sort_unstable();
                if self.has_players(seats) {
                    take(&all, 1);
                }
            }
            Self::Common(inner) => {
                let mut common: Option<Vec<Symbol>> = None;
                inner.visit(seats, &mut |list, _| match &mut common {
                    None => {
                        let mut first = list.to_vec();
                        first.dedup();
                        common = Some(first);
                    }
                    Some(common) => common.retain(|symbol| list.binary_search(symbol).is_ok()),
                });
                if let Some(common) = common {
                    take(&common, 1);
                }
            }
        }
    }
    /// How many collections have the string; of a collection that is one of many strings, how often it has it.
    pub(crate) fn containing(&self, seats: &[Seat<'_>], wanted: Symbol) -> u32 {
        let mut count = 0;
        match self {
            Self::PerPlayer(lists) => lists.each(seats, |list, times| {
                count += if list.binary_search(&wanted).is_ok() { times } else { 0 };
            }),
            Self::Concat(inner) => match &**inner {
                Self::PerTeam(texts) => texts.each(seats, |text, times| {
                    count += if text == wanted { times } else { 0 };
                }),
                inner => count = inner.containing(seats, wanted),
            },
            Self::PerTeam(_) | Self::CommonPerTeam(_) => {
                self.each(seats, |list, _| count += u32::from(list.binary_search(&wanted).is_ok()));
            }
            Self::Common(_) => count = u32::from(self.any_has(seats, wanted)),
        }
        count
    }
    /// Is there a collection that has the string?
    pub(crate) fn any_has(&self, seats: &[Seat<'_>], wanted: Symbol) -> bool {
        match self {
            Self::PerPlayer(lists) => {
                let mut any = false;
                lists.each(seats, |list, _| any |= list.binary_search(&wanted).is_ok());
                any
            }
            Self::PerTeam(texts) => texts.has(seats, None, wanted),
            Self::CommonPerTeam(lists) => {
                present(&lists.teams, seats).iter().any(|team| lists.of_team(team).all_have(seats, wanted))
            }
            Self::Concat(inner) => inner.any_has(seats, wanted),
            Self::Common(inner) => inner.has_players(seats) && inner.all_have(seats, wanted),
        }
    }
    /// Have all collections the string? True where there is none.
    pub(crate) fn all_have(&self, seats: &[Seat<'_>], wanted: Symbol) -> bool {
        match self {
            Self::PerPlayer(lists) | Self::CommonPerTeam(lists) => lists.all_have(seats, wanted),
            Self::PerTeam(texts) => {
                present(&texts.teams, seats).iter().all(|team| texts.has(seats, Some(team), wanted))
            }
            Self::Concat(_) => !self.has_players(seats) || self.any_has(seats, wanted),
            Self::Common(inner) => inner.all_have(seats, wanted),
        }
    }
}
