//! The one source of chance of a world.
use gsm_core::SplitMix64;

/// Its draws.
#[derive(Debug, Clone)]
pub(crate) struct Random(SplitMix64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring worlds.
        let seed = seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(0x63);
        let mut random = Self(SplitMix64::new(seed));
        random.next();
        random
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// `0..n`; 0 for an `n` of 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }
    /// `low..=high`.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.unit()
    }
    pub(crate) fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.below(all.len())).cloned()
    }
    /// `n` different ones, fewer if there are fewer.
    pub(crate) fn some<T: Clone>(&mut self, all: &[T], n: usize) -> Vec<T> {
        let mut left = all.to_vec();
        let mut taken = Vec::new();
        while taken.len() < n && !left.is_empty() {
            taken.push(left.swap_remove(self.below(left.len())));
        }
        taken
    }
}
