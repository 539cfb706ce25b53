//! How long players wait before they give up, learnt from a recording.
use crate::rng::Rng;
use gsm_core::Millis;

/// The share of tickets that has not cancelled by an age (Kaplan and Meier 1958): tickets that were matched before they
/// would have cancelled count as long as they waited.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Patience {
    /// Ages at which somebody cancelled, ascending, and the share that was left after.
    steps: Vec<(u64, f64)>,
}

impl Patience {
    /// Of waits, each with whether it ended by cancelling.
    pub(crate) fn learnt(mut waits: Vec<(Millis, bool)>) -> Self {
        // Of equal waits those that cancelled first: who was matched at that age was still there.
        waits.sort_unstable_by_key(|(wait, cancelled)| (*wait, !cancelled));
        let (mut left, mut share, mut steps) = (waits.len(), 1.0, Vec::new());
        for same in waits.chunk_by(|(a, _), (b, _)| a == b) {
            let gone = same.iter().filter(|(_, cancelled)| *cancelled).count();
            if let (Some((wait, _)), true) = (same.first(), gone > 0) {
                share *= 1.0 - gone as f64 / left as f64;
                steps.push((wait.get(), share));
            }
            left -= same.len();
        }
        Self { steps }
    }

    /// The share that has not cancelled at an age.
    fn share(&self, age: u64) -> f64 {
        let after = self.steps.partition_point(|(at, _)| *at <= age);
        after.checked_sub(1).and_then(|at| self.steps.get(at)).map_or(1.0, |(_, share)| *share)
    }

    /// An age at which a ticket cancels that has not until `waited`; nothing: not as far as was seen.
    pub(crate) fn beyond(&self, waited: Millis, rng: &mut Rng) -> Option<Millis> {
        let left = rng.unit() * self.share(waited.get());
        let from = self.steps.partition_point(|(at, _)| *at <= waited.get());
        let later = self.steps.get(from..)?;
        later.iter().find(|(_, share)| *share <= left).map(|(at, _)| Millis::new(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(waits: &[(u64, bool)]) -> Patience {
        Patience::learnt(waits.iter().map(|(wait, gone)| (Millis::new(*wait), *gone)).collect())
    }

    /// By hand: of 4 at risk one cancels at 10 (3/4); one is matched at 20; of 2 one cancels at 30 (3/8); the last at 40.
    #[test]
    fn shares_are_those_of_kaplan_and_meier() {
        let patience = learnt(&[(10, true), (20, false), (30, true), (40, false)]);
        assert_eq!(patience.steps, [(10, 0.75), (30, 0.375)]);
        assert_eq!([9, 10, 29, 30, 99].map(|age| patience.share(age)), [1.0, 0.75, 0.75, 0.375, 0.375]);
    }

    #[test]
    fn who_was_matched_cancels_later_as_often_as_those_who_were_not() {
        let patience = learnt(&[(10, true), (20, false), (30, true), (40, false)]);
        let mut rng = Rng::of(1, "t", &[]);
        let drawn: Vec<_> = (0..10_000).map(|_| patience.beyond(Millis::new(20), &mut rng)).collect();
        let at_30 = drawn.iter().filter(|at| **at == Some(Millis::new(30))).count();
        assert!(drawn.iter().all(|at| at.is_none() || *at == Some(Millis::new(30))));
        assert!((4_800..5_200).contains(&at_30), "{at_30} of 10,000 instead of a half");
        assert_eq!(learnt(&[]).beyond(Millis::ZERO, &mut rng), None);
    }
}
