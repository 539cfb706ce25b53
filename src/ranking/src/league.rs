//! Leagues: groups of players on levels, with promotion and relegation at the end of a season.
//!
//! [`League::next_season`] takes the final ranking of each group of each level and gives the groups of the next
//! season. Nobody is lost or doubled; on each level there are as few groups as the group size allows, and their
//! sizes differ by one at most. Who lands beside whom is drawn by a seed: the same seed gives the same groups,
//! whatever the order of the groups that came.
//!
//! Not here: the ranking inside a group ([`Board`](crate::Board)), when a season ends ([`season`](crate::season)).
//!
//! ```
//! use gsm_core::PlayerId;
//! use gsm_ranking::league::{Finished, League, LeagueConfig};
//! let config = LeagueConfig { levels: 2, group_size: 2, promote: 1, relegate: 1, games_min: 0 };
//! let league = League::new(config).unwrap();
//! let [ann, bob, eve, joe] = [1, 2, 3, 4].map(PlayerId::from_u128);
//! let group = |players: [PlayerId; 2]| vec![players.map(|player| Finished { player, games: 9 }).to_vec()];
//! let next = league.next_season(&[group([ann, bob]), group([eve, joe])], &[], 7).unwrap();
//! assert_eq!(next.levels, [[[ann, eve]], [[bob, joe]]]); // bob is relegated, eve promoted
//! ```

use crate::{Invalid, shuffle::Shuffle};
use gsm_core::PlayerId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Levels of one league.
pub const LEAGUE_LEVELS_MAX: u8 = 20;
/// Players of one group.
pub const LEAGUE_GROUP_SIZE_MAX: u16 = 1_000;
/// Bound of [`LeagueConfig::games_min`].
pub const LEAGUE_GAMES_MIN_MAX: u32 = 10_000;

/// The shape of a league. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeagueConfig {
    /// How many levels, 1 to [`LEAGUE_LEVELS_MAX`]. Level 0 is the best.
    pub levels: u8,
    /// The most players of a group, 2 to [`LEAGUE_GROUP_SIZE_MAX`].
    pub group_size: u16,
    /// How many of each group go up a level; together with `relegate` at most `group_size`.
    pub promote: u16,
    /// How many of each group go down a level.
    pub relegate: u16,
    /// Who has played fewer games counts as behind everybody who has not, and is never promoted; 0 to
    /// [`LEAGUE_GAMES_MIN_MAX`].
    #[serde(default)]
    pub games_min: u32,
}

/// A member of a group at the end of a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Who.
    pub player: PlayerId,
    /// Games that count for [`LeagueConfig::games_min`].
    pub games: u32,
}

/// The groups of the next season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextSeason {
    /// Per level from the best, per group, the members by id.
    pub levels: Vec<Vec<Vec<PlayerId>>>,
    /// Who changed level, by id; newcomers are not among them.
    pub transfers: Vec<Transfer>,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transfer {
    /// Who.
    pub player: PlayerId,
    /// From this level.
    pub from: u8,
    /// To this one; one less is a promotion.
    pub to: u8,
}

/// Why there is no next season.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeagueError {
    /// Levels that the league does not have.
    #[error("the league has {levels} levels, the final tables {tables}")]
    TooManyLevels {
        /// What it has.
        levels: u8,
        /// What came.
        tables: usize,
    },
    /// Somebody in two groups, or twice in one, or both member and newcomer.
    #[error("`{player}` is named twice")]
    Doubled {
        /// Who.
        player: PlayerId,
    },
}

/// A checked [`LeagueConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct League(LeagueConfig);

/// Where the members of a level come from. Each kind is spread evenly over the groups.
#[derive(Default)]
struct Members {
    relegated: Vec<PlayerId>,
    stayed: Vec<PlayerId>,
    promoted: Vec<PlayerId>,
    newcomers: Vec<PlayerId>,
}

impl League {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path and what is allowed.
    pub fn new(config: LeagueConfig) -> Result<Self, Invalid> {
        Invalid::unless_within("levels", config.levels, 1..=LEAGUE_LEVELS_MAX)?;
        Invalid::unless_within("group_size", config.group_size, 2..=LEAGUE_GROUP_SIZE_MAX)?;
        Invalid::unless_within("promote", config.promote, 0..=config.group_size)?;
        Invalid::unless_within("relegate", config.relegate, 0..=config.group_size - config.promote)?;
        Invalid::unless_within("games_min", config.games_min, 0..=LEAGUE_GAMES_MIN_MAX)?;
        Ok(Self(config))
    }

