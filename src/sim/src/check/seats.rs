//! Seats of a league: each player one a season, cohorts filled in order, levels that follow from the season before.
use super::{
    broken,
    entries::{Entries, of_league},
};
use crate::{
    Fault, Invariant,
    truth::{Eye, Truth},
    world::{LEAGUE, league},
};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{
    BoardRef, Engine, Seat, Viewer,
    store::{EntryRow, Key, Row, SeatOf, SeatRow, StagedRow, Verdict},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// By season, cohort and number.
type Seats = BTreeMap<(u64, u64, u32), SeatRow>;

/// Where a player sits in a season.
pub(crate) type Seated = BTreeMap<(u64, PlayerId), (u64, u8)>;

fn fault<T>(detail: String) -> Result<T, Fault> {
    broken(Invariant::SeatsKept, detail)
}

/// The seats and last seats as stored, once decided jobs are carried out.
fn stored(truth: &Truth, eye: &Eye, name: &BoardName) -> (Seats, BTreeMap<PlayerId, SeatOf>) {
    let (mut seats, mut last) = (Seats::new(), BTreeMap::new());
    let mut take = |key: &Key, row: &Row| match (key, row) {
        (Key::Seat(of, season, cohort, number), Row::Seat(row)) if of == name => {
            seats.insert((*season, *cohort, *number), *row);
        }
        (Key::Seated(of, player), Row::Seated(row)) if of == name => {
            last.insert(*player, *row);
        }
        _ => {}
    };
    eye.seats(name).iter().for_each(|(key, found)| take(key, &found.row));
    for row in &truth.staged {
        if let StagedRow::Put(key, row) = row {
            take(key, row);
        }
    }
    (seats, last)
}

/// What always holds of seats. To be called when no fold is held back.
pub(crate) fn seats_lawful(truth: &Truth, eye: &Eye, entries: &Entries) -> Result<Seated, Fault> {
    let Some((name, league)) = league() else { return Ok(Seated::new()) };
    let (seats, last) = stored(truth, eye, &name);
    let mut seated = Seated::new();
    let mut cohorts: BTreeMap<(u64, u64), Vec<(u32, &SeatRow)>> = BTreeMap::new();
    for ((season, cohort, number), row) in &seats {
        cohorts.entry((*season, *cohort)).or_default().push((*number, row));
        if let Some(other) = seated.insert((*season, row.player), (*cohort, row.level)) {
            return fault(format!(
                "{} sits twice in season {season}: {other:?}, {cohort} {number}",
                row.player
            ));
        }
    }
    let mut open = BTreeSet::new();
    for ((season, cohort), members) in cohorts.iter().rev() {
        let in_order = members.iter().map(|(number, _)| *number).eq(1..=members.len() as u32);
        let levels: BTreeSet<u8> = members.iter().map(|(_, row)| row.level).collect();
        let (is_full, too_many) = (members.len() as u32 == league.size, members.len() as u32 > league.size);
        let is_newest = levels.iter().all(|level| open.insert((*season, *level)));
        let follows = *cohort == 1 || cohorts.contains_key(&(*season, cohort - 1));
        if !in_order || levels.len() != 1 || too_many || !follows || !(is_full || is_newest) {
            return fault(format!("season {season}, cohort {cohort}: {members:?}"));
        }
    }
    for ((season, cohort, number), row) in &seats {
        let seat = Seat { cohort: *cohort, number: *number };
        let of = SeatOf { season: *season, seat, level: row.level };
        follows(row, of, &seated, &last, league.start)?;
    }
    for (name, number, player) in entries.keys().filter(|(name, _, _)| name.as_str() == LEAGUE) {
        // A node whose clock is behind may count for a season after a seat of the next.
        let sits = seated.contains_key(&(*number, *player));
        if !sits && last.get(player).is_none_or(|last| last.season <= *number) {
            return fault(format!("{player} has an entry in season {number} of {name} and no seat"));
        }
    }
    levels_recount(truth, eye, &cohorts, entries, &name)?;
    Ok(seated)
}

/// A seat against the one before, and the row that says which is the last.
fn follows(
    row: &SeatRow,
    of: SeatOf,
    seated: &Seated,
    last: &BTreeMap<PlayerId, SeatOf>,
    start: u8,
) -> Result<(), Fault> {
    let mut before = seated.range((0, PlayerId::from_u128(0))..(of.season, PlayerId::from_u128(0)));
    let before = before.rfind(|((_, player), _)| *player == row.player);
    let agrees = match (before, row.before) {
        (None, None) => of.level == start,
        (Some(((season, _), (cohort, level))), Some(before)) => {
            (*season, *cohort, *level) == (before.season, before.seat.cohort, before.level)
                && level.abs_diff(of.level) <= 1
        }
        _ => false,
    };
    let newest = last.get(&row.player);
    let is_known = newest.is_some_and(|newest| newest.season > of.season || *newest == of);
    if agrees && is_known {
        return Ok(());
    }
    fault(format!("{of:?} of {row:?} does not follow from {before:?}; the last is {newest:?}"))
}

/// Whether something was written of a cohort after a seat that follows from it: a node whose clock is behind counts for a
/// season, and seats somebody in it, that is over for others.
fn came_late(eye: &Eye, name: &BoardName, seat: Key, before: SeatOf, members: &[(u32, &SeatRow)]) -> bool {
    let of_member = |(number, row): &(u32, &SeatRow)| {
        let seat = Key::Seat(name.clone(), before.season, before.seat.cohort, *number);
        [seat, Key::Entry(name.clone(), before.season, row.player)]
    };
    let given = eye.version(seat);
    given.is_some() && members.iter().flat_map(of_member).any(|key| eye.version(key) > given)
}

/// Levels against the tables of the seasons before, where nothing was ruled on that could have moved them since.
fn levels_recount(
    truth: &Truth,
    eye: &Eye,
    cohorts: &BTreeMap<(u64, u64), Vec<(u32, &SeatRow)>>,
    entries: &Entries,
    name: &BoardName,
) -> Result<(), Fault> {
    let Some((_, league)) = league() else { return Ok(()) };
    let decided = truth.decided();
    let ruled = decided.results.values().filter(|row| row.verdict != Verdict::Counted);
    let ruled: BTreeSet<u64> = ruled.map(|row| of_league(row.at)).collect();
    let all =
        cohorts.iter().flat_map(|(of, seats)| seats.iter().map(move |(number, row)| (of, *number, *row)));
    for ((season, cohort), number, row) in all {
        let Some(before) = row.before.filter(|before| !ruled.contains(&before.season)) else { continue };
        let Some(members) = cohorts.get(&(before.season, before.seat.cohort)) else { continue };
        let of = |player: PlayerId| entries.get(&(name.clone(), before.season, player));
        let key = |entry: &EntryRow, player: PlayerId| (Reverse(entry.values), entry.reached_at, player);
        let mut table: Vec<PlayerId> = members.iter().map(|(_, row)| row.player).collect();
        table.sort_by_key(|player| of(*player).map(|entry| key(entry, *player)));
        let Some(place) = table.iter().position(|player| *player == row.player) else { continue };
        let share = |of: u32| of as usize * members.len() / league.size as usize;
        let (up, down) = (place < share(league.promote), place + share(league.relegate) >= table.len());
        let level = match (up && before.level < league.levels, down && before.level > 1) {
            (true, _) => before.level + 1,
            (false, true) => before.level - 1,
            (false, false) => before.level,
        };
        let seat = Key::Seat(name.clone(), *season, *cohort, number);
        if row.level != level && !came_late(eye, name, seat, before, members) {
            let stood =
                |player: &PlayerId| (*player, of(*player).map(|entry| (entry.values, entry.reached_at)));
            let table: Vec<_> = table.iter().map(stood).collect();
            return fault(format!("{row:?} was {place} of {table:?}, which leads to level {level}"));
        }
    }
    Ok(())
}

/// What a node shows of the league: everybody's rank in the own cohort.
pub(crate) async fn seats_shown(
    seated: &Seated,
    entries: &Entries,
    node: usize,
    engine: &Engine,
) -> Result<(), Fault> {
    let Some((name, _)) = league() else { return Ok(()) };
    for ((season, player), (cohort, level)) in seated {
        // By this node's clock it may not have begun.
        if *season > of_league(engine.clock().now()) {
            continue;
        }
        let entry = |player: PlayerId| entries.get(&(name.clone(), *season, player));
        let mates: Vec<&EntryRow> = seated
            .iter()
            .filter(|((other, _), (of, _))| (other, of) == (season, cohort))
            .filter_map(|((_, mate), _)| entry(*mate))
            .collect();
        let rank =
            entry(*player).map(|own| 1 + mates.iter().filter(|mate| mate.values > own.values).count() as u64);
        let of = BoardRef { name: name.clone(), part: None, season: Some(*season) };
        let seen = match engine.open_board(&of).await {
            Ok(board) => board.seat(*player, Viewer::All),
            Err(error) => Err(error),
        };
        let agrees = seen.as_ref().is_ok_and(|seen| {
            seen.is_some_and(|seen| {
                (seen.seat.cohort, seen.level, seen.rank.map(|rank| rank.get()), seen.players)
                    == (*cohort, Some(*level), rank, mates.len() as u64)
            })
        });
        if !agrees {
            return fault(format!(
                "node {node}, season {season}: {player} is {rank:?} in cohort {cohort}, the board says {seen:?}"
            ));
        }
    }
    Ok(())
}
