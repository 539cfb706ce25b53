use gsm_core::{PlayerId, Rank, Timestamp};
use std::cmp::Ordering;

/// A player's place in the listing, without the rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub player: PlayerId,
    /// The score exactly as shown; any `i64`, more is better.
    pub score: i64,
    /// When the player reached it; the earlier is listed first among equals.
    pub reached_at: Timestamp,
}

impl Entry {
    /// `Less` if `self` is listed before `other`.
    pub(crate) fn listed(&self, other: &Self) -> Ordering {
        let by_score = other.score.cmp(&self.score);
        by_score.then(self.reached_at.cmp(&other.reached_at)).then(self.player.cmp(&other.player))
    }
}

/// One line of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// 1 + the number of strictly better scores; equal scores share it.
    pub rank: Rank,
    /// Who stands there.
    pub entry: Entry,
}

/// Where one player stands among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// 1 + [`better`](Self::better).
    pub rank: Rank,
    /// The player's score.
    pub score: i64,
    /// How many players have a strictly better score.
    pub better: u64,
    /// How many players the board has, this one included; at least 1.
    pub players: u64,
    /// The share of the others that are not better, `0.0..=100.0`: 100 for the leaders and for a sole player, 0
    /// for someone whom all others beat.
    pub percentile: f64,
}

impl Standing {
    pub(crate) fn new(score: i64, better: u64, players: u64) -> Self {
        let others = players.saturating_sub(1);
        let percentile =
            if others == 0 { 100.0 } else { others.saturating_sub(better) as f64 * 100.0 / others as f64 };
        Self { rank: Rank::after(better), score, better, players, percentile }
    }
}

/// A score and the rank that it had at the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Competition rank.
    pub rank: Rank,
    /// The score.
    pub score: i64,
}

/// What a change did to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Nothing: the board knows this version of the player or a newer one.
    Ignored,
    /// The change is in.
    Applied {
        /// The player's place just before; `None` if not on the board.
        before: Option<Place>,
        /// The place just after; `None` if not on the board any more.
        after: Option<Place>,
    },
}

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The least score in it.
    pub lower: i64,
    /// The greatest score in it; not below `lower`.
    pub upper: i64,
    /// How many players have a score in it.
    pub count: u64,
}
