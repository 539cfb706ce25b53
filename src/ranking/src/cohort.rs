//! Cohorts: small boards of `n` entrants each, so that everybody can be seen near the top.
//!
//! An entrant takes the next seat of the open cohort of the own [`Bucket`]: all, a band of ratings, a region, a platform,
//! or the level of a [league](crate::league). When the last seat is taken, the next entrant opens a new cohort. Cohorts
//! are numbered over all buckets of a season, and nobody is moved: a [`Seat`] is for the whole season.
//!
//! Not here: the ranking inside a cohort ([`Board`](crate::Board)); keeping seats, and the newest seat of each bucket
//! (`engine`).
//!
//! ```
//! use gsm_ranking::cohort::{Bucket, CohortConfig, CohortRule, Cohorts, Entrant, Seat};
//! let cohorts = Cohorts::new(CohortConfig { size: 2, rule: CohortRule::Region }).unwrap();
//! let entrant = Entrant { region: Some("eu"), ..Entrant::default() };
//! assert_eq!(cohorts.bucket(&entrant), Bucket::Region(Some("eu".into())));
//! let (mut opened, mut last) = (0, None);
//! let seats = [(); 3].map(|()| {
//!     let seat = cohorts.next_seat(last, &mut opened);
//!     last = Some(seat);
//!     (seat.cohort, seat.number)
//! });
//! assert_eq!(seats, [(1, 1), (1, 2), (2, 1)]);
//! ```

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Entrants of one cohort.
pub const COHORT_SIZE_MAX: u32 = 1_000;

/// How entrants are gathered. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortConfig {
    /// Entrants of a full cohort, 2 to [`COHORT_SIZE_MAX`].
    pub size: u32,
    /// Who may share a cohort.
    #[serde(default)]
    pub rule: CohortRule,
}

/// Who may share a cohort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CohortRule {
    /// Everybody, in the order of arrival.
    #[default]
    Arrival,
    /// Entrants of the same band: band `k` holds the ratings `k * width` up to, without, `(k + 1) * width`.
    RatingBand {
        /// In the board's unit (thousandths of a point), at least 1.
        width: i64,
    },
    /// Entrants of the same region; those who belong to none are together.
    Region,
    /// Entrants of the same platform; those who belong to none are together.
    Platform,
}

/// Somebody who enters, as far as a [`CohortRule`] asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entrant<'a> {
    /// The hidden rating at this moment, in the board's unit.
    pub rating: i64,
    /// A part of the world.
    pub region: Option<&'a str>,
    /// A kind of machine.
    pub platform: Option<&'a str>,
}

/// Those who may share a cohort.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Everybody.
    All,
    /// A band of ratings.
    Band(i64),
    /// A region; `None` is those of no region.
    Region(Option<String>),
    /// A platform; `None` is those of no platform.
    Platform(Option<String>),
    /// A level of a league.
    Level(u8),
}

/// One text for each bucket, and no two the same.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Band(band) => write!(f, "band {band}"),
            Self::Region(None) => f.write_str("region"),
            Self::Region(Some(of)) => write!(f, "region {of}"),
            Self::Platform(None) => f.write_str("platform"),
            Self::Platform(Some(of)) => write!(f, "platform {of}"),
            Self::Level(level) => write!(f, "level {level}"),
        }
    }
}

/// A place in a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seat {
    /// Number of the cohort within its season, from 1.
    pub cohort: u64,
    /// Number of the seat within the cohort, from 1.
    pub number: u32,
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

    /// Entrants of a full cohort.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.0.size
    }

    /// Who may share a cohort.
    #[must_use]
    pub fn rule(&self) -> CohortRule {
        self.0.rule
    }

    /// The bucket of an entrant.
    #[must_use]
    pub fn bucket(&self, entrant: &Entrant<'_>) -> Bucket {
        match self.0.rule {
            CohortRule::Arrival => Bucket::All,
            CohortRule::RatingBand { width } => Bucket::Band(entrant.rating.div_euclid(width)),
            CohortRule::Region => Bucket::Region(entrant.region.map(str::to_owned)),
            CohortRule::Platform => Bucket::Platform(entrant.platform.map(str::to_owned)),
        }
    }

    /// The seat after the `last` of a bucket; `None` is a bucket that nobody has entered yet. `opened` is how many cohorts
    /// the season has, and is counted up where this opens one.
    #[must_use]
    pub fn next_seat(&self, last: Option<Seat>, opened: &mut u64) -> Seat {
        match last {
            Some(last) if last.number < self.0.size => Seat { number: last.number + 1, ..last },
            _ => {
                *opened += 1;
                Seat { cohort: *opened, number: 1 }
            }
        }
    }
}
