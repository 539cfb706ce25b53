//! Cohorts: small boards of `n` entrants each, so that everybody can be seen near the top.
//!
//! An entrant takes the next seat of the open cohort of the own bucket (all, a band of ratings, or a key such as
//! a region); when the last seat is taken, the next entrant opens a new cohort. Numbers of cohorts count up over
//! all buckets and are never used again, and nobody is moved: a [`Seat`] is for the whole season.
//!
//! The [`CohortState`] holds open cohorts only, one a bucket at most. The caller keeps each player's seat, commits
//! it together with the state, and starts with a fresh state each season.
//!
//! Not here: the ranking inside a cohort ([`Board`](crate::Board)).
//!
//! ```
//! use gsm_ranking::cohort::{CohortConfig, CohortRule, CohortState, Cohorts, Entrant, Seat};
//! let cohorts = Cohorts::new(CohortConfig { size: 2, rule: CohortRule::Arrival }).unwrap();
//! let mut state = CohortState::default();
//! let entrant = Entrant { rating: 1_500_000, key: "", seat: None };
//! let seats = [(); 3].map(|()| cohorts.enter(&mut state, &entrant).unwrap());
//! assert_eq!(seats.map(|seat| (seat.cohort, seat.number)), [(1, 1), (1, 2), (2, 1)]);
//! // Who has a seat keeps it.
//! assert_eq!(cohorts.enter(&mut state, &Entrant { seat: Some(seats[0]), ..entrant }), Ok(seats[0]));
//! ```

use crate::Invalid;
use serde::{Deserialize, Serialize};

/// Entrants of one cohort.
pub const COHORT_SIZE_MAX: u32 = 10_000;
/// Cohorts that are open at the same time: buckets with a free seat.
pub const COHORTS_OPEN_MAX: usize = 10_000;
/// Bytes of [`Entrant::key`].
pub const COHORT_KEY_BYTES_MAX: usize = 64;

/// How entrants are gathered. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortConfig {
    /// Entrants of a full cohort, 2 to [`COHORT_SIZE_MAX`].
    pub size: u32,
    /// Who may share a cohort.
    pub rule: CohortRule,
}

/// Who may share a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CohortRule {
    /// Everybody, in the order of arrival.
    Arrival,
    /// Entrants of the same band: band `k` holds the ratings `k * width` up to, without, `(k + 1) * width`.
    RatingBand {
        /// In the board's unit (thousandths of a point), at least 1.
        width: i64,
    },
    /// Entrants with the same key.
    Key,
}

/// Somebody who enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrant<'a> {
    /// The hidden rating at this moment, in the board's unit. Used by [`CohortRule::RatingBand`] alone.
    pub rating: i64,
    /// Such as `eu` or `eu/2026-w31`, up to [`COHORT_KEY_BYTES_MAX`] bytes. Used by [`CohortRule::Key`] alone.
    pub key: &'a str,
    /// The seat that the entrant has already, as kept by the caller.
    pub seat: Option<Seat>,
}

/// A place in a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seat {
    /// Number of the cohort, from 1.
    pub cohort: u64,
    /// Number of the seat within the cohort, from 1.
    pub number: u32,
}

/// The cohorts with free seats. Starts empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortState {
    /// How many cohorts were opened.
    opened: u64,
    /// By bucket.
    open: Vec<Open>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    bucket: Bucket,
    last: Seat,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bucket {
    All,
    Band(i64),
    Key(String),
}

/// Why somebody cannot enter. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CohortError {
    /// Above [`COHORT_KEY_BYTES_MAX`].
    #[error("a cohort key has at most {COHORT_KEY_BYTES_MAX} bytes, this one has {bytes}")]
    KeyTooLong {
        /// What came.
        bytes: usize,
    },
    /// All [`COHORTS_OPEN_MAX`] open cohorts belong to other buckets.
    #[error("{COHORTS_OPEN_MAX} cohorts are open already; use wider bands or fewer keys")]
    TooManyOpen,
}

/// A checked [`CohortConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohorts(CohortConfig);

impl Cohorts {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path and what is allowed.
    pub fn new(config: CohortConfig) -> Result<Self, Invalid> {
        Invalid::unless_within("size", config.size, 2..=COHORT_SIZE_MAX)?;
        if let CohortRule::RatingBand { width } = config.rule {
            Invalid::unless_within("rule.rating_band.width", width, 1..=i64::MAX)?;
        }
        Ok(Self(config))
    }

    /// Gives an entrant a seat: the one that the entrant has, or the next one of the bucket.
    ///
    /// A smaller `size` than before closes a cohort that is as large already, at its next entrant. Cost: O(log b)
    /// with b buckets, O(b) where a cohort opens or fills.
    ///
    /// # Errors
    /// A key that is too long; too many buckets with a free seat.
    pub fn enter(&self, state: &mut CohortState, entrant: &Entrant<'_>) -> Result<Seat, CohortError> {
        if let Some(seat) = entrant.seat {
            return Ok(seat);
        }
        let bucket = match self.0.rule {
            CohortRule::Arrival => Bucket::All,
            CohortRule::RatingBand { width } => Bucket::Band(entrant.rating.div_euclid(width)),
            CohortRule::Key if entrant.key.len() > COHORT_KEY_BYTES_MAX => {
                return Err(CohortError::KeyTooLong { bytes: entrant.key.len() });
            }
            CohortRule::Key => Bucket::Key(entrant.key.to_owned()),
        };
        let found = state.open.binary_search_by(|open| open.bucket.cmp(&bucket));
        let last = found.ok().and_then(|at| state.open.get(at)).map(|open| open.last);
        let seat = match last {
            Some(last) if last.number < self.0.size => Seat { number: last.number + 1, ..last },
            None if state.open.len() >= COHORTS_OPEN_MAX => return Err(CohortError::TooManyOpen),
            _ => {
                state.opened += 1;
                Seat { cohort: state.opened, number: 1 }
            }
        };
        let is_full = seat.number >= self.0.size;
        match found {
            Ok(at) if is_full => {
                state.open.remove(at);
            }
            Ok(at) => {
                if let Some(open) = state.open.get_mut(at) {
                    open.last = seat;
                }
            }
            Err(at) => state.open.insert(at, Open { bucket, last: seat }),
        }
        Ok(seat)
    }
}
