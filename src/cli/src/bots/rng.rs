//! Seeded chance: the same seed gives the same numbers.
//!
//! Not for secrets: those are hashes of a salt that was drawn from the operating system (`person`).
use gsm_core::SplitMix64;
use std::time::Duration;

/// One word of state, good enough for players who only have to look alive.
#[derive(Debug, Clone)]
pub(super) struct Rng(SplitMix64);

impl Rng {
    /// A generator for what `parts` name: equal parts give equal numbers, all others unrelated ones.
    pub(super) fn of(seed: u64, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("gsm bots chance 1");
        hasher.update(&seed.to_be_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let mut bits = [0u8; 8];
        hasher.finalize_xof().fill(&mut bits);
        Self(SplitMix64::new(u64::from_be_bytes(bits)))
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0.0..1.0`.
    pub(super) fn unit(&mut self) -> f64 {
        self.0.unit()
    }

    /// Uniform in `0..end`; 0 if `end` is 0. The bias of the remainder is below 2^-32 for the small ends used here.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next_u64() % end as u64) as usize }
    }

    /// True so often: 0 is never, 1 always.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform between two times.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.unit())
    }

    /// Standard normal (Box and Muller).
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Standard Gumbel: the difference of two of them is standard logistic.
    pub(super) fn gumbel(&mut self) -> f64 {
        // Never 0 and never 1, where the logarithms end.
        let unit = self.unit().clamp(1e-12, 1.0 - 1e-12);
        -(-unit.ln()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_give_equal_numbers_and_others_do_not() {
        let draw = |seed, parts: &[&[u8]]| {
            let mut rng = Rng::of(seed, parts);
            [(); 4].map(|()| rng.next_u64())
        };
        assert_eq!(draw(7, &[b"a", b"b"]), draw(7, &[b"a", b"b"]));
        for other in [draw(8, &[b"a", b"b"]), draw(7, &[b"ab"]), draw(7, &[b"b", b"a"])] {
            assert_ne!(draw(7, &[b"a", b"b"]), other);
        }
    }

    #[test]
    fn draws_have_their_range_and_mean() {
        let mut rng = Rng::of(1, &[]);
        let mean = |draw: &mut dyn FnMut() -> f64| (0..20_000).map(|_| draw()).sum::<f64>() / 20_000.0;
        assert!((mean(&mut || rng.unit()) - 0.5).abs() < 0.01);
        assert!(mean(&mut || rng.normal()).abs() < 0.03);
        assert!((mean(&mut || rng.normal().powi(2)) - 1.0).abs() < 0.05);
        assert!((mean(&mut || rng.gumbel()) - 0.5772).abs() < 0.04); // Euler's constant
        assert!((0..1000).all(|_| rng.below(3) < 3) && rng.below(0) == 0);
        assert!(!rng.chance(0.0) && rng.chance(1.0));
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(2));
        assert!((0..1000).all(|_| (least..=most).contains(&rng.between(least, most))));
        assert_eq!(rng.between(most, least), most);
    }
}
