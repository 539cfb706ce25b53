//! Seeded chance: the same seed gives the same numbers, on every platform.
use gsm_core::SplitMix64;

/// One word of state.
#[derive(Debug, Clone)]
pub(crate) struct Rng(SplitMix64);

impl Rng {
    /// A generator for what `topic` and `numbers` name: others give unrelated numbers. So that one ticket's dice do not
    /// depend on how many tickets came before, nor on what else is drawn.
    pub(crate) fn of(seed: u64, topic: &str, numbers: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("gsm traffic chance 1");
        hasher
            .update(&seed.to_be_bytes())
            .update(&(topic.len() as u64).to_be_bytes())
            .update(topic.as_bytes());
        for number in numbers {
            hasher.update(&number.to_be_bytes());
        }
        let mut bits = [0_u8; 8];
        hasher.finalize_xof().fill(&mut bits);
        Self(SplitMix64::new(u64::from_be_bytes(bits)))
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.unit()
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
    }

    /// Exponential with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// An index, each as often as its weight says; nothing of no weight at all.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut last = None;
        for (at, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
            last = Some(at);
            if left < weight {
                return last;
            }
            left -= weight;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_means_and_other_names_other_numbers() {
        let mut rng = Rng::of(1, "a", &[2]);
        let mean = |draw: &mut dyn FnMut() -> f64| (0..40_000).map(|_| draw()).sum::<f64>() / 40_000.0;
        assert!((mean(&mut || rng.exponential(3.0)) - 3.0).abs() < 0.06);
        assert!((mean(&mut || rng.normal().powi(2)) - 1.0).abs() < 0.04);
        let second = mean(&mut || f64::from(rng.weighted([1.0, 3.0, 0.0].into_iter()) == Some(1)));
        assert!((second - 0.75).abs() < 0.01, "{second}");
        assert_eq!(rng.weighted(std::iter::empty()), None);
        let first = |topic, numbers: &[u64]| Rng::of(1, topic, numbers).0.next_u64();
        assert_eq!(first("a", &[2]), first("a", &[2]));
        assert_ne!(first("a", &[2]), first("a", &[3]));
        assert_ne!(first("a", &[]), first("b", &[]));
    }
}
