use gsm_rating::RatingError;

/// Why a match cannot be predicted or learnt from.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MlError {
    /// A side without players.
    #[error("side {side} has no players")]
    EmptySide {
        /// Its index.
        side: usize,
    },
    /// A free-for-all of less than two.
    #[error("a match has at least 2 sides, not {sides}")]
    TooFewSides {
        /// How many there were.
        sides: usize,
    },
    /// There is no such side to be at home.
    #[error("there is no side {home} to be at home")]
    NoSuchSide {
        /// What was named.
        home: usize,
    },
    /// A player's number is beyond what a model holds.
    #[error("player number {player} is not below {max}")]
    NoSuchPlayer {
        /// The number.
        player: u32,
        /// How many a model holds.
        max: u32,
    },
    /// A feature that is NaN or infinite.
    #[error("feature `{name}` is not finite")]
    NotFinite {
        /// Its name.
        name: &'static str,
    },
    /// A number that no player has.
    #[error("`{name}` is out of range: {least} to {most}")]
    OutOfRange {
        /// Which.
        name: &'static str,
        /// The least that is taken.
        least: f64,
        /// The most.
        most: f64,
    },
    /// A score that is NaN or infinite.
    #[error("the score of side {side} is not finite")]
    BadScore {
        /// The side's index.
        side: usize,
    },
    /// What the rating systems refuse.
    #[error(transparent)]
    Rating(#[from] RatingError),
}
