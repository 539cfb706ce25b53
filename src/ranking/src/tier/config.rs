use crate::Invalid;
use serde::{Deserialize, Serialize};

/// Tiers of one configuration.
pub const TIERS_MAX: usize = 20;
/// Divisions of one tier.
pub const DIVISIONS_PER_TIER_MAX: u8 = 10;
/// Characters in the name of a tier.
pub const TIER_NAME_CHARS_MAX: usize = 32;
/// Games before the first visible place.
pub const PLACEMENT_GAMES_MAX: u8 = 50;
/// Points of a division, at least.
pub const DIVISION_POINTS_MIN: u16 = 10;
/// Points of a division, at most.
pub const DIVISION_POINTS_MAX: u16 = 10_000;
/// Points in the top tier, which is open; more are lost.
pub const TOP_POINTS_MAX: u32 = 1_000_000;
/// Games that a shield lasts.
pub const SHIELD_GAMES_MAX: u8 = 20;
/// Days without a game before decay begins.
pub const DECAY_AFTER_DAYS_MAX: u16 = 3_650;

/// Tiers, and how places in them move. Unknown settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierConfig {
    /// Games before a player gets a place, 0 to [`PLACEMENT_GAMES_MAX`].
    pub placement_games: u8,
    /// From the worst to the best, 1 to [`TIERS_MAX`]. The best has one division, open at its upper end.
    pub tiers: Vec<Tier>,
    /// Points from one division to the next, [`DIVISION_POINTS_MIN`] to [`DIVISION_POINTS_MAX`].
    pub points_per_division: u16,
    /// Points for a win. A draw gives half the difference between the bases of win and loss.
    pub win: PointsRange,
    /// Points that a loss costs.
    pub loss: PointsRange,
    /// How strongly a place follows the hidden rating: this share of the distance between them, in thousandths
    /// (0 to 1000), is added at each game.
    #[serde(default)]
    pub pull_permille: u16,
    /// The share of the hidden rating's own move at this game that is added, in thousandths (0 to 1000): more
    /// points for beating a stronger opponent.
    #[serde(default)]
    pub swing_permille: u16,
    /// Whether points above a division's end go into the next one at promotion; they are lost otherwise.
    #[serde(default)]
    pub surplus_carries_over: bool,
    /// Games after a promotion or placement in which nobody is demoted, 0 to [`SHIELD_GAMES_MAX`].
    #[serde(default)]
    pub demotion_shield_games: u8,
    /// Loss of visible points by absence; none if left out.
    #[serde(default)]
    pub decay: Option<DecayConfig>,
    /// Which hidden rating belongs to which division.
    pub start: StartConfig,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// 1 to [`TIER_NAME_CHARS_MAX`] characters, different from the others.
    pub name: String,
    /// 1 to [`DIVISIONS_PER_TIER_MAX`].
    pub divisions: u8,
    /// Whether nobody who has reached this tier leaves it downwards, neither by losses nor by decay.
    #[serde(default)]
    pub floor: bool,
}

/// Points for one kind of outcome: `1 <= least <= base <= most <= points_per_division`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsRange {
    /// Where rating and place agree.
    pub base: u16,
    /// However far they are apart, at least so many.
    pub least: u16,
    /// And at most so many.
    pub most: u16,
}

/// Loss of visible points by absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecayConfig {
    /// Whole days without a game that cost nothing, 1 to [`DECAY_AFTER_DAYS_MAX`].
    pub after_days: u16,
    /// What each further day costs, 1 to `points_per_division`.
    pub points_per_day: u16,
    /// The name of a tier below which nobody falls by decay; the lowest if left out.
    #[serde(default)]
    pub down_to: Option<String>,
}

/// Which hidden rating belongs to which division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartConfig {
    /// The hidden rating at which each division starts, in the board's unit, from the lowest division, ascending.
    Ratings(Vec<i64>),
    /// The share of players below each division but the lowest, in thousandths (1 to 999), ascending.
    PlayersBelowPermille(Vec<u16>),
}

/// A checked [`TierConfig`].
#[derive(Debug, Clone)]
pub struct Tiers {
    pub(super) config: TierConfig,
    /// For each division from the lowest: the index of its tier, and its number within it, 1 for the best.
    pub(super) divisions: Vec<(usize, u8)>,
    /// Positions at which floor tiers start, ascending, from 0: the bottom is a floor.
    pub(super) floors: Vec<i64>,
    /// The position below which decay takes nothing.
    pub(super) decay_stop: i64,
}

