//! What a board compares, and whom it ranks.
use super::{
    grouping::{Grouping, Groups},
    past,
};
use crate::{EngineError, results::counting::score_of, store::RatingRow};
use gsm_core::{BoardName, Mode, Timestamp, limits};
use gsm_ranking::{
    COLUMNS_MAX, Direction as Way, Keys, Order, Ties as Equals,
    season::{Schedule, ScheduleConfig},
    tier::{TierConfig, Tiers},
};
use gsm_rating::Rating;
use serde::{Deserialize, Serialize};

/// Thousandths of a point: how boards compare ratings, and show them.
const THOUSANDTHS: f64 = 1_000.0;
/// Deviations that a conservative rating takes off.
const CAUTION: f64 = 2.0;

/// A board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardConfig {
    /// Its name. A board of a mode's name takes the place of the one that every mode has by itself.
    pub name: BoardName,
    /// Where its numbers come from.
    pub source: Source,
    /// What it compares, the weightiest first: 1 to 5.
    pub columns: Vec<Column>,
    /// The rank of players who are equal in every column.
    #[serde(default)]
    pub ties: Ties,
    /// What it is divided by besides: a board more for every region, platform or group.
    #[serde(default)]
    pub by: Vec<Dimension>,
    /// Whom it ranks.
    #[serde(default)]
    pub eligibility: Eligibility,
    /// When its seasons start; without, it goes on for ever. With every season it begins anew, empty, and what it was
    /// stays to be read.
    #[serde(default)]
    pub season: Option<ScheduleConfig>,
    /// The visible tiers that matches of the mode move players through, apart from their ratings; with every season
    /// they are entered anew.
    #[serde(default)]
    pub tiers: Option<TierConfig>,
    /// The cohorts that it is divided into besides, where it has seasons.
    #[serde(default)]
    pub grouping: Option<Grouping>,
    /// Whether every step of an entry is kept where scores are submitted, so that ranks at a date can be told. The boards
    /// of a mode have their histories for that.
    #[serde(default)]
    pub past: bool,
}

/// Where a board's numbers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The ratings of a mode: every result moves the board in the same commit.
    Mode(Mode),
    /// Game servers and back ends submit them.
    Submissions,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What it shows.
    #[serde(default)]
    pub value: Value,
    /// Which end is better.
    #[serde(default)]
    pub direction: Direction,
    /// What a submission does to the number that is there; of a mode's ratings `last`, or `best` for the best that was
    /// reached.
    #[serde(default)]
    pub operator: Operator,
}

/// What a column of a mode's board shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The rating's mean, in thousandths of a point.
    #[default]
    Rating,
    /// The mean less two deviations, in thousandths of a point: what the player has at least, in all likelihood.
    Conservative,
    /// Rated matches.
    Games,
    /// Matches in which nobody did better, played to the end.
    Wins,
    /// Matches in which first place was shared.
    Draws,
    /// The place in the board's visible tiers: points from the bottom of the lowest division, -1 before the end of
    /// placement.
    Place,
    /// What was submitted: the one value of boards that are submitted to, and of no other.
    Submitted,
}

/// Which end of a column is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The greater number.
    #[default]
    Descending,
    /// The smaller number.
    Ascending,
}

/// What a submission does to the number that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Takes its place, unless the submission is older by its own word.
    #[default]
    Last,
    /// Takes its place.
    Set,
    /// Takes its place if it is better.
    Best,
    /// Is added to it.
    Incr,
    /// Is taken off it.
    Decr,
}

/// The rank of players who are equal in every column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// 1, 2, 2, 4.
    #[default]
    Competition,
    /// 1, 2, 2, 3.
    Dense,
    /// 1, 2, 3, 4: the earlier first.
    Ordinal,
}

/// What a board can be divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// A part of the world.
    Region,
    /// A kind of machine.
    Platform,
    /// A guild, a clan, a school.
    Group,
}

