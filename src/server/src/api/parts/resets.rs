//! A soft reset and what it would do (`gsm_ranking::soft_reset`).
use utoipa::ToSchema;

/// What becomes of ratings and places.
#[derive(ToSchema)]
pub(in crate::api) struct ResetShape {
    target: TargetShape,
    /// The share of a mean's distance to the target that stays, 0 to 1.
    keep: f64,
    deviation: DeviationShape,
    /// Whether the count of games starts at 0 again.
    restart_games: bool,
    /// What becomes of visible places; `placement` if absent.
    #[serde(default)]
    visible: VisibleShape,
}

/// Where means go.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum TargetShape {
    /// To the mean of a new player.
    InitialMean,
    Mean(f64),
}

/// What becomes of a deviation; at most that of a new player.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeviationShape {
    AtLeast(f64),
    Add(f64),
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum VisibleShape {
    /// Everybody goes down so many divisions.
    Lower { divisions: u16 },
    /// Everybody plays the placement games again.
    Placement,
}

/// What a soft reset would do; pairs of numbers are before and after.
#[derive(ToSchema)]
pub(in crate::api) struct PreviewShape {
    /// Players counted.
    players: u64,
    /// Means, in bars of equal width without holes.
    buckets: Vec<PreviewBucketShape>,
    percentiles: Vec<PreviewPercentileShape>,
    deviation_mean_before: f64,
    deviation_mean_after: f64,
    /// From the worst tier; empty where no board was named.
    tiers: Vec<PreviewTierShape>,
    /// Players without a place.
    unplaced_before: u64,
    unplaced_after: u64,
}

#[derive(ToSchema)]
struct PreviewBucketShape {
    /// The least mean in it.
    lower: f64,
    /// The least mean of the next one.
    upper: f64,
    /// Players before.
    before: u64,
    /// Players after.
    after: u64,
}

/// The mean that so many percent of the players do not exceed.
#[derive(ToSchema)]
struct PreviewPercentileShape {
    percent: u8,
    before: f64,
    after: f64,
}

#[derive(ToSchema)]
struct PreviewTierShape {
    name: String,
    /// Players before.
    before: u64,
    /// Players after: exactly those whom the reset leaves here.
    after: u64,
    /// Players whose rating after the reset belongs here.
    belong_after: u64,
}
