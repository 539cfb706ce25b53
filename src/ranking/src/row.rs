use crate::Keys;
use gsm_core::{PlayerId, Rank, Timestamp};

/// What a player has reached, as of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// What the player is compared by.
    pub keys: Keys,
    /// When the player reached it; the earlier is listed first among equals.
    pub reached_at: Timestamp,
    /// Grows with each change of this player.
    pub version: u64,
    /// Whether the player may be ranked; if not, the mark is kept and nothing more.
    pub eligible: bool,
}

impl Mark {
    /// The mark of a player who may be ranked.
    #[must_use]
    pub fn new(keys: impl Into<Keys>, reached_at: Timestamp, version: u64) -> Self {
        Self { keys: keys.into(), reached_at, version, eligible: true }
    }
}

/// Who sees a player who has a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Everybody.
    #[default]
    Shown,
    /// Nobody: no rank, no listing, and not counted for the rank of anybody else.
    Hidden,
    /// The player alone: sees the rank and the neighbours he would have, while for all others he is hidden.
    Shadow,
}

/// What a board keeps of one player, ranked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The newest mark.
    pub mark: Mark,
    /// Who sees it.
    pub visibility: Visibility,
}

/// A player's place in the listing, without the rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<Id = PlayerId> {
    /// Whose.
    pub player: Id,
    /// The keys exactly as set.
    pub keys: Keys,
    /// When the player reached them.
    pub reached_at: Timestamp,
}

/// One line of a listing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<Id = PlayerId> {
    /// The rank by the policy of the board.
    pub rank: Rank,
    /// As in [`Standing::percentile`].
    pub percentile: f64,
    /// Who stands there.
    pub entry: Entry<Id>,
}

/// One line of a listing of some players alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AmongRow<Id = PlayerId> {
    /// The rank among these players.
    pub rank: Rank,
    /// The rank on the whole board.
    pub global: Rank,
    /// On the whole board, as in [`Standing::percentile`].
    pub percentile: f64,
    /// Who stands there.
    pub entry: Entry<Id>,
}

/// Where one player stands among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The rank by the policy of the board.
    pub rank: Rank,
    /// The player's keys.
    pub keys: Keys,
    /// How many players are ranked, this one included; at least 1.
    pub players: u64,
    /// The share of the others that are not strictly better, `0.0..=100.0`: 100 for the leaders and for a sole
    /// player, 0 for someone whom all others beat.
    pub percentile: f64,
}

/// The share of `others` who are not among the `better`, in percent.
#[inline]
pub(crate) fn percentile(better: u64, others: u64) -> f64 {
    if others == 0 { 100.0 } else { others.saturating_sub(better) as f64 * 100.0 / others as f64 }
}

/// What a change did to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing: the board knows this version of the player or a newer one.
    Ignored,
    /// The change is in.
    Applied,
}

/// A place between two entries of the listing: just after one that was shown. It names the entry and not a number
/// of rows, so that the next page neither repeats nor misses anybody who did not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<Id = PlayerId>(pub Entry<Id>);

/// A part of the listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<Id = PlayerId> {
    /// The rows in order.
    pub rows: Vec<Row<Id>>,
    /// Where the next page begins; `None` if this was the last.
    pub next: Option<Cursor<Id>>,
}

/// One bar of a histogram of the first column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The least score in it.
    pub lower: i64,
    /// The greatest score in it; not below `lower`.
    pub upper: i64,
    /// How many ranked players have a score in it.
    pub count: u64,
}
