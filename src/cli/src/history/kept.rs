//! What a data directory takes of a match history: less than can be rated.
use super::line::{Fault, Row};
use crate::external::external_id;
use gsm_core::{Variant, limits};

/// The longest escape of a byte of an id.
const ESCAPED_BYTES_MAX: usize = 3;

/// Refuses a match of these sides that a server does not keep.
pub(super) fn check(number: u64, line: u64, sides: &[&[Row]], parties: &[u32]) -> Result<(), Fault> {
    let players: usize = sides.iter().map(|side| side.len()).sum();
    let (sides_max, players_max) = (limits::MATCH_SIDES_MAX, limits::MATCH_PLAYERS_MAX);
    if sides.len() > sides_max || players > players_max {
        let what = format!(
            "begins match {number} with {} teams and {players} players; a data directory takes {sides_max} and \
             {players_max}, larger contests are rated without --data-dir",
            sides.len()
        );
        return Err(Fault::new(line, what));
    }
    if let Some(size) = parties.iter().find(|size| **size as usize > limits::TICKET_PLAYERS_MAX) {
        let most = limits::TICKET_PLAYERS_MAX;
        return Err(Fault::new(
            line,
            format!("begins match {number} with a party of {size}, one has at most {most}"),
        ));
    }
    for row in sides.iter().copied().flatten() {
        if !row.mode.is_empty()
            && let Err(error) = Variant::new(&row.mode)
        {
            let what = format!("has the mode `{}`, which cannot be stored: {error}", row.mode);
            return Err(Fault::new(row.line, what));
        }
        if row.player.len() * ESCAPED_BYTES_MAX > limits::CALLER_ID_CHARS_MAX {
            external_id(&row.player).map_err(|what| Fault::new(row.line, format!("has {what}")))?;
        }
    }
    Ok(())
}
