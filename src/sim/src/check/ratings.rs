//! A result changes ratings exactly once, and ratings can be rebuilt from results, bit for bit.
use super::broken;
use crate::{
    Fault, Invariant,
    truth::{Eye, Truth},
};
use gsm_core::{MatchId, Mode, PlayerId};
use gsm_engine::store::{HistoryRow, RatingRow, ResultRow};
use gsm_rating::{Entrant, Game, Rating, Side, System};
use gsm_session::OutcomeKind;
use std::collections::BTreeMap;

/// Games of each player and mode against the results that count. Results under way may have been applied or not.
pub(crate) fn games_count(truth: &Truth) -> Result<(), Fault> {
    let mut counted: BTreeMap<(Mode, PlayerId), (u32, u32)> = BTreeMap::new();
    for row in truth.results.values() {
        for player in row.roster.players() {
            let (sure, under_way) = counted.entry((row.mode.clone(), player)).or_default();
            *(if row.pending.is_some() { under_way } else { sure }) += 1;
        }
    }
    for (who, (row, _)) in &truth.ratings {
        if !counted.contains_key(who) {
            return broken(Invariant::RatedOnce, format!("{who:?} has {} games and no result", row.games));
        }
    }
    for ((mode, player), (sure, under_way)) in counted {
        let games = truth.ratings.get(&(mode.clone(), player)).map_or(0, |(row, _)| row.games);
        if !(sure..=sure + under_way).contains(&games) {
            return broken(
                Invariant::RatedOnce,
                format!("{player} has {games} games in {mode}, {sure} results and {under_way} under way"),
            );
        }
    }
    Ok(())
}

/// Replays each player's chain. To be called when no fold is held back.
pub(crate) fn ratings_replay(truth: &Truth, eye: &Eye) -> Result<(), Fault> {
    let system = System::default();
    for ((mode, player), (row, _)) in &truth.ratings {
        let steps = eye.history(mode, *player);
        if steps.len() != row.games as usize {
            let (games, steps) = (row.games, steps.len());
            let detail = format!("{player} has {games} games in {mode} and {steps} steps of history");
            return broken(Invariant::RatedOnce, detail);
        }
        let mut now: Option<RatingRow> = None;
        for step in &steps {
            let Some(result) = truth.results.get(&step.match_id) else {
                return broken(
                    Invariant::RatedOnce,
                    format!("{player} was rated by {}, without result", step.match_id),
                );
            };
            now = Some(follow(&system, *player, now, step, result)?);
        }
        if now != Some(*row) {
            let detail = format!("{player} in {mode}: the row says {row:?}, the results give {now:?}");
            return broken(Invariant::RatedOnce, detail);
        }
    }
    Ok(())
}

/// The row after one more result, computed anew; a fault if the history tells another story.
fn follow(
    system: &System,
    player: PlayerId,
    old: Option<RatingRow>,
    step: &HistoryRow,
    result: &ResultRow,
) -> Result<RatingRow, Fault> {
    let before = match &old {
        Some(row) => system.at(row.rating, Some(row.rated_at), result.at),
        None => system.initial(),
    };
    let after = rate_one(system, player, before, result);
    if step.before != before || Some(step.after) != after {
        let id: MatchId = step.match_id;
        let told = format!("{:?} to {:?}", step.before, step.after);
        return broken(
            Invariant::RatedOnce,
            format!("{player} in {id}: history says {told}, the result gives {before:?} to {after:?}"),
        );
    }
    let rating = step.after;
    let kind = result.result.outcome_for(&result.roster, player).map(|o| o.kind);
    let score = (rating.mean * 1_000.0).round() as i64;
    let games = |n: u32, one: bool| n + u32::from(one);
    Ok(RatingRow {
        rating,
        rated_at: old.map_or(result.at, |row| row.rated_at.max(result.at)),
        games: old.map_or(0, |row| row.games) + 1,
        wins: games(old.map_or(0, |row| row.wins), kind == Some(OutcomeKind::Win)),
        draws: games(old.map_or(0, |row| row.draws), kind == Some(OutcomeKind::Draw)),
        score,
        reached_at: old.filter(|row| row.score == score).map_or(result.at, |row| row.reached_at),
    })
}

/// What a result makes of one player's rating, against the others as they were when it was decided.
fn rate_one(system: &System, player: PlayerId, before: Rating, result: &ResultRow) -> Option<Rating> {
    let entrants: Vec<Vec<Entrant>> = result
        .roster
        .sides()
        .iter()
        .map(|side| {
            side.iter()
                .map(|mate| {
                    let decided = result.changes.iter().find(|c| c.player == *mate).map(|c| c.before);
                    let rating =
                        if *mate == player { before } else { decided.unwrap_or_else(|| system.initial()) };
                    Entrant { quit: result.result.quits().contains(mate), ..Entrant::new(rating) }
                })
                .collect()
        })
        .collect();
    let places = result.result.places();
    let sides: Vec<Side<'_>> =
        entrants.iter().zip(places).map(|(players, place)| Side::new(*place, players)).collect();
    let changes = system.update(&Game::new(&sides)).ok()?;
    result
        .roster
        .players()
        .zip(changes.into_iter().flatten())
        .find(|(p, _)| *p == player)
        .map(|(_, c)| c.after)
}
