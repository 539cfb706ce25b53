//! Ids, names, time and limits: the words every other crate of `gsm` shares.
//!
//! Not here: any rule of the game, any IO. Invariant: nothing in this crate reads a clock or makes randomness;
//! [`Clock`] and [`IdSource`] are how callers bring both.
//!
//! ```
//! use gsm_core::{PlayerId, Timestamp, Millis};
//! let id: PlayerId = "plr-000000000000000000000000000000ff".parse().unwrap();
//! assert_eq!(id.to_string(), "plr-000000000000000000000000000000ff");
//! let later = Timestamp::from_millis(1_000).saturating_add(Millis::from_secs(2));
//! assert_eq!(later.as_millis(), 3_000);
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod id;
pub mod limits;
mod name;
mod number;
mod prefetch;
mod split_mix;
mod time;

pub use id::{
    AdjustmentId, CommitKey, EventId, IdSource, JobId, KeyId, MatchId, ParseIdError, PlayerId, ProposalId,
    TicketId,
};
pub use name::{Attribute, BoardName, Label, Mode, NameError, QueueName, RequestKey, RuleSetName, Variant};
pub use number::{OutOfRange, Probability, Rank};
pub use prefetch::prefetch;
pub use split_mix::SplitMix64;
pub use time::{Clock, Millis, Timestamp};

/// A hash map whose hasher has a fixed seed, so that iteration order depends only on the insertions. For keys
/// that clients do not choose; use a `BTreeMap` where they do.
pub type Map<K, V> = hashbrown::HashMap<K, V, FixedState>;

/// The fixed-seed hasher state of [`Map`].
pub type FixedState = std::hash::BuildHasherDefault<FixedHasher>;

/// A small multiplicative hasher (the "Fx" scheme: rotate, xor, multiply) for keys made by the server.
#[derive(Default, Clone, Copy, Debug)]
pub struct FixedHasher(u64);

impl FixedHasher {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(Self::K);
    }
}

impl std::hash::Hasher for FixedHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            self.add(u64::from_le_bytes(word) ^ (chunk.len() as u64) << 56);
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.add(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.add(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }
    fn write_u128(&mut self, n: u128) {
        self.add(n as u64);
        self.add((n >> 64) as u64);
    }
    fn write_usize(&mut self, n: usize) {
        self.add(n as u64);
    }
    fn finish(&self) -> u64 {
        // hashbrown takes the top seven bits as tags and the low bits as the bucket, but a multiplication carries
        // upwards only: without this, ids that differ in their middle bits alone would share a few buckets.
        let folded = (self.0 ^ (self.0 >> 32)).wrapping_mul(Self::K);
        folded ^ (folded >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    /// hashbrown takes the low bits for the bucket and the top seven for the tag: both must spread.
    #[test]
    fn hashes_of_counted_ids_spread_over_buckets_and_tags() {
        for shift in 0..112 {
            let (mut buckets, mut tags) = ([0u32; 256], [0u32; 128]);
            for n in 0..25_600u128 {
                let hash = FixedState::default().hash_one(PlayerId::from_u128(n << shift));
                buckets[(hash & 255) as usize] += 1;
                tags[(hash >> 57) as usize] += 1;
            }
            assert!(buckets.iter().all(|&n| n < 3 * 25_600 / 256), "{shift}: {buckets:?}");
            assert!(tags.iter().all(|&n| n < 3 * 25_600 / 128), "{shift}: {tags:?}");
        }
    }

    #[test]
    fn a_map_lists_the_same_after_the_same_insertions() {
        let map =
            || (0..1_000u64).map(|n| (PlayerId::from_u128(u128::from(n) << 64), n)).collect::<Map<_, _>>();
        assert!(map().iter().eq(map().iter()));
    }

    #[test]
    fn texts_that_differ_in_their_last_bytes_hash_apart() {
        let hash = |text: &str| FixedState::default().hash_one(text);
        let texts = ["", "a", "a\0", "abcdefgh", "abcdefgha", "abcdefgi", "abcdefgh\0"];
        let hashes: std::collections::BTreeSet<u64> = texts.map(hash).into();
        assert_eq!(hashes.len(), texts.len());
    }
}
