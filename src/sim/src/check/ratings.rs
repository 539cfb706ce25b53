//! A result changes ratings exactly once, and ratings can be rebuilt from results, bit for bit.
use super::broken;
use crate::{
    Fault, Invariant,
    truth::{Decided, Eye, Scheme, Truth},
    world::QUEUES,
};
use gsm_core::{Mode, PlayerId, Timestamp};
use gsm_engine::{
    Call, Engine,
    store::{
        AdjustmentKind, Carried, Entry, HistoryRow, Place, RatingRow, ResultRow, SideChange, StandingRow,
        Step, remembered_as,
    },
};
use gsm_ranking::soft_reset::{Skill, SoftReset};
use gsm_rating::explained::{Person, Rated, rate};
use gsm_rating::{Entrant, Game, Offset, Rating, Scratch, Side};
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
        let (found, wanted) =
            (standing.rating.as_ref().map_or(0, |row| row.games), counted.remove(who).unwrap_or(0));
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
        rebuilt.follow(place, truth, &decided)?;
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

/// The engine's own rebuild finds nothing to put right. To be called of healthy stores that hold nothing back.
pub(crate) async fn nothing_differs(engine: &Engine) -> Result<(), Fault> {
    for mode in QUEUES.iter().filter_map(|name| Mode::new(name).ok()) {
        let call = Call::system("sim", engine.clock().now());
        match engine.rebuild(&call, &mode, false).await {
            Ok(report) if report.differing == 0 => {}
            other => return fault(format!("a rebuild of {mode} says {other:?}")),
        }
    }
    Ok(())
}

