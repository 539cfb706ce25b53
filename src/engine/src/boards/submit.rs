//! Scores that game servers and back ends submit.
use super::{BoardConfig, BoardRef, Operator, Source, line::Line, past, seating::Turns, tally::entry_of};
use crate::{
    Call, Engine, EngineError,
    store::{EntryRow, Expect, Home, Key, KeyRange, Row, ScoredRow, Versioned},
    turns,
};
use gsm_core::{BoardName, Map, Millis, PlayerId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Writes of submissions that are not of one entry: the board is open, its season not paid out, cohorts opened, the
/// idempotency key, and room for the store's own.
const SUBMIT_WRITES_OTHER: usize = 8;

/// No score was made before: 253,402,300,799,999 ms before 1970, as far from it as the end of the year 9999.
const MADE_AT_MIN: Timestamp = Timestamp::from_millis(-253_402_300_799_999);

/// One player's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Whose.
    pub player: PlayerId,
    /// A number for each column.
    pub values: Vec<i64>,
    /// When they were made; now if absent, or ahead of now by [`limits::CLOCK_LEAD_MS_MAX`] at most. Columns that keep the last look at it, and it says which season they are of.
    pub at: Option<Timestamp>,
    /// Replaces the text shown with the entry, if given and the scores count.
    pub metadata: Option<String>,
}

impl Submission {
    /// When they were made: nothing is kept of the future.
    fn made_at(&self, now: Timestamp) -> Timestamp {
        self.at.map_or(now, |at| at.min(now))
    }
}

/// What the board has after a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Whose.
    pub player: PlayerId,
    /// A number for each column.
    pub values: Vec<i64>,
    /// Whether the submission changed any.
    pub moved: bool,
}

/// What a player has after the first numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// What the columns make of them.
    Counted,
    /// These numbers: they come from a board that has counted them, in so many games where it says so.
    Kept(Option<u32>),
}

impl Engine {
    /// Takes scores, all or none, up to a page of them. Of several for one player the later ones in the list count on
    /// top of the earlier.
    pub async fn submit(
        &self,
        call: &Call,
        name: &BoardName,
        submissions: &[Submission],
    ) -> Result<Vec<Taken>, EngineError> {
        self.take_scores(call, name, submissions, None).await
    }

    /// [`Engine::submit`] for scores as a board shows them: who has none here yet has these then, also where a column takes
    /// numbers off. `games` says of each in how many games they were made, where that is known: it has that many then, or
    /// more if it had more here.
    pub async fn import_scores(
        &self,
        call: &Call,
        name: &BoardName,
        submissions: &[Submission],
        games: &[Option<u32>],
    ) -> Result<Vec<Taken>, EngineError> {
        self.take_scores(call, name, submissions, Some(games)).await
    }

