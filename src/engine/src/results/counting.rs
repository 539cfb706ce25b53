//! What a match does to its players' ratings, computed from values alone.
use super::chain::rating_of;
use crate::{
    EngineError,
    store::{
        Carried, ChangeSet, PushEvent, PushKind, RatingCause, RatingRow, ResultRow, SideChange, StandingRow,
        remembered_as,
    },
    systems::Scheme,
};
use gsm_core::{MatchId, Mode, PlayerId, Probability, Timestamp, Variant};
use gsm_rating::explained::{self, Adjusted, Person, Rated, Recent};
use gsm_rating::{Change, Entrant, Game, Learnt, Offset, Rating, Scratch, Side, System};
use gsm_session::OutcomeKind;

/// A mean as boards compare and show it: thousandths of a point.
#[must_use]
pub(crate) fn score_of(rating: &Rating) -> i64 {
    (rating.mean * 1_000.0).round() as i64
}

/// A rating as of `at` that a match is predicted by: in its variant, where it has one. `row` is of who has none yet.
pub(crate) fn rating_in(
    system: &System,
    row: Option<&RatingRow>,
    variant: Option<&Variant>,
    at: Timestamp,
) -> Rating {
    let rating = row.map_or_else(|| system.initial(), |row| system.at(row.rating, Some(row.rated_at), at));
    offset_in(system, row, variant).map_or(rating, |offset| offset.applied(rating))
}

/// A player's offset before a match in a variant; a newcomer's where none is kept, `None` where none counts.
fn offset_in(system: &System, row: Option<&RatingRow>, variant: Option<&Variant>) -> Option<Offset> {
    let (variant, new) = variant.zip(system.initial_offset())?;
    Some(row.and_then(|row| row.offset_in(variant)).unwrap_or(new))
}

/// What a match does to its players' ratings, and to their offsets in its variant, in roster order. `from` is each
/// player as found.
pub(super) fn rate(
    scheme: &Scheme,
    row: &ResultRow,
    from: &[Option<StandingRow>],
) -> Result<(Vec<SideChange>, Vec<Offset>), EngineError> {
    let Scheme { system, options } = scheme;
    let known = from.iter().map(|found| match rating_of(found) {
        Some(old) => (system.at(old.rating, Some(old.rated_at), row.at), old.games),
        None => (system.initial(), 0),
    });
    let known = known.zip(from).map(|((rating, games), found)| Known::of(system, row, rating, games, found));
    let nothing = Recent::default();
    let people = people(row, from, &nothing);
    let rated = with_match(row, known, None, |game| {
        explained::rate(system, options, game, &people, &mut Scratch::new())
    });
    let rated = rated.map_err(|e| EngineError::invalid("result", e))?;
    let offsets = rated.iter().filter_map(|rated| rated.change.offset).collect();
    let changes = row.roster.players().zip(rated);
    let changes = changes.map(|(player, Rated { change, adjusted, .. })| SideChange {
        player,
        before: change.before,
        after: change.after,
        expected: change.expected.get(),
        actual: change.actual,
        adjusted: Some(adjusted).filter(|adjusted| !adjusted.is_none()),
    });
    Ok((changes.collect(), offsets))
}

/// What each player carries on from a result that counts, in roster order; nothing at all where nobody carries anything.
pub(super) fn carried(scheme: &Scheme, row: &ResultRow) -> Vec<Option<Box<Carried>>> {
    let remembered = remembered(scheme, row);
    let found = |at: usize| row.from.get(at).and_then(rating_of);
    let has_any = |at| found(at).is_some_and(|old| old.carried.is_some());
    if remembered.is_empty() && row.offsets.is_empty() && !(0..row.from.len()).any(has_any) {
        return Vec::new();
    }
    let mut remembered = remembered.into_iter();
    let carried = (0..row.changes.len()).map(|at| {
        let recent = remembered.next().unwrap_or_default();
        let old = found(at).and_then(|old| old.carried.as_ref());
        let kept = old.map(|old| old.offsets.clone()).unwrap_or_default();
        let before = offset_in(&scheme.system, found(at), row.result.variant());
        // Whom a match does not move has not played it.
        let moved = row.offsets.get(at).filter(|after| before.as_ref() != Some(*after));
        let offsets = match (row.result.variant(), moved) {
            (Some(variant), Some(after)) => kept.after(variant, *after),
            _ => kept,
        };
        let carried = Carried { recent, offsets };
        Some(carried).filter(|carried| *carried != Carried::default()).map(Box::new)
    });
    carried.collect()
}

/// What is remembered of each player after a result that counts, in roster order; nothing at all without options.
fn remembered(scheme: &Scheme, row: &ResultRow) -> Vec<Recent> {
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
    let recent = with_game(row, &scheme.system, None, |game| {
        explained::remembered(&scheme.options, game, &people, &changes, &adjusted(row))
    });
    // Only a damaged row has not as many changes as players; a rebuild finds it.
    recent.unwrap_or_default()
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
        recent: rating_of(found).and_then(|old| old.carried.as_ref()).map_or(nothing, |old| &old.recent),
    };
    players.map(person).collect()
}

/// What is known of a player before a match.
struct Known {
    /// Grown to its time.
    rating: Rating,
    /// Rated so far.
    games: u32,
    /// In the variant played.
    offset: Option<Offset>,
}

impl Known {
    fn of(system: &System, row: &ResultRow, rating: Rating, games: u32, found: &Option<StandingRow>) -> Self {
        Self { rating, games, offset: offset_in(system, rating_of(found), row.result.variant()) }
    }
}

/// A match as rating systems see it, its players in roster order.
fn with_match<T>(
    row: &ResultRow,
    known: impl Iterator<Item = Known>,
    learnt: Option<&Learnt>,
    look: impl FnOnce(&Game<'_>) -> T,
) -> T {
    let mut known = known;
    let entrant = |(player, Known { rating, games, offset }): (&PlayerId, Known)| Entrant {
        quit: row.result.quits().binary_search(player).is_ok(),
        share: row.result.share_of(*player),
        games,
        offset,
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
pub(crate) fn with_game<T>(
    row: &ResultRow,
    system: &System,
    learnt: Option<&Learnt>,
    look: impl FnOnce(&Game<'_>) -> T,
) -> T {
    let known = row.changes.iter().zip(&row.from).map(|(change, from)| {
        Known::of(system, row, change.before, rating_of(from).map_or(0, |old| old.games), from)
    });
    with_match(row, known, learnt, look)
}

/// Rates a result that counted once more, for what it teaches: that lies in `scratch` then. Whether it could.
pub(crate) fn rate_into(system: &System, learnt: &Learnt, row: &ResultRow, scratch: &mut Scratch) -> bool {
    with_game(row, system, Some(learnt), |game| {
        explained::rate_again(system, game, &adjusted(row), scratch).is_ok()
    })
}

/// The rating row after a match.
pub(super) fn next_row(
    old: Option<&RatingRow>,
    after: Rating,
    row: &ResultRow,
    player: PlayerId,
    carried: Option<Box<Carried>>,
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
        reached_at: reached_at(old, score, at),
        carried,
    }
}

/// Since when a player has a score that a step at `at` leaves.
pub(super) fn reached_at(old: Option<&RatingRow>, score: i64, at: Timestamp) -> Timestamp {
    old.filter(|old| old.score == score).map_or(at, |old| old.reached_at)
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
