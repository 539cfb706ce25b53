//! Whether the matcher and the model treat all parts of the players alike.
use super::{
    live::{Person, Scored, hit},
    segments::{Parts, Segment},
};
use gsm_ml::log_loss;
use serde::{Deserialize, Serialize};

/// So many losses in a row are a bad streak.
pub(super) const STREAK: u16 = 3;

/// Sums over players' matches.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    /// Players' matches; of those the ones that were predicted, and whose wait is known.
    pub(super) matches: u64,
    pub(super) predicted: u64,
    pub(super) waited: u64,
    pub(super) reached: f64,
    /// Of those that were predicted: what was expected, what was reached, how even it was to be.
    pub(super) expected: f64,
    pub(super) reached_predicted: f64,
    pub(super) quality: f64,
    pub(super) log_loss: f64,
    /// Of those that were predicted and whose side did better or worse than half: whether that was predicted.
    pub(super) decided: u64,
    pub(super) hits: f64,
    pub(super) wait_ms: f64,
    pub(super) wait_ms_max: u64,
    /// Matches after which a player had lost [`STREAK`] or more in a row, and the longest such row.
    pub(super) in_streak: u64,
    pub(super) streak_max: u16,
}

impl Sums {
    fn add(&mut self, person: &Person, quality: f64, losses: u16) {
        self.matches += 1;
        self.reached += person.reached;
        if let Some(expected) = person.expected {
            self.predicted += 1;
            self.expected += expected;
            self.reached_predicted += person.reached;
            self.quality += quality;
            self.log_loss += log_loss(expected, person.reached);
            if let Some(hit) = hit(expected, person.reached) {
                self.decided += 1;
                self.hits += hit;
            }
        }
        if let Some(wait_ms) = person.wait_ms {
            self.waited += 1;
            self.wait_ms += wait_ms as f64;
            self.wait_ms_max = self.wait_ms_max.max(wait_ms);
        }
        self.in_streak += u64::from(losses >= STREAK);
        self.streak_max = self.streak_max.max(losses);
    }
}

/// Sums by part, and how many matches each player has lost in a row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Fairness {
    losses: Vec<u16>,
    pub(super) all: Sums,
    pub(super) parts: Parts<Sums>,
}

impl Fairness {
    pub(super) fn add(&mut self, scored: &Scored, numbers: &[Vec<u32>]) {
        for (number, person) in numbers.iter().flatten().zip(&scored.players) {
            let at = *number as usize;
            if self.losses.len() <= at {
                self.losses.resize(at + 1, 0);
            }
            let Some(losses) = self.losses.get_mut(at) else { continue };
            *losses = if person.reached < 0.5 { losses.saturating_add(1) } else { 0 };
            let losses = *losses;
            self.all.add(person, scored.quality, losses);
            for segment in Segment::all(person.region.as_ref(), person.party, person.games) {
                self.parts.of(segment).add(person, scored.quality, losses);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Timestamp;

    /// A player who wins or loses one match after another, and how often he was in a bad streak.
    fn streaks(reached: &[f64]) -> (u64, u64, u16) {
        let mut fairness = Fairness::default();
        for reached in reached {
            let (party, games, region) = (1, 0, None);
            let person = Person { party, region, games, expected: None, reached: *reached, wait_ms: None };
            let scored = Scored {
                scores: Vec::new(),
                beside: None,
                shadows: Vec::new(),
                quality: 1.0,
                at: Timestamp::EPOCH,
                region: None,
                players: vec![person],
            };
            fairness.add(&scored, &[vec![0]]);
        }
        (fairness.all.in_streak, fairness.all.matches, fairness.all.streak_max)
    }

    #[test]
    fn each_loss_from_the_third_of_a_row_on_is_in_a_bad_streak() {
        assert_eq!(streaks(&[0.0, 0.0, 1.0, 0.0, 0.0]), (0, 5, 2));
        assert_eq!(streaks(&[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]), (3, 7, 5));
        // One that has not ended yet counts as well; a draw ends one.
        assert_eq!(streaks(&[0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]), (2, 7, 3));
    }
}
