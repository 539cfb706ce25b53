//! The parts of a gain: the match rated again and again, each time with one thing more.
use super::rerate::{regrouped, rerate};
use super::{Adjusted, Item, What};
use crate::{Change, Entrant, Game, KalmanSettings, RatingError, Scratch, System};

/// All that there is but the result, in the order of [`What`].
const FURTHER: [What; 9] = [
    What::Margin,
    What::PartialPlay,
    What::Quit,
    What::NewcomerFading,
    What::Variant,
    What::Party,
    What::Smurf,
    What::RepeatedPair,
    What::Newcomer,
];

/// Items up to this are what rounding makes of two ways to the same number, in points.
const NOISE_MAX: f64 = 1e-10;

/// The items of each player, side by side; `changes` are those of the match with everything.
pub(super) fn items(
    system: &System,
    game: &Game<'_>,
    adjusted: &[Adjusted],
    changes: &[Change],
    scratch: &mut Scratch,
) -> Result<Vec<Vec<Item>>, RatingError> {
    let mut items = vec![Vec::new(); changes.len()];
    let mut gains = vec![0.0; changes.len()];
    let further = FURTHER.into_iter().filter(|what| is_in(*what, system, game, adjusted));
    let mut whats = std::iter::once(What::Result).chain(further).peekable();
    while let Some(what) = whats.next() {
        let known = match whats.peek() {
            Some(_) => Some(rated_with(what, system, game, adjusted, scratch)?),
            None => None,
        };
        let known = known.as_deref().unwrap_or(changes);
        for ((items, gain), change) in items.iter_mut().zip(&mut gains).zip(known) {
            let points = change.gain() - *gain;
            // What is left out is part of the item that comes next.
            if points.abs() > NOISE_MAX || what == What::Result {
                items.push(Item { what, points });
                *gain = change.gain();
            }
        }
    }
    Ok(items)
}

/// Whether a match has any of it.
fn is_in(what: What, system: &System, game: &Game<'_>, adjusted: &[Adjusted]) -> bool {
    let mut players = game.sides.iter().flat_map(|side| side.players);
    let any = |is: fn(&Adjusted) -> bool| adjusted.iter().any(is);
    match what {
        What::Result => true,
        What::Margin => {
            matches!(system, System::Kalman(_)) && game.sides.iter().any(|side| side.score.is_some())
        }
        What::PartialPlay => players.any(is_partial),
        What::Quit => players.any(|player| player.quit),
        What::NewcomerFading => matches!(system, System::Kalman(settings) if settings.newcomer_fade > 0.0),
        What::Variant => players.any(|player| player.offset.is_some()),
        What::Party => any(|of| of.bonus != 0.0),
        What::Smurf => any(|of| of.boost != 1.0),
        What::RepeatedPair => any(|of| of.repeated_weight != 1.0),
        What::Newcomer => any(|of| of.newcomer_weight != 1.0),
    }
}

/// Who was not there at all is another match.
fn is_partial(player: &Entrant) -> bool {
    player.is_present() && player.share != 1.0
}

/// The changes of a match with everything up to `last` in the order of [`What`], and nothing after it.
fn rated_with(
    last: What,
    system: &System,
    game: &Game<'_>,
    adjusted: &[Adjusted],
    scratch: &mut Scratch,
) -> Result<Vec<Change>, RatingError> {
    let has = |what: What| what <= last;
    let unfading = match system {
        System::Kalman(settings) if !has(What::NewcomerFading) => {
            Some(System::Kalman(KalmanSettings { newcomer_fade: 0.0, ..settings.clone() }))
        }
        _ => None,
    };
    let players = game.sides.iter().flat_map(|side| side.players);
    let players: Vec<Entrant> = players
        .map(|player| Entrant {
            share: if is_partial(player) && !has(What::PartialPlay) { 1.0 } else { player.share },
            quit: player.quit && has(What::Quit),
            offset: player.offset.filter(|_| has(What::Variant)),
            ..*player
        })
        .collect();
    let mut sides = regrouped(game, &players);
    if !has(What::Margin) {
        sides.iter_mut().for_each(|side| side.score = None);
    }
    let none = Adjusted::default();
    let adjusted: Vec<Adjusted> = adjusted
        .iter()
        .map(|of| Adjusted {
            bonus: if has(What::Party) { of.bonus } else { none.bonus },
            boost: if has(What::Smurf) { of.boost } else { none.boost },
            repeated_weight: if has(What::RepeatedPair) { of.repeated_weight } else { none.repeated_weight },
            newcomer_weight: none.newcomer_weight,
        })
        .collect();
    rerate(unfading.as_ref().unwrap_or(system), &Game { sides: &sides, ..*game }, &adjusted, scratch)
}
