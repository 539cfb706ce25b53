//! Boards that count a mode's results into entries of their own: what a step of a rating does to an entry, and the
//! entries that a commit moves. One function for results as they come, and for everything that is counted again.
use super::{
    Value,
    line::Line,
    seating::{Seating, Turns},
};
use crate::{
    Engine, EngineError,
    jobs::{Sink, Stop},
    results::counting::score_of,
    store::{ChangeSet, EntryRow, Expect, HistoryRow, Home, Key, Row, StartsRow, Step, Version},
};
use gsm_core::{Mode, PlayerId, Timestamp};
use gsm_ranking::tier::{Bounds, Game, Outcome, TierState, Tiers, VisibleReset};
use gsm_rating::Rating;
use gsm_session::OutcomeKind;
use std::{collections::BTreeMap, sync::Arc};

/// As much of a step as boards count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: Timestamp,
    before: Rating,
    after: Rating,
    /// `None` where a hand set the rating.
    pub(super) outcome: Option<OutcomeKind>,
    /// What a soft reset makes of visible places.
    visible: Option<VisibleReset>,
}

impl Tick {
    /// Whether it is a match: the others make no entry, and no tiers start by them.
    pub(super) const fn is_match(&self) -> bool {
        self.outcome.is_some()
    }

    pub(crate) fn of(row: &HistoryRow) -> Self {
        let by_place = Self::by_place(row);
        if has_quit(row) {
            // Ratings take it so too.
            return Self { outcome: Some(OutcomeKind::Loss), ..by_place };
        }
        by_place
    }

    /// The same as earlier versions counted it: who quit by the place of his side too.
    pub(super) fn by_place(row: &HistoryRow) -> Self {
        let outcome = match row.step {
            Step::Match { place: 1, shared: false, .. } => Some(OutcomeKind::Win),
            Step::Match { place: 1, shared: true, .. } => Some(OutcomeKind::Draw),
            Step::Match { .. } => Some(OutcomeKind::Loss),
            Step::Adjustment { .. } => None,
        };
        let visible = if let Step::Adjustment { visible, .. } = row.step { visible } else { None };
        Self { at: row.at, before: row.before, after: row.after, outcome, visible }
    }
}

/// Whether it is a match that the player left before its end.
pub(super) const fn has_quit(row: &HistoryRow) -> bool {
    matches!(row.step, Step::Match { quit: true, .. })
}

/// A player's entry after a step; without a match there is none. `starts` is where tiers start in the season, where shares
/// of the players say that.
pub(super) fn after(
    line: &Line,
    starts: Option<&StartsRow>,
    there: Option<&EntryRow>,
    tick: &Tick,
) -> Option<EntryRow> {
    let config = &line.config;
    if there.is_none() && tick.outcome.is_none() {
        return None;
    }
    let tier = line.tiers.as_ref().and_then(|(tiers, given)| {
        let there = there.and_then(|row| row.tier);
        if tick.outcome.is_none() && tick.visible.is_none() {
            // A rating set by hand: whoever sets it may not have read yet where tiers start.
            return there;
        }
        let bounds = given.as_ref().or(starts.map(|row| &row.bounds))?;
        placed(tiers, bounds, there, tick)
    });
    let mut values = [0; 5];
    for (nth, (column, value)) in config.columns.iter().zip(&mut values).enumerate() {
        let before = there.and_then(|row| row.values.get(nth).copied());
        let counted = |is: bool| before.unwrap_or(0) + i64::from(is);
        *value = match column.value {
            Value::Games => counted(tick.outcome.is_some()),
            Value::Wins => counted(tick.outcome == Some(OutcomeKind::Win)),
            Value::Draws => counted(tick.outcome == Some(OutcomeKind::Draw)),
            Value::Rating | Value::Conservative | Value::Place | Value::Submitted => {
                let place = || line.tiers.as_ref().zip(tier).map(|((tiers, _), state)| tiers.place(&state));
                let shown = column.value.of_rating(&tick.after).or_else(place).unwrap_or(0);
                reached(column.after(before, shown, true), before)
            }
        };
    }
    let same = there.filter(|row| row.values == values);
    let last = there.map_or(tick.at, |row| row.submitted_at.max(tick.at));
    Some(EntryRow {
        values,
        reached_at: same.map_or(tick.at, |row| row.reached_at),
        submitted_at: if tick.outcome.is_some() {
            last
        } else {
            there.map_or(tick.at, |row| row.submitted_at)
        },
        submissions: there.map_or(0, |row| row.submissions).saturating_add(u32::from(tick.outcome.is_some())),
        deviation: tick.after.deviation as f32,
        tier,
        steps: 0,
        metadata: None,
    })
}

