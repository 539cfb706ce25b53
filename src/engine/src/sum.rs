//! Sums that find damage, not forgery.

/// Goes on from a sum over one word. A bijection, of the sum as well as of the word: another sum, or another word, always
/// gives another result.
pub(crate) fn step(sum: u64, word: u64) -> u64 {
    (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}
