//! Where visible tiers start when that is said by shares of the players ("the best 3 %"): worked out once a season, when
//! its first result counts, by the ratings of the mode as they stand then; on a board without seasons when it is
//! defined. From then on it is a row, by which every result of the season counts and is counted again. A board that is
//! defined later takes the ratings of each season from the histories.
use super::line::Line;
use crate::{
    Call, Engine, EngineError,
    jobs::{Sink, Stop},
    results::{chain::standing, counting::score_of},
    store::{Expect, HistoryRow, Home, Key, KeyRange, Row, StartsRow, Step, Version, Versioned},
};
use gsm_core::{BoardName, Mode, PlayerId, Probability, Timestamp, limits};
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

    /// Of a season that had none.
    fn found(&mut self, number: u64, row: StartsRow) {
        self.known.insert(number, row);
        self.new.insert(number, None);
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

/// The ratings of a mode as they stood before the first result of each season, from its histories.
struct Then {
    games_min: u32,
    /// When the first result of each season was, and the ratings of those who had played enough.
    seasons: Vec<(u64, Timestamp, Vec<i64>)>,
    /// Whose history comes at present.
    player: Option<PlayerId>,
    /// The rating after the steps so far, if those were enough games.
    score: Option<i64>,
    /// Seasons that it is not among the ratings of yet begin here.
    next: usize,
}

impl Then {
    /// The next step of a player.
    fn take(&mut self, player: PlayerId, step: &HistoryRow) {
        if self.player != Some(player) {
            self.end();
            self.player = Some(player);
        }
        let is_match = matches!(step.step, Step::Match { .. });
        while let Some((_, first, scores)) = self.seasons.get_mut(self.next)
            && (*first < step.at || (is_match && *first == step.at))
        {
            scores.extend(self.score);
            self.next += 1;
        }
        self.score = Some(score_of(&step.after)).filter(|_| step.games >= self.games_min);
    }

    /// The end of a player's history: so the rating stands in all seasons that are left.
    fn end(&mut self) {
        let left = self.seasons.get_mut(self.next..).unwrap_or_default();
        left.iter_mut().for_each(|(_, _, scores)| scores.extend(self.score));
        (self.score, self.next) = (None, 0);
    }
}

impl Engine {
    /// Where the tiers of a board that is new start in seasons that have results already: as if it had been there. The
    /// mode's gate is closed. Reads all histories of the mode twice, and keeps a number for each player and season.
    pub(super) async fn past_starts(
        &self,
        line: &Line,
        mode: &Mode,
        starts: &mut Starts,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let Some(tiers) = line.tiers_by_shares().filter(|_| line.has_seasons()) else { return Ok(()) };
        let mut firsts: BTreeMap<u64, Timestamp> = BTreeMap::new();
        self.each_step(mode, sink, |_, step| {
            if matches!(step.step, Step::Match { .. })
                && let Some(number) = line.number_at(step.at).filter(|of| !starts.known.contains_key(of))
            {
                let first = firsts.entry(number).or_insert(step.at);
                *first = step.at.min(*first);
            }
        })
        .await?;
        if firsts.is_empty() {
            return Ok(());
        }
        let seasons = firsts.into_iter().map(|(number, at)| (number, at, Vec::new())).collect();
        let mut then = Then { games_min: games_min(tiers), seasons, player: None, score: None, next: 0 };
        self.each_step(mode, sink, |player, step| then.take(player, step)).await?;
        then.end();
        for (number, at, scores) in then.seasons {
            starts.found(number, self.starts_by(tiers, mode, scores, at));
        }
        Ok(())
    }

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
                Ok(_) | Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Raced(None))
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
    /// without seasons elsewhere; seasons keep theirs, and [`Engine::past_starts`] finds those of the others.
    pub(super) async fn all_starts(
        &self,
        line: &Arc<Line>,
        mode: &Mode,
        is_new: bool,
    ) -> Result<Starts, EngineError> {
        let Some(tiers) = line.tiers_by_shares() else { return Ok(Starts::default()) };
        let is_anew = is_new && !line.has_seasons();
        let now = if is_new && line.has_seasons() { None } else { Some(self.work_out(tiers, mode).await?) };
        let mut starts = Starts { now, ..Starts::default() };
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
        let games_min = games_min(tiers);
        let mut scores = Vec::new();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            let rating = standing(&key, &found)?.0.rating;
            scores.extend(rating.filter(|row| row.games >= games_min).map(|row| row.score));
            Ok(())
        })
        .await?;
        Ok(self.starts_by(tiers, mode, scores, self.clock.now()))
    }

    /// Where tiers start by the ratings of those who count, as they were at an instant.
    fn starts_by(&self, tiers: &Tiers, mode: &Mode, mut scores: Vec<i64>, at: Timestamp) -> StartsRow {
        if scores.len() < PLAYERS_MIN {
            let system = self.views.queues.system_of(mode).unwrap_or_default();
            let newcomer = self.views.learning.applied(mode, system).initial();
            let bounds = tiers.bounds(|permille| {
                let mean = newcomer.quantile(Probability::saturating(f64::from(permille) / 1_000.0));
                score_of(&gsm_rating::Rating { mean, ..newcomer })
            });
            return StartsRow { bounds, players: 0, at };
        }
        scores.sort_unstable();
        let players = scores.len() as u64;
        let bounds = tiers.bounds(|permille| score_above(&scores, permille));
        StartsRow { bounds, players, at }
    }
}

/// Games of those who count: as many as placement takes.
fn games_min(tiers: &Tiers) -> u32 {
    u32::from(tiers.placement_games()).max(1)
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
