//! Matches of people whom the model may never have seen: who asks tells what is known of them.
use crate::MlError;
use crate::experts::{Rated, Setting};
use crate::features::{Encounter, Features, features};
use crate::meeting::check_players;
use crate::model::{Model, PLAYERS_MAX};
use crate::numeric::ln_1p;
use crate::premade::Premade;
use crate::record::{Record, Traits};
use gsm_core::Timestamp;
use gsm_rating::Rating;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Person {
    /// A player by his number; one of a number that the model does not know is a newcomer.
    Known(u32),
    /// Somebody told by numbers.
    Guest(Guest),
}

/// Somebody of whom all that is known is how good he is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guest {
    mean: f64,
    deviation: Option<f64>,
    games: u32,
}

/// Ratings within this, either way.
const RATING_MAX: f64 = 1e6;

impl Guest {
    /// Of a rating where a newcomer has 1500 and 400 points more win ten times out of eleven, its standard deviation (without,
    /// that of a newcomer), and matches so far.
    ///
    /// # Errors
    /// What is not finite, a rating beyond a million, a deviation that is negative or beyond that.
    pub fn new(rating: f64, deviation: Option<f64>, games: u32) -> Result<Self, MlError> {
        let check = |name: &'static str, value: f64, least: f64| {
            if !value.is_finite() {
                return Err(MlError::NotFinite { name });
            }
            let fits = (least..=RATING_MAX).contains(&value);
            if fits { Ok(value) } else { Err(MlError::OutOfRange { name, least, most: RATING_MAX }) }
        };
        let mean = check("rating", rating, -RATING_MAX)?;
        let deviation = deviation.map(|deviation| check("deviation", deviation, 0.0)).transpose()?;
        Ok(Self { mean, deviation, games })
    }

    /// As any expert takes it, beside a newcomer.
    pub(crate) fn rating(&self, newcomer: Rating) -> Rating {
        Rating { mean: self.mean, deviation: self.deviation.unwrap_or(newcomer.deviation), ..newcomer }
    }

    /// What is told of him, and his matches.
    pub(crate) fn traits(&self) -> (Traits, f64) {
        let games = f64::from(self.games);
        let known = if self.games > 0 { 1.0 } else { 0.0 };
        (Traits { experience: ln_1p(games), known, ..Traits::default() }, games)
    }
}

/// A match of two sides that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// See [`crate::Meeting`].
    pub at: Timestamp,
    /// See [`crate::Meeting::variant`].
    pub variant: Option<u16>,
    /// See [`crate::Meeting::home`].
    pub home: Option<usize>,
    /// Who meets whom.
    pub sides: [&'a [Person]; 2],
    /// See [`crate::Meeting::premade`].
    pub premade: [Premade; 2],
}

impl Model {
    /// What the model looks at in a match with guests, or of players: for these it is what [`Model::features`] says, to the
    /// bit. Nothing changes, so that many may ask at one time. O(players).
    ///
    /// # Errors
    /// As [`Model::features`].
    pub fn look_at(&self, question: &Question<'_>) -> Result<Features, MlError> {
        let Question { at, variant, home, sides, premade } = *question;
        if let Some(side) = sides.iter().position(|side| side.is_empty()) {
            return Err(MlError::EmptySide { side });
        }
        if let Some(home) = home.filter(|home| *home > 1) {
            return Err(MlError::NoSuchSide { home });
        }
        let known = sides.map(players);
        check_players(known.iter().flat_map(|(players, _)| players).copied(), PLAYERS_MAX)?;
        let (mut rated, setting) = (Rated::default(), Setting { at, variant, home });
        let seen = |player: u32| self.records.get(player as usize).map(Record::seen).unwrap_or_default();
        self.experts.see_people(sides, seen, setting, &self.variants, &mut rated);
        let leads = self.experts.leads(&rated, 0, 1, home);
        let knowing = self.known();
        let [(one, one_is_whole), (other, other_is_whole)] = &known;
        let sheet = |side: &[Person], players: &[u32], is_whole: bool| {
            if is_whole { knowing.sheet(players, at, variant) } else { knowing.sheet_of(side, at, variant) }
        };
        let sheets = [sheet(sides[0], one, *one_is_whole), sheet(sides[1], other, *other_is_whole)];
        let both = *one_is_whole && *other_is_whole;
        let head_to_head = if both { self.company.head_to_head([one, other]) } else { 0.0 };
        let side = match home {
            Some(0) => 1.0,
            Some(_) => -1.0,
            None => 0.0,
        };
        features(&leads, &sheets[0], &sheets[1], Encounter { head_to_head, side, premade, variant })
    }
}

/// The players of a side, and whether there is nobody else on it.
fn players(side: &[Person]) -> (Vec<u32>, bool) {
    let players: Vec<u32> = side
        .iter()
        .filter_map(|person| match person {
            Person::Known(player) => Some(*player),
            Person::Guest(_) => None,
        })
        .collect();
    let is_whole = players.len() == side.len();
    (players, is_whole)
}
