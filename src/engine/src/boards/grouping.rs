//! How a board with seasons is divided into cohorts: by a rule, or as a league.
use super::{BoardConfig, paging::listed};
use crate::EngineError;
use gsm_core::PlayerId;
use gsm_ranking::{
    Board, Entry, Invalid,
    cohort::{Bucket, CohortConfig, CohortRule, Cohorts},
    league::{Fate, League, LeagueConfig, Member},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a board with seasons is divided into cohorts: small boards, on which a player stays for a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Grouping {
    /// By a rule.
    Cohorts(CohortConfig),
    /// By level: the place in a cohort promotes, stays or relegates.
    League(LeagueConfig),
}

/// A checked [`Grouping`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(super) cohorts: Cohorts,
    pub(super) league: Option<League>,
}

impl Groups {
    fn new(grouping: &Grouping) -> Result<Self, Invalid> {
        match grouping {
            Grouping::Cohorts(config) => Ok(Self { cohorts: Cohorts::new(*config)?, league: None }),
            Grouping::League(config) => {
                let league = League::new(*config)?;
                Ok(Self { cohorts: league.cohorts()?, league: Some(league) })
            }
        }
    }

    /// Those of a board; what is stored was checked.
    pub(super) fn of(config: &BoardConfig) -> Option<Self> {
        config.grouping.as_ref().and_then(|grouping| Self::new(grouping).ok())
    }

    /// Whether the bucket of an entrant is said by the rating.
    pub(super) fn asks_for_rating(&self) -> bool {
        self.league.is_none() && matches!(self.cohorts.rule(), CohortRule::RatingBand { .. })
    }

    /// The bucket of a level, where there are levels.
    pub(super) fn of_level(&self, level: u8) -> Option<Bucket> {
        self.league.map(|_| Bucket::Level(level))
    }

    /// Refuses what makes no sense on a board, naming the field.
    pub(super) fn validate(config: &BoardConfig) -> Result<(), EngineError> {
        let Some(grouping) = &config.grouping else { return Ok(()) };
        let field = match grouping {
            Grouping::Cohorts(_) => "cohorts",
            Grouping::League(_) => "league",
        };
        if config.season.is_none() {
            return Err(EngineError::invalid(field, "needs a `season`: a seat is for a season"));
        }
        let groups = Self::new(grouping)
            .map_err(|e| EngineError::invalid(format!("{field}.{}", e.path), &e.problem))?;
        if groups.asks_for_rating() && config.mode().is_none() {
            let detail =
                "`rating_band` needs a board of a mode: scores that are submitted come without a rating";
            return Err(EngineError::invalid("cohorts.rule", detail));
        }
        Ok(())
    }
}

/// Where a player stands in his cohort, as far as promotion goes: `board` is the cohort's, `seated` all who have a seat
/// in it, by number.
///
/// Equals on the border go by the listing: who got there first, then by id. Whoever is in the shadow is judged by the
/// place he sees himself in, and takes nobody's. O(cohort).
pub(super) fn fate(
    (config, league, level): (&BoardConfig, &League, u8),
    board: &Board,
    games: impl Fn(PlayerId) -> u32,
    seated: &[PlayerId],
    player: PlayerId,
) -> Option<Fate> {
    let mut rows: Vec<Entry> = board.top(0, seated.len()).into_iter().map(|row| row.entry).collect();
    if !rows.iter().any(|entry| entry.player == player)
        && let Some((kept, standing)) = board.kept(player).zip(board.standing(player))
    {
        let own = Entry { player, keys: standing.keys, reached_at: kept.mark.reached_at };
        rows.insert(rows.partition_point(|entry| listed(config, entry, &own).is_lt()), own);
    }
    let mut order: Vec<PlayerId> = rows.iter().map(|entry| entry.player).collect();
    let ranked: BTreeSet<PlayerId> = order.iter().copied().collect();
    order.extend(seated.iter().filter(|other| !ranked.contains(other)));
    let members: Vec<Member> = order
        .iter()
        .map(|player| Member { games: games(*player), ranked: ranked.contains(player) })
        .collect();
    let at = order.iter().position(|other| *other == player)?;
    league.fates(level, &members).get(at).copied()
}