/// A player's place in the tiers after a match, or after a soft reset, which does with it what it says.
fn placed(tiers: &Tiers, bounds: &Bounds, there: Option<TierState>, tick: &Tick) -> Option<TierState> {
    let Some(outcome) = tick.outcome else {
        let Some((state, visible)) = there.zip(tick.visible) else { return there };
        return Some(tiers.begin_season(bounds, state, visible, score_of(&tick.after), tick.at).0);
    };
    let (hidden_before, hidden_after) = (score_of(&tick.before), score_of(&tick.after));
    let state = there.unwrap_or_else(|| tiers.enter(bounds, hidden_before, tick.at).0);
    let outcome = match outcome {
        OutcomeKind::Win => Outcome::Win,
        OutcomeKind::Draw => Outcome::Draw,
        OutcomeKind::Loss => Outcome::Loss,
    };
    Some(tiers.apply(bounds, state, Game { outcome, hidden_before, hidden_after }, tick.at).0)
}

/// A number out of a board's bounds leaves the one that is there.
fn reached(after: Option<i64>, before: Option<i64>) -> i64 {
    after.or(before).unwrap_or(0)
}

/// The entries that a commit moves, as they stand and as they will.
#[derive(Default)]
pub(crate) struct Tallies {
    lines: Vec<Arc<Line>>,
    /// That these are the boards that count.
    counted: Option<(Key, Expect)>,
    rows: BTreeMap<Key, Spot>,
    /// Whether each season is paid out: then it stays as it is.
    payouts: BTreeMap<Key, bool>,
    /// Seats that those who are counted may take, by the key of the season's payout.
    seatings: BTreeMap<Key, Seating>,
    /// Where the tiers of each season start, where shares of the players say that.
    starts: BTreeMap<Key, (StartsRow, Version)>,
}

#[derive(Default)]
struct Spot {
    /// Of the row as it was read.
    version: Option<Version>,
    row: Option<EntryRow>,
    moved: bool,
}

impl Tallies {
    /// Counts a step; its player and time are among those the entries were read for.
    pub(crate) fn take(&mut self, player: PlayerId, step: &HistoryRow) {
        let tick = Tick::of(step);
        for line in &self.lines {
            let name = &line.config.name;
            let Some(number) = line.number_at(tick.at) else { continue };
            let payout = Key::Payout(name.clone(), number);
            if self.payouts.get(&payout) == Some(&true) {
                continue;
            }
            let Some(counted) = self.rows.get_mut(&Key::Entry(name.clone(), number, player)) else {
                continue;
            };
            let starts = self.starts.get(&Key::Starts(name.clone(), number)).map(|(row, _)| row);
            if let Some(next) = after(line, starts, counted.row.as_ref(), &tick) {
                (counted.row, counted.moved) = (Some(next), true);
                if tick.outcome.is_some()
                    && let Some(seating) = self.seatings.get_mut(&payout)
                {
                    seating.give(player);
                }
            }
        }
    }

    /// Gives a player whose match does not count (yet) the seats that it would have given: should it count later, they are
    /// there, as they are where one that counted is voided.
    pub(crate) fn seat(&mut self, player: PlayerId) {
        self.seatings.values_mut().for_each(|seating| seating.give(player));
    }

    /// How many writes it takes, at most.
    pub(crate) fn writes(&self) -> usize {
        let seats: usize = self.seatings.values().map(Seating::writes).sum();
        self.rows.len() + self.payouts.len() + self.starts.len() + seats + usize::from(self.counted.is_some())
    }

    /// What it takes: each key as it was read, and what is put there, if anything. A step that leaves no trace in an entry
    /// rests on the entry all the same.
    fn into_writes(self) -> impl Iterator<Item = (Key, Option<Version>, Option<Row>)> {
        let seats = self.seatings.into_values().flat_map(Seating::into_writes);
        let seats = seats.map(|(key, version, row)| (key, version, Some(row)));
        let payouts = self.payouts.into_iter().filter(|(_, is_paid)| !is_paid);
        let entries = self
            .rows
            .into_iter()
            .map(|(key, Spot { version, row, moved })| (key, version, row.filter(|_| moved).map(Row::Entry)));
        let starts = self.starts.into_iter().map(|(key, (_, version))| (key, Some(version), None));
        payouts.map(|(key, _)| (key, None, None)).chain(starts).chain(seats).chain(entries)
    }

    /// Adds what has moved to a change set, on condition that all is as it was read. What is returned is to be dropped
    /// when the change set is committed, and before anything else is waited for.
    pub(crate) fn add_to(mut self, changes: &mut ChangeSet) -> Turns {
        let mut turns = Turns::default();
        self.seatings.values_mut().for_each(|seating| turns.take(seating));
        if let Some((key, expect)) = self.counted.take() {
            changes.check(key, expect);
        }
        for (key, version, row) in self.into_writes() {
            match row {
                Some(row) => changes.replace(key, version, row),
                None => changes.check(key, version.map_or(Expect::Absent, Expect::At)),
            };
        }
        turns
    }

