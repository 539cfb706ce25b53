//! Boards: the exact rank of every player of one mode, in memory, while scores move.
//!
//! A [`Board`] holds the keys of each player and answers who is where: a player's standing, the top, the neighbours,
//! a ranking among friends, the score that a rank or a percentage takes. Each answer equals a recount.
//! Players are listed by up to five columns, each with the better end that the board's [`Order`] says, then by who got
//! there first, then by id. The rank of equals is the board's choice ([`Ties`]); by default it is the competition rank
//! (1, 2, 2, 4): 1 + the number of strictly better players.
//! Keys are whole numbers: callers pass exactly what they show (such as thousandths of a point).
//!
//! A [`Past`] holds the steps of a board instead of its players, and answers which rank a score had at any instant.
//!
//! Around boards stands what happens by the season, each a module of its own: when it turns ([`season`]), what
//! players see beside their rating ([`tier`]), what becomes of ratings ([`soft_reset`]), who plays in which small
//! group ([`league`], [`cohort`]), and who gets what at the end ([`payout`]). Each has a configuration that is
//! checked once, with named limits; a refusal is an [`Invalid`] with the path of the setting.
//!
//! Not here: ratings and how they change (`gsm-rating`), names and other facts to show beside a row, storing a
//! board (`engine`; a board is a fold that can be rebuilt from the record at any time, or from a
//! copy of its players, which [`at`](Ranked::at) gives and [`Builder`] takes).
//!
//! Invariants: no clock, no randomness, no IO. The state depends only on the greatest version seen of each
//! player and on the last word on his visibility, never on the order in which changes arrived or how often. Everything
//! but [`histogram`](Ranked::histogram), [`among`](Ranked::among) and iteration is O(log players + rows returned),
//! whatever the ties; reads allocate nothing but what they return.
//!
//! ```
//! use gsm_core::{PlayerId, Timestamp};
//! use gsm_ranking::{Board, Mark, Order};
//! let [ann, bob, eve] = [1, 2, 3].map(PlayerId::from_u128);
//! let mut board = Board::new(Order::SCORE);
//! for (player, score) in [(ann, 1_500_000), (bob, 1_720_500), (eve, 1_720_500)] {
//!     board.set(player, Mark::new(score, Timestamp::EPOCH, 1));
//! }
//! let ranks: Vec<u64> = board.top(0, 10).iter().map(|row| row.rank.get()).collect();
//! assert_eq!(ranks, [1, 1, 3]);
//! assert_eq!(board.standing(ann).unwrap().rank.get(), 3);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod arena;
mod block;
mod board;
mod builder;
pub mod cohort;
mod core;
mod flags;
mod ids;
mod invalid;
mod key;
pub mod league;
mod order;
mod past;
pub mod payout;
mod probe;
mod read;
mod row;
pub mod season;
mod seen;
mod shared;
pub mod soft_reset;
pub mod tier;
mod tree;
mod width;

pub use board::{Board, DenseBoard, Ranked};
pub use builder::Builder;
pub use ids::{DenseIds, Ids, PlayerIds};
pub use invalid::Invalid;
pub use order::{COLUMNS_MAX, Direction, Keys, Order, Ties};
pub use past::{Past, Placed, Sample, Step};
pub use row::{AmongRow, Bucket, Change, Cursor, Entry, Kept, Mark, Page, Row, Standing, Visibility};
pub use seen::Seen;
pub use shared::Shared;

// The suite of `tests/it` runs twice: there on nodes as shipped, here on tiny ones that split and merge all the time.
#[cfg(test)]
extern crate self as gsm_ranking;
#[cfg(test)]
#[path = "../tests/it/past/mod.rs"]
mod past_suite;
#[cfg(test)]
#[path = "../tests/it/suite/mod.rs"]
mod suite;
