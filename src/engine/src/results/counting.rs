//! What a match does to its players' ratings, computed from values alone.
use super::chain::rating_of;
use crate::{
    EngineError,
    store::{
        ChangeSet, PushEvent, PushKind, RatingCause, RatingRow, ResultRow, SideChange, StandingRow,
        remembered_as,
    },
    systems::Scheme,
};
use gsm_core::{MatchId, Mode, PlayerId, Probability};
use gsm_rating::explained::{self, Adjusted, Person, Rated, Recent};
use gsm_rating::{Change, Entrant, Game, Learnt, Rating, Scratch, Side, System};
use gsm_session::OutcomeKind;

/// A mean as boards compare and show it: thousandths of a point.
#[must_use]
pub(crate) fn score_of(rating: &Rating) -> i64 {
    (rating.mean * 1_000.0).round() as i64
}

/// What a match does to its players' ratings, in roster order. `from` is each player as found.
pub(super) fn rate(
    scheme: &Scheme,
    row: &ResultRow,
    from: &[Option<StandingRow>],
) -> Result<Vec<SideChange>, EngineError> {
    let Scheme { system, options } = scheme;
    let known = from.iter().map(|found| match rating_of(found) {
        Some(old) => (system.at(old.rating, Some(old.rated_at), row.at), old.games),
        None => (system.initial(), 0),
    });
    let nothing = Recent::default();
    let people = people(row, from, &nothing);
    let rated = with_match(row, known, None, |game| {
        explained::rate(system, options, game, &people, &mut Scratch::new())
    });
    let rated = rated.map_err(|e| EngineError::invalid("result", e))?;
    Ok(row
        .roster
        .players()
        .zip(rated)
        .map(|(player, Rated { change, adjusted, .. })| SideChange {
            player,
            before: change.before,
            after: change.after,
            expected: change.expected.get(),
            actual: change.actual,
            adjusted: Some(adjusted).filter(|adjusted| !adjusted.is_none()),
        })
        .collect())
}

/// What is remembered of each player after a result that counts, in roster order; nothing at all without options.
pub(super) fn remembered(scheme: &Scheme, row: &ResultRow) -> Vec<Option<Box<Recent>>> {
    if scheme.options.are_off() {
        return Vec::new();
    }
    let nothing = Recent::default();
    let people = people(row, &row.from, &nothing);
    let change = |change: &SideChange| Change {
        before: change.before,
        after: change.after,
        expected: Probability::saturating(change.expected),
        actual: change.actual,
        offset: None,
    };
    let changes: Vec<Change> = row.changes.iter().map(change).collect();
    let recent = with_game(row, None, |game| {
        explained::remembered(&scheme.options, game, &people, &changes, &adjusted(row))
    });
    // Only a damaged row has not as many changes as players; a rebuild finds it.
    let recent = recent.unwrap_or_default().into_iter();
    recent.map(|recent| Some(recent).filter(|recent| *recent != nothing).map(Box::new)).collect()
}

/// What the options did to each player of a result that counts, in roster order.
pub(super) fn adjusted(row: &ResultRow) -> Vec<Adjusted> {
    row.changes.iter().map(|change| change.adjusted.unwrap_or_default()).collect()
}

/// What the options ask about the players of a match, in roster order.
fn people<'a>(row: &ResultRow, from: &'a [Option<StandingRow>], nothing: &'a Recent) -> Vec<Person<'a>> {
    let players = row.roster.players().zip(row.roster.party_sizes()).zip(from);
    let person = |((player, party), found)| Person {
        id: remembered_as(player),
        party,
        recent: rating_of(found).and_then(|old| old.recent.as_deref()).unwrap_or(nothing),
    };
    players.map(person).collect()
}

/// A match as rating systems see it: `known` is each player's rating, grown to its time, with the games rated so far.
fn with_match<T>(
    row: &ResultRow,
    known: impl Iterator<Item = (Rating, u32)>,
    learnt: Option<&Learnt>,
    look: impl FnOnce(&Game<'_>) -> T,
) -> T {
    let mut known = known;
    let entrant = |(player, (rating, games)): (&PlayerId, (Rating, u32))| Entrant {
        quit: row.result.quits().binary_search(player).is_ok(),
        share: row.result.share_of(*player),
        games,
        ..Entrant::new(rating)
    };
    let entrants: Vec<Vec<Entrant>> = row
        .roster
        .sides()
        .iter()
        .map(|side| side.iter().zip(known.by_ref()).map(entrant).collect())
        .collect();
    let outcomes = row.result.places().iter().zip(row.result.scores());
    let sides: Vec<Side<'_>> = entrants
        .iter()
        .zip(outcomes)
        .map(|(players, (place, score))| Side { score: *score, ..Side::new(*place, players) })
        .collect();
    look(&Game { home: row.roster.home(), learnt, ..Game::new(&sides) })
}

/// The match of a result that counted, as it was rated.
pub(crate) fn with_game<T>(row: &ResultRow, learnt: Option<&Learnt>, look: impl FnOnce(&Game<'_>) -> T) -> T {
    let known = row.changes.iter().zip(&row.from);
    let known = known.map(|(change, from)| (change.before, rating_of(from).map_or(0, |old| old.games)));
    with_match(row, known, learnt, look)
}

/// Rates a result that counted once more, for what it teaches: that lies in `scratch` then. Whether it could.
pub(crate) fn rate_into(system: &System, learnt: &Learnt, row: &ResultRow, scratch: &mut Scratch) -> bool {
    with_game(row, Some(learnt), |game| explained::rate_again(system, game, &adjusted(row), scratch).is_ok())
}

/// The rating row after a match.
pub(super) fn next_row(
    old: Option<&RatingRow>,
    after: Rating,
    row: &ResultRow,
    player: PlayerId,
    recent: Option<Box<Recent>>,
) -> RatingRow {
    let at = row.at;
    let kind = row.result.outcome_for(&row.roster, player).map(|o| o.kind);
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
        recent,
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
