//! Matchmaking: pools of waiting tickets, the forming of matches from them, and the players' acceptance.
//!
//! Not here: storing tickets, cancelling and timing them out, one live ticket a player (`gsm-engine`); ratings
//! (a ticket brings its players' skill as a number); where the match is played (`gsm-session`).
//!
//! A queue with a window of skill has a [`Pool`], one with a rule set in the language of FlexMatch a [`RulePool`], which is
//! most of this crate: tickets with attributes and latencies, stages of expansions, backfills, matches chosen by what they are
//! worth. Beside them stand the players' acceptance ([`proposal`]) and how long a ticket is going to wait ([`WaitModel`]).
//!
//! Invariants of both:
//! * Same calls, same answers: no clock, no randomness, no IO; the order of insertion never matters.
//! * A formed match obeys its rules, and a party is on one side.
//! * A step is bounded: it counts work units, and what it could not finish goes on in the next.
//!
//! Of a [`Pool`] alone (sizes of teams, limits and order of a [`RulePool`] are those of its rule set):
//! * Every side is full, and the whole match spans no more skill than the narrowest window in it.
//! * The longest waiting goes first. A ticket that stays in the pool at the end of a round had no match among the
//!   tickets that were there when its turn came ([`Pool::step`] says what is exact and what is bounded).
//!
//! ```
//! use gsm_core::{Millis, PlayerId, TicketId, Timestamp};
//! use gsm_matchmaking::{MatchRules, Pool, PoolPlayer, PoolTicket};
//! let mut pool = Pool::new(MatchRules::default()).unwrap(); // 1v1, a window of 100 points that grows
//! for (n, skill) in [(1, 1500.0), (2, 1710.0), (3, 1560.0)] {
//!     let player = PoolPlayer { id: PlayerId::from_u128(n), skill, deviation: 80.0 };
//!     let ticket = PoolTicket { id: TicketId::from_u128(n), players: vec![player], queued_at: Timestamp::EPOCH };
//!     pool.insert(ticket).unwrap();
//! }
//! let step = pool.step(Timestamp::EPOCH.saturating_add(Millis::from_secs(1)), 1_000);
//! assert_eq!((step.proposals.len(), step.proposals[0].spread, pool.len()), (1, 60.0, 1));
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod explain;
mod formed;
mod index;
mod ordered;
mod packing;
mod pool;
pub mod proposal;
mod ruled;
mod rules;
mod search;
mod split;
mod ticket;
mod waits;

pub use explain::{Binding, Explain};
pub use formed::{Formed, Role, Seat};
pub use pool::{Pool, Step};
pub use proposal::Proposal;
pub use ruled::{
    NeverMatched, RulePool, RuleWhy, RuledExplain, RuledMatch, RuledStep, RuledTicket, Side, StageWhy,
};
pub use rules::{Format, MatchRules, RulesError, Window};
pub use ticket::{PoolError, PoolPlayer, PoolTicket, SKILL_ABS_MAX};
pub use waits::{WaitEnd, WaitEstimate, WaitFacts, WaitModel, nearest_region};
