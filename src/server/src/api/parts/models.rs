//! How predictions held up (`gsm_engine`'s views of forecasts).
use utoipa::ToSchema;

/// The model of a mode and how its predictions held up.
#[derive(ToSchema)]
pub(in crate::api) struct ModelShape {
    mode: String,
    model: String,
    /// Results that it has learnt from.
    learnt: u64,
    /// The commit of the last of them.
    sequence: u64,
    /// Players that it knows.
    players: u64,
    /// Matches of which there was a prediction before they were played, and a result since.
    matches: u64,
    /// The champion first.
    contenders: Vec<ContenderShape>,
    /// Versions of the registry that predict in the shadow, the newest first.
    challengers: Vec<ChallengerShape>,
    /// How close matches were beside the quality that was shown before.
    closeness: Option<ClosenessShape>,
    drift: DriftShape,
}

/// Figures of one who predicts.
#[derive(ToSchema)]
struct ContenderShape {
    name: String,
    /// Whether its predictions are those that are shown and used.
    is_champion: bool,
    /// Over all matches that were scored.
    all: Option<FiguresShape>,
    /// Over about the last thousand.
    recent: Option<RecentShape>,
    parts: Vec<PartFiguresShape>,
}

/// Figures of a version of the registry that predicts in the shadow, since it does.
#[derive(ToSchema)]
struct ChallengerShape {
    model: String,
    /// The hash of its file.
    hash: String,
    all: Option<FiguresShape>,
    recent: Option<RecentShape>,
    /// The champion's over the same matches.
    champion: Option<FiguresShape>,
    champion_recent: Option<RecentShape>,
    parts: Vec<PartFiguresShape>,
    /// The champion's, over the same matches.
    champion_parts: Vec<PartFiguresShape>,
}

#[derive(ToSchema)]
struct FiguresShape {
    /// Matches scored.
    matches: u64,
    /// Those that were no draw.
    decisive: u64,
    /// The share of decisive matches whose winner was predicted.
    accuracy: Option<f64>,
    /// In nats.
    log_loss: f64,
    /// The mean squared error.
    brier: f64,
    /// The expected calibration error.
    ece: f64,
    /// Predicted against actual score, from low to high.
    calibration: Vec<CalibrationShape>,
}

/// Matches whose prediction fell into one bin.
#[derive(ToSchema)]
struct CalibrationShape {
    from: f64,
    to: f64,
    count: u64,
    predicted: Option<f64>,
    actual: Option<f64>,
}

/// How close matches were: 1 is as close as equals on the mean.
#[derive(ToSchema)]
struct ClosenessShape {
    matches: u64,
    /// The mean distance of closeness from quality over the bins.
    error: f64,
    /// Mean quality (`predicted`) against mean closeness (`actual`), from low to high.
    calibration: Vec<CalibrationShape>,
}

/// Figures in which the latest matches count most.
#[derive(ToSchema)]
struct RecentShape {
    accuracy: Option<f64>,
    log_loss: f64,
    brier: f64,
    /// The expected calibration error: chance alone makes about 0.03 of a thousand matches.
    ece: f64,
}

/// Figures of a part.
#[derive(ToSchema)]
struct PartFiguresShape {
    by: PartByShape,
    value: String,
    #[serde(flatten)]
    figures: FiguresShape,
}

/// By what parts are told apart.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum PartByShape {
    Region,
    Party,
    Experience,
}

#[derive(ToSchema)]
struct DriftShape {
    is_raised: bool,
    /// Nats that were lost beyond what the model believes, since that last was nothing.
    lost: f64,
    /// At how many it is raised.
    raised_at: f64,
    /// How often it was raised.
    alarms: u64,
    /// When it was last.
    last_at: Option<i64>,
}

/// How a part of the players fares.
#[derive(ToSchema)]
pub(in crate::api) struct FairnessShape {
    /// By what, and which: absent of everybody.
    #[serde(default)]
    by: PartByShape,
    #[serde(default)]
    value: String,
    /// Players' matches.
    matches: u64,
    /// The mean score that they reached: win 1, draw 0.5.
    score: Option<f64>,
    /// What was expected of the part less what it reached.
    overrated: Option<f64>,
    /// The share of its players' decided matches in which it was predicted how it went for them.
    accuracy: Option<f64>,
    log_loss: Option<f64>,
    /// The mean quality of its matches.
    quality: Option<f64>,
    wait_ms_mean: Option<f64>,
    wait_ms_max: u64,
    /// The share of matches after which the player had lost three or more in a row.
    losing_streaks: Option<f64>,
    /// The longest row of losses.
    losing_streak_max: u16,
}
