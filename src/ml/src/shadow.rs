//! Weights in the shadow of a model: they look at what it looks at, and know no players of their own. How fast skill moves
//! is seen by players alone, so that what they take it to be stays what they began with.
use crate::field::{Field, each_pair, learn_pair};
use crate::meeting::Outcome;
use crate::model::Model;
use crate::{Features, MlError};

impl Model {
    /// The score that each side of a free-for-all may expect by the weights of `self`; `leader` is who looked at it.
    /// O(sides).
    #[must_use]
    pub fn shares_beside(&self, leader: &Self, field: &Field) -> Vec<f64> {
        let shares = leader.shares_by(self, field);
        shares.expected.into_iter().map(|[own, ..]| own).collect()
    }

    /// Moves the weights by a match of two sides, as [`Model::learn`] does, and nothing else. O(features²).
    ///
    /// # Errors
    /// A score that is not finite; nothing has changed then.
    pub fn follow(&mut self, of: &Features, outcome: &Outcome) -> Result<(), MlError> {
        outcome.check()?;
        self.learn_weights(self.stacked(of), of, outcome);
        Ok(())
    }

    /// Moves the weights by a free-for-all, as [`Model::learn_field`] does, and nothing else; `leader` is who looked at it,
    /// and has not learnt from it yet. O(pairs looked at).
    pub fn follow_field(&mut self, leader: &Self, field: &Field, places: &[u32]) {
        if !self.held {
            let Self { field: stack, field_premade: premade, .. } = self;
            each_pair(&leader.experts, field, places, |of, y, weight, _| {
                learn_pair(stack, premade, of, y, weight);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Meeting, Prediction};
    use gsm_core::Timestamp;

    fn at(nth: u32) -> Timestamp {
        Timestamp::from_millis(i64::from(nth) * 3_600_000)
    }

    fn drawn(nth: u32, most: u32) -> u32 {
        (nth.wrapping_mul(2_654_435_761) >> 7) % most
    }

    fn but_for_interval(model: &Model, of: &Features) -> Prediction {
        Prediction { low: 0.0, high: 1.0, ..model.predict(of) }
    }

    /// Who follows with the same weights says the same, to the bit; who was held stays what it was.
    #[test]
    fn the_same_weights_in_the_shadow_say_the_same() {
        let mut leader = Model::new();
        let (mut shadow, mut held) = (leader.without_players(), leader.without_players());
        held.hold(true);
        for nth in 0..300 {
            let one = drawn(nth, 9);
            let other = (one + 1 + drawn(nth + 77, 8)) % 9;
            let (one, other) = ([one], [other]);
            let variant = (nth % 3 > 0).then_some((nth % 2) as u16);
            let meeting = Meeting { variant, ..Meeting::new(at(nth), &one, &other) };
            let of = leader.features(&meeting).unwrap();
            assert_eq!(shadow.chances(&of), leader.chances(&of));
            assert_eq!(but_for_interval(&shadow, &of), but_for_interval(&leader, &of));
            let outcome = Outcome {
                places: if one > other { [1, 2] } else { [2, drawn(nth, 2) + 1] },
                scores: [Some(f64::from(one[0])), Some(f64::from(other[0]))],
            };
            for model in [&mut shadow, &mut held] {
                model.follow(&of, &outcome).unwrap();
            }
            leader.learn(&meeting, &of, &outcome).unwrap();
        }
        let of = leader.features(&Meeting::new(at(301), &[1], &[7])).unwrap();
        assert_eq!(held.predict(&of), Model::new().predict(&of));
        assert_ne!(shadow.predict(&of), held.predict(&of));
        let bad = Outcome { places: [1, 2], scores: [Some(f64::NAN), Some(1.0)] };
        assert!(shadow.follow(&of, &bad).is_err());
        assert_eq!(but_for_interval(&shadow, &of), but_for_interval(&leader, &of));
        assert_eq!(shadow.records.len(), 0);
    }

    #[test]
    fn the_same_weights_in_the_shadow_say_the_same_of_free_for_alls() {
        let mut leader = Model::new();
        let (mut shadow, mut held) = (leader.without_players(), leader.without_players());
        held.hold(true);
        let sides: [&[u32]; 5] = [&[0], &[1], &[2], &[3], &[4]];
        for nth in 0..60 {
            let entry = Entry { at: at(nth), variant: None, sides: &sides, premade: &[] };
            let field = leader.field(&entry).unwrap();
            let own: Vec<f64> = leader.shares(&field).expected.into_iter().map(|[own, ..]| own).collect();
            assert_eq!(shadow.shares_beside(&leader, &field), own);
            assert!(nth < 30 || held.shares_beside(&leader, &field) != own);
            let places = [1, 2, 3, 4, 4].map(|place| if drawn(nth, 4) == 0 { 5 - place } else { place });
            shadow.follow_field(&leader, &field, &places);
            held.follow_field(&leader, &field, &places);
            leader.learn_field(&entry, &field, &places).unwrap();
        }
    }
}
