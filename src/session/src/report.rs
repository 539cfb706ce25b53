//! What a game server says about a match: plain data, nothing checked. The field names in errors are those of the
//! native API: `placements` for players, `sides` for sides.

use gsm_core::{Millis, PlayerId, Variant};

/// A reported result before [`crate::MatchResult::validate`].
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Who came where.
    pub standings: Standings,
    /// Players who left before the end; adds to [`PlayerReport::quit`].
    pub quits: Vec<PlayerId>,
    /// Players who were there and did not play. How the match ended does not depend on it: a report that says otherwise
    /// is still the same report.
    pub afk: Vec<PlayerId>,
    /// How long the match was played.
    pub duration: Option<Millis>,
    /// The variant of the mode that was played, where it is another than the match was made for, or that named none.
    pub variant: Option<Variant>,
}

/// The places, in either of two forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Standings {
    /// `placements`: one entry for every player of the roster, in any order.
    Players(Vec<PlayerReport>),
    /// `sides`: one entry for every side, in the order of the roster.
    Sides(Vec<SideReport>),
}

/// One player's line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayerReport {
    /// Who.
    pub player: PlayerId,
    /// The place of the player's side: 1 is the best. Players of one side share it.
    pub place: u32,
    /// What this player added to the side's score. All players of a side have one, or none.
    pub score: Option<f64>,
    /// Whether the player left before the end.
    pub quit: bool,
    /// The part of the match that the player played, `0.0..=1.0`; `None` is all of it.
    pub share: Option<f64>,
}

/// One side's line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SideReport {
    /// 1 is the best; equal places are a tie.
    pub place: u32,
    /// The side's score.
    pub score: Option<f64>,
}
