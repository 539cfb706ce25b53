use super::{StartConfig, Tiers};
use serde::{Deserialize, Serialize};

/// The hidden rating at which each division starts, in the board's unit, from the lowest division; never
/// descending. A division that starts where the next one does is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bounds(Vec<i64>);

impl Bounds {
    /// From the lowest division.
    #[must_use]
    pub fn starts(&self) -> &[i64] {
        &self.0
    }
}

impl Tiers {
    /// Whether divisions start where shares of the players are, so that [`Tiers::bounds`] has to ask.
    #[must_use]
    pub const fn start_by_shares(&self) -> bool {
        matches!(self.config.start, StartConfig::PlayersBelowPermille(_))
    }

    /// The tier's name and the number within it, 1 for the best, of each division from the lowest.
    pub fn named(&self) -> impl Iterator<Item = (&str, u8)> {
        self.divisions
            .iter()
            .filter_map(|&(tier, number)| Some((self.config.tiers.get(tier)?.name.as_str(), number)))
    }

    /// The games that a player plays before the first place.
    #[must_use]
    pub const fn placement_games(&self) -> u8 {
        self.config.placement_games
    }

    /// Where each division starts: as configured, or by the players there are.
    ///
    /// `rating_above` is asked only where shares of players are configured. It gives the hidden rating that so
    /// many thousandths of the players are below, 0 to 999, such as the board's score at that quantile; it is
    /// asked once for each division, from the lowest. A value below the one before counts as that one.
    #[must_use]
    pub fn bounds(&self, mut rating_above: impl FnMut(u16) -> i64) -> Bounds {
        match &self.config.start {
            StartConfig::Ratings(ratings) => Bounds(ratings.clone()),
            StartConfig::PlayersBelowPermille(shares) => {
                let mut least = i64::MIN;
                let shares = std::iter::once(0).chain(shares.iter().copied());
                Bounds(
                    shares
                        .map(|share| {
                            least = least.max(rating_above(share));
                            least
                        })
                        .collect(),
                )
            }
        }
    }

    /// The position that fits a hidden rating: linear between the starts of two divisions, 0 below the first, and
    /// above the last as steep as in the division before it. Never decreases as `hidden` grows.
    pub(super) fn position_of_rating(&self, bounds: &Bounds, hidden: i64) -> i64 {
        let begun = bounds.0.partition_point(|&start| start <= hidden).min(self.divisions());
        let Some(division) = begun.checked_sub(1) else { return 0 };
        let edge = |index: usize| bounds.0.get(index).copied().map(i128::from);
        let per_division = i128::from(self.config.points_per_division);
        let is_top = begun == self.divisions();
        let width = if is_top {
            division.checked_sub(1).and_then(|below| Some(edge(division)? - edge(below)?))
        } else {
            edge(begun).and_then(|end| Some(end - edge(division)?))
        };
        let above = edge(division).map_or(0, |start| i128::from(hidden) - start);
        let points = match width {
            Some(width) if width > 0 => above * per_division / width,
            _ => 0,
        };
        let points = i64::try_from(points).unwrap_or(i64::MAX).min(self.points_max(division));
        division as i64 * per_division as i64 + points
    }
}
