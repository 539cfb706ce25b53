//! A league as a list of matches, everything counted anew whenever it is asked for.
use gsm_core::{MatchId, PlayerId};
use gsm_engine::{LeagueConfig, Visibility};
use std::collections::{BTreeMap, BTreeSet};

struct Played {
    id: MatchId,
    at: i64,
    winner: PlayerId,
    loser: PlayerId,
    turned: bool,
    counts: bool,
}

#[derive(Clone, Copy)]
struct Sits {
    season: u64,
    level: u8,
    cohort: u64,
    number: u32,
    player: PlayerId,
}

pub(super) struct Twin {
    config: LeagueConfig,
    from: i64,
    season_ms: i64,
    matches: Vec<Played>,
    seats: Vec<Sits>,
    seen: BTreeMap<PlayerId, Visibility>,
}

/// Wins, games, and when the last of them was.
type Score = (i64, i64, i64);

impl Twin {
    pub(super) fn new(config: LeagueConfig, from: i64, season_ms: i64) -> Self {
        Self { config, from, season_ms, matches: Vec::new(), seats: Vec::new(), seen: BTreeMap::new() }
    }

    fn season(&self, at: i64) -> u64 {
        1 + ((at - self.from) / self.season_ms) as u64
    }

    pub(super) fn play(&mut self, id: MatchId, at: i64, winner: PlayerId, loser: PlayerId) {
        self.sit(self.season(at), winner);
        self.sit(self.season(at), loser);
        self.matches.push(Played { id, at, winner, loser, turned: false, counts: true });
    }

    pub(super) fn nth(&self, which: usize) -> Option<MatchId> {
        (!self.matches.is_empty()).then(|| self.matches[which % self.matches.len()].id)
    }

    fn of(&mut self, id: MatchId) -> &mut Played {
        self.matches.iter_mut().find(|of| of.id == id).unwrap()
    }

    pub(super) fn void(&mut self, id: MatchId) {
        self.of(id).counts = false;
    }

    pub(super) fn correct(&mut self, id: MatchId, turned: bool) {
        let of = self.of(id);
        (of.turned, of.counts) = (turned, true);
    }

    pub(super) fn seen(&mut self, player: PlayerId, how: Visibility) {
        self.seen.insert(player, how);
    }

    fn sit(&mut self, season: u64, player: PlayerId) {
        let last = self.seats.iter().filter(|of| of.player == player).max_by_key(|of| of.season).copied();
        if last.is_some_and(|of| of.season >= season) {
            return;
        }
        let level = last.map_or(self.config.start, |of| match self.fate(of) {
            '+' => of.level + 1,
            '-' => of.level - 1,
            _ => of.level,
        });
        let of_season: Vec<&Sits> = self.seats.iter().filter(|of| of.season == season).collect();
        let newest = of_season.iter().filter(|of| of.level == level).max_by_key(|of| (of.cohort, of.number));
        let (cohort, number) = match newest {
            Some(of) if of.number < self.config.size => (of.cohort, of.number + 1),
            _ => (of_season.iter().map(|of| of.cohort).max().unwrap_or(0) + 1, 1),
        };
        self.seats.push(Sits { season, level, cohort, number, player });
    }

    fn score(&self, season: u64, player: PlayerId) -> Option<Score> {
        let of_season = self.matches.iter().filter(|of| of.counts && self.season(of.at) == season);
        let mine: Vec<&Played> = of_season.filter(|of| of.winner == player || of.loser == player).collect();
        let won = |of: &&&Played| (of.winner == player) != of.turned;
        let last = mine.iter().map(|of| of.at).max()?;
        Some((mine.iter().filter(won).count() as i64, mine.len() as i64, last))
    }

    fn is_shown(&self, player: PlayerId) -> bool {
        matches!(self.seen.get(&player), None | Some(Visibility::Shown))
    }

    fn cohort(&self, of: Sits) -> Vec<Sits> {
        let mut all: Vec<Sits> = self
            .seats
            .iter()
            .filter(|other| (other.season, other.cohort) == (of.season, of.cohort))
            .copied()
            .collect();
        all.sort_by_key(|of| of.number);
        all
    }

    /// 0 for none.
    fn rank(&self, of: Sits) -> u64 {
        let Some((wins, games, _)) = self.score(of.season, of.player) else { return 0 };
        if self.seen.get(&of.player) == Some(&Visibility::Hidden) {
            return 0;
        }
        let others = self.cohort(of).into_iter().filter(|other| self.is_shown(other.player));
        let scores = others.filter_map(|other| self.score(of.season, other.player));
        1 + scores.filter(|(w, g, _)| (*w, *g) > (wins, games)).count() as u64
    }

    /// What the place leads to as things stand.
    fn fate(&self, of: Sits) -> char {
        let members = self.cohort(of);
        // The better the smaller: who counts, who has a rank, the numbers, the time, the id; the seat where none.
        let key = |other: &Sits| {
            let hidden = self.seen.get(&other.player) == Some(&Visibility::Hidden);
            let shadow = self.seen.get(&other.player) == Some(&Visibility::Shadow);
            let seen = !hidden && (!shadow || other.player == of.player);
            match self.score(of.season, other.player).filter(|_| seen) {
                Some((wins, games, at)) => {
                    let few = games < i64::from(self.config.games_min);
                    (u8::from(few), -wins, -games, at, other.player.as_u128())
                }
                None => (2, 0, 0, 0, u128::from(other.number)),
            }
        };
        let own = key(&of);
        let place = members.iter().filter(|other| key(other) < own).count();
        let share = |of: u32| of as usize * members.len() / self.config.size as usize;
        if own.0 == 0 && of.level < self.config.levels && place < share(self.config.promote) {
            '+'
        } else if of.level > 1 && place + share(self.config.relegate) >= members.len() {
            '-'
        } else {
            '='
        }
    }

    /// Season, level, cohort, number of the seat, rank and fate, newest first.
    pub(super) fn ended(&self, player: PlayerId) -> Vec<(u64, u8, u64, u32, u64, char)> {
        let mut mine: Vec<Sits> = self.seats.iter().filter(|of| of.player == player).copied().collect();
        mine.sort_by_key(|of| std::cmp::Reverse(of.season));
        let seasons: BTreeSet<u64> = mine.iter().map(|of| of.season).collect();
        assert_eq!(seasons.len(), mine.len());
        let mut later: Option<u8> = None;
        let mut lines = Vec::new();
        for of in mine {
            let fate = match later.replace(of.level) {
                Some(later) if later > of.level => '+',
                Some(later) if later < of.level => '-',
                Some(_) => '=',
                None => self.fate(of),
            };
            lines.push((of.season, of.level, of.cohort, of.number, self.rank(of), fate));
        }
        lines
    }
}
