//! A result changes ratings exactly once, and ratings can be rebuilt from results, bit for bit.
use super::broken;
use crate::{
    Fault, Invariant,
    truth::{Decided, Eye, Truth},
};
use gsm_core::{Mode, PlayerId, Timestamp};
use gsm_engine::store::{Entry, HistoryRow, Place, RatingRow, ResultRow, SideChange, StandingRow, Step};
use gsm_rating::{Entrant, Game, Rating, Side, System};
use gsm_session::OutcomeKind;
use std::collections::BTreeMap;

fn fault<T>(detail: String) -> Result<T, Fault> {
    broken(Invariant::RatedOnce, detail)
}

/// Games of each player and mode against the results that count.
pub(crate) fn games_count(truth: &Truth) -> Result<(), Fault> {
    let decided = truth.decided();
    let mut counted: BTreeMap<(Mode, PlayerId), u32> = BTreeMap::new();
    for row in decided.results.values().filter(|row| row.counts()) {
        for player in row.roster.players() {
            *counted.entry((row.mode.clone(), player)).or_default() += 1;
        }
    }
    for (who, standing) in &decided.ratings {
        let (found, wanted) = (standing.rating.map_or(0, |row| row.games), counted.remove(who).unwrap_or(0));
        if found != wanted {
            return fault(format!("{who:?} has {found} games, and {wanted} results that count"));
        }
    }
    match counted.into_iter().next() {
        Some((who, games)) => fault(format!("{who:?} has {games} results and no rating")),
        None => Ok(()),
    }
}

/// Everything that follows from what was reported, corrected and set by hand, computed anew in the order of places.
#[derive(Default)]
struct Rebuilt {
    now: BTreeMap<(Mode, PlayerId), StandingRow>,
    history: BTreeMap<(Mode, PlayerId), BTreeMap<u64, HistoryRow>>,
}

/// A rebuild against what is stored. To be called when no fold is held back.
pub(crate) fn ratings_rebuild(truth: &Truth, eye: &Eye) -> Result<(), Fault> {
    let decided = truth.decided();
    let mut places: Vec<Place> = decided
        .results
        .iter()
        .map(|(id, row)| Place { depth: row.depth, entry: Entry::Match(*id) })
        .chain(
            decided
                .adjustments
                .iter()
                .map(|(id, row)| Place { depth: row.depth, entry: Entry::Adjustment(*id) }),
        )
        .collect();
    places.sort_unstable();
    let mut rebuilt = Rebuilt::default();
    for place in places {
        rebuilt.follow(place, &decided)?;
    }
    if rebuilt.now != decided.ratings {
        let differs = decided.ratings.iter().find(|(who, row)| rebuilt.now.get(who) != Some(row));
        let wanted = differs.map(|(who, _)| rebuilt.now.get(who));
        return fault(format!("stored is {differs:?}, the results give {wanted:?}"));
    }
    for (mode, player) in decided.ratings.keys() {
        let mut stored = eye.history(mode, *player);
        for ((staged_mode, staged_player, depth), row) in &decided.history {
            if (staged_mode, staged_player) == (mode, player) {
                match row {
                    Some(row) => stored.insert(*depth, row.clone()),
                    None => stored.remove(depth),
                };
            }
        }
        let wanted = rebuilt.history.remove(&(mode.clone(), *player)).unwrap_or_default();
        if stored != wanted {
            return fault(format!(
                "history of {player} in {mode} is {stored:?}, the results give {wanted:?}"
            ));
        }
    }
    Ok(())
}

