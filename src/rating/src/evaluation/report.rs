use serde::Serialize;

/// The figures of an evaluation; a part is absent when nothing of its kind was scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Matches of two sides.
    pub two_sides: Option<TwoSidesReport>,
    /// The same matches as win, draw, loss, where there were draws and the system said how likely they were.
    pub three_ways: Option<ThreeWaysReport>,
    /// Free-for-all matches.
    pub pairs: Option<PairsReport>,
}

/// Figures over matches of two sides; every match weighs the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwoSidesReport {
    /// Matches scored.
    pub matches: u64,
    /// Those that were no draw.
    pub decisive: u64,
    /// The share of decisive matches whose winner was predicted; toss-ups count one half. Absent without any.
    pub accuracy: Option<f64>,
    /// Mean log loss in nats; always saying one half costs 0.6931.
    pub log_loss: f64,
    /// Mean squared error of the predicted score.
    pub brier: f64,
    /// Expected calibration error over the bins of `calibration`, `0.0..=1.0`.
    pub ece: f64,
    /// Predicted against actual score, one row per bin, from low to high; [`super::BINS`] rows.
    pub calibration: Vec<CalibrationBin>,
}

/// Matches whose prediction fell into one bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// The lower bound, which belongs to the bin.
    pub from: f64,
    /// The upper bound, which belongs to the next bin (or, when it is 1, to this one).
    pub to: f64,
    /// Matches in it.
    pub count: u64,
    /// Mean predicted score; absent in an empty bin.
    pub predicted: Option<f64>,
    /// Mean actual score; absent in an empty bin.
    pub actual: Option<f64>,
}

/// Figures over free-for-all matches: means over the decided pairs of a match, then over matches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairsReport {
    /// Matches with at least one decided pair.
    pub matches: u64,
    /// The share of pairs whose order was predicted; toss-ups count one half.
    pub accuracy: f64,
    /// Log loss in nats.
    pub log_loss: f64,
    /// Squared error of the predicted chance.
    pub brier: f64,
}

/// Predictions of win, draw and loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ThreeWaysReport {
    /// Matches scored.
    pub matches: u64,
    /// Draws among them.
    pub draws: u64,
    /// Mean of minus the logarithm of what came.
    pub log_loss: f64,
    /// Ranked probability score: a win predicted is nearer to a draw than to a loss.
    pub rps: f64,
}
