//! Boards that count results hold what the histories give, season by season, and show it.
use super::broken;
use crate::{
    Fault, Invariant,
    truth::{Eye, Truth},
    world::{BEST, LEAGUE, LEAGUE_SEASON_MS, LEAGUE_SEASONS, SEASON_MS, SEASONS_FROM_MS, SPRINT, tiers},
};
use gsm_core::{BoardName, Mode, PlayerId, Timestamp};
use gsm_engine::{
    BoardRef, Engine, Viewer,
    store::{EntryRow, HistoryRow, Key, Row, StagedRow, Step},
};
use gsm_ranking::tier::{Bounds, Game, Outcome, TierState, Tiers};
use std::collections::{BTreeMap, BTreeSet};

/// What a season makes of its steps: the columns, and the place in tiers.
type Counted = ([i64; 5], Option<TierState>);

pub(crate) type Entries = BTreeMap<(BoardName, u64, PlayerId), EntryRow>;

/// The number of a season: those of a board are of equal length.
fn number(at: Timestamp, season_ms: i64) -> u64 {
    ((at.as_millis() - SEASONS_FROM_MS) / season_ms) as u64 + 1
}

fn of_sprint(at: Timestamp) -> u64 {
    number(at, SEASON_MS)
}

pub(super) fn of_league(at: Timestamp) -> u64 {
    number(at, LEAGUE_SEASON_MS).min(LEAGUE_SEASONS as u64)
}

/// An entry from the steps of its season, in order; none without a match.
fn entry<'a>(
    steps: impl Iterator<Item = &'a HistoryRow>,
    counted: impl Fn(&[&HistoryRow]) -> Counted,
) -> Option<EntryRow> {
    let is_match = |step: &&HistoryRow| matches!(step.step, Step::Match { .. });
    // What a hand sets before the first match leaves no entry.
    let steps: Vec<&HistoryRow> = steps.skip_while(|step| !is_match(step)).collect();
    let (last, matches) = (steps.last()?, steps.iter().filter(|step| is_match(step)));
    let (values, tier) = counted(&steps);
    // The last step that changed a number.
    let since = (0..steps.len()).rev().find(|at| *at == 0 || counted(&steps[..*at]).0 != values)?;
    Some(EntryRow {
        values,
        reached_at: steps[since].at,
        submitted_at: matches.clone().map(|step| step.at).max()?,
        submissions: matches.count() as u32,
        deviation: last.after.deviation as f32,
        tier,
        metadata: None,
        steps: 0,
    })
}

fn thousandths(mean: f64) -> i64 {
    (mean * 1_000.0).round() as i64
}

fn best(steps: &[&HistoryRow]) -> i64 {
    steps.iter().map(|step| thousandths(step.after.mean)).max().unwrap_or(0)
}

/// The place after the matches of a season, the first step being one.
fn place(tiers: &Tiers, bounds: &Bounds, steps: &[&HistoryRow]) -> Option<TierState> {
    let mut state = None;
    for step in steps {
        let Step::Match { place, shared, quit, .. } = step.step else { continue };
        let (hidden_before, hidden_after) = (thousandths(step.before.mean), thousandths(step.after.mean));
        let outcome = match (place, shared) {
            (1, false) if !quit => Outcome::Win,
            (1, true) if !quit => Outcome::Draw,
            _ => Outcome::Loss,
        };
        let there = state.unwrap_or_else(|| tiers.enter(bounds, hidden_before, step.at).0);
        let game = Game { outcome, hidden_before, hidden_after };
        state = Some(tiers.apply(bounds, there, game, step.at).0);
    }
    state
}

fn sprint(steps: &[&HistoryRow]) -> [i64; 5] {
    let is_won = |step: &Step| matches!(step, Step::Match { place: 1, shared: false, quit: false, .. });
    let wins = steps.iter().filter(|step| is_won(&step.step));
    let games = steps.iter().filter(|step| matches!(step.step, Step::Match { .. }));
    [wins.count() as i64, best(steps), games.count() as i64, 0, 0]
}

/// What a league compares: nothing that a hand or a ruling of another season moves.
fn league(steps: &[&HistoryRow]) -> [i64; 5] {
    let [wins, _, games, ..] = sprint(steps);
    [wins, games, 0, 0, 0]
}

/// Where the tiers of each season start, once decided jobs are carried out.
fn starts(truth: &Truth, eye: &Eye) -> BTreeMap<u64, Bounds> {
    let mut starts = eye.starts(SPRINT);
    for row in &truth.staged {
        if let StagedRow::Put(Key::Starts(_, number), row) = row
            && let Row::Starts(row) = &**row
        {
            starts.insert(*number, row.bounds.clone());
        }
    }
    starts
}

