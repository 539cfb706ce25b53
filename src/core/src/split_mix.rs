//! Chance that is the same each time.

/// `SplitMix64` (Steele, Lea, Flood 2014, figure 18): numbers from one word of state, the same on every platform. For draws that only
/// have to look like chance, never for secrets. Each seed has a stream of its own; neighbouring ones are unrelated.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The first number of the stream of `seed`: spreads neighbours over all values.
    #[inline]
    #[must_use]
    pub const fn mixed(seed: u64) -> u64 {
        Self(seed).next_u64()
    }

    /// The next number, uniform in all of them.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number as a share, uniform in `0.0..1.0`.
    #[inline]
    pub const fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values: S. Vigna (prng.di.unimi.it/splitmix64.c), state 1234567.
    #[test]
    fn numbers_are_those_of_the_reference() {
        let mut chance = SplitMix64::new(1_234_567);
        let first = 6_457_827_717_110_365_317;
        assert_eq!(
            [(); 3].map(|()| chance.next_u64()),
            [first, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(SplitMix64::mixed(1_234_567), first);
    }

    #[test]
    fn shares_are_within_their_range_and_even() {
        let mut chance = SplitMix64::new(1);
        let shares = [(); 20_000].map(|()| chance.unit());
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!((shares.iter().sum::<f64>() / 20_000.0 - 0.5).abs() < 0.01);
    }
}