    async fn take_scores(
        &self,
        call: &Call,
        name: &BoardName,
        submissions: &[Submission],
        imported: Option<&[Option<u32>]>,
    ) -> Result<Vec<Taken>, EngineError> {
        let lines = self.views.boards.lines.of(submissions.iter().map(|of| (name, of.player)));
        let mut turn = turns::behind(&lines).await;
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            let line = self.line(name)?;
            takes_scores(&line)?;
            check(&line.config, submissions, call.now.max(self.clock.wall()))?;
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            match self.try_submit(call, &line, submissions, imported).await {
                Err(EngineError::Raced(_)) => {
                    self.still_open(name).await?;
                    if turn.is_empty() {
                        turn = turns::turn(&lines).await;
                    }
                }
                done => return done,
            }
        }
        Err(EngineError::Contended)
    }

    /// Whether submissions, any number of them, would be refused whatever the board holds: which one, and why. Whose
    /// they are is not looked at.
    pub async fn check_scores(
        &self,
        name: &BoardName,
        submissions: &[Submission],
    ) -> Result<(), (usize, EngineError)> {
        let line = self.line(name).and_then(|line| takes_scores(&line).map(|()| line));
        let line = line.map_err(|error| (0, error))?;
        let now = self.clock.now();
        let mut open = BTreeSet::new();
        for (at, submission) in submissions.iter().enumerate() {
            let of = |error| (at, error);
            check_one(&line.config, submission, now.max(self.clock.wall()), str::to_owned).map_err(of)?;
            check_alone(&line.config, submission).map_err(of)?;
            let number = line.number_at(submission.made_at(now));
            let number = number.ok_or_else(|| of(EngineError::NoSeason { board: name.to_string() }))?;
            if line.has_seasons() && open.insert(number) {
                self.open_payout(name, number).await.map_err(of)?;
            }
        }
        Ok(())
    }

    /// The number of the season that a score made at an instant, or now, is of; `None` on a board without seasons, and before
    /// the first.
    pub fn season_at(&self, name: &BoardName, at: Option<Timestamp>) -> Result<Option<u64>, EngineError> {
        let (line, now) = (self.line(name)?, self.clock.now());
        Ok(line.season_of(at.map_or(now, |at| at.min(now))).map(|season| season.number))
    }

    /// How many of the first submissions one call surely takes: on a board with cohorts those of one season.
    pub fn scores_at_once(&self, name: &BoardName, submissions: &[Submission]) -> Result<usize, EngineError> {
        let (line, now) = (self.line(name)?, self.clock.now());
        let season = |of: &Submission| line.number_at(of.made_at(now));
        let first = submissions.first().map(season);
        let fits = |of: &&Submission| !line.has_groups() || Some(season(of)) == first;
        // An entry is one write, a step of its past one more, a seat two with its bucket's; else it may be of a season of its own.
        let past = usize::from(line.config.past);
        let each = 1 + past + if line.has_groups() { 3 } else { usize::from(line.has_seasons()) };
        let room = self.store(Home::Record).limits().items_max.saturating_sub(SUBMIT_WRITES_OTHER);
        let most = (room / each).clamp(1, limits::PAGE_SIZE_MAX);
        Ok(submissions.iter().take(most).take_while(fits).count())
    }

    async fn try_submit(
        &self,
        call: &Call,
        line: &Arc<Line>,
        submissions: &[Submission],
        imported: Option<&[Option<u32>]>,
    ) -> Result<Vec<Taken>, EngineError> {
        let config = &line.config;
        let mut spots: Vec<(u64, PlayerId)> = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let number = line.number_at(submission.made_at(call.now));
            let number = number.ok_or_else(|| EngineError::NoSeason { board: config.name.to_string() })?;
            spots.push((number, submission.player));
        }
        let mut changes = self.changes(call, &[&config.name]);
        self.check_open(&config.name, &mut changes).await?;
        let seasons: BTreeSet<u64> = spots.iter().map(|(number, _)| *number).collect();
        if line.has_groups() && seasons.len() > 1 {
            let detail =
                "are of more than one season: on a board with cohorts submit each season's by themselves";
            return Err(EngineError::invalid("entries", detail));
        }
        for number in seasons.iter().filter(|_| line.has_seasons()) {
            changes.check(self.open_payout(&config.name, *number).await?, Expect::Absent);
        }
        let mut turns = Turns::default();
        if let Some(number) = seasons.first() {
            let mut players: Vec<PlayerId> = submissions.iter().map(|of| of.player).collect();
            players.sort_unstable();
            players.dedup();
            if let Some(mut seating) = self.seating(line, *number, &players).await? {
                turns.take(&mut seating);
                // In the order of the list: the earlier in it sits before the later.
                submissions.iter().for_each(|of| seating.give(of.player));
                for (key, version, row) in seating.into_writes() {
                    changes.replace(key, version, row);
                }
            }
        }
        // One key an entry, in the order in which a store keeps them.
        let mut order = spots.clone();
        order.sort_unstable();
        order.dedup();
        let key = |(number, player): &(u64, PlayerId)| Key::Entry(config.name.clone(), *number, *player);
        let keys: Vec<Key> = order.iter().map(key).collect();
        let found = self.get(Home::Record, &keys).await?;
        // Who has an entry was a player when it was made; who was erased is none.
        self.views.erased.check(submissions.iter().map(|of| of.player))?;
        let without = order.iter().zip(&found).filter(|(_, found)| found.is_none());
        let newcomers: Vec<PlayerId> = without.map(|((_, player), _)| *player).collect();
        self.all_known(&newcomers).await?;
        let stored = keys.iter().zip(&found);
        let stored =
            stored.map(|(key, found)| found.as_ref().map(|found| entry_of(key, &found.row)).transpose());
        let stored = stored.collect::<Result<Vec<Option<&EntryRow>>, _>>()?;
        // Who was removed goes on behind the steps that are kept.
        let mut kept = self.kept_of_removed(config, &order, &found).await?;
        let mut steps: Vec<(Key, Row)> = Vec::new();
        let mut next: Vec<Option<EntryRow>> = vec![None; keys.len()];
        let mut taken = Vec::with_capacity(submissions.len());
        for (at, (submission, spot)) in submissions.iter().zip(&spots).enumerate() {
            let place = order.binary_search(spot).unwrap_or_default();
            let (Some(slot), Some(stored)) = (next.get_mut(place), stored.get(place)) else { continue };
            let there = slot.as_ref().or(*stored);
            let first =
                imported.map_or(First::Counted, |games| First::Kept(games.get(at).copied().flatten()));
            let mut after = after(config, there, submission, (call.now, first)).ok_or_else(|| {
                let most = limits::BOARD_VALUE_ABS_MAX;
                EngineError::invalid(format!("entries[{at}].values"), format!("would leave ±{most}"))
            })?;
            let moved = there.is_none_or(|row| row.values != after.values);
            check_past(config, after.values, || format!("entries[{at}].values"))?;
            if config.past {
                after.steps = there.map_or_else(|| kept.remove(spot).unwrap_or(0), |row| row.steps);
                if moved || config.keeps_every_step() {
                    steps.push(step(config, *spot, submission.made_at(call.now), after.steps, Some(&after)));
                    after.steps = after.steps.saturating_add(1);
                }
            }
            let values = after.values.iter().take(config.columns.len()).copied().collect();
            taken.push(Taken { player: submission.player, values, moved });
            *slot = Some(after);
        }
        changes.writes.reserve(keys.len());
        for ((key, found), row) in keys.into_iter().zip(&found).zip(next) {
            if let Some(row) = row {
                changes.replace(key, found.as_ref().map(|found| found.version), Row::Entry(row));
            }
        }
        for (key, row) in steps {
            changes.create(key, row);
        }
        self.remember(&mut changes, call, Home::Record, &taken)?;
        let (writes, most) = (changes.writes.len(), self.store(Home::Record).limits().items_max);
        if writes > most {
            // It will be refused whenever it comes again.
            let detail = format!("would change {writes} rows, {most} is the most at once: submit fewer");
            return Err(EngineError::invalid("entries", detail));
        }
        let committed = self.commit(Home::Record, changes).await;
        drop(turns);
        committed?;
        Ok(taken)
    }

    /// How many steps are kept of those who have no entry, but had one that was removed.
    async fn kept_of_removed(
        &self,
        config: &BoardConfig,
        spots: &[(u64, PlayerId)],
        found: &[Option<Versioned>],
    ) -> Result<Map<(u64, PlayerId), u32>, EngineError> {
        let mut kept = Map::default();
        let new = spots.iter().zip(found).filter(|(_, found)| config.past && found.is_none());
        let new: Vec<(u64, PlayerId)> = new.map(|(spot, _)| *spot).collect();
        if new.is_empty() {
            return Ok(kept);
        }
        let first =
            |(number, player): &(u64, PlayerId)| Key::Scored(config.name.clone(), *number, *player, 0);
        let firsts: Vec<Key> = new.iter().map(first).collect();
        let firsts = self.get(Home::Record, &firsts).await?;
        for ((number, player), _) in new.iter().zip(firsts).filter(|(_, first)| first.is_some()) {
            let range = KeyRange::Scored(config.name.clone(), *number, *player);
            let last = self.store(Home::Record).list(&range, None, 1, true).await?;
            if let Some((Key::Scored(.., nth), _)) = last.first() {
                kept.insert((*number, *player), nth.saturating_add(1));
            }
        }
        Ok(kept)
    }

    /// The key under which a season's payout will be; refused where it is.
    async fn open_payout(&self, name: &BoardName, season: u64) -> Result<Key, EngineError> {
        let key = Key::Payout(name.clone(), season);
        match self.get_one(&key).await? {
            None => Ok(key),
            Some(_) => Err(EngineError::SeasonClosed { board: name.to_string(), season }),
        }
    }

    /// Takes a player's entry off a board that scores are submitted to; off one season where the board has seasons.
    pub async fn remove_entry(
        &self,
        call: &Call,
        of: &BoardRef,
        player: PlayerId,
        reason: &str,
    ) -> Result<(), EngineError> {
        let line = self.line(&of.name)?;
        if line.config.source != Source::Submissions {
            return Err(EngineError::invalid("board", "follows a mode: hide the player, or void results"));
        }
        let number = self.season_number(&line, of.season)?;
        let key = Key::Entry(of.name.clone(), number, player);
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Record).await?.is_some() {
                return Ok(());
            }
            let Some(found) = self.get_one(&key).await? else {
                return Err(EngineError::Unknown { what: "entry: the player has none on this board" });
            };
            let mut changes = self.changes(call, &[&of.name, &player]);
            changes.because(reason);
            self.check_open(&of.name, &mut changes).await?;
            if line.has_seasons() {
                changes.check(self.open_payout(&of.name, number).await?, Expect::Absent);
            }
            changes.delete(key.clone(), found.version);
            if line.config.past {
                let steps = entry_of(&key, &found.row)?.steps;
                let (key, row) = step(&line.config, (number, player), call.now, steps, None);
                changes.create(key, row);
            }
            self.remember(&mut changes, call, Home::Record, &())?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => self.still_open(&of.name).await?,
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// A player's entry on a board that has entries of its own.
    pub async fn entry(&self, of: &BoardRef, player: PlayerId) -> Result<Option<EntryRow>, EngineError> {
        let line = self.line(&of.name)?;
        let key = Key::Entry(of.name.clone(), self.season_number(&line, of.season)?, player);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        Ok(Some(entry_of(&key, &found.row)?.clone()))
    }

    /// Refuses entries of somebody who is no player.
    async fn all_known(&self, players: &[PlayerId]) -> Result<(), EngineError> {
        if players.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = players.iter().copied().map(Key::Player).collect();
        let found = self.get(Home::Document, &keys).await?;
        match players.iter().zip(found).find(|(_, found)| found.is_none()) {
            Some((player, _)) => Err(EngineError::invalid("entries", format!("`{player}` is no player"))),
            None => Ok(()),
        }
    }
}