impl Tiers {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path (such as `tiers[2].divisions`) and what is allowed.
    pub fn new(config: TierConfig) -> Result<Self, Invalid> {
        let per_division = config.points_per_division;
        Invalid::unless_within("placement_games", config.placement_games, 0..=PLACEMENT_GAMES_MAX)?;
        let allowed = DIVISION_POINTS_MIN..=DIVISION_POINTS_MAX;
        Invalid::unless_within("points_per_division", per_division, allowed)?;
        Invalid::unless_within("pull_permille", config.pull_permille, 0..=1_000)?;
        Invalid::unless_within("swing_permille", config.swing_permille, 0..=1_000)?;
        Invalid::unless_within("demotion_shield_games", config.demotion_shield_games, 0..=SHIELD_GAMES_MAX)?;
        config.win.check("win", per_division)?;
        config.loss.check("loss", per_division)?;
        check_tiers(&config.tiers)?;

        let (mut divisions, mut floors, mut starts) = (Vec::new(), vec![0], Vec::new());
        for (index, tier) in config.tiers.iter().enumerate() {
            let start = divisions.len() as i64 * i64::from(per_division);
            starts.push((tier.name.as_str(), start));
            if tier.floor {
                floors.push(start);
            }
            divisions.extend((1..=tier.divisions).rev().map(|number| (index, number)));
        }
        config.start.check(divisions.len())?;
        let decay_stop = config.decay.as_ref().map_or(Ok(0), |decay| decay.check(per_division, &starts))?;
        Ok(Self { divisions, floors, decay_stop, config })
    }

    /// How many divisions there are, all tiers together; at least 1.
    #[must_use]
    pub fn divisions(&self) -> usize {
        self.divisions.len()
    }
}

fn check_tiers(tiers: &[Tier]) -> Result<(), Invalid> {
    Invalid::unless_within("tiers (length)", tiers.len(), 1..=TIERS_MAX)?;
    for (index, tier) in tiers.iter().enumerate() {
        let path = |field: &str| format!("tiers[{index}].{field}");
        Invalid::unless_within(path("divisions"), tier.divisions, 1..=DIVISIONS_PER_TIER_MAX)?;
        if index + 1 == tiers.len() && tier.divisions != 1 {
            let problem = format!("`{}` is not allowed; the best tier is open and has 1", tier.divisions);
            return Err(Invalid::new(path("divisions"), problem));
        }
        Invalid::unless_within(
            path("name (characters)"),
            tier.name.chars().count(),
            1..=TIER_NAME_CHARS_MAX,
        )?;
        if tiers.iter().take(index).any(|other| other.name == tier.name) {
            return Err(Invalid::new(path("name"), format!("`{}` is taken; use another", tier.name)));
        }
    }
    Ok(())
}

impl PointsRange {
    fn check(self, path: &str, per_division: u16) -> Result<(), Invalid> {
        Invalid::unless_within(format!("{path}.most"), self.most, 1..=per_division)?;
        Invalid::unless_within(format!("{path}.base"), self.base, 1..=self.most)?;
        Invalid::unless_within(format!("{path}.least"), self.least, 1..=self.base)
    }
}

impl DecayConfig {
    /// Gives the position below which it takes nothing.
    fn check(&self, per_division: u16, starts: &[(&str, i64)]) -> Result<i64, Invalid> {
        Invalid::unless_within("decay.after_days", self.after_days, 1..=DECAY_AFTER_DAYS_MAX)?;
        Invalid::unless_within("decay.points_per_day", self.points_per_day, 1..=per_division)?;
        let Some(down_to) = &self.down_to else { return Ok(0) };
        let start = starts.iter().find(|(name, _)| name == down_to).map(|&(_, start)| start);
        start.ok_or_else(|| {
            let shown: String = down_to.chars().take(TIER_NAME_CHARS_MAX).collect();
            Invalid::new("decay.down_to", format!("unknown tier `{shown}`; use a name from `tiers`"))
        })
    }
}

impl StartConfig {
    fn check(&self, divisions: usize) -> Result<(), Invalid> {
        match self {
            Self::Ratings(ratings) => {
                Invalid::unless_within("start.ratings (length)", ratings.len(), divisions..=divisions)?;
                ascending("start.ratings", ratings)
            }
            Self::PlayersBelowPermille(shares) => {
                let path = "start.players_below_permille";
                let wanted = divisions - 1;
                Invalid::unless_within(format!("{path} (length)"), shares.len(), wanted..=wanted)?;
                for (index, &share) in shares.iter().enumerate() {
                    Invalid::unless_within(format!("{path}[{index}]"), share, 1..=999)?;
                }
                ascending(path, shares)
            }
        }
    }
}

fn ascending<T: PartialOrd + std::fmt::Display>(path: &str, values: &[T]) -> Result<(), Invalid> {
    for (index, (before, value)) in (1..).zip(values.iter().zip(values.iter().skip(1))) {
        if before >= value {
            let problem = format!("`{value}` is not allowed; use more than the `{before}` before it");
            return Err(Invalid::new(format!("{path}[{index}]"), problem));
        }
    }
    Ok(())
}
