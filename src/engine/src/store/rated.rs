//! Rows of what moves ratings, and of what that led to.
use gsm_core::{AdjustmentId, MatchId, Mode, PlayerId, Timestamp, Variant};
use gsm_ranking::{soft_reset::ResetConfig, tier::VisibleReset};
use gsm_rating::{
    Offset, Offsets, Rating,
    explained::{Adjusted, Recent},
};
use gsm_session::{MatchResult, Roster};
use serde::{Deserialize, Serialize};

/// A player's rating in one mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatingRow {
    /// Mean, deviation and volatility after the last match.
    pub rating: Rating,
    /// When that match ended, or what was done to the rating by hand since.
    pub rated_at: Timestamp,
    /// Matches rated.
    pub games: u32,
    /// Matches in which nobody did better, played to the end.
    pub wins: u32,
    /// Matches in which first place was shared.
    pub draws: u32,
    /// The mean in thousandths of a point, as boards compare and show it.
    pub score: i64,
    /// When that score was reached.
    pub reached_at: Timestamp,
    /// What only the next match needs; `None` where that is nothing.
    pub carried: Option<Box<Carried>>,
}

/// What a rating carries from match to match beside its numbers: for modes that have rating options or variants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// What the mode's rating options remember of the last matches.
    pub recent: Recent,
    /// How much better or worse the player is in the variants of the mode.
    pub offsets: Offsets,
}

/// What stands for a player where opponents are remembered ([`Carried::recent`]): 32 mixed bits of the id (the
/// finalizer of SplitMix64, over both halves), the same on every node and for ever.
#[must_use]
pub const fn remembered_as(player: PlayerId) -> u32 {
    const fn mixed(x: u64) -> u64 {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
    let bits = player.as_u128();
    (mixed(mixed((bits >> 64) as u64) ^ bits as u64) >> 32) as u32
}

impl RatingRow {
    /// The row without what only the next match needs, for views that keep many.
    pub(crate) const fn shown(&self) -> Self {
        Self { carried: None, ..*self }
    }

    /// The player's offset in a variant; `None` where none is kept.
    #[must_use]
    pub fn offset_in(&self, variant: &Variant) -> Option<Offset> {
        self.carried.as_ref().and_then(|carried| carried.offsets.get(variant))
    }
}

/// What moved a rating: a link of a player's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Entry {
    /// A result.
    Match(MatchId),
    /// A hand.
    Adjustment(AdjustmentId),
}

/// Where an entry stands in the order in which a mode's ratings came about. It never changes, whatever is voided or
/// corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// 1 + the depth of the deepest entry before it in the chains of its players (a Lamport clock): of two entries of
    /// one player the later one is deeper.
    pub depth: u64,
    /// The entry.
    pub entry: Entry,
}

/// A player in one mode: the end of the player's chain, and the rating it led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingRow {
    /// The last entry, whether it counts or not.
    pub last: Place,
    /// `None` if nothing in the chain counts any more.
    pub rating: Option<RatingRow>,
}

/// One step of a rating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// When.
    pub at: Timestamp,
    /// What moved it.
    pub step: Step,
    /// Before; in a match grown to its time.
    pub before: Rating,
    /// After.
    pub after: Rating,
    /// Rated matches, this one included.
    pub games: u32,
}

/// What moved a rating, told to whoever reads the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// A match.
    Match {
        /// Which.
        match_id: MatchId,
        /// Place of the player's side, 1 is the best.
        place: u32,
        /// Whether another side shared that place.
        shared: bool,
        /// Sides of the match.
        sides: u32,
        /// Expected score, in `0.0..=1.0`.
        expected: f64,
        /// Score reached, in `0.0..=1.0`.
        actual: f64,
        /// Whether the player quit.
        quit: bool,
    },
    /// An operator.
    Adjustment {
        /// Which.
        id: AdjustmentId,
        /// What becomes of visible places; `None` where the rating alone was set.
        visible: Option<VisibleReset>,
    },
}

/// What one player's rating did in a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideChange {
    /// The player.
    pub player: PlayerId,
    /// Before, grown to the time of the match.
    pub before: Rating,
    /// After.
    pub after: Rating,
    /// Expected score, in `0.0..=1.0`.
    pub expected: f64,
    /// Score reached, in `0.0..=1.0`.
    pub actual: f64,
    /// What the mode's rating options had to do with it; `None` where that is nothing.
    pub adjusted: Option<Adjusted>,
}

/// A result, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    /// The mode it is rated in.
    pub mode: Mode,
    /// Who played.
    pub roster: Roster,
    /// How it ended: as corrected, if it was.
    pub result: MatchResult,
    /// When it was reported.
    pub at: Timestamp,
    /// Its place in the order of the mode.
    pub depth: u64,
    /// The rating system and options it is rated by ([`super::Key::System`]).
    pub system: u64,
    /// Every player as found, in roster order; `None` for a player's first entry.
    pub from: Vec<Option<StandingRow>>,
    /// Every player's rating before and after, in roster order; empty while it does not count.
    pub changes: Vec<SideChange>,
    /// Every player's offset in the variant played from then on, in roster order; empty where it was played in none, or the
    /// rating system knows none.
    pub offsets: Vec<Offset>,
    /// Idempotency scope and body of the report, where one was given.
    pub call: Option<([u8; 32], [u8; 32])>,
    /// Whether it counts.
    pub verdict: Verdict,
    /// How it was reported, where a correction says otherwise.
    pub reported: Option<Box<MatchResult>>,
}

/// Whether a result counts, and if anyone changed that, when and why (who: the audit log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// As it was reported.
    Counted,
    /// Not yet: it is not believed, and waits for somebody to look at it.
    Quarantined {
        /// What is not believed.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
    /// Not at all.
    Voided {
        /// Why.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
    /// As somebody corrected it.
    Corrected {
        /// Why.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
    /// Not yet: its players do not agree on it, and it waits for somebody to rule on it.
    Disputed {
        /// How they do not.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
}

/// What a hand does to a rating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AdjustmentKind {
    /// It is set.
    Set {
        /// The mean that was set, in points.
        mean: f64,
        /// The deviation that was set, in points, if one was.
        deviation: Option<f64>,
    },
    /// It is drawn towards a target by a formula, with all others of the mode; who has no rating then is left alone.
    Reset(ResetConfig),
}

/// A rating moved by hand, and what that did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdjustmentRow {
    /// The mode.
    pub mode: Mode,
    /// Whose.
    pub player: PlayerId,
    /// When.
    pub at: Timestamp,
    /// Its place in the order of the mode.
    pub depth: u64,
    /// The rating system that a newcomer's other values come from ([`super::Key::System`]).
    pub system: u64,
    /// What was done.
    pub kind: AdjustmentKind,
    /// Why.
    pub reason: String,
    /// The player as found; `None` for a player's first entry.
    pub from: Option<StandingRow>,
}
