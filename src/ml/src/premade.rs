//! How much of a side came together, and what that is worth.
use crate::blr::Blr;
use serde::{Deserialize, Serialize};

/// How much of a side came together: the share of all pairs of its players who are of one party, `0.0..=1.0`. 0 where
/// nothing is known of parties, and of a single player.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Premade(f64);

impl Premade {
    /// Nobody, as far as is known.
    pub const NONE: Self = Self(0.0);

    /// Of a side by its players: how many of the side came together with each, the player included. In what order says
    /// nothing.
    pub fn of(sizes: impl IntoIterator<Item = u32>) -> Self {
        let (mut mates, mut players) = (0_u64, 0_u64);
        for size in sizes {
            mates += u64::from(size.saturating_sub(1));
            players += 1;
        }
        Self::share(mates, players)
    }

    /// Of a side by who came together; whoever of a party is not of this side does not count on it.
    pub fn among<T: PartialEq>(side: &[T], parties: &[Vec<T>]) -> Self {
        let of = |party: &Vec<T>| party.iter().filter(|member| side.contains(*member)).count() as u64;
        let mates = parties.iter().map(of).map(|size| size * size.saturating_sub(1)).sum();
        Self::share(mates, side.len() as u64)
    }

    fn share(mates: u64, players: u64) -> Self {
        if players < 2 {
            return Self::NONE;
        }
        Self((mates as f64 / (players * (players - 1)) as f64).min(1.0))
    }

    /// The share.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// What is believed at first: nothing, and that it is hardly worth more than two in three.
const VARIANCE: f64 = 0.25;
/// The share of that variance that a match adds.
const FORGETTING: f64 = 1e-4;

/// What it is worth in a mode that a side came together: a regression of one weight above the others. A match of which no party
/// is known leaves it as it is, and it leaves such a match as it is, to the bit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PremadeWeight(Blr<1>);

impl PremadeWeight {
    pub(crate) fn new() -> Self {
        Self(Blr::new([0.0], [VARIANCE], FORGETTING))
    }

    /// What it adds to the logit of the first side, of so much more that came together there.
    pub(crate) fn extra(&self, lead: f64) -> f64 {
        self.0.logit(&[lead])
    }

    /// The variance of that.
    pub(crate) fn variance(&self, lead: f64) -> f64 {
        self.0.variance(&[lead])
    }

    /// Learns from a result `y` that counts `weight` times; `offset` is the logit of the others.
    pub(crate) fn learn(&mut self, lead: f64, y: f64, weight: f64, offset: f64) {
        self.0.learn(&[lead], y, weight, offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_by_hand() {
        let of = |sizes: &[u32]| Premade::of(sizes.iter().copied()).get();
        assert_eq!((of(&[]), of(&[1]), of(&[1, 1, 1])), (0.0, 0.0, 0.0));
        assert_eq!((of(&[2, 2]), of(&[5; 5])), (1.0, 1.0));
        // Three and two of five: four pairs of ten.
        assert_eq!((of(&[3, 2, 3, 2, 3]), of(&[1, 3, 3, 1, 3])), (0.4, 0.3));
        // What no side has is not more than all.
        assert_eq!(of(&[40, 40]), 1.0);
    }

    #[test]
    fn who_came_together_tells_the_same() {
        let parties = [vec![1, 2, 9], vec![3], vec![4, 5]];
        assert_eq!(Premade::among(&[1, 2, 3, 4, 5], &parties), Premade::of([2, 2, 1, 2, 2]));
        assert_eq!(Premade::among(&[9], &parties), Premade::NONE);
        assert_eq!(Premade::among(&[7, 8], &parties), Premade::NONE);
    }

    #[test]
    fn what_is_not_known_teaches_nothing() {
        let mut weight = PremadeWeight::new();
        weight.learn(0.0, 1.0, 1.0, 0.3);
        assert_eq!((weight.extra(0.0), weight.variance(0.0)), (0.0, 0.0));
        assert_eq!((weight.extra(1.0), weight.variance(1.0)), (0.0, VARIANCE));
        for nth in 0..400_u32 {
            let side = if nth % 2 == 0 { 1.0 } else { -1.0 };
            let y = if nth % 10 == 0 { -side } else { side };
            weight.learn(side, (y + 1.0) / 2.0, 1.0, 0.0);
        }
        assert!((weight.extra(1.0) - 9.0_f64.ln()).abs() < 0.4 && weight.extra(-1.0) == -weight.extra(1.0));
    }
}
