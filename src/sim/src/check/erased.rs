//! Of an erased player nothing is left that says, or leads to, who it was.
use super::broken;
use crate::{
    Fault, Invariant,
    deed::mark,
    truth::{Eye, Truth},
};
use gsm_core::PlayerId;
use gsm_engine::store::{Key, Row};

/// From the moment of the erasure there is no way to the player, and no profile.
pub(crate) fn nobody_left(truth: &Truth, eye: &Eye) -> Result<(), Fault> {
    if truth.erased.is_empty() {
        return Ok(());
    }
    for (key, row) in eye.rows() {
        let of = match (&key, &*row) {
            (Key::Identity(_), Row::Identity(player)) => Some(*player),
            (Key::Player(player) | Key::IdentityOf(player, _) | Key::Bans(player), _) => Some(*player),
            _ => None,
        };
        if let Some(player) = of.filter(|player| truth.erased.contains(player)) {
            return broken(
                Invariant::NobodyLeft,
                format!("{player} was erased, and there is `{key}`: {row:?}"),
            );
        }
    }
    Ok(())
}

/// In the end neither is anything that was said of the player elsewhere, nor anything left to do.
pub(crate) fn nothing_left(truth: &Truth, eye: &Eye) -> Result<(), Fault> {
    let marks: Vec<(PlayerId, String)> = truth.erased.iter().map(|player| (*player, mark(*player))).collect();
    for (key, row) in eye.rows().iter().filter(|_| !marks.is_empty()) {
        if matches!(key, Key::Erasing(_)) {
            return broken(Invariant::NobodyLeft, format!("there is `{key}` still: {row:?}"));
        }
        let said = match &**row {
            Row::Ticket(_) | Row::Replay(_) => format!("{row:?}"),
            _ => continue,
        };
        if let Some((player, _)) = marks.iter().find(|(_, mark)| said.contains(mark)) {
            return broken(Invariant::NobodyLeft, format!("{player} was erased, and `{key}` says: {said}"));
        }
    }
    Ok(())
}
