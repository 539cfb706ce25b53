//! Entries of a board that counts results, counted again from the histories: for a few players whose histories a job
//! rewrites, or for all where the board is new or ratings are rebuilt. A season that is being paid out stays as it is.
//!
//! Where histories follow their results late, a history that does not end as its player stands is waited for: the
//! caller decides again.
use super::{
    line::Line,
    starts::Starts,
    tally::{Tick, after, entry_of},
};
use crate::{
    Engine, EngineError,
    jobs::{Sink, Stop},
    results::chain::standing,
    store::{
        EntryRow, Expect, HistoryRow, Home, Key, KeyRange, RatingRow, Row, StandingRow, Version, Versioned,
    },
};
use gsm_core::{Map, Mode, PlayerId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The steps of players' histories that a job rewrites, by depth: when each was, and what it is now; `None` for none.
pub(crate) type Rewritten = BTreeMap<PlayerId, BTreeMap<u64, (Timestamp, Option<HistoryRow>)>>;

/// A season of a board and a player.
type Spot = (u64, PlayerId);

/// All entries of a board, counted again.
pub(crate) struct Recount {
    line: Arc<Line>,
    /// As they are stored.
    stored: BTreeMap<Spot, (EntryRow, Version)>,
    /// Seasons that stay as they are.
    closed: BTreeSet<u64>,
    wanted: BTreeMap<Spot, EntryRow>,
    starts: Starts,
}

impl Recount {
    /// Counts the next step of a player.
    pub(crate) fn take(&mut self, player: PlayerId, step: &HistoryRow) {
        let tick = Tick::of(step);
        let Some(number) = self.line.number_at(tick.at).filter(|number| !self.closed.contains(number)) else {
            return;
        };
        let spot = (number, player);
        let starts = self.starts.of(number, tick.is_match());
        if let Some(next) = after(&self.line, starts, self.wanted.get(&spot), &tick) {
            self.wanted.insert(spot, next);
        }
    }

    /// Puts right what is stored otherwise; how many entries that were.
    pub(crate) async fn close(self, sink: &mut Sink<'_>) -> Result<u64, Stop> {
        let name = &self.line.config.name;
        let mut differing = 0;
        self.starts.send(name, sink).await?;
        for ((number, player), row) in &self.wanted {
            let stored = self.stored.get(&(*number, *player));
            if stored.map(|(stored, _)| stored) != Some(row) {
                differing += 1;
                let key = Key::Entry(name.clone(), *number, *player);
                sink.put(key, stored.map(|(_, version)| *version), Row::Entry(row.clone())).await?;
            }
            sink.alive().await?;
        }
        for ((number, player), (_, version)) in &self.stored {
            if !self.wanted.contains_key(&(*number, *player)) && !self.closed.contains(number) {
                differing += 1;
                sink.remove(Key::Entry(name.clone(), *number, *player), *version).await?;
            }
            sink.alive().await?;
        }
        Ok(differing)
    }
}

impl Engine {
    /// Notes the entries of a board of a mode as they are stored. The mode's gate is closed. A board that is `new` has no
    /// tiers yet that start anywhere.
    pub(crate) async fn begin_recount(
        &self,
        line: Arc<Line>,
        mode: &Mode,
        is_new: bool,
        sink: &mut Sink<'_>,
    ) -> Result<Recount, EngineError> {
        let name = line.config.name.clone();
        let starts = self.all_starts(&line, mode, is_new).await?;
        let (stored, closed, wanted) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut recount = Recount { line, stored, closed, wanted, starts };
        self.each(KeyRange::Payouts(name.clone()), |key, _| {
            if let Key::Payout(_, number) = key {
                recount.closed.insert(number);
            }
            Ok(())
        })
        .await?;
        let mut last = None;
        while let Some(page) = self.page(&KeyRange::AllEntries(name.clone()), &mut last).await? {
            for (key, found) in page {
                let row = entry_of(&key, &found.row)?.clone();
                if let Key::Entry(_, number, player) = key {
                    recount.stored.insert((number, player), (row, found.version));
                }
                sink.alive().await?;
            }
        }
        Ok(recount)
    }

    /// Counts a board that is defined from all histories of its mode, whose gate is closed.
    pub(super) async fn recount_board(
        &self,
        line: Arc<Line>,
        mode: &Mode,
        sink: &mut Sink<'_>,
    ) -> Result<u64, Stop> {
        let mut recount = self.begin_recount(line.clone(), mode, true, sink).await?;
        self.past_starts(&line, mode, &mut recount.starts, sink).await?;
        self.each_step(mode, sink, |player, step| recount.take(player, step)).await?;
        recount.close(sink).await
    }

    /// Hands over all histories of a mode, whose gate is closed: each player's steps in their order. Fails unless each
    /// ends as its player stands, so that to read them again gives the same.
    pub(super) async fn each_step(
        &self,
        mode: &Mode,
        sink: &mut Sink<'_>,
        mut take: impl FnMut(PlayerId, &HistoryRow) + Send,
    ) -> Result<(), Stop> {
        let mut ends: Map<PlayerId, RatingRow> = Map::default();
        self.each(KeyRange::Ratings(mode.clone()), |key, found| {
            if let (Key::Rating(_, player), Some(row)) = (&key, standing(&key, &found)?.0.rating) {
                ends.insert(*player, row);
            }
            Ok(())
        })
        .await?;
        let mut before: Option<(PlayerId, HistoryRow)> = None;
        let mut last = None;
        while let Some(page) = self.page(&KeyRange::Histories(mode.clone()), &mut last).await? {
            for (key, found) in page {
                let (player, _, step) = step_of(&key, &found)?;
                take(player, step);
                if let Some((whose, step)) = before.replace((player, step.clone()))
                    && whose != player
                {
                    self.ends_as(ends.remove(&whose).as_ref(), Some(&step))?;
                }
                sink.alive().await?;
            }
        }
        if let Some((whose, step)) = before {
            self.ends_as(ends.remove(&whose).as_ref(), Some(&step))?;
        }
        if let Some(end) = ends.values().next() {
            self.ends_as(Some(end), None)?;
        }
        Ok(())
    }

    /// Fails unless a history that was read ends as its player stands. In one home it is written with its result; what
    /// is damaged there a rebuild finds.
    fn ends_as(&self, end: Option<&RatingRow>, last: Option<&HistoryRow>) -> Result<(), EngineError> {
        let same = match (end, last) {
            (Some(end), Some(last)) => (end.rating, end.games) == (last.after, last.games),
            (None, None) => true,
            _ => false,
        };
        if same || self.homes.is_one() { Ok(()) } else { Err(EngineError::Raced(None)) }
    }

    /// Counts the entries of players whose histories are rewritten: of the seasons in which something changes. The job
    /// itself writes the ratings of those who are in `moved`.
    ///
    /// Costs their histories.
    pub(crate) async fn recount_players(
        &self,
        mode: &Mode,
        rewritten: &Rewritten,
        moved: &BTreeMap<PlayerId, StandingRow>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Stop> {
        let counted = self.counted(mode).await?;
        counted.check(sink).await?;
        let lines = counted.lines;
        if lines.is_empty() {
            return Ok(());
        }
        let (mut closed, mut known) = (BTreeMap::new(), BTreeMap::new());
        let players: Vec<PlayerId> = rewritten.keys().copied().collect();
        let stands = self.standings(mode, &players).await?;
        for ((player, changed), stands) in rewritten.iter().zip(stands) {
            // Whoever has a history has a standing: none is a stale read.
            let (end, version) = stands.ok_or(EngineError::Raced(None))?;
            if !moved.contains_key(player) {
                sink.check(Key::Rating(mode.clone(), *player), Expect::At(version)).await?;
            }
            let mut steps: BTreeMap<u64, HistoryRow> = BTreeMap::new();
            // The versions come first: whoever moves an entry from here on fails this job, or waits for it.
            let mut spots = Vec::new();
            for line in &lines {
                let numbers: BTreeSet<u64> =
                    changed.values().filter_map(|(at, _)| line.number_at(*at)).collect();
                for number in numbers {
                    if !self.is_closed(line, number, &mut closed, sink).await? {
                        spots.push((line, number, Key::Entry(line.config.name.clone(), number, *player)));
                    }
                }
            }
            let keys: Vec<Key> = spots.iter().map(|(_, _, key)| key.clone()).collect();
            let entries = self.get(Home::Record, &keys).await?;
            self.each(KeyRange::History(mode.clone(), *player), |key, found| {
                let (_, depth, step) = step_of(&key, &found)?;
                steps.insert(depth, step.clone());
                Ok(())
            })
            .await?;
            self.ends_as(end.rating.as_ref(), steps.values().next_back())?;
            for (depth, (_, step)) in changed {
                match step {
                    Some(step) => drop(steps.insert(*depth, step.clone())),
                    None => drop(steps.remove(depth)),
                }
            }
            for ((line, number, key), found) in spots.into_iter().zip(entries) {
                let ticks = steps.values().map(Tick::of);
                let ticks: Vec<Tick> = ticks.filter(|tick| line.number_at(tick.at) == Some(number)).collect();
                let starts = if line.tiers_by_shares().is_some() && ticks.iter().any(Tick::is_match) {
                    Some(self.checked_starts(line, number, mode, &mut known, sink).await?)
                } else {
                    None
                };
                let wanted = ticks.iter().fold(None, |there: Option<EntryRow>, tick| {
                    after(line, starts.as_ref(), there.as_ref(), tick).or(there)
                });
                let stored = found.as_ref().map(|found| entry_of(&key, &found.row)).transpose()?;
                let version = found.as_ref().map(|found| found.version);
                if stored == wanted.as_ref() {
                    // A stale read must not pass for an entry that is right already.
                    sink.check(key, version.map_or(Expect::Absent, Expect::At)).await?;
                    continue;
                }
                match (wanted, version) {
                    (Some(row), version) => sink.put(key, version, Row::Entry(row)).await?,
                    (None, Some(version)) => sink.remove(key, version).await?,
                    (None, None) => {}
                }
            }
            sink.alive().await?;
        }
        Ok(())
    }

    /// Whether a season is being paid out; if not, the job fails should it begin to be.
    async fn is_closed(
        &self,
        line: &Line,
        number: u64,
        closed: &mut BTreeMap<Key, bool>,
        sink: &mut Sink<'_>,
    ) -> Result<bool, Stop> {
        if !line.has_seasons() {
            return Ok(false);
        }
        let key = Key::Payout(line.config.name.clone(), number);
        if let Some(is_closed) = closed.get(&key) {
            return Ok(*is_closed);
        }
        let is_closed = self.get(Home::Record, std::slice::from_ref(&key)).await?.iter().any(Option::is_some);
        if !is_closed {
            sink.check(key.clone(), Expect::Absent).await?;
        }
        closed.insert(key, is_closed);
        Ok(is_closed)
    }
}

fn step_of<'a>(key: &Key, found: &'a Versioned) -> Result<(PlayerId, u64, &'a HistoryRow), EngineError> {
    match (key, &*found.row) {
        (Key::History(_, player, depth), Row::History(row)) => Ok((*player, *depth, row)),
        _ => Err(EngineError::damaged(key)),
    }
}
