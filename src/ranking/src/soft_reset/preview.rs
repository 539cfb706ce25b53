use super::{Skill, SoftReset};
use crate::tier::{Bounds, TierState, Tiers};
use gsm_core::Timestamp;
use serde::Serialize;

/// Bars of a preview's histogram, at most; fewer where a rounder width needs fewer.
pub const PREVIEW_BUCKETS: usize = 40;
/// The percentiles of a preview.
pub const PREVIEW_PERCENTILES: [u8; 9] = [1, 5, 10, 25, 50, 75, 90, 95, 99];

/// A player, for a preview.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewPlayer {
    /// The hidden rating; one whose mean is not finite is left out.
    pub skill: Skill,
    /// The visible place, if the player has entered the tiers.
    pub place: Option<TierState>,
}

/// What a soft reset would do. All pairs of numbers are before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// How many players were counted.
    pub players: u64,
    /// Means, in bars of equal width without holes; empty without players.
    pub buckets: Vec<PreviewBucket>,
    /// Means at [`PREVIEW_PERCENTILES`] (nearest rank); empty without players.
    pub percentiles: Vec<PreviewPercentile>,
    /// The average deviation before; 0 without players.
    pub deviation_mean_before: f64,
    /// And after.
    pub deviation_mean_after: f64,
    /// How many players each tier has and gets, from the worst tier.
    pub tiers: Vec<PreviewTier>,
    /// Players without a place before.
    pub unplaced_before: u64,
    /// And after: with [`VisibleReset::Placement`](crate::tier::VisibleReset::Placement) all, where there are placement games.
    pub unplaced_after: u64,
}

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PreviewBucket {
    /// The least mean in it.
    pub lower: f64,
    /// The least mean of the next one.
    pub upper: f64,
    /// Players before.
    pub before: u64,
    /// Players after.
    pub after: u64,
}

/// The mean that so many percent of the players do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PreviewPercentile {
    /// Percent of the players.
    pub percent: u8,
    /// Their greatest mean before.
    pub before: f64,
    /// And after.
    pub after: f64,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewTier {
    /// Its name.
    pub name: String,
    /// Players before.
    pub before: u64,
    /// Players after: exactly those whom the reset leaves here.
    pub after: u64,
    /// Players whose rating after the reset belongs here: where all would be if their placement games changed nothing.
    pub belong_after: u64,
}

impl SoftReset {
    /// What the reset would do to these players, as of `now`. Nothing is changed.
    ///
    /// `score` gives the whole number that the board shows for a mean; `bounds` are those of the new season. Without
    /// tiers nothing is told of places. Cost: O(n log n), 8 bytes a player.
    #[must_use]
    pub fn preview(
        &self,
        initial: Skill,
        tiers: Option<(&Tiers, &Bounds)>,
        score: impl Fn(f64) -> i64,
        now: Timestamp,
        players: impl IntoIterator<Item = PreviewPlayer>,
    ) -> Preview {
        let named = |name: &str| PreviewTier { name: name.to_owned(), before: 0, after: 0, belong_after: 0 };
        let mut counts: Vec<PreviewTier> =
            tiers.map(|(tiers, _)| tiers.names().map(named).collect()).unwrap_or_default();
        let (mut unplaced_before, mut unplaced_after) = (0, 0);
        let (mut deviations_before, mut deviations_after) = (0.0, 0.0);
        let mut means = Vec::new();
        for PreviewPlayer { skill, place } in players {
            if !skill.mean.is_finite() {
                continue;
            }
            let reset = self.apply(initial, skill);
            means.push(skill.mean);
            deviations_before += skill.deviation;
            deviations_after += reset.deviation;
            let Some((tiers, bounds)) = tiers else { continue };
            let hidden = score(reset.mean);
            // Who has no place is given none: that is what the first match does.
            let after = place.and_then(|place| {
                let (place, _) = tiers.begin_season(bounds, place, self.visible(), hidden, now);
                tiers.tier_of(&place)
            });
            let before = place.and_then(|place| tiers.tier_of(&tiers.settle(place, now).0));
            match before.and_then(|tier| counts.get_mut(tier)) {
                Some(tier) => tier.before += 1,
                None => unplaced_before += 1,
            }
            match after.and_then(|tier| counts.get_mut(tier)) {
                Some(tier) => tier.after += 1,
                None => unplaced_after += 1,
            }
            if let Some(tier) = tiers.tier_of_rating(bounds, hidden).and_then(|tier| counts.get_mut(tier)) {
                tier.belong_after += 1;
            }
        }
        means.sort_unstable_by(f64::total_cmp);
        let reset = |mean| self.apply(initial, Skill { mean, ..initial }).mean;
        let average = |sum: f64| if means.is_empty() { 0.0 } else { sum / means.len() as f64 };
        Preview {
            players: means.len() as u64,
            buckets: buckets(&means, reset),
            percentiles: percentiles(&means, reset),
            deviation_mean_before: average(deviations_before),
            deviation_mean_after: average(deviations_after),
            tiers: counts,
            unplaced_before,
            unplaced_after,
        }
    }
}

/// A reset keeps the order, so that the percentile of the means after it is the reset of the percentile before.
fn percentiles(sorted: &[f64], reset: impl Fn(f64) -> f64) -> Vec<PreviewPercentile> {
    let at = |percent: u8| {
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100);
        let before = *sorted.get(rank.checked_sub(1)?)?;
        Some(PreviewPercentile { percent, before, after: reset(before) })
    };
    PREVIEW_PERCENTILES.into_iter().filter_map(at).collect()
}

fn buckets(sorted: &[f64], reset: impl Fn(f64) -> f64) -> Vec<PreviewBucket> {
    let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let scale = Scale::new(first.min(reset(first)), last.max(reset(last)));
    let bar = |number: usize| (scale.start + number as f64) * scale.width;
    let mut buckets: Vec<PreviewBucket> = (0..scale.bars)
        .map(|number| PreviewBucket { lower: bar(number), upper: bar(number + 1), before: 0, after: 0 })
        .collect();
    for &mean in sorted {
        for (mean, is_after) in [(mean, false), (reset(mean), true)] {
            // Found by its bounds as shown, so that no rounding puts a mean outside its bar.
            let next = buckets.partition_point(|bucket| bucket.lower <= mean);
            if let Some(bucket) = buckets.get_mut(next.saturating_sub(1)) {
                if is_after { bucket.after += 1 } else { bucket.before += 1 }
            }
        }
    }
    buckets
}

/// The bars of a histogram.
struct Scale {
    /// 1, 2 or 5 times a power of ten, at least a thousandth.
    width: f64,
    /// Number of the first bar, counted from the one that starts at 0.
    start: f64,
    /// How many bars, 1 to [`PREVIEW_BUCKETS`].
    bars: usize,
}

impl Scale {
    /// The narrowest that holds both ends.
    fn new(least: f64, most: f64) -> Self {
        let mut thousandths = 1.0;
        loop {
            for factor in [1.0, 2.0, 5.0] {
                let width = factor * thousandths / 1_000.0;
                let start = (least / width).floor();
                let bars = (most / width).floor() - start + 1.0;
                if bars <= PREVIEW_BUCKETS as f64 {
                    return Self { width, start, bars: bars as usize };
                }
            }
            thousandths *= 10.0; // ends at the latest where the width is infinite and one bar is enough
        }
    }
}