/// Whom a board ranks; the others are kept, and ranked as soon as they may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Eligibility {
    /// Rated matches, or submissions, that it takes.
    pub games_min: u32,
    /// Whoever has not been rated, or submitted for, in so many days is not ranked; 0 for ever.
    pub idle_days_max: u32,
    /// Whoever's rating is less sure than this, in points, is not ranked; 0 asks for nothing.
    pub deviation_max: f64,
}

fn conservative(rating: &Rating) -> i64 {
    ((rating.mean - CAUTION * rating.deviation) * THOUSANDTHS).round() as i64
}

impl Value {
    /// What it shows of a rating; `None` for what a rating alone does not tell.
    pub(crate) fn of_rating(self, rating: &Rating) -> Option<i64> {
        match self {
            Self::Rating => Some(score_of(rating)),
            Self::Conservative => Some(conservative(rating)),
            Self::Games | Self::Wins | Self::Draws | Self::Place | Self::Submitted => None,
        }
    }
}

impl BoardConfig {
    /// The board that every mode has by itself.
    pub(crate) fn of_mode(mode: &Mode) -> Self {
        Self {
            name: mode.into(),
            source: Source::Mode(mode.clone()),
            columns: vec![Column::of_rating()],
            ties: Ties::default(),
            by: Vec::new(),
            eligibility: Eligibility::default(),
            season: None,
            tiers: None,
            grouping: None,
            past: false,
        }
    }

    /// Whether it has entries of its own, and does not just show ratings.
    #[must_use]
    pub fn has_entries(&self) -> bool {
        let counts = |column: &Column| column.operator != Operator::Last;
        let own = self.season.is_some() || self.tiers.is_some();
        self.source == Source::Submissions || own || self.columns.iter().any(counts)
    }

    /// Refuses what makes no sense, naming the field.
    pub fn validate(&self) -> Result<(), EngineError> {
        if !(1..=COLUMNS_MAX).contains(&self.columns.len()) {
            return Err(EngineError::invalid("columns", format!("must be 1 to {COLUMNS_MAX}")));
        }
        for (at, column) in self.columns.iter().enumerate() {
            let submitted = column.value == Value::Submitted;
            if submitted != (self.source == Source::Submissions) {
                let detail = if submitted {
                    "is not submitted: the board follows a mode"
                } else {
                    "must be `submitted`: scores are submitted to this board"
                };
                return Err(EngineError::invalid(format!("columns[{at}].value"), detail));
            }
            let allowed: &[Operator] = match column.value {
                Value::Submitted => continue,
                Value::Place if self.tiers.is_none() => {
                    return Err(EngineError::invalid(
                        format!("columns[{at}].value"),
                        "`place` needs `tiers`",
                    ));
                }
                Value::Rating | Value::Conservative | Value::Place => &[Operator::Last, Operator::Best],
                Value::Games | Value::Wins | Value::Draws => &[Operator::Last],
            };
            if !allowed.contains(&column.operator) {
                return Err(EngineError::invalid(
                    format!("columns[{at}].operator"),
                    "must be `last`, or `best` for a rating or place: the numbers of a mode are what they are",
                ));
            }
        }
        let mut seen = Vec::new();
        for (at, dimension) in self.by.iter().enumerate() {
            if seen.contains(dimension) {
                return Err(EngineError::invalid(format!("by[{at}]"), "is named a second time"));
            }
            seen.push(*dimension);
        }
        let deviation = self.eligibility.deviation_max;
        if !(0.0..=10_000.0).contains(&deviation) {
            return Err(EngineError::invalid("eligibility.deviation_max", "must be 0 to 10000"));
        }
        if deviation > 0.0 && self.source == Source::Submissions {
            return Err(EngineError::invalid(
                "eligibility.deviation_max",
                "must be 0: scores that are submitted have no deviation",
            ));
        }
        if self.eligibility.idle_days_max > 36_500 {
            return Err(EngineError::invalid("eligibility.idle_days_max", "must be 0 to 36500"));
        }
        if let Some(tiers) = &self.tiers {
            self.validate_tiers(tiers)?;
        }
        if let Some(season) = &self.season {
            Schedule::new(season)
                .map_err(|e| EngineError::invalid(format!("season.{}", e.path), &e.problem))?;
        }
        past::validate(self)?;
        Groups::validate(self)
    }

