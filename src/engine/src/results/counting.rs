//! What a match does to its players' ratings, computed from values alone.
use crate::{
    EngineError,
    store::{ChangeSet, PushEvent, PushKind, RatingCause, RatingRow, ResultRow, SideChange},
};
use gsm_core::{MatchId, Mode, PlayerId, Timestamp};
use gsm_rating::{Entrant, Game, Learnt, Rating, Scratch, Side, System};
use gsm_session::{MatchResult, OutcomeKind, Roster};

/// A mean as boards compare and show it: thousandths of a point.
#[must_use]
pub(crate) fn score_of(rating: &Rating) -> i64 {
    (rating.mean * 1_000.0).round() as i64
}

/// What a match does to its players' ratings, in roster order. `before` is each rating, grown to the time of the
/// match, with the games rated so far.
pub(super) fn rate(
    system: &System,
    roster: &Roster,
    result: &MatchResult,
    before: &[(Rating, u32)],
) -> Result<Vec<SideChange>, EngineError> {
    let mut players = before.iter();
    let entrants: Vec<Vec<Entrant>> = roster
        .sides()
        .iter()
        .map(|side| {
            side.iter()
                .map(|player| {
                    let known = players.next().copied();
                    let (rating, games) = known.unwrap_or_else(|| (system.initial(), 0));
                    let quit = result.quits().binary_search(player).is_ok();
                    Entrant { quit, games, ..Entrant::new(rating) }
                })
                .collect()
        })
        .collect();
    let outcomes = result.places().iter().zip(result.scores());
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(outcomes)
        .map(|(players, (place, score))| Side { score: *score, ..Side::new(*place, players) })
        .collect();
    let changes = system.update(&Game::new(&sides)).map_err(|e| EngineError::invalid("result", e))?;
    Ok(roster
        .players()
        .zip(changes.into_iter().flatten())
        .map(|(player, change)| SideChange {
            player,
            before: change.before,
            after: change.after,
            expected: change.expected.get(),
            actual: change.actual,
        })
        .collect())
}

/// The match of a result that counted, as it was rated.
pub(crate) fn with_game<T>(row: &ResultRow, learnt: Option<&Learnt>, look: impl FnOnce(&Game<'_>) -> T) -> T {
    let mut players = row.changes.iter().zip(&row.from);
    let entrants: Vec<Vec<Entrant>> = row
        .roster
        .sides()
        .iter()
        .map(|side| {
            let own = players.by_ref().take(side.len());
            own.map(|(change, from)| Entrant {
                quit: row.result.quits().binary_search(&change.player).is_ok(),
                games: from.and_then(|standing| standing.rating).map_or(0, |rating| rating.games),
                ..Entrant::new(change.before)
            })
            .collect()
        })
        .collect();
    let outcomes = row.result.places().iter().zip(row.result.scores());
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(outcomes)
        .map(|(players, (place, score))| Side { score: *score, ..Side::new(*place, players) })
        .collect();
    look(&Game { learnt, ..Game::new(&sides) })
}

/// Rates a result that counted once more, for what it teaches: that lies in `scratch` then. Whether it could.
pub(crate) fn rate_into(system: &System, learnt: &Learnt, row: &ResultRow, scratch: &mut Scratch) -> bool {
    with_game(row, Some(learnt), |game| system.update_into(game, scratch, &mut Vec::new()).is_ok())
}

/// The rating row after a match.
pub(super) fn next_row(
    old: Option<&RatingRow>,
    after: Rating,
    result: &MatchResult,
    roster: &Roster,
    player: PlayerId,
    at: Timestamp,
) -> RatingRow {
    let old = old.copied();
    let kind = result.outcome_for(roster, player).map(|o| o.kind);
    let score = score_of(&after);
    let add = |n: u32, is: bool| n.saturating_add(u32::from(is));
    RatingRow {
        rating: after,
        rated_at: old.map_or(at, |row| row.rated_at.max(at)),
        games: add(old.map_or(0, |row| row.games), true),
        wins: add(old.map_or(0, |row| row.wins), kind == Some(OutcomeKind::Win)),
        draws: add(old.map_or(0, |row| row.draws), kind == Some(OutcomeKind::Draw)),
        score,
        reached_at: old.filter(|row| row.score == score).map_or(at, |row| row.reached_at),
    }
}

/// Tells a player how a match moved the rating.
pub(super) fn tell_rating(changes: &mut ChangeSet, id: MatchId, mode: &Mode, change: &SideChange) {
    let kind = PushKind::Rating {
        mode: mode.clone(),
        match_id: id,
        cause: RatingCause::Result,
        before: change.before,
        after: change.after,
    };
    changes.event(change.player, PushEvent { at: changes.at, kind });
}
