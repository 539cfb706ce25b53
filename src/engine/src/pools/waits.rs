//! How long the tickets of a queue waited that were matched lately.
use gsm_core::Millis;
use std::collections::VecDeque;

/// Waits that count.
const KEPT: usize = 256;

/// The waits of the last matched tickets.
#[derive(Debug, Default)]
pub(crate) struct Waits(VecDeque<u64>);

impl Waits {
    pub(crate) fn note(&mut self, wait: Millis) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(wait.get());
    }

    /// Their mean; nothing without any.
    pub(crate) fn mean(&self) -> Option<Millis> {
        let sum: u64 = self.0.iter().fold(0, |sum, wait| sum.saturating_add(*wait));
        sum.checked_div(self.0.len() as u64).map(Millis::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_the_last_ones() {
        let mut waits = Waits::default();
        assert_eq!(waits.mean(), None);
        waits.note(Millis::new(1_000_000));
        (0..KEPT as u64).for_each(|n| waits.note(Millis::new(n % 2 * 100)));
        assert_eq!(waits.mean(), Some(Millis::new(50)));
    }
}
