//! Seats: who comes into a season of a board with cohorts takes the next one of his bucket, in the commit that counts
//! his first match or score of the season.
//!
//! Nothing runs at the turn of a season. The level of a new one follows from the last seat a player had, however long
//! ago: from how its cohort stands when he takes the next, or stood when the season's payout began. A seat is given once and stays, whatever is voided, corrected or
//! rebuilt; nobody takes one in a season before the last he has a seat in. Each bucket has a row that says which of its
//! seats was taken last, and a commit rests on the version it read.
use super::{
    grouping::{Groups, fate},
    line::Line,
    payouts,
    tally::entry_of,
    view::{Brought, mark},
};
use crate::{
    Engine, EngineError,
    results::chain::standing,
    store::{Expect, Home, Key, KeyRange, Row, SeatOf, SeatRow, Version},
};
use gsm_core::{Attribute, Map, PlayerId};
use gsm_ranking::{
    Board, Visibility,
    cohort::{Bucket, Entrant, Seat},
    league::Fate,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};
use tokio::sync::OwnedMutexGuard;

/// The turn of a process to give seats: held until the commit is through, so that its calls do not race each other.
#[derive(Default)]
#[must_use = "other calls may give the same seats as soon as this is dropped"]
pub(crate) struct Turns(Vec<OwnedMutexGuard<()>>);

impl Turns {
    pub(super) fn take(&mut self, seating: &mut Seating) {
        self.0.extend(seating.turn.take());
    }
}

/// The seats that a commit may give in one season of a board.
pub(super) struct Seating {
    line: Arc<Line>,
    groups: Groups,
    number: u64,
    /// Who has no seat yet.
    entrants: BTreeMap<PlayerId, Coming>,
    buckets: BTreeMap<Bucket, Known<Seat>>,
    opened: Known<u64>,
    given: Vec<(PlayerId, Seat, Coming)>,
    turn: Option<OwnedMutexGuard<()>>,
}

/// Somebody who takes a seat with his next match or score.
struct Coming {
    before: Option<SeatOf>,
    /// Of the row that says so.
    version: Option<Version>,
    level: u8,
    bucket: Bucket,
}

/// Who has no seat in a season yet, with the last seat and the version of the row that says so.
type Unseated = BTreeMap<PlayerId, (Option<SeatOf>, Option<Version>)>;

/// A row as it was read, and as it will be.
struct Known<T> {
    version: Option<Version>,
    value: Option<T>,
    moved: bool,
}

impl<T: Copy> Known<T> {
    fn set(&mut self, value: T) {
        (self.value, self.moved) = (Some(value), true);
    }
}

impl Seating {
    /// Gives a player who has none yet the next seat of his bucket.
    pub(super) fn give(&mut self, player: PlayerId) {
        let Some(coming) = self.entrants.remove(&player) else { return };
        let Some(last) = self.buckets.get_mut(&coming.bucket) else { return };
        let before = self.opened.value.unwrap_or(0);
        let mut opened = before;
        let seat = self.groups.cohorts.next_seat(last.value, &mut opened);
        last.set(seat);
        if opened != before {
            self.opened.set(opened);
        }
        self.given.push((player, seat, coming));
    }

    /// How many writes it takes, at most.
    pub(super) fn writes(&self) -> usize {
        2 * (self.entrants.len() + self.given.len()) + self.buckets.len() + 1
    }

    /// What was given: each key as it was read, and what is put there.
    pub(super) fn into_writes(self) -> Vec<(Key, Option<Version>, Row)> {
        let (name, number) = (&self.line.config.name, self.number);
        let mut writes = Vec::new();
        for (player, seat, coming) in self.given {
            let Coming { before, version, level, .. } = coming;
            let row = SeatRow { player, level, before };
            writes.push((Key::Seat(name.clone(), number, seat.cohort, seat.number), None, Row::Seat(row)));
            let of = SeatOf { season: number, seat, level };
            writes.push((Key::Seated(name.clone(), player), version, Row::Seated(of)));
        }
        for (bucket, known) in self.buckets {
            if let Some(seat) = known.value.filter(|_| known.moved) {
                let key = Key::Bucket(name.clone(), number, bucket.to_string());
                writes.push((key, known.version, Row::Bucket(seat)));
            }
        }
        if let Some(opened) = self.opened.value.filter(|_| self.opened.moved) {
            writes.push((Key::Opened(name.clone(), number), self.opened.version, Row::Opened(opened)));
        }
        writes
    }
}

