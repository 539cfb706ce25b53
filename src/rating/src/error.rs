/// Why a match cannot be rated. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RatingError {
    /// A match needs an opponent.
    #[error("a match has at least 2 sides, this one has {sides}")]
    TooFewSides {
        /// What came.
        sides: usize,
    },
    /// Above `gsm_core::limits::MATCH_SIDES_MAX`.
    #[error("a match has at most {max} sides, this one has {sides}")]
    TooManySides {
        /// What came.
        sides: usize,
        /// The limit.
        max: usize,
    },
    /// Above `gsm_core::limits::MATCH_PLAYERS_MAX`, all sides together.
    #[error("a match has at most {max} players, this one has {players}")]
    TooManyPlayers {
        /// What came.
        players: usize,
        /// The limit.
        max: usize,
    },
    /// A side without players.
    #[error("side {side} has no players")]
    EmptySide {
        /// Its index, from 0.
        side: usize,
    },
    /// A mean, deviation or volatility that is infinite or no number.
    #[error("the rating of player {player} of side {side} is not finite")]
    NotFinite {
        /// Index of the side, from 0.
        side: usize,
        /// Index of the player within the side, from 0.
        player: usize,
    },
    /// A share outside `0.0..=1.0`, or no number.
    #[error("the share of player {player} of side {side} is not between 0 and 1")]
    BadShare {
        /// Index of the side, from 0.
        side: usize,
        /// Index of the player within the side, from 0.
        player: usize,
    },
    /// Points that are infinite or no number.
    #[error("the score of side {side} is not finite")]
    BadScore {
        /// Its index, from 0.
        side: usize,
    },
    /// The parts of a [`crate::batch::Fixture`] do not fit together.
    #[error("{players} players and {places} places do not fit sides that end at {ends}")]
    Ragged {
        /// How many players came.
        players: usize,
        /// How many places.
        places: usize,
        /// Where the last side ends.
        ends: usize,
    },
    /// Somebody plays of whom nothing was told to [`crate::explained`], or the other way round.
    #[error("{people} people were told of, the match has {players} players")]
    People {
        /// How many came.
        people: usize,
        /// How many play.
        players: usize,
    },
    /// A player whom the [`crate::batch::Ladder`] has no seat for.
    #[error("player {player} is not one of {players}")]
    NoSuchPlayer {
        /// What came, from 0.
        player: u32,
        /// How many there are.
        players: usize,
    },
    /// The advantage belongs to a side that did not play.
    #[error("the home side is {home}, the match has {sides}")]
    NoSuchSide {
        /// What came, from 0.
        home: usize,
        /// How many there are.
        sides: usize,
    },
}

/// A setting outside its range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{setting}` is `{value}`, it must be from {min} to {max}")]
pub struct SettingsError {
    /// The setting's name in the configuration.
    pub setting: &'static str,
    /// What came.
    pub value: f64,
    /// The least that is taken.
    pub min: f64,
    /// The most that is taken.
    pub max: f64,
}

impl SettingsError {
    /// Refuses NaN and anything outside `min..=max`.
    pub(crate) fn check(setting: &'static str, value: f64, min: f64, max: f64) -> Result<(), Self> {
        if (min..=max).contains(&value) { Ok(()) } else { Err(Self { setting, value, min, max }) }
    }
}
