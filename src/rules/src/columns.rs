//! What a prepared ticket carries: one column for each value of a ticket that some rule, sort or algorithm reads.
use serde::Serialize;

/// How the numbers (or latencies) of a ticket's players become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The arithmetic mean.
    #[default]
    Avg,
}

impl Aggregation {
    /// Of one value or more; no value of none.
    pub(crate) fn of(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let (mut count, mut sum, mut min, mut max) = (0_u32, 0.0, f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            count += 1;
            sum += value;
            min = min.min(value);
            max = max.max(value);
        }
        let value = match self {
            Self::Min => min,
            Self::Max => max,
            Self::Avg => sum / f64::from(count),
        };
        (count > 0).then_some(value)
    }
}

/// How the string lists of a ticket's players become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetAggregation {
    /// What any of them has.
    #[default]
    Union,
    /// What all of them have.
    Intersection,
}

/// A column of [`Party::number`](crate::Party::number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberColumn(pub(crate) u16);

/// A column of symbols: see what reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WordColumn(pub(crate) u16);

/// What a column of numbers holds. `attribute` is an index into [`RuleSet::attributes`](crate::RuleSet::attributes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberSource {
    /// An attribute.
    Attribute {
        /// A number attribute.
        attribute: usize,
        /// Of the ticket's players.
        aggregation: Aggregation,
    },
    /// The mean of the players' [strengths](crate::Member::strength); no value where one of them has none.
    Strength,
    /// The mean of the players' [ratings](crate::Member::skill); no value where one of them has none.
    Skill,
}

/// What a column of symbols holds. `attribute` is an index into [`RuleSet::attributes`](crate::RuleSet::attributes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WordSource {
    /// The ids of the players: [`Party::texts`](crate::Party::texts).
    Players,
    /// All ids of each player: [`Party::lists`](crate::Party::lists).
    Ids,
    /// A string attribute, each player his own: [`Party::texts`](crate::Party::texts).
    Texts {
        /// A string attribute.
        attribute: usize,
    },
    /// A list attribute, each player his own: [`Party::lists`](crate::Party::lists).
    Lists {
        /// A list attribute.
        attribute: usize,
    },
    /// A list attribute, each player his own, in his order without repeats: [`Party::lists`](crate::Party::lists).
    Ranked {
        /// A list attribute.
        attribute: usize,
    },
    /// A list attribute of ids, each player his own, without those of the own ticket: [`Party::lists`](crate::Party::lists).
    Avoided {
        /// A list attribute.
        attribute: usize,
    },
    /// A list attribute of all players as one set: [`Party::set`](crate::Party::set).
    Set {
        /// A list attribute.
        attribute: usize,
        /// Of the ticket's players.
        aggregation: SetAggregation,
    },
    /// A map attribute of all players as one map: [`Party::entries`](crate::Party::entries).
    Map {
        /// A map attribute.
        attribute: usize,
        /// Of the ticket's players that have the key.
        aggregation: Aggregation,
    },
    /// Locations to which every player has a latency: [`Party::entries`](crate::Party::entries).
    Latency {
        /// Of the ticket's players.
        aggregation: Aggregation,
    },
}

/// The columns of one rule set. Each is there once, whoever reads it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) numbers: Vec<NumberSource>,
    pub(crate) words: Vec<WordSource>,
}

impl Columns {
    pub(crate) fn number(&mut self, attribute: usize, aggregation: Aggregation) -> NumberColumn {
        NumberColumn(place(&mut self.numbers, NumberSource::Attribute { attribute, aggregation }))
    }
    pub(crate) fn strength(&mut self) -> NumberColumn {
        NumberColumn(place(&mut self.numbers, NumberSource::Strength))
    }
    pub(crate) fn skill(&mut self) -> NumberColumn {
        NumberColumn(place(&mut self.numbers, NumberSource::Skill))
    }
    pub(crate) fn word(&mut self, source: WordSource) -> WordColumn {
        WordColumn(place(&mut self.words, source))
    }
}

/// Where `source` is, which is put last if it is new. Bounded by the size of a rule set's text, so it fits.
fn place<T: PartialEq>(all: &mut Vec<T>, source: T) -> u16 {
    let at = all.iter().position(|other| *other == source).unwrap_or_else(|| {
        all.push(source);
        all.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}