    /// The mode it follows.
    #[must_use]
    pub fn mode(&self) -> Option<&Mode> {
        match &self.source {
            Source::Mode(mode) => Some(mode),
            Source::Submissions => None,
        }
    }

    pub(crate) fn order(&self) -> Order {
        let ways: Vec<Way> = self
            .columns
            .iter()
            .map(|column| match column.direction {
                Direction::Descending => Way::Descending,
                Direction::Ascending => Way::Ascending,
            })
            .collect();
        let ties = match self.ties {
            Ties::Competition => Equals::Competition,
            Ties::Dense => Equals::Dense,
            Ties::Ordinal => Equals::Ordinal,
        };
        Order::new(&ways, ties).unwrap_or(Order::SCORE)
    }

    /// Whether a submission that changes no number may change whom it ranks: then it is a step of its past as well.
    pub(super) fn keeps_every_step(&self) -> bool {
        self.eligibility != Eligibility::default()
    }

    /// What a rating row shows on this board, and since when: since the score was reached where only the rating is
    /// shown, else since the last match.
    pub(crate) fn keys_of(&self, row: &RatingRow) -> (Keys, Timestamp) {
        let mut keys = [0; COLUMNS_MAX];
        let mut since = row.reached_at;
        for (key, column) in keys.iter_mut().zip(&self.columns) {
            *key = match column.value {
                Value::Rating => row.score,
                Value::Conservative => conservative(&row.rating),
                Value::Games => i64::from(row.games),
                Value::Wins => i64::from(row.wins),
                Value::Draws => i64::from(row.draws),
                Value::Place | Value::Submitted => 0,
            };
            if column.value != Value::Rating {
                since = row.rated_at;
            }
        }
        (keys.into(), since)
    }

    fn validate_tiers(&self, tiers: &TierConfig) -> Result<(), EngineError> {
        if self.mode().is_none() {
            return Err(EngineError::invalid("tiers", "need a board of a mode"));
        }
        let has_place = self.columns.iter().any(|column| column.value == Value::Place);
        if tiers.decay.is_some() && has_place {
            let detail = "does not go with a column `place`: a board compares what the last match left";
            return Err(EngineError::invalid("tiers.decay", detail));
        }
        Tiers::new(tiers.clone())
            .map(drop)
            .map_err(|e| EngineError::invalid(format!("tiers.{}", e.path), &e.problem))
    }

    /// A number of a column as people read it: ratings in points.
    #[must_use]
    pub fn shown(&self, column: usize, value: i64) -> f64 {
        match self.columns.get(column).map(|column| column.value) {
            Some(Value::Rating | Value::Conservative) => value as f64 / THOUSANDTHS,
            _ => value as f64,
        }
    }

    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
    pub(crate) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl Operator {
    /// Whether a submission counts even if it leaves the number as it was.
    pub(super) fn always_counts(self, is_newer: bool) -> bool {
        match self {
            Self::Set | Self::Incr | Self::Decr => true,
            Self::Last => is_newer,
            Self::Best => false,
        }
    }
}

impl Column {
    /// The rating, as a mode's own board has it.
    pub(super) fn of_rating() -> Self {
        Self { value: Value::Rating, direction: Direction::Descending, operator: Operator::Last }
    }

    /// The order of two numbers in the listing.
    pub(crate) fn listed(&self, a: i64, b: i64) -> std::cmp::Ordering {
        match self.direction {
            Direction::Descending => b.cmp(&a),
            Direction::Ascending => a.cmp(&b),
        }
    }