/// A cohort as it stands in the store.
pub(super) struct CohortTable {
    pub(super) level: u8,
    /// All who have a seat, by its number.
    pub(super) seated: Vec<PlayerId>,
    pub(super) board: Board,
    games: Map<PlayerId, u32>,
    /// The rows it was made from, as they were read.
    read: Vec<(Key, Expect)>,
}

impl CohortTable {
    /// What the player's place leads to, where the board is a league.
    pub(super) fn fate(&self, line: &Line, player: PlayerId) -> Option<Fate> {
        let league = line.groups.and_then(|groups| groups.league)?;
        let games = |player| self.games.get(&player).copied().unwrap_or(0);
        fate((&line.config, &league, self.level), &self.board, games, &self.seated, player)
    }
}

impl Engine {
    /// The seats that these players may take in a season; `None` where all have theirs, or none can have one. Waits for
    /// other calls of this process that give seats of the board.
    pub(super) async fn seating(
        &self,
        line: &Arc<Line>,
        number: u64,
        players: &[PlayerId],
    ) -> Result<Option<Seating>, EngineError> {
        let Some(groups) = line.groups else { return Ok(None) };
        if self.unseated(line, number, players).await?.is_empty() {
            return Ok(None);
        }
        let turn = line.seating.clone().lock_owned().await;
        let unseated = self.unseated(line, number, players).await?;
        let ratings = self.ratings_of(line, &groups, unseated.keys()).await?;
        let levels = self.levels(line, &groups, &unseated).await?;
        let mut entrants = BTreeMap::new();
        for ((player, (before, version)), level) in unseated.into_iter().zip(levels) {
            let home = self.views.boards.home(player);
            let entrant = Entrant {
                rating: ratings.get(&player).copied().unwrap_or(0),
                region: home.as_ref().and_then(|home| home.region.as_ref()).map(Attribute::as_str),
                platform: home.as_ref().and_then(|home| home.platform.as_ref()).map(Attribute::as_str),
            };
            let bucket = groups.of_level(level).unwrap_or_else(|| groups.cohorts.bucket(&entrant));
            entrants.insert(player, Coming { before, version, level, bucket });
        }
        let name = &line.config.name;
        let mut buckets: BTreeMap<Bucket, Known<Seat>> = BTreeMap::new();
        for coming in entrants.values() {
            if let Entry::Vacant(place) = buckets.entry(coming.bucket.clone()) {
                let key = Key::Bucket(name.clone(), number, coming.bucket.to_string());
                let seat = |row: &Row| if let Row::Bucket(seat) = row { Some(*seat) } else { None };
                place.insert(self.known(&key, seat).await?);
            }
        }
        let opened = |row: &Row| if let Row::Opened(opened) = row { Some(*opened) } else { None };
        let opened = self.known(&Key::Opened(name.clone(), number), opened).await?;
        let (line, given, turn) = (line.clone(), Vec::new(), Some(turn));
        Ok(Some(Seating { line, groups, number, entrants, buckets, opened, given, turn }))
    }

    async fn known<T>(&self, key: &Key, value: impl Fn(&Row) -> Option<T>) -> Result<Known<T>, EngineError> {
        let Some(found) = self.get_one(key).await? else {
            return Ok(Known { version: None, value: None, moved: false });
        };
        let value = value(&found.row).ok_or_else(|| EngineError::damaged(key))?;
        Ok(Known { version: Some(found.version), value: Some(value), moved: false })
    }

    /// The level of each for a new season, by the last seat; 0 where the board has no levels.
    async fn levels(
        &self,
        line: &Line,
        groups: &Groups,
        unseated: &Unseated,
    ) -> Result<Vec<u8>, EngineError> {
        let Some(league) = &groups.league else { return Ok(vec![0; unseated.len()]) };
        let mut tables: BTreeMap<(u64, u64), CohortTable> = BTreeMap::new();
        let mut levels = Vec::with_capacity(unseated.len());
        for (player, (before, _)) in unseated {
            let Some(before) = before else {
                levels.push(league.start());
                continue;
            };
            let of = (before.season, before.seat.cohort);
            let table = match tables.entry(of) {
                Entry::Occupied(table) => table.into_mut(),
                Entry::Vacant(place) => {
                    let table = self.cohort_table(line, of).await?;
                    self.surely(Home::Record, &table.read).await?;
                    place.insert(table)
                }
            };
            let fate = table.fate(line, *player).unwrap_or(Fate::Stays);
            levels.push(league.next_level(before.level, fate));
        }
        Ok(levels)
    }

