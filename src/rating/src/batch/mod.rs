//! Rating whole histories in memory: players are numbers, and a match is a few slices.
//!
//! A [`Ladder`] gives the same bits as [`crate::System::at`] and [`crate::System::update`] match by match: it runs the
//! same code. It is faster because a player is half a cache line at most, nothing is allocated, and the players of the next
//! matches are fetched while one is rated.
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_rating::{System, batch::{Fixture, Ladder}};
//! let mut ladder = Ladder::new(&System::default(), 4).expect("a ladder");
//! let at = Timestamp::from_millis(1_767_225_600_000);
//! // Players 0 and 3 beat 1 and 2.
//! let fixture = Fixture::new(at, &[0, 3, 1, 2], &[2, 4], &[1, 2])?;
//! assert_eq!(ladder.predict(&fixture, 0, 1)?.get(), 0.5);
//! ladder.apply(&fixture)?;
//! assert!(ladder.predict(&fixture, 0, 1)?.get() > 0.5);
//! assert_eq!(ladder.rating(3).map(|rating| rating.mean > 1500.0), Some(true));
//! # Ok::<(), gsm_rating::RatingError>(())
//! ```

mod fixture;
mod ladder;
mod seat;

pub use fixture::Fixture;
pub use ladder::Ladder;