impl Rebuilt {
    fn follow(&mut self, place: Place, truth: &Truth, decided: &Decided) -> Result<(), Fault> {
        match place.entry {
            Entry::Match(id) => {
                let Some(row) = decided.results.get(&id) else { return Ok(()) };
                let from: Vec<Option<StandingRow>> = row
                    .roster
                    .players()
                    .map(|player| self.now.get(&(row.mode.clone(), player)).cloned())
                    .collect();
                if from != row.from {
                    return fault(format!("{id} says that it found {:?}, it found {from:?}", row.from));
                }
                let Some(scheme) = truth.schemes.get(&row.system) else {
                    return fault(format!("{id}: nobody knows how it is rated"));
                };
                let rated = if row.counts() { rated(scheme, row, &from) } else { Some(Vec::new()) };
                let Some(rated) = rated else { return fault(format!("{id} cannot be rated")) };
                let offsets: Vec<Offset> = rated.iter().filter_map(|(_, offset, _)| *offset).collect();
                let (changes, carried): (Vec<_>, Vec<_>) =
                    rated.into_iter().map(|(change, _, carried)| (change, carried)).unzip();
                if changes != row.changes || offsets != row.offsets {
                    let (said, did) = ((&row.changes, &row.offsets), (&changes, &offsets));
                    return fault(format!("{id} says that it did {said:?}, it did {did:?}"));
                }
                let mut carried = carried.into_iter();
                for (at, (player, from)) in row.roster.players().zip(&from).enumerate() {
                    let old = from.as_ref().and_then(|standing| standing.rating.as_ref());
                    let (Some(change), Some(carried)) = (row.changes.get(at), carried.next()) else {
                        self.end(&row.mode, player, place, old.cloned());
                        continue;
                    };
                    let next = RatingRow { carried, ..next(row, player, old, change.after) };
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
                let from = self.now.get(&(row.mode.clone(), row.player)).cloned();
                if from != row.from {
                    return fault(format!("{id} says that it found {:?}, it found {from:?}", row.from));
                }
                let old = from.and_then(|standing| standing.rating);
                let old = old.as_ref();
                let Some(scheme) = truth.schemes.get(&row.system) else {
                    return fault(format!("{id}: nobody knows how its mode is rated"));
                };
                let grown = old.map_or_else(
                    || scheme.system.initial(),
                    |old| scheme.system.at(old.rating, Some(old.rated_at), row.at),
                );
                let (rating, visible) = match row.kind {
                    AdjustmentKind::Set { mean, deviation } => {
                        (scheme.system.set(grown, mean, deviation), None)
                    }
                    AdjustmentKind::Reset(config) => {
                        let (Some(old), Ok(formula)) = (old, SoftReset::new(config)) else {
                            self.end(&row.mode, row.player, place, None);
                            return Ok(());
                        };
                        let skill =
                            |of: Rating, games| Skill { mean: of.mean, deviation: of.deviation, games };
                        let after = formula.apply(skill(scheme.system.initial(), 0), skill(grown, old.games));
                        let rating = Rating { mean: after.mean, deviation: after.deviation, ..grown };
                        (rating, Some(config.visible))
                    }
                };
                let score = (rating.mean * 1_000.0).round() as i64;
                let next = RatingRow {
                    rating,
                    rated_at: row.at,
                    games: old.map_or(0, |old| old.games),
                    wins: old.map_or(0, |old| old.wins),
                    draws: old.map_or(0, |old| old.draws),
                    score,
                    reached_at: old.filter(|old| old.score == score).map_or(row.at, |old| old.reached_at),
                    carried: old.and_then(|old| old.carried.clone()),
                };
                let step = Step::Adjustment { id, visible };
                self.step(&row.mode, row.player, place, (row.at, step, grown), next);
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
        let row = HistoryRow { at, step, before, after: next.rating, games: next.games };
        self.end(mode, player, place, Some(next));
        self.history.entry((mode.clone(), player)).or_default().insert(place.depth, row);
    }
}

/// A player's row after a match, but for what is carried on from it.
fn next(row: &ResultRow, player: PlayerId, old: Option<&RatingRow>, rating: Rating) -> RatingRow {
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
        carried: None,
    }
}

/// What a result did to a player: the change, the offset in its variant, and what the player carries on.
type Outcome = (SideChange, Option<Offset>, Option<Box<Carried>>);

/// What a result does to players found like this.
fn rated(scheme: &Scheme, row: &ResultRow, from: &[Option<StandingRow>]) -> Option<Vec<Outcome>> {
    let Scheme { system, options } = scheme;
    let old = |found: &Option<StandingRow>| found.clone().and_then(|standing| standing.rating);
    let carried: Vec<Carried> = from
        .iter()
        .map(|found| old(found).and_then(|old| old.carried).map_or_else(Carried::default, |carried| *carried))
        .collect();
    let party = row.roster.party_sizes();
    let people: Vec<Person<'_>> = row
        .roster
        .players()
        .zip(party)
        .zip(&carried)
        .map(|((player, party), Carried { recent, .. })| Person { id: remembered_as(player), party, recent })
        .collect();
    let before: Vec<Option<Offset>> = carried
        .iter()
        .map(|carried| {
            let known = carried.offsets.get(row.result.variant()?);
            known.or_else(|| system.initial_offset())
        })
        .collect();
    let (mut found, mut offsets) = (from.iter(), before.iter());
    let mut entrant = |player: &PlayerId| {
        let (rating, games) = match found.next().and_then(old) {
            Some(old) => (system.at(old.rating, Some(old.rated_at), row.at), old.games),
            None => (system.initial(), 0),
        };
        let share =
            row.result.shares().iter().find(|(who, _)| who == player).map_or(1.0, |(_, share)| *share);
        let offset = offsets.next().copied().flatten();
        Entrant { quit: row.result.quits().contains(player), games, share, offset, ..Entrant::new(rating) }
    };
    let entrants: Vec<Vec<Entrant>> =
        row.roster.sides().iter().map(|side| side.iter().map(&mut entrant).collect()).collect();
    let outcomes = row.result.places().iter().zip(row.result.scores());
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(outcomes)
        .map(|(players, (place, score))| Side { score: *score, ..Side::new(*place, players) })
        .collect();
    let game = Game { home: row.roster.home(), ..Game::new(&sides) };
    let rated = rate(system, options, &game, &people, &mut Scratch::new()).ok()?;
    let outcome = |(((player, rated), before), carried): (((PlayerId, Rated), _), Carried)| {
        let Rated { change, recent, adjusted } = rated;
        let offset = change.offset;
        let change = SideChange {
            player,
            before: change.before,
            after: change.after,
            expected: change.expected.get(),
            actual: change.actual,
            adjusted: (!adjusted.is_none()).then_some(adjusted),
        };
        let offsets = match (row.result.variant(), offset) {
            (Some(variant), Some(after)) if offset != before => carried.offsets.after(variant, after),
            _ => carried.offsets,
        };
        let carried = Carried { recent, offsets };
        (change, offset, (carried != Carried::default()).then(|| Box::new(carried)))
    };
    Some(row.roster.players().zip(rated).zip(before).zip(carried).map(outcome).collect())
}
