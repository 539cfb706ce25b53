//! Rows of boards, their seasons and leagues.
use gsm_core::{Attribute, BoardName, PlayerId, Timestamp};
use gsm_ranking::{
    cohort::Seat,
    payout::{Payout, PayoutConfig},
    tier::{Bounds, TierState},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far the final table of a season has been paid out. From this row on the season stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRow {
    /// How it is delivered.
    pub config: PayoutConfig,
    /// Its pages; `None` until the table has been counted.
    pub ledger: Option<Payout>,
}

/// A payout whose table has been counted, with who had no rank in it because he was not seen: it stays so, whatever is
/// decided later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayingRow {
    /// How far it is.
    pub payout: PayoutRow,
    /// Who of the table was not seen by everybody when it was counted, and whether by himself; by player. `None` where
    /// the table was counted before that was kept.
    pub unseen: Option<Vec<(PlayerId, bool)>>,
}

/// What a player has on a board that scores are submitted to, or that counts what happens in a season.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryRow {
    /// A number for each column of the board; 0 in the columns it does not have.
    pub values: [i64; 5],
    /// Since when the player has had them.
    pub reached_at: Timestamp,
    /// When the newest submission was made, by its own word; on a mode's board the last match.
    pub submitted_at: Timestamp,
    /// How many were taken; on a mode's board rated matches.
    pub submissions: u32,
    /// Rating deviation after the last match, in points; 0 on a board that scores are submitted to.
    pub deviation: f32,
    /// The place in the board's visible tiers, where it has any.
    pub tier: Option<TierState>,
    /// A text of the game's own, shown with the entry.
    pub metadata: Option<String>,
    /// How many steps to it are kept, where the board keeps them.
    pub steps: u32,
}

/// A step of a player on a board that scores are submitted to. Written with the entry, and never again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredRow {
    /// When it counts from.
    pub at: Timestamp,
    /// What the player has from then on, without metadata; `None` where the entry was removed.
    pub entry: Option<EntryRow>,
}

/// Who has a seat in a cohort. Written once, with the entry that took it, and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRow {
    /// Who.
    pub player: PlayerId,
    /// The level that the cohort is on, from 1; 0 where the board has no levels.
    pub level: u8,
    /// The seat that the player had before, in an earlier season.
    pub before: Option<SeatOf>,
}

/// A seat in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatOf {
    /// Which season.
    pub season: u64,
    /// Which seat.
    pub seat: Seat,
    /// The level that the cohort is on, from 1; 0 where the board has no levels.
    pub level: u8,
}

/// Which boards count the results of a mode. Results rest on it, so that none is counted by an old definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountingRow {
    /// Each with a hash of its definition.
    pub boards: BTreeMap<BoardName, u64>,
}

/// Where the tiers of a board start in a season, where that is said by shares of players: worked out once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartsRow {
    /// The rating at which each division starts.
    pub bounds: Bounds,
    /// Players by whose ratings they were worked out; 0 where there were too few.
    pub players: u64,
    /// When.
    pub at: Timestamp,
}

/// That a player is not seen by everybody on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadeRow {
    /// Seen by the player alone; else by nobody.
    pub shadow: bool,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// Where a player belongs: what boards are divided by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesRow {
    /// A part of the world.
    pub region: Option<Attribute>,
    /// A kind of machine.
    pub platform: Option<Attribute>,
    /// Guilds, clans, schools; sorted, each once.
    pub groups: Vec<Attribute>,
}
