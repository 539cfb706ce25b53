use std::fmt;

/// Columns that a board compares at most.
pub const COLUMNS_MAX: usize = 5;

/// Which end of a column is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The greater number is better: points, wins.
    Descending,
    /// The smaller number is better: lap times, strokes.
    Ascending,
}

/// The rank of players who are equal in every column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ties {
    /// 1 + the number of players who are strictly better: 1, 2, 2, 4.
    #[default]
    Competition,
    /// 1 + the number of distinct keys that are strictly better: 1, 2, 2, 3.
    Dense,
    /// The place in the listing, the earlier first among equals: 1, 2, 3, 4.
    Ordinal,
}

/// What a player is compared by: a number for each column of the board, the first column first. Any `i64`.
///
/// A board ignores numbers past its own columns, and takes 0 for those that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Keys([i64; COLUMNS_MAX]);

impl Keys {
    /// The number in the first column: the score of a board with one.
    #[must_use]
    pub fn first(&self) -> i64 {
        let [first, ..] = self.0;
        first
    }

    /// All numbers; 0 in the columns that the board does not have.
    #[must_use]
    pub fn columns(&self) -> &[i64; COLUMNS_MAX] {
        &self.0
    }
}

impl From<i64> for Keys {
    fn from(score: i64) -> Self {
        Self([score, 0, 0, 0, 0])
    }
}

impl From<[i64; COLUMNS_MAX]> for Keys {
    fn from(columns: [i64; COLUMNS_MAX]) -> Self {
        Self(columns)
    }
}

/// Columns turned so that the smaller is the better in each.
pub(crate) type Turned = [i64; COLUMNS_MAX];

/// How a board orders its players: by 1 to [`COLUMNS_MAX`] columns, then by who got there first, then by id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// All bits where the greater is better: flipping them turns the order of `i64` around without overflow.
    flips: Turned,
    /// All bits in the columns of the board.
    used: Turned,
    columns: u8,
    ties: Ties,
}

impl Order {
    /// One column, the greater the better, competition ranks.
    pub const SCORE: Self =
        Self { flips: [-1, 0, 0, 0, 0], used: [-1, 0, 0, 0, 0], columns: 1, ties: Ties::Competition };

    /// An order of as many columns as there are directions; `None` unless these are 1 to [`COLUMNS_MAX`].
    #[must_use]
    pub fn new(directions: &[Direction], ties: Ties) -> Option<Self> {
        if directions.is_empty() || directions.len() > COLUMNS_MAX {
            return None;
        }
        let (mut flips, mut used) = ([0; COLUMNS_MAX], [0; COLUMNS_MAX]);
        for ((flip, used), direction) in flips.iter_mut().zip(&mut used).zip(directions) {
            *flip = if *direction == Direction::Descending { -1 } else { 0 };
            *used = -1;
        }
        Some(Self { flips, used, columns: directions.len() as u8, ties })
    }

    /// How many columns are compared.
    #[must_use]
    pub fn columns(&self) -> usize {
        usize::from(self.columns)
    }

    /// The direction of each column.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + '_ {
        let flips = self.flips.iter().take(self.columns());
        flips.map(|flip| if *flip == 0 { Direction::Ascending } else { Direction::Descending })
    }

    /// The rank of equals.
    #[must_use]
    pub fn ties(&self) -> Ties {
        self.ties
    }

    /// Turns keys, or turns them back.
    pub(crate) fn turn(&self, keys: Keys) -> Turned {
        let mut turned = keys.0;
        for ((column, flip), used) in turned.iter_mut().zip(&self.flips).zip(&self.used) {
            *column = (*column ^ flip) & used;
        }
        turned
    }

    /// A number of the first column, turned alone.
    #[inline]
    pub(crate) fn turn_first(&self, number: i64) -> i64 {
        let [flip, ..] = self.flips;
        number ^ flip
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Order").field(&self.directions().collect::<Vec<_>>()).field(&self.ties).finish()
    }
}
