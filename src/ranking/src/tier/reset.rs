use super::{Bounds, TierEvent, TierState, Tiers};
use gsm_core::Timestamp;
use serde::{Deserialize, Serialize};

/// What a new season makes of visible places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VisibleReset {
    /// Everybody goes down so many divisions, floors or not, and keeps the points within the division. Who would
    /// fall below the lowest division starts at the bottom of it, without points.
    Lower {
        /// How many.
        divisions: u16,
    },
    /// Everybody plays the placement games again, or is placed at once if there are none.
    #[default]
    Placement,
}

impl Tiers {
    /// A place in the new season. `hidden` is the hidden rating after its own reset, in the board's unit.
    ///
    /// Nobody overtakes anybody by [`VisibleReset::Lower`]; a player still in placement stays there. Decay that was
    /// due comes first, and a shield ends.
    #[must_use]
    pub fn begin_season(
        &self,
        bounds: &Bounds,
        state: TierState,
        reset: VisibleReset,
        hidden: i64,
        now: Timestamp,
    ) -> (TierState, Vec<TierEvent>) {
        let divisions = match reset {
            VisibleReset::Placement => return self.enter(bounds, hidden, now),
            VisibleReset::Lower { divisions } => divisions,
        };
        let (state, mut events) = self.settle(state, now);
        if state.placement_left > 0 {
            return (state, events);
        }
        let (from, points) = self.place_at(self.position(&state));
        let (to, points) = match from.checked_sub(divisions) {
            Some(to) => (to, i64::from(points).min(self.points_max(usize::from(to)))),
            None => (0, 0),
        };
        if to < from {
            events.push(TierEvent::Demoted { from, to });
        }
        let points = u32::try_from(points).unwrap_or(u32::MAX);
        (TierState { division: to, points, shield_left: 0, ..state }, events)
    }

    /// The names of the tiers, from the worst.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.config.tiers.iter().map(|tier| tier.name.as_str())
    }

    /// The index of the tier of a place, `None` in placement.
    pub(crate) fn tier_of(&self, state: &TierState) -> Option<usize> {
        let (division, _) = self.place_at(self.position(state));
        let tier = self.divisions.get(usize::from(division)).map(|&(tier, _)| tier);
        tier.filter(|_| state.placement_left == 0)
    }

    /// The index of the tier that fits a hidden rating.
    pub(crate) fn tier_of_rating(&self, bounds: &Bounds, hidden: i64) -> Option<usize> {
        let (division, _) = self.place_at(self.position_of_rating(bounds, hidden));
        self.divisions.get(usize::from(division)).map(|&(tier, _)| tier)
    }
}
