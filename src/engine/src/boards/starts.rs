//! Where visible tiers start when that is said by shares of the players ("the best 3 %"): worked out once a season, when
//! its first result counts, by the ratings of the mode as they stand then; on a board without seasons when it is
//! defined. From then on it is a row, by which every result of the season counts and is counted again.
use super::line::Line;
use crate::{
    Call, Engine, EngineError,
    jobs::{Sink, Stop},
    results::{chain::standing, counting::score_of},
    store::{Expect, Home, Key, KeyRange, Row, StartsRow, Version, Versioned},
};
use gsm_core::{BoardName, Mode, Probability, limits};
use gsm_ranking::tier::Tiers;
use std::{collections::BTreeMap, sync::Arc};

/// Ratings of fewer players say nothing of shares: players are then taken to be spread as a newcomer's rating is unsure.
const PLAYERS_MIN: usize = 20;

/// Where the tiers of a board start, season by season, for a count of all of it.
#[derive(Default)]
pub(super) struct Starts {
    known: BTreeMap<u64, StartsRow>,
    /// For seasons that are counted for the first time.
    now: Option<StartsRow>,
    /// Those seasons, with the version of the row that they had under another definition.
    new: BTreeMap<u64, Option<Version>>,
}

impl Starts {
    /// In a season; worked out, where it is not yet, if `is_match`. `None` where ratings say it.
    pub(super) fn of(&mut self, number: u64, is_match: bool) -> Option<&StartsRow> {
        if is_match && !self.known.contains_key(&number) {
            self.known.insert(number, self.now.clone()?);
            self.new.entry(number).or_default();
        }
        self.known.get(&number)
    }

    /// Writes what is new.
    pub(super) async fn send(&self, name: &BoardName, sink: &mut Sink<'_>) -> Result<(), Stop> {
        for (number, version) in &self.new {
            if let Some(row) = self.known.get(number) {
                let key = Key::Starts(name.clone(), *number);
                sink.put(key, *version, Row::Starts(row.clone())).await?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Where the tiers of a board of a mode start in a season, which is worked out if nobody has.
    pub(super) async fn starts(
        &self,
        line: &Line,
        number: u64,
        mode: &Mode,
    ) -> Result<(StartsRow, Version), EngineError> {
        let key = Key::Starts(line.config.name.clone(), number);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(known) = self.known_starts(line, number).await? {
                return Ok(known);
            }
            let Some(tiers) = line.tiers_by_shares() else { break };
            let row = self.work_out(tiers, mode).await?;
            let mut changes = self.changes(&Call::system("gsm:StartTiers", self.clock.now()), &[]);
            changes.audit = None;
            changes.create(key.clone(), Row::Starts(row));
            match self.commit(Home::Record, changes).await {
                // Or somebody else was first.
                Ok(_) | Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Raced)
    }

    /// Where the tiers start in a season, if that is worked out.
    pub(super) async fn known_starts(
        &self,
        line: &Line,
        number: u64,
    ) -> Result<Option<(StartsRow, Version)>, EngineError> {
        let key = Key::Starts(line.config.name.clone(), number);
        let found = self.get_one(&key).await?;
        found.map(|found| Ok((starts_of(&key, &found)?, found.version))).transpose()
    }

    /// [`Engine::starts`] for a job, which fails should they change before it is decided; each is read once.
    pub(super) async fn checked_starts(
        &self,
        line: &Line,
        number: u64,
        mode: &Mode,
        known: &mut BTreeMap<Key, StartsRow>,
        sink: &mut Sink<'_>,
    ) -> Result<StartsRow, Stop> {
        let key = Key::Starts(line.config.name.clone(), number);
        if let Some(row) = known.get(&key) {
            return Ok(row.clone());
        }
        let (row, version) = self.starts(line, number, mode).await?;
        sink.check(key.clone(), Expect::At(version)).await?;
        known.insert(key, row.clone());
        Ok(row)
    }

    /// Where the tiers of a board of a mode start in all seasons. A definition that is `new` puts those of a board
    /// without seasons elsewhere; seasons keep theirs.
    pub(super) async fn all_starts(
        &self,
        line: &Arc<Line>,
        mode: &Mode,
        is_new: bool,
    ) -> Result<Starts, EngineError> {
        let Some(tiers) = line.tiers_by_shares() else { return Ok(Starts::default()) };
        let mut starts = Starts { now: Some(self.work_out(tiers, mode).await?), ..Starts::default() };
        let is_anew = is_new && !line.has_seasons();
        self.each(KeyRange::AllStarts(line.config.name.clone()), |key, found| {
            if let Key::Starts(_, number) = key {
                if is_anew {
                    starts.new.insert(number, Some(found.version));
                } else {
                    starts.known.insert(number, starts_of(&key, &found)?);
                }
            }
            Ok(())
        })
        .await?;
        if is_anew {
            // It starts where it does from its definition on, also where nobody has played yet.
            starts.of(0, true);
        }
        Ok(starts)
    }

    /// Where tiers would start now, by the ratings of the players of a mode who have played as many matches as placement
    /// takes. Reads all ratings of the mode.
    pub(super) async fn work_out(&self, tiers: &Tiers, mode: &Mode) -> Result<StartsRow, EngineError> {
        let games_min = u32::from(tiers.placement_games()).max(1);
        let mut scores = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            let rating = standing(&key, &found)?.0.rating;
            scores.extend(rating.filter(|row| row.games >= games_min).map(|row| row.score));
            Ok(())
        })
        .await?;
        let (at, is_few) = (self.clock.now(), scores.len() < PLAYERS_MIN);
        if is_few {
            let system = self.views.queues.system_of(mode).unwrap_or_default();
            let newcomer = self.views.learning.applied(mode, system).initial();
            let bounds = tiers.bounds(|permille| {
                let mean = newcomer.quantile(Probability::saturating(f64::from(permille) / 1_000.0));
                score_of(&gsm_rating::Rating { mean, ..newcomer })
            });
            return Ok(StartsRow { bounds, players: 0, at });
        }
        scores.sort_unstable();
        let players = scores.len() as u64;
        let bounds = tiers.bounds(|permille| score_above(&scores, permille));
        Ok(StartsRow { bounds, players, at })
    }
}

/// The least of ascending `scores` that at least so many thousandths of them stand before.
fn score_above(scores: &[i64], permille: u16) -> i64 {
    let before = (scores.len() * usize::from(permille)).div_ceil(1_000);
    scores.get(before).or(scores.last()).copied().unwrap_or(0)
}

fn starts_of(key: &Key, found: &Versioned) -> Result<StartsRow, EngineError> {
    match &*found.row {
        Row::Starts(row) => Ok(row.clone()),
        _ => Err(EngineError::damaged(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Counted anew: no share of players smaller than asked for is below, and one place further down it would be.
        #[test]
        fn a_share_of_the_players_is_below(
            mut scores in prop::collection::btree_set(any::<i64>(), 1..300),
            permille in 0u16..1_000,
        ) {
            let sorted: Vec<i64> = std::mem::take(&mut scores).into_iter().collect();
            let start = score_above(&sorted, permille);
            let below = sorted.iter().filter(|score| **score < start).count();
            prop_assert!(below * 1_000 >= sorted.len() * usize::from(permille) || start == sorted[sorted.len() - 1]);
            prop_assert!(below == 0 || (below - 1) * 1_000 < sorted.len() * usize::from(permille));
        }
    }
}