/// The entries as stored, once decided jobs are carried out.
fn stored(truth: &Truth, eye: &Eye) -> Entries {
    let mut entries = eye.entries(&[SPRINT, BEST, LEAGUE]);
    for row in &truth.staged {
        match row {
            StagedRow::Put(Key::Entry(name, number, player), row) => {
                if let Row::Entry(row) = &**row {
                    entries.insert((name.clone(), *number, *player), row.clone());
                }
            }
            StagedRow::Remove(Key::Entry(name, number, player)) => {
                entries.remove(&(name.clone(), *number, *player));
            }
            _ => {}
        }
    }
    entries
}

/// The stored entries against the histories. To be called when no fold is held back.
pub(crate) fn entries_recount(truth: &Truth, eye: &Eye, mode: &Mode) -> Result<Entries, Fault> {
    let decided = truth.decided();
    let name = |text: &str| {
        BoardName::new(text).map_err(|e| Fault { invariant: Invariant::Answers, detail: e.to_string() })
    };
    let (sprints, bests, leagues) = (name(SPRINT)?, name(BEST)?, name(LEAGUE)?);
    let (starts, tiers) = (starts(truth, eye), tiers().and_then(|config| Tiers::new(config).ok()));
    let mut wanted = Entries::new();
    for (of, player) in decided.ratings.keys().filter(|(of, _)| of == mode) {
        let mut steps = eye.history(of, *player);
        for ((staged, whose, depth), row) in &decided.history {
            if (staged, whose) == (of, player) {
                match row {
                    Some(row) => drop(steps.insert(*depth, row.clone())),
                    None => drop(steps.remove(depth)),
                }
            }
        }
        if let Some(row) = entry(steps.values(), |steps| ([best(steps), 0, 0, 0, 0], None)) {
            wanted.insert((bests.clone(), 0, *player), row);
        }
        let seasons =
            |of: fn(Timestamp) -> u64| steps.values().map(|step| of(step.at)).collect::<BTreeSet<u64>>();
        for number in seasons(of_sprint) {
            let of_season = steps.values().filter(|step| of_sprint(step.at) == number);
            // A season with an entry has starts; without, the entry lacks its tier.
            let bounds = tiers.as_ref().zip(starts.get(&number));
            let tier = |steps: &[&HistoryRow]| place(bounds?.0, bounds?.1, steps);
            if let Some(row) = entry(of_season, |steps| (sprint(steps), tier(steps))) {
                wanted.insert((sprints.clone(), number, *player), row);
            }
        }
        for number in seasons(of_league) {
            let of_season = steps.values().filter(|step| of_league(step.at) == number);
            if let Some(row) = entry(of_season, |steps| (league(steps), None)) {
                wanted.insert((leagues.clone(), number, *player), row);
            }
        }
    }
    // The one that comes late counts from when it is named: before, its caller has not finished.
    let counts =
        |(name, ..): &(BoardName, u64, PlayerId)| name.as_str() != BEST || truth.counting.contains(name);
    wanted.retain(|key, _| counts(key));
    let mut stored = stored(truth, eye);
    stored.retain(|key, _| counts(key));
    if stored != wanted {
        let keys = stored.keys().chain(wanted.keys());
        let differs = keys.into_iter().find(|key| stored.get(key) != wanted.get(key));
        let rows = differs.map(|key| (key, stored.get(key), wanted.get(key)));
        return broken(
            Invariant::RatedOnce,
            format!("an entry, as stored and as the histories give it: {rows:?}"),
        );
    }
    Ok(wanted)
}

/// A node's boards against the entries: all seasons, the past ones read again from the store.
pub(crate) async fn entries_shown(entries: &Entries, node: usize, engine: &Engine) -> Result<(), Fault> {
    let mut seats: BTreeMap<(&BoardName, u64), Vec<(&PlayerId, &EntryRow)>> = BTreeMap::new();
    // Ranks of a league are those in its cohorts.
    for ((name, number, player), row) in entries.iter().filter(|((name, _, _), _)| name.as_str() != LEAGUE) {
        seats.entry((name, *number)).or_default().push((player, row));
    }
    for ((name, number), rows) in seats {
        // By this node's clock it may not have begun.
        if number > of_sprint(engine.clock().now()) {
            continue;
        }
        let of = BoardRef { name: name.clone(), part: None, season: (number > 0).then_some(number) };
        let opened = engine.open_board(&of).await;
        for (player, row) in &rows {
            let better = rows.iter().filter(|(_, other)| other.values > row.values).count() as u64;
            let seen =
                opened.as_ref().map_err(Clone::clone).and_then(|board| board.rank(**player, Viewer::All));
            let agrees = seen.as_ref().is_ok_and(|seen| {
                (seen.rank.get(), seen.keys.columns(), seen.games, seen.players)
                    == (better + 1, &row.values, row.submissions, rows.len() as u64)
            });
            if !agrees {
                let detail = format!(
                    "node {node}, {name} {number}: {player} is {} of {} with {row:?}, the board says {seen:?}",
                    better + 1,
                    rows.len()
                );
                return broken(Invariant::RankRecounts, detail);
            }
        }
    }
    Ok(())
}