impl Rebuilt {
    fn follow(&mut self, place: Place, decided: &Decided) -> Result<(), Fault> {
        match place.entry {
            Entry::Match(id) => {
                let Some(row) = decided.results.get(&id) else { return Ok(()) };
                let from: Vec<Option<StandingRow>> = row
                    .roster
                    .players()
                    .map(|player| self.now.get(&(row.mode.clone(), player)).copied())
                    .collect();
                if from != row.from {
                    return fault(format!("{id} says that it found {:?}, it found {from:?}", row.from));
                }
                let changes = if row.counts() { rated(row, &from) } else { Some(Vec::new()) };
                if changes.as_ref() != Some(&row.changes) {
                    return fault(format!("{id} says that it did {:?}, it did {changes:?}", row.changes));
                }
                for (at, (player, from)) in row.roster.players().zip(&from).enumerate() {
                    let old = from.and_then(|standing| standing.rating);
                    let Some(change) = row.changes.get(at) else {
                        self.end(&row.mode, player, place, old);
                        continue;
                    };
                    let next = next(row, player, old, change.after);
                    let places = row.result.places();
                    let place_of = places[row.roster.side_of(player).unwrap_or_default()];
                    let step = Step::Match {
                        match_id: id,
                        place: place_of,
                        shared: places.iter().filter(|of| **of == place_of).count() > 1,
                        sides: row.roster.sides().len() as u32,
                        expected: change.expected,
                        actual: change.actual,
                        quit: row.result.quits().contains(&player),
                    };
                    self.step(&row.mode, player, place, (row.at, step, change.before), next);
                }
            }
            Entry::Adjustment(id) => {
                let Some(row) = decided.adjustments.get(&id) else { return Ok(()) };
                let from = self.now.get(&(row.mode.clone(), row.player)).copied();
                if from != row.from {
                    return fault(format!("{id} says that it found {:?}, it found {from:?}", row.from));
                }
                let old = from.and_then(|standing| standing.rating);
                let before = old.map_or_else(|| System::default().initial(), |old| old.rating);
                let rating =
                    Rating { mean: row.mean, deviation: row.deviation.unwrap_or(before.deviation), ..before };
                let next = RatingRow {
                    rating,
                    rated_at: row.at,
                    games: old.map_or(0, |old| old.games),
                    wins: old.map_or(0, |old| old.wins),
                    draws: old.map_or(0, |old| old.draws),
                    score: (row.mean * 1_000.0).round() as i64,
                    reached_at: row.at,
                };
                self.step(&row.mode, row.player, place, (row.at, Step::Adjustment { id }, before), next);
            }
        }
        Ok(())
    }

    fn end(&mut self, mode: &Mode, player: PlayerId, last: Place, rating: Option<RatingRow>) {
        self.now.insert((mode.clone(), player), StandingRow { last, rating });
    }

    fn step(
        &mut self,
        mode: &Mode,
        player: PlayerId,
        place: Place,
        (at, step, before): (Timestamp, Step, Rating),
        next: RatingRow,
    ) {
        self.end(mode, player, place, Some(next));
        let row = HistoryRow { at, step, before, after: next.rating, games: next.games };
        self.history.entry((mode.clone(), player)).or_default().insert(place.depth, row);
    }
}

/// A player's row after a match.
fn next(row: &ResultRow, player: PlayerId, old: Option<RatingRow>, rating: Rating) -> RatingRow {
    let kind = row.result.outcome_for(&row.roster, player).map(|o| o.kind);
    let score = (rating.mean * 1_000.0).round() as i64;
    let games = |n: u32, one: bool| n + u32::from(one);
    RatingRow {
        rating,
        rated_at: old.map_or(row.at, |old| old.rated_at.max(row.at)),
        games: old.map_or(0, |old| old.games) + 1,
        wins: games(old.map_or(0, |old| old.wins), kind == Some(OutcomeKind::Win)),
        draws: games(old.map_or(0, |old| old.draws), kind == Some(OutcomeKind::Draw)),
        score,
        reached_at: old.filter(|old| old.score == score).map_or(row.at, |old| old.reached_at),
    }
}

/// What a result does to players found like this.
fn rated(row: &ResultRow, from: &[Option<StandingRow>]) -> Option<Vec<SideChange>> {
    let system = System::default();
    let mut found = from.iter();
    let mut entrant = |player: &PlayerId| {
        let (rating, games) = match found.next().copied().flatten().and_then(|standing| standing.rating) {
            Some(old) => (system.at(old.rating, Some(old.rated_at), row.at), old.games),
            None => (system.initial(), 0),
        };
        Entrant { quit: row.result.quits().contains(player), games, ..Entrant::new(rating) }
    };
    let entrants: Vec<Vec<Entrant>> =
        row.roster.sides().iter().map(|side| side.iter().map(&mut entrant).collect()).collect();
    let outcomes = row.result.places().iter().zip(row.result.scores());
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(outcomes)
        .map(|(players, (place, score))| Side { score: *score, ..Side::new(*place, players) })
        .collect();
    let changes = system.update(&Game::new(&sides)).ok()?;
    let change = |(player, change): (PlayerId, gsm_rating::Change)| SideChange {
        player,
        before: change.before,
        after: change.after,
        expected: change.expected.get(),
        actual: change.actual,
    };
    Some(row.roster.players().zip(changes.into_iter().flatten()).map(change).collect())
}