    /// What is there after a submission; `None` where the number would leave the bounds of a board. `is_newer` says
    /// whether the submission is not older than the one before.
    pub(crate) fn after(&self, there: Option<i64>, submitted: i64, is_newer: bool) -> Option<i64> {
        let after = match (self.operator, there) {
            (Operator::Set, _) | (Operator::Last | Operator::Best | Operator::Incr, None) => submitted,
            (Operator::Decr, None) => submitted.checked_neg()?,
            (Operator::Last, Some(there)) => {
                if is_newer {
                    submitted
                } else {
                    there
                }
            }
            (Operator::Best, Some(there)) => match self.direction {
                Direction::Descending => there.max(submitted),
                Direction::Ascending => there.min(submitted),
            },
            (Operator::Incr, Some(there)) => there.checked_add(submitted)?,
            (Operator::Decr, Some(there)) => there.checked_sub(submitted)?,
        };
        (after.unsigned_abs() <= limits::BOARD_VALUE_ABS_MAX.unsigned_abs()).then_some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(source: Source, change: impl Fn(&mut BoardConfig)) -> BoardConfig {
        let value = if source == Source::Submissions { Value::Submitted } else { Value::Rating };
        let mut config = BoardConfig {
            name: BoardName::new("b").unwrap(),
            source,
            columns: vec![Column { value, direction: Direction::Descending, operator: Operator::Last }],
            ties: Ties::default(),
            by: Vec::new(),
            eligibility: Eligibility::default(),
            season: None,
            tiers: None,
            grouping: None,
            past: false,
        };
        change(&mut config);
        config
    }

    fn check(source: Source, change: impl Fn(&mut BoardConfig), field: Option<&str>) {
        let found = board(source, change).validate();
        let named = found.err().map(|e| match e {
            EngineError::Invalid { field, .. } => field,
            other => panic!("{other}"),
        });
        assert_eq!(named.as_deref(), field);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let mode = || Source::Mode(Mode::new("duel").unwrap());
        check(mode(), |_| {}, None);
        check(Source::Submissions, |_| {}, None);
        check(mode(), |b| b.columns.clear(), Some("columns"));
        check(mode(), |b| b.columns = vec![b.columns[0]; 6], Some("columns"));
        check(mode(), |b| b.columns[0].value = Value::Submitted, Some("columns[0].value"));
        check(Source::Submissions, |b| b.columns[0].value = Value::Games, Some("columns[0].value"));
        check(mode(), |b| b.columns[0].operator = Operator::Best, None);
        check(mode(), |b| b.columns[0].operator = Operator::Incr, Some("columns[0].operator"));
        let at = |start: &str| Some(ScheduleConfig::At { starts_at: vec![start.into()] });
        check(mode(), |b| b.season = at("2026-01-01T00:00:00Z"), None);
        check(mode(), |b| b.season = at("soon"), Some("season.at.starts_at[0]"));
        check(mode(), |b| b.by = vec![Dimension::Region, Dimension::Region], Some("by[1]"));
        check(mode(), |b| b.eligibility.deviation_max = f64::NAN, Some("eligibility.deviation_max"));
        check(Source::Submissions, |b| b.eligibility.deviation_max = 5.0, Some("eligibility.deviation_max"));
        check(mode(), |b| b.eligibility.idle_days_max = 40_000, Some("eligibility.idle_days_max"));
    }

    #[test]
    fn operators_do_what_they_say() {
        let after = |operator, direction, there, submitted, newer| {
            Column { value: Value::Submitted, direction, operator }.after(there, submitted, newer)
        };
        let (down, up) = (Direction::Descending, Direction::Ascending);
        assert_eq!(after(Operator::Last, down, Some(5), 3, true), Some(3));
        assert_eq!(after(Operator::Last, down, Some(5), 3, false), Some(5));
        assert_eq!(after(Operator::Set, down, Some(5), 3, false), Some(3));
        assert_eq!(after(Operator::Best, down, Some(5), 3, true), Some(5));
        assert_eq!(after(Operator::Best, up, Some(5), 3, true), Some(3));
        assert_eq!(after(Operator::Incr, down, Some(5), 3, true), Some(8));
        assert_eq!(after(Operator::Decr, down, Some(5), 3, true), Some(2));
        assert_eq!(after(Operator::Decr, down, None, 3, true), Some(-3));
        let most = limits::BOARD_VALUE_ABS_MAX;
        assert_eq!(after(Operator::Incr, down, Some(most), 1, true), None);
        assert_eq!(after(Operator::Set, down, None, i64::MIN, true), None);
        assert_eq!(after(Operator::Incr, down, Some(i64::MAX), i64::MAX, true), None);
    }
}