/// A step that is kept.
fn step(
    config: &BoardConfig,
    (season, player): (u64, PlayerId),
    at: Timestamp,
    nth: u32,
    entry: Option<&EntryRow>,
) -> (Key, Row) {
    let entry = entry.map(|entry| EntryRow { metadata: None, ..entry.clone() });
    (Key::Scored(config.name.clone(), season, player, nth), Row::Scored(Box::new(ScoredRow { at, entry })))
}

fn takes_scores(line: &Line) -> Result<(), EngineError> {
    match line.config.source {
        Source::Submissions => Ok(()),
        Source::Mode(_) => Err(EngineError::invalid("board", "follows a mode: nothing is submitted to it")),
    }
}

fn check(config: &BoardConfig, submissions: &[Submission], now: Timestamp) -> Result<(), EngineError> {
    if !(1..=limits::PAGE_SIZE_MAX).contains(&submissions.len()) {
        return Err(EngineError::invalid("entries", format!("must be 1 to {}", limits::PAGE_SIZE_MAX)));
    }
    submissions.iter().enumerate().try_for_each(|(at, submission)| {
        check_one(config, submission, now, |name| format!("entries[{at}].{name}"))
    })
}

/// Refuses what no state of the board would take.
fn check_one(
    config: &BoardConfig,
    submission: &Submission,
    now: Timestamp,
    field: impl Fn(&str) -> String,
) -> Result<(), EngineError> {
    let (columns, found) = (config.columns.len(), submission.values.len());
    if found != columns {
        let detail = format!("has {found} numbers, the board has {columns} columns");
        return Err(EngineError::invalid(field("values"), detail));
    }
    let most = limits::BOARD_VALUE_ABS_MAX;
    if submission.values.iter().any(|value| value.unsigned_abs() > most.unsigned_abs()) {
        return Err(EngineError::invalid(field("values"), format!("must be within ±{most}")));
    }
    if submission.metadata.as_ref().is_some_and(|text| text.len() > limits::METADATA_BYTES_MAX) {
        let detail = format!("must be at most {} bytes", limits::METADATA_BYTES_MAX);
        return Err(EngineError::invalid(field("metadata"), detail));
    }
    if submission.at.is_some_and(|made| made.since(now) > Millis::new(limits::CLOCK_LEAD_MS_MAX)) {
        return Err(EngineError::invalid(field("at"), "is in the future"));
    }
    if submission.at.is_some_and(|made| made < MADE_AT_MIN) {
        let detail = format!("must be at least {}", MADE_AT_MIN.as_millis());
        return Err(EngineError::invalid(field("at"), detail));
    }
    Ok(())
}

