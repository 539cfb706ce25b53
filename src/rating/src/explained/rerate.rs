use super::Adjusted;
use crate::{Change, Entrant, Game, RatingError, Scratch, Side, System};

/// The changes of a match whose players are adjusted, side by side: [`System::update_into`], run once. Its lesson
/// ([`System::learn`]) is in `scratch`.
pub(super) fn rerate(
    system: &System,
    game: &Game<'_>,
    adjusted: &[Adjusted],
    scratch: &mut Scratch,
) -> Result<Vec<Change>, RatingError> {
    let mut changes = Vec::new();
    if adjusted.iter().all(Adjusted::is_none) {
        system.update_into(game, scratch, &mut changes)?;
        return Ok(changes);
    }
    let players: Vec<&Entrant> = game.sides.iter().flat_map(|side| side.players).collect();
    let seen: Vec<Entrant> =
        players.iter().zip(adjusted).map(|(player, adjusted)| adjusted.before(system, player)).collect();
    let sides = regrouped(game, &seen);
    system.update_into(&Game { sides: &sides, ..*game }, scratch, &mut changes)?;
    for ((player, adjusted), change) in players.into_iter().zip(adjusted).zip(&mut changes) {
        *change = adjusted.after(player, *change);
    }
    Ok(changes)
}

/// The sides of a match with other players in the same seats.
pub(super) fn regrouped<'a>(game: &Game<'_>, players: &'a [Entrant]) -> Vec<Side<'a>> {
    let mut rest = players;
    let of = |side: &Side<'_>| {
        let (own, others) = rest.split_at_checked(side.players.len()).unwrap_or((rest, &[]));
        rest = others;
        Side { place: side.place, score: side.score, players: own }
    };
    game.sides.iter().map(of).collect()
}