    /// The same for a job.
    pub(crate) async fn send(mut self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        if let Some((key, expect)) = self.counted.take() {
            sink.check(key, expect).await?;
        }
        for (key, version, row) in self.into_writes() {
            match row {
                Some(row) => sink.put(key, version, row).await?,
                None => sink.check(key, version.map_or(Expect::Absent, Expect::At)).await?,
            }
        }
        Ok(())
    }
}

impl Engine {
    /// The entries that matches of these players at these times count into, and the seats that they may take.
    ///
    /// Where seats may be taken, other calls that give some wait until what is returned is dropped.
    pub(crate) async fn match_tallies(
        &self,
        mode: &Mode,
        matches: &[(PlayerId, Timestamp)],
    ) -> Result<Tallies, EngineError> {
        let mut tallies = self.tallies(mode, matches.iter().copied()).await?;
        let mut lines: Vec<Arc<Line>> =
            tallies.lines.iter().filter(|line| line.groups.is_some()).cloned().collect();
        // All wait for each other's seats in the same order.
        lines.sort_by(|one, other| one.config.name.cmp(&other.config.name));
        for line in lines {
            let mut players: BTreeMap<u64, Vec<PlayerId>> = BTreeMap::new();
            for (player, at) in matches {
                if let Some(number) = line.number_at(*at) {
                    players.entry(number).or_default().push(*player);
                }
            }
            // Of several seasons only the first: what comes after depends on how it ends.
            let Some((number, players)) = players.pop_first() else { continue };
            let payout = Key::Payout(line.config.name.clone(), number);
            if tallies.payouts.get(&payout) != Some(&true)
                && let Some(seating) = self.seating(&line, number, &players).await?
            {
                tallies.seatings.insert(payout, seating);
            }
        }
        Ok(tallies)
    }

    /// The entries that matches of these players at these times count into.
    pub(crate) async fn tallies(
        &self,
        mode: &Mode,
        steps: impl IntoIterator<Item = (PlayerId, Timestamp)>,
    ) -> Result<Tallies, EngineError> {
        self.read_tallies(mode, steps, true).await
    }

    /// The same for steps that are no matches: no tiers start by them.
    pub(crate) async fn tallies_by_hand(
        &self,
        mode: &Mode,
        steps: impl IntoIterator<Item = (PlayerId, Timestamp)>,
    ) -> Result<Tallies, EngineError> {
        self.read_tallies(mode, steps, false).await
    }

    async fn read_tallies(
        &self,
        mode: &Mode,
        steps: impl IntoIterator<Item = (PlayerId, Timestamp)>,
        are_matches: bool,
    ) -> Result<Tallies, EngineError> {
        let counted = self.counted(mode).await?;
        let condition = Some(counted.condition());
        let mut tallies = Tallies { lines: counted.lines, counted: condition, ..Tallies::default() };
        if tallies.lines.is_empty() {
            return Ok(tallies);
        }
        let mut by_shares: BTreeMap<Key, (Arc<Line>, u64)> = BTreeMap::new();
        for (player, at) in steps {
            for line in &tallies.lines {
                let name = &line.config.name;
                let Some(number) = line.number_at(at) else { continue };
                tallies.rows.entry(Key::Entry(name.clone(), number, player)).or_default();
                if line.tiers_by_shares().is_some() {
                    by_shares.entry(Key::Starts(name.clone(), number)).or_insert((line.clone(), number));
                }
                if line.has_seasons() {
                    tallies.payouts.insert(Key::Payout(name.clone(), number), false);
                }
            }
        }
        for (key, (line, number)) in by_shares {
            let starts = if are_matches {
                Some(self.starts(&line, number, mode).await?)
            } else {
                self.known_starts(&line, number).await?
            };
            tallies.starts.extend(starts.map(|starts| (key, starts)));
        }
        let payouts: Vec<Key> = tallies.payouts.keys().cloned().collect();
        let found = self.get(Home::Record, &payouts).await?;
        tallies.payouts.values_mut().zip(found).for_each(|(is_paid, found)| *is_paid = found.is_some());
        let keys: Vec<Key> = tallies.rows.keys().cloned().collect();
        let found = self.get(Home::Record, &keys).await?;
        for (counted, (key, found)) in tallies.rows.values_mut().zip(keys.iter().zip(found)) {
            let Some(found) = found else { continue };
            counted.version = Some(found.version);
            counted.row = Some(entry_of(key, &found.row)?.clone());
        }
        Ok(tallies)
    }
}

/// The entry under an entry's key.
pub(super) fn entry_of<'a>(key: &Key, row: &'a Row) -> Result<&'a EntryRow, EngineError> {
    match row {
        Row::Entry(row) => Ok(row),
        _ => Err(EngineError::damaged(key)),
    }
}
