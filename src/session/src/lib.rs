//! The life cycles of tickets, matches and player sessions, and what counts as a result of a match.
//!
//! Not here: storing any of it or ordering the steps (`gsm-engine`), rating a result (`gsm-rating`), the wire
//! forms of reports (`gsm-server`).
//! Invariants: each state machine is one table; a [`Roster`] and a [`MatchResult`] are valid by construction, also
//! when read back from a store; two reports that mean the same give equal results.
//!
//! ```
//! use gsm_core::PlayerId;
//! use gsm_session::{MatchResult, MatchState, Report, Roster, SideReport, Standings};
//! let [ann, bob] = [1, 2].map(PlayerId::from_u128);
//! let roster = Roster::new(vec![vec![ann], vec![bob]]).unwrap();
//! let sides = vec![SideReport { place: 2, score: None }, SideReport { place: 1, score: None }];
//! let report = Report { standings: Standings::Sides(sides), quits: vec![ann], duration: None, variant: None, afk: vec![] };
//! let result = MatchResult::validate(&report, &roster).unwrap();
//! assert_eq!(result.places(), [2, 1]);
//! assert!(result.outcome_for(&roster, ann).unwrap().quit);
//! assert!(MatchState::Created.step(MatchState::Finished).is_err());
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod penalty;
mod report;
mod result;
mod roster;
mod state;
mod voices;

pub use penalty::{Ladder, Offence, OffenceKind, Offences, Stand};
pub use report::{PlayerReport, Report, SideReport, Standings};
pub use result::{DURATION_MAX, MatchResult, Outcome, OutcomeKind, ResultError, ResultFault};
pub use roster::{Roster, RosterError};
pub use state::{MatchState, PlayerSession, PlayerSessionState, SessionError, TicketState};
pub use voices::{Accord, Voice, Voices};