/// Refuses numbers that would be refused if they took the place of what is there: all but those that are added to it or
/// taken off.
fn check_alone(config: &BoardConfig, submission: &Submission) -> Result<(), EngineError> {
    let mut values = [0; 5];
    for ((slot, column), value) in values.iter_mut().zip(&config.columns).zip(&submission.values) {
        *slot = if matches!(column.operator, Operator::Incr | Operator::Decr) { 0 } else { *value };
    }
    check_past(config, values, || "values".to_owned())
}

/// Refuses numbers that the board's past, where it has one, could not compare.
fn check_past(config: &BoardConfig, values: [i64; 5], field: impl Fn() -> String) -> Result<(), EngineError> {
    if !config.past {
        return Ok(());
    }
    past::check(config, values).map_err(|most| {
        let detail = format!("would leave ±{most}, which a board of two columns and a past compares");
        EngineError::invalid(field(), detail)
    })
}

/// The row after a submission; `None` where a number would leave its bounds.
fn after(
    config: &BoardConfig,
    there: Option<&EntryRow>,
    submission: &Submission,
    (now, first): (Timestamp, First),
) -> Option<EntryRow> {
    let at = submission.made_at(now);
    let is_newer = there.is_none_or(|row| at >= row.submitted_at);
    let mut values = [0; 5];
    for (nth, column) in config.columns.iter().enumerate() {
        let before = there.and_then(|row| row.values.get(nth).copied());
        let submitted = *submission.values.get(nth)?;
        let is_kept = there.is_none() && first != First::Counted;
        *values.get_mut(nth)? =
            if is_kept { submitted } else { column.after(before, submitted, is_newer)? };
    }
    // The text goes with the numbers: one of a score that did not count says nothing of what is shown.
    let moved = there.is_none_or(|row| row.values != values);
    let counts = moved || config.columns.iter().any(|column| column.operator.always_counts(is_newer));
    let given = submission.metadata.clone().filter(|_| counts);
    let games = there.map_or(0, |row| row.submissions);
    let submissions = match first {
        First::Kept(Some(kept)) => games.max(kept).max(1),
        _ => games.saturating_add(1),
    };
    let metadata = given.or_else(|| there.and_then(|row| row.metadata.clone()));
    Some(EntryRow {
        values,
        reached_at: reached_at(config, there, submission, &values, at)?,
        submitted_at: there.map_or(at, |row| row.submitted_at.max(at)),
        submissions,
        deviation: 0.0,
        tier: None,
        metadata,
        steps: 0,
    })
}

/// Since when a player has the numbers after a submission of an instant. Where they rest on what was there before too, and
/// the submission comes late, not before that was there.
fn reached_at(
    config: &BoardConfig,
    there: Option<&EntryRow>,
    submission: &Submission,
    values: &[i64; 5],
    at: Timestamp,
) -> Option<Timestamp> {
    let Some(there) = there else { return Some(at) };
    if there.values == *values {
        return Some(there.reached_at);
    }
    for ((column, value), submitted) in config.columns.iter().zip(values).zip(&submission.values) {
        if column.after(None, *submitted, true)? != *value {
            return Some(there.reached_at.max(at));
        }
    }
    Some(at)
}