    /// The groups of the next season.
    ///
    /// `tables` has per level, from the best, per group, the members from the first to the last; levels that are
    /// missing at the lower end are empty. The best level promotes nobody, the lowest relegates nobody. In a group
    /// too small for both, promotion comes first. `newcomers` start on the lowest level.
    ///
    /// # Errors
    /// More levels than the league has, or a player named twice. Cost: O(n log n).
    pub fn next_season(
        &self,
        tables: &[Vec<Vec<Finished>>],
        newcomers: &[PlayerId],
        seed: u64,
    ) -> Result<NextSeason, LeagueError> {
        let levels = usize::from(self.0.levels);
        if tables.len() > levels {
            return Err(LeagueError::TooManyLevels { levels: self.0.levels, tables: tables.len() });
        }
        let members = tables.iter().flatten().flatten().map(|member| member.player);
        let mut seen = BTreeSet::new();
        if let Some(player) = members.chain(newcomers.iter().copied()).find(|player| !seen.insert(*player)) {
            return Err(LeagueError::Doubled { player });
        }

        let mut next: Vec<Members> = (0..levels).map(|_| Members::default()).collect();
        let mut transfers = Vec::new();
        for (level, groups) in (0..self.0.levels).zip(tables) {
            for group in groups {
                let (up, stay, down) = self.parted(level, group);
                let mut go =
                    |players: Vec<PlayerId>, to: u8, list: fn(&mut Members) -> &mut Vec<PlayerId>| {
                        transfers.extend(players.iter().map(|&player| Transfer { player, from: level, to }));
                        next.get_mut(usize::from(to)).map(|members| list(members).extend(players))
                    };
                go(up, level.saturating_sub(1), |members| &mut members.promoted);
                go(stay, level, |members| &mut members.stayed);
                go(down, level.saturating_add(1), |members| &mut members.relegated);
            }
        }
        if let Some(lowest) = next.last_mut() {
            lowest.newcomers = newcomers.to_vec();
        }
        transfers.retain(|transfer| transfer.from != transfer.to);
        transfers.sort_unstable();
        let mut shuffle = Shuffle::new(seed);
        let levels = next.into_iter().map(|members| self.dealt(members, &mut shuffle)).collect();
        Ok(NextSeason { levels, transfers })
    }

    /// Who of a group goes up, who stays, who goes down.
    fn parted(&self, level: u8, group: &[Finished]) -> (Vec<PlayerId>, Vec<PlayerId>, Vec<PlayerId>) {
        let (active, idle): (Vec<Finished>, Vec<Finished>) =
            group.iter().partition(|member| member.games >= self.0.games_min);
        let (promote, relegate) = (usize::from(self.0.promote), usize::from(self.0.relegate));
        let up = if level == 0 { 0 } else { promote.min(active.len()) };
        let is_lowest = level + 1 >= self.0.levels;
        let down = if is_lowest { 0 } else { relegate.min(group.len() - up) };
        let mut order = active.into_iter().chain(idle).map(|member| member.player);
        let promoted = order.by_ref().take(up).collect();
        let stayed = order.by_ref().take(group.len() - up - down).collect();
        (promoted, stayed, order.collect())
    }

    /// Like cards, one to each group in turn: sizes, and the numbers of each kind, differ by one at most.
    fn dealt(&self, members: Members, shuffle: &mut Shuffle) -> Vec<Vec<PlayerId>> {
        let mut cards = Vec::new();
        for mut kind in [members.relegated, members.stayed, members.promoted, members.newcomers] {
            kind.sort_unstable();
            shuffle.shuffle(&mut kind);
            cards.append(&mut kind);
        }
        let count = cards.len().div_ceil(usize::from(self.0.group_size));
        let mut groups: Vec<Vec<PlayerId>> = (0..count)
            .map(|group| cards.iter().copied().skip(group).step_by(count.max(1)).collect())
            .collect();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups
    }
}
