//! What a board is defined by (`gsm_engine::BoardConfig` and what it is made of).
use utoipa::ToSchema;

/// A column of a board.
#[derive(ToSchema)]
pub(in crate::api) struct ColumnShape {
    /// `rating` if absent.
    #[serde(default)]
    value: ValueShape,
    /// Which end is better; `descending` if absent.
    #[serde(default)]
    direction: DirectionShape,
    /// What a submission does to the number that is there; `last` if absent. Of a mode's ratings `last` or `best`.
    #[serde(default)]
    operator: OperatorShape,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum ValueShape {
    Rating,
    Conservative,
    Games,
    Wins,
    Draws,
    Place,
    Submitted,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectionShape {
    Descending,
    Ascending,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum OperatorShape {
    Last,
    Set,
    Best,
    Incr,
    Decr,
}

/// Whom a board ranks.
#[derive(ToSchema)]
pub(in crate::api) struct EligibilityShape {
    /// Rated matches, or submissions, that it takes.
    #[serde(default)]
    games_min: u32,
    /// Who has not been active for so many days is not ranked; 0: for ever. Active is who plays, or has a score submitted; on a
    /// board of a mode without seasons, tiers and bests also whose rating is set by hand or moved by a soft reset.
    #[serde(default)]
    idle_days_max: u32,
    /// Whose rating is less sure than this, in points, is not ranked; 0 asks for nothing.
    #[serde(default)]
    deviation_max: f64,
}

/// When seasons start.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum ScheduleShape {
    /// By the wall clock of a time zone.
    Cron {
        /// Minute, hour, day of month, month, day of week, as in crontab(5).
        expression: String,
        /// A name of the IANA database or an offset; `UTC` if absent.
        #[serde(default)]
        zone: String,
        /// Season 1 starts at the first match at or after this instant.
        from: String,
    },
    /// At given instants; the last season stays open.
    At {
        /// Ascending, as `2026-03-01T09:00:00+09:00`.
        starts_at: Vec<String>,
    },
    /// Every few days, at the same time by the wall clock of a time zone.
    Days {
        /// Days of a season.
        every: u32,
        /// A name of the IANA database or an offset; `UTC` if absent.
        #[serde(default)]
        zone: String,
        /// When season 1 starts, by the wall clock, as `2026-01-05T09:00`.
        from: String,
    },
}

/// Visible tiers.
#[derive(ToSchema)]
pub(in crate::api) struct TiersShape {
    /// Games before a player gets a place.
    placement_games: u8,
    /// From the worst to the best, which has one division.
    tiers: Vec<TierShape>,
    points_per_division: u16,
    /// Points for a win.
    win: PointsShape,
    /// Points that a loss costs.
    loss: PointsShape,
    /// How strongly a place follows the hidden rating, in thousandths of the distance a game.
    #[serde(default)]
    pull_permille: u16,
    /// The share of the hidden rating's own move that is added, in thousandths.
    #[serde(default)]
    swing_permille: u16,
    /// Whether points above a division's end go into the next one.
    #[serde(default)]
    surplus_carries_over: bool,
    /// Games after a promotion or placement in which nobody is demoted.
    #[serde(default)]
    demotion_shield_games: u8,
    /// Loss of points by absence; none if absent.
    decay: Option<DecayShape>,
    start: StartShape,
}

#[derive(ToSchema)]
struct TierShape {
    name: String,
    divisions: u8,
    /// Whether nobody who has reached it leaves it downwards.
    #[serde(default)]
    floor: bool,
}

/// Points for one kind of outcome.
#[derive(ToSchema)]
struct PointsShape {
    /// Where rating and place agree.
    base: u16,
    least: u16,
    most: u16,
}

#[derive(ToSchema)]
struct DecayShape {
    /// Whole days without a game that cost nothing.
    after_days: u16,
    /// What each further day costs.
    points_per_day: u16,
    /// The tier below which nobody falls by decay; the lowest if absent.
    down_to: Option<String>,
}

/// Which hidden rating belongs to which division.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum StartShape {
    /// Where each division starts, in thousandths of a point, ascending.
    Ratings(Vec<i64>),
    /// The share of players below each division but the lowest, in thousandths, ascending.
    PlayersBelowPermille(Vec<u16>),
}

/// Small boards on which a player stays for a season.
#[derive(ToSchema)]
pub(in crate::api) struct CohortShape {
    /// Seats of a cohort.
    size: u32,
    /// Who may share one; `arrival` if absent.
    #[serde(default)]
    rule: CohortRuleShape,
}

#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum CohortRuleShape {
    /// Everybody, in the order of arrival.
    Arrival,
    /// Players of the same band of hidden ratings.
    RatingBand {
        /// In thousandths of a point.
        width: i64,
    },
    Region,
    Platform,
}

/// Cohorts on levels.
#[derive(ToSchema)]
pub(in crate::api) struct LeagueShape {
    levels: u8,
    /// Seats of a cohort.
    size: u32,
    /// How many of a full cohort go up a level.
    promote: u32,
    /// How many go down a level.
    relegate: u32,
    /// Who has fewer games is never promoted; 0 if absent.
    #[serde(default)]
    games_min: u32,
    /// The level of newcomers; 1, the lowest, if absent.
    #[serde(default)]
    start: u8,
}
