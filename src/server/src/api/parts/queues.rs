//! What a queue is told (`gsm_engine::QueueConfig` and what it is made of).
use utoipa::ToSchema;

/// Who meets whom, where no rule set says so.
#[derive(ToSchema)]
pub(in crate::api) struct RulesShape {
    /// One against one if absent.
    #[serde(default)]
    format: FormatShape,
    #[serde(default)]
    window: WindowShape,
}

/// The sides of a match.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum FormatShape {
    /// Teams of equal size.
    Teams { teams: usize, size: usize },
    /// Everyone for themselves.
    FreeForAll {
        /// Fewest players, taken once the longest waiting has waited `fill_after_ms`.
        min: usize,
        /// Most players.
        max: usize,
        fill_after_ms: u64,
    },
}

/// How far apart in skill the players of one match may be, in points.
#[derive(ToSchema)]
struct WindowShape {
    /// At the start; 100 if absent.
    #[serde(default)]
    min: f64,
    /// 10 if absent.
    #[serde(default)]
    growth_per_s: f64,
    /// At most; 500 if absent.
    #[serde(default)]
    max: f64,
}

/// A rating system with its settings: which system has which, and what they are if absent, is in docs/ratings.md.
#[derive(ToSchema)]
pub(in crate::api) struct RatingShape {
    system: SystemShape,
    /// A newcomer's mean, in points.
    #[serde(default)]
    mean: f64,
    /// A newcomer's deviation, in points.
    #[serde(default)]
    deviation: f64,
    #[serde(default)]
    deviation_min: f64,
    #[serde(default)]
    deviation_max: f64,
    #[serde(default)]
    volatility: f64,
    #[serde(default)]
    tau: f64,
    #[serde(default)]
    period_ms: u64,
    #[serde(default)]
    growth_per_day: f64,
    #[serde(default)]
    growth_per_match: f64,
    #[serde(default)]
    home_advantage: f64,
    #[serde(default)]
    home_deviation: f64,
    #[serde(default)]
    field_exponent: f64,
    #[serde(default)]
    field_weight: f64,
    #[serde(default)]
    k: f64,
    #[serde(default)]
    provisional_k: f64,
    #[serde(default)]
    provisional_games: u32,
    #[serde(default)]
    scale: f64,
    #[serde(default)]
    beta: f64,
    #[serde(default)]
    kappa: f64,
    #[serde(default)]
    epsilon: f64,
    #[serde(default)]
    window: u32,
    #[serde(default)]
    draw_probability: f64,
    #[serde(default)]
    model: WengLinShape,
    #[serde(default)]
    team_exponent: f64,
    #[serde(default)]
    margin: MarginShape,
    #[serde(default)]
    margin_noise: f64,
    #[serde(default)]
    variant_deviation: f64,
    #[serde(default)]
    newcomer_deviation: f64,
    #[serde(default)]
    newcomer_wander: f64,
    #[serde(default)]
    newcomer_fade: f64,
    learnt: Option<LearntShape>,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum SystemShape {
    Elo,
    Glicko,
    Glicko2,
    WengLin,
    TrueSkill,
    Kalman,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum WengLinShape {
    BradleyTerryFull,
    BradleyTerryPart,
    ThurstoneMostellerFull,
    ThurstoneMostellerPart,
    PlackettLuce,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum MarginShape {
    Ignored,
    Scaled,
    Ratio,
    Difference,
    Share,
}

/// What the Kalman system knows of the game already.
#[derive(ToSchema)]
struct LearntShape {
    newcomers: BeliefShape,
    home: BeliefShape,
    sharpness: BeliefShape,
    margin_lead: f64,
    lead_squared: f64,
    residual_squared: f64,
    margins: f64,
    draws: f64,
    evenness: f64,
}

#[derive(ToSchema)]
struct BeliefShape {
    mean: f64,
    variance: f64,
}

/// What a mode asks for beside its system.
#[derive(ToSchema)]
pub(in crate::api) struct RatingOptionsShape {
    /// Results of pairs who meet again and again count less.
    repeated_pair: Option<RepeatedPairShape>,
    /// Newcomers who win far more than expected rise faster.
    smurf: Option<SmurfShape>,
    /// Opponents of newcomers move less.
    newcomer: Option<NewcomerShape>,
    /// Playing together is worth something.
    party: Option<PartyShape>,
}

#[derive(ToSchema)]
struct RepeatedPairShape {
    /// How many opponents a player's row remembers.
    #[serde(default)]
    remembered: u32,
    #[serde(default)]
    factor: f64,
    #[serde(default)]
    floor: f64,
}

#[derive(ToSchema)]
struct SmurfShape {
    #[serde(default)]
    games_max: u32,
    #[serde(default)]
    threshold: f64,
    #[serde(default)]
    boost_max: f64,
}

#[derive(ToSchema)]
struct NewcomerShape {
    #[serde(default)]
    games: u32,
    #[serde(default)]
    opponents_weight: f64,
}

#[derive(ToSchema)]
struct PartyShape {
    points_per_mate: f64,
}

/// Which offences lock players out, and for how long.
#[derive(ToSchema)]
pub(in crate::api) struct PenaltiesShape {
    /// Queues of one scope share offences and locks; the mode if absent.
    scope: Option<String>,
    /// For declining a proposed match, or not answering in time.
    dodge: Option<LadderShape>,
    /// For leaving a match before its end.
    leave: Option<LadderShape>,
    /// For being in a match and not playing.
    afk: Option<LadderShape>,
}

#[derive(ToSchema)]
struct LadderShape {
    /// How long each offence in a row locks the player out; the last for all that follow. 0 only warns.
    locks_ms: Vec<u64>,
    /// How long without an offence until one step is forgotten.
    forget_after_ms: u64,
}

/// What results are believed.
#[derive(ToSchema)]
pub(in crate::api) struct PlausibilityShape {
    /// How long a match is played.
    duration_ms: Option<SpanMsShape>,
    /// The score of each side.
    score: Option<SpanShape>,
    /// Rated matches of a player in the mode in any hour.
    matches_per_hour: Option<u32>,
}

#[derive(ToSchema)]
struct SpanMsShape {
    least: Option<u64>,
    most: Option<u64>,
}

#[derive(ToSchema)]
struct SpanShape {
    least: Option<f64>,
    most: Option<f64>,
}

/// That players report results themselves.
#[derive(ToSchema)]
pub(in crate::api) struct ReportingShape {
    /// How many must say the same, 1 to 64.
    agree: u32,
    /// How long after the first report it is decided by what was said so far; 300,000 if absent.
    #[serde(default)]
    deadline_ms: u64,
    /// What becomes of a match of which a whole side has said nothing; `void` if absent.
    #[serde(default)]
    silence: SilenceShape,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum SilenceShape {
    Void,
    Count,
    Dispute,
}
