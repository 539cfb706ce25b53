//! Boards: the exact rank of every player of one mode, in memory, while scores move.
//!
//! A [`Board`] holds a score per player and answers who is where: a player's standing, the top, the neighbours,
//! a ranking among friends, the score that a rank or a percentage takes. Each answer equals a recount.
//! Players are listed by score, greatest first, then by who had the score first, then by id; the last two only
//! make the listing stable. Ranks are competition ranks (1, 2, 2, 4): 1 + the number of strictly better scores.
//! Scores are whole numbers: callers pass exactly what they show (such as thousandths of a point).
//!
//! A [`Past`] holds the steps of a board instead of its players, and answers which rank a score had at any instant.
//!
//! Not here: ratings and how they change (`gsm-rating`), names and other facts to show beside a row, storing a
//! board (`engine`; a board is a fold that can be rebuilt from the record at any time) or the blobs of a past.
//!
//! Invariants: no clock, no randomness, no IO. The state depends only on the greatest version seen of each
//! player, never on the order in which changes arrived or how often. Everything but
//! [`histogram`](Board::histogram), [`among`](Board::among) and iteration is O(log players + rows returned),
//! whatever the ties; reads allocate nothing but the rows they return.
//!
//! ```
//! use gsm_core::{PlayerId, Timestamp};
//! use gsm_ranking::Board;
//! let [ann, bob, eve] = [1, 2, 3].map(PlayerId::from_u128);
//! let mut board = Board::new();
//! for (player, score) in [(ann, 1_500_000), (bob, 1_720_500), (eve, 1_720_500)] {
//!     board.set(player, score, Timestamp::EPOCH, 1);
//! }
//! let ranks: Vec<u64> = board.top(0, 10).iter().map(|row| row.rank.get()).collect();
//! assert_eq!(ranks, [1, 1, 3]);
//! assert_eq!(board.standing(ann).unwrap().better, 2);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod arena;
mod block;
mod board;
mod key;
mod past;
mod read;
mod roster;
mod row;
mod tree;

pub use board::Board;
pub use past::{Absent, BlobError, Past, Placed, Sample, Step};
pub use row::{Bucket, Entry, Moved, Place, Row, Standing};

// The suite of `tests/it` runs twice: there on nodes as shipped, here on tiny ones that split and merge all the time.
#[cfg(test)]
extern crate self as gsm_ranking;
#[cfg(test)]
#[path = "../tests/it/past/mod.rs"]
mod past_suite;
#[cfg(test)]
#[path = "../tests/it/suite/mod.rs"]
mod suite;
