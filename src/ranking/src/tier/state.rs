use super::{TOP_POINTS_MAX, Tiers};
use gsm_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A player's place. Made by [`Tiers::enter`]; kept by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierState {
    /// Games until the player gets a place; the next four mean nothing before.
    pub placement_left: u8,
    /// Index of the division, 0 for the lowest of the lowest tier.
    pub division: u16,
    /// Points within the division.
    pub points: u32,
    /// Games for which the player cannot be demoted.
    pub shield_left: u8,
    /// Days of decay that were taken since the last game.
    pub decayed_days: u32,
    /// The last game, or when the player entered.
    pub last_played: Timestamp,
}

/// How a game ended for the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Won.
    Win,
    /// Neither.
    Draw,
    /// Lost.
    Loss,
}

/// What a game means for a visible place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Game {
    /// How it ended.
    pub outcome: Outcome,
    /// The hidden rating before the game, in the board's unit.
    pub hidden_before: i64,
    /// And after it.
    pub hidden_after: i64,
}

/// Why points moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The outcome alone.
    Outcome,
    /// The hidden rating was above (or below) the visible place.
    Pull,
    /// The hidden rating's own move: the opponents were stronger (or weaker) than the player.
    Swing,
    /// Points above the division's end, lost at promotion.
    Surplus,
    /// Points that the shield saved.
    Shield,
    /// Points that a tier which cannot be left saved.
    Floor,
    /// Points above the most that the top tier counts.
    Limit,
}

/// One part of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Why.
    pub reason: Reason,
    /// How many points, signed.
    pub points: i32,
}

/// What happened to a place. Divisions are indexes, 0 for the lowest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TierEvent {
    /// A game of placement is done, others follow.
    PlacementPlayed {
        /// How many follow.
        left: u8,
    },
    /// The player got a place.
    Placed {
        /// Where.
        division: u16,
        /// With how many points.
        points: u32,
    },
    /// The position moved by a game.
    PointsChanged {
        /// By how many points, over division borders: the sum of the parts.
        points: i32,
        /// The outcome first; others only where not 0.
        parts: Vec<Part>,
    },
    /// Up.
    Promoted {
        /// From this division.
        from: u16,
        /// To this one.
        to: u16,
    },
    /// Down.
    Demoted {
        /// From this division.
        from: u16,
        /// To this one.
        to: u16,
    },
    /// A loss would have demoted the player.
    ShieldUsed {
        /// Games for which the shield still holds.
        games_left: u8,
    },
    /// Absence cost points.
    Decayed {
        /// For so many days.
        days: u32,
        /// So many points.
        points: u32,
    },
}

/// A place as a player reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The tier's name.
    pub tier: &'a str,
    /// Number of the division within the tier, 1 for the best.
    pub division: u8,
    /// Points within the division.
    pub points: u32,
}

impl Tiers {
    /// A place as a player reads it; `None` before the end of placement.
    #[must_use]
    pub fn shown(&self, state: &TierState) -> Option<Shown<'_>> {
        if state.placement_left > 0 {
            return None;
        }
        let (division, points) = self.place_at(self.position(state));
        let &(tier, number) = self.divisions.get(usize::from(division))?;
        Some(Shown { tier: &self.config.tiers.get(tier)?.name, division: number, points })
    }

    /// The position of a state as a board compares it: points from the bottom of the lowest division; -1 before the end
    /// of placement.
    #[must_use]
    pub fn place(&self, state: &TierState) -> i64 {
        if state.placement_left > 0 { -1 } else { self.position(state) }
    }

    /// The position of a state; one that was made by another configuration counts as the nearest place of this.
    pub(super) fn position(&self, state: &TierState) -> i64 {
        let division = usize::from(state.division).min(self.top());
        let points = i64::from(state.points).min(self.points_max(division));
        division as i64 * i64::from(self.config.points_per_division) + points
    }

    /// The division and the points of a position.
    pub(super) fn place_at(&self, position: i64) -> (u16, u32) {
        let per_division = i64::from(self.config.points_per_division);
        let division = (position.max(0) / per_division).min(self.top() as i64);
        let points = position.max(0) - division * per_division;
        (u16::try_from(division).unwrap_or(u16::MAX), u32::try_from(points).unwrap_or(u32::MAX))
    }

    /// Index of the best division.
    pub(super) fn top(&self) -> usize {
        self.divisions.len().saturating_sub(1)
    }

    /// The most points within a division.
    pub(super) fn points_max(&self, division: usize) -> i64 {
        let is_top = division >= self.top();
        if is_top { i64::from(TOP_POINTS_MAX) } else { i64::from(self.config.points_per_division) - 1 }
    }
}