    /// Those who have no seat in a season yet and may take one, with their last seats.
    async fn unseated(
        &self,
        line: &Line,
        number: u64,
        players: &[PlayerId],
    ) -> Result<Unseated, EngineError> {
        let keys: Vec<Key> =
            players.iter().map(|player| Key::Seated(line.config.name.clone(), *player)).collect();
        let mut unseated = BTreeMap::new();
        for ((player, key), found) in players.iter().zip(&keys).zip(self.get(Home::Record, &keys).await?) {
            let (before, version) = match &found {
                None => (None, None),
                Some(found) => (Some(last_seat(key, &found.row)?), Some(found.version)),
            };
            if before.is_none_or(|before| before.season < number) {
                unseated.insert(*player, (before, version));
            }
        }
        Ok(unseated)
    }

    /// Hidden ratings, where they say who plays with whom.
    async fn ratings_of(
        &self,
        line: &Line,
        groups: &Groups,
        players: impl Iterator<Item = &PlayerId>,
    ) -> Result<BTreeMap<PlayerId, i64>, EngineError> {
        let Some(mode) = line.config.mode().filter(|_| groups.asks_for_rating()) else {
            return Ok(BTreeMap::new());
        };
        let initial = crate::results::counting::score_of(&self.system_of(mode).initial());
        let players: Vec<PlayerId> = players.copied().collect();
        let keys: Vec<Key> = players.iter().map(|player| Key::Rating(mode.clone(), *player)).collect();
        let mut ratings = BTreeMap::new();
        for ((player, key), found) in players.iter().zip(&keys).zip(self.get(Home::Record, &keys).await?) {
            let row = found.map(|found| standing(key, &found)).transpose()?.and_then(|(row, _)| row.rating);
            ratings.insert(*player, row.map_or(initial, |row| row.score));
        }
        Ok(ratings)
    }

    /// A cohort as it stands, or stood when its season ended; where the season's table is final, as it stands there. Reads
    /// its seats and their entries, and no more.
    pub(super) async fn cohort_table(
        &self,
        line: &Line,
        (season, cohort): (u64, u64),
    ) -> Result<CohortTable, EngineError> {
        let name = &line.config.name;
        let (mut level, mut seated, mut read) = (0, Vec::new(), Vec::new());
        self.each(KeyRange::SeatsOf(name.clone(), season, cohort), |key, found| {
            let Row::Seat(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
            level = row.level;
            seated.push(row.player);
            Ok(())
        })
        .await?;
        // Seats are given in order and stay: if the next one is free, none is missing.
        let next = u32::try_from(seated.len()).unwrap_or(u32::MAX).saturating_add(1);
        read.push((Key::Seat(name.clone(), season, cohort, next), Expect::Absent));
        let until = line.season(season).and_then(|season| season.ends_at);
        let until = until.map_or(self.clock.now(), |end| end.min(self.clock.now()));
        let mut keys: Vec<Key> =
            seated.iter().map(|player| Key::Entry(name.clone(), season, *player)).collect();
        keys.push(Key::Payout(name.clone(), season));
        let mut entries = self.get(Home::Record, &keys).await?;
        let (frozen, rests_on) = payouts::final_shades(name, season, entries.pop().flatten())?;
        read.extend(rests_on);
        let mut board = Board::new(line.config.order());
        let mut games = Map::default();
        for ((player, key), found) in seated.iter().zip(&keys).zip(entries) {
            read.push((
                key.clone(),
                found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.version)),
            ));
            let Some(found) = found else { continue };
            let row = entry_of(key, &found.row)?;
            board.set(*player, mark(&line.config, &Brought::of_entry(row), found.version, until));
            games.insert(*player, row.submissions);
            let seen = match &frozen {
                Some(frozen) => frozen.get(player).copied().unwrap_or_default(),
                None => self.views.boards.seen(name, *player),
            };
            if seen != Visibility::Shown {
                board.set_visibility(*player, seen);
            }
        }
        Ok(CohortTable { level, seated, board, games, read })
    }
}

/// The row that says which seat a player took last.
pub(super) fn last_seat(key: &Key, row: &Row) -> Result<SeatOf, EngineError> {
    match row {
        Row::Seated(of) => Ok(*of),
        _ => Err(EngineError::damaged(key)),
    }
}
