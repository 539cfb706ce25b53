//! Leagues: cohorts on levels. Where a player ends in a cohort says on which level he plays the season after.
//!
//! A [`League`] tells for everybody in a cohort whether the place there promotes, stays or relegates
//! ([`fates`](League::fates)), and the level that follows ([`League::next_level`]). Nothing has to happen at the turn of
//! a season: both are asked when somebody takes a seat in a later one.
//!
//! Not here: seats ([`cohort`](crate::cohort)), the ranking inside a cohort ([`Board`](crate::Board)), when a season ends
//! ([`season`](crate::season)).
//!
//! ```
//! use gsm_ranking::league::{Fate, League, LeagueConfig, Member};
//! let config = LeagueConfig { levels: 3, size: 4, promote: 1, relegate: 1, games_min: 2, start: 1 };
//! let league = League::new(config).unwrap();
//! // Listed first, but with too few games; the second goes up in his place.
//! let members = [1, 9, 9, 9].map(|games| Member { games, ranked: true });
//! let fates = league.fates(2, &members);
//! assert_eq!(fates, [Fate::Relegated, Fate::Promoted, Fate::Stays, Fate::Stays]);
//! assert_eq!(league.next_level(2, Fate::Promoted), 3);
//! ```

use crate::{
    Invalid,
    cohort::{COHORT_SIZE_MAX, CohortConfig, CohortRule, Cohorts},
};
use serde::{Deserialize, Serialize};

/// Levels of one league.
pub const LEAGUE_LEVELS_MAX: u8 = 20;
/// Bound of [`LeagueConfig::games_min`].
pub const LEAGUE_GAMES_MIN_MAX: u32 = 10_000;

/// The shape of a league. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeagueConfig {
    /// How many levels, 2 to [`LEAGUE_LEVELS_MAX`]. Level 1 is the lowest.
    pub levels: u8,
    /// Players of a full cohort, 2 to [`COHORT_SIZE_MAX`].
    pub size: u32,
    /// How many of a full cohort go up a level; together with `relegate` at most `size`.
    pub promote: u32,
    /// How many of a full cohort go down a level.
    pub relegate: u32,
    /// Who has fewer games counts as behind everybody who has not, and is never promoted; 0 to
    /// [`LEAGUE_GAMES_MIN_MAX`].
    #[serde(default)]
    pub games_min: u32,
    /// The level of newcomers, 1 to `levels`.
    #[serde(default = "lowest")]
    pub start: u8,
}

fn lowest() -> u8 {
    1
}

/// Somebody in a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Games that count for [`LeagueConfig::games_min`].
    pub games: u32,
    /// Whether the board ranks the player; who is hidden, not eligible or gone counts as behind everybody whom it does.
    pub ranked: bool,
}

/// What a place in a cohort leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// One level up.
    Promoted,
    /// The same level.
    Stays,
    /// One level down.
    Relegated,
}

/// A checked [`LeagueConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct League(LeagueConfig);

impl League {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path and what is allowed.
    pub fn new(config: LeagueConfig) -> Result<Self, Invalid> {
        Invalid::unless_within("levels", config.levels, 2..=LEAGUE_LEVELS_MAX)?;
        Invalid::unless_within("size", config.size, 2..=COHORT_SIZE_MAX)?;
        Invalid::unless_within("promote", config.promote, 0..=config.size)?;
        Invalid::unless_within("relegate", config.relegate, 0..=config.size - config.promote)?;
        Invalid::unless_within("games_min", config.games_min, 0..=LEAGUE_GAMES_MIN_MAX)?;
        Invalid::unless_within("start", config.start, 1..=config.levels)?;
        Ok(Self(config))
    }

    /// Its cohorts, of whatever level.
    ///
    /// # Errors
    /// None for what [`League::new`] has checked.
    pub fn cohorts(&self) -> Result<Cohorts, Invalid> {
        Cohorts::new(CohortConfig { size: self.0.size, rule: CohortRule::Arrival })
    }

    /// The level of newcomers.
    #[must_use]
    pub fn start(&self) -> u8 {
        self.0.start
    }

    /// What everybody's place in a cohort of `level` leads to, in the order of `members`: all who have a seat, in the
    /// order of the board, those without a rank in any order.
    ///
    /// Counted from the front: who has a rank and games enough, then who has a rank, then the others. A cohort that is
    /// not full moves the same share of its members as a full one, rounded down. The highest level promotes nobody, the
    /// lowest relegates nobody. O(members).
    #[must_use]
    pub fn fates(&self, level: u8, members: &[Member]) -> Vec<Fate> {
        let share = |of: u32| {
            let moved = u64::from(of) * members.len() as u64 / u64::from(self.0.size);
            usize::try_from(moved).unwrap_or(usize::MAX).min(members.len())
        };
        let plays = |member: &&Member| member.ranked && member.games >= self.0.games_min;
        let up = if level >= self.0.levels { 0 } else { share(self.0.promote) };
        let down = if level <= 1 { 0 } else { share(self.0.relegate) };
        let playing = members.iter().filter(plays).count();
        let ranked = members.iter().filter(|member| member.ranked).count();
        // Where the next of each kind stands.
        let (mut first, mut second, mut third) = (0, playing, ranked);
        let fates = members.iter().map(|member| {
            let next = match (plays(&member), member.ranked) {
                (true, _) => &mut first,
                (false, true) => &mut second,
                (false, false) => &mut third,
            };
            let place = *next;
            *next += 1;
            if place < up && plays(&member) {
                Fate::Promoted
            } else if place + down >= members.len() {
                Fate::Relegated
            } else {
                Fate::Stays
            }
        });
        fates.collect()
    }

    /// The level after a season on `level`, within the levels there are.
    #[must_use]
    pub fn next_level(&self, level: u8, fate: Fate) -> u8 {
        let next = match fate {
            Fate::Promoted => level.saturating_add(1),
            Fate::Stays => level,
            Fate::Relegated => level.saturating_sub(1),
        };
        next.clamp(1, self.0.levels)
    }
}
