//! A prediction before the logistic function makes a chance of it: what learners on top of ratings want to see.
use crate::learning::home_sign;
use crate::true_skill::TrueSkill;
use crate::{Learnt, Rating, System, kalman};

/// A lead of this much is certain enough, in natural units: the chance of what it excludes is `6e-16`.
const LEAD_MAX: f64 = 35.0;

/// What a system believes about the difference of two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lead {
    /// The logit of the expected score of the first side, `-35.0..=35.0`.
    pub logit: f64,
    /// The variance of the difference that it was made of, in natural units squared; 0 where a system knows none.
    pub variance: f64,
}

impl System {
    /// [`System::expected_learnt`] as a logit, with the uncertainty behind it; exchanging the sides turns its sign to
    /// the bit where the system is one of Elo, Glicko and Kalman. O(players).
    #[must_use]
    pub fn lead(&self, learnt: Option<&Learnt>, a: &[Rating], b: &[Rating], home: Option<usize>) -> Lead {
        let lead = match self {
            Self::Elo(settings) => crate::system::lead(settings, a, b, home),
            Self::Glicko(settings) => crate::system::lead(settings, a, b, home),
            Self::Kalman(settings) => {
                let sign = home_sign(home);
                match learnt {
                    Some(learnt) => kalman::lead(settings, learnt, a, b, sign),
                    None => kalman::lead(settings, &settings.known(), a, b, sign),
                }
            }
            Self::Glicko2(settings) => crate::system::lead(settings, a, b, home),
            Self::WengLin(settings) => crate::system::lead(settings, a, b, home),
            Self::TrueSkill(settings) => crate::system::lead(&TrueSkill::new(settings), a, b, home),
        };
        Lead { logit: lead.logit.clamp(-LEAD_MAX, LEAD_MAX), ..lead }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::logistic;
    use crate::{EloSettings, GlickoSettings, KalmanSettings, WengLinSettings};

    fn systems() -> [System; 5] {
        [
            System::Elo(EloSettings { home_advantage: 60.0, ..EloSettings::default() }),
            System::Glicko(GlickoSettings { home_advantage: 60.0, ..GlickoSettings::default() }),
            System::Kalman(KalmanSettings { home_advantage: 60.0, ..KalmanSettings::default() }),
            System::default(),
            System::WengLin(WengLinSettings::default()),
        ]
    }

    #[test]
    fn a_lead_is_the_logit_of_the_prediction() {
        for system in systems() {
            let new = system.initial();
            let team = |by: &[f64]| -> Vec<Rating> {
                by.iter().map(|by| Rating { mean: new.mean * by, ..new }).collect()
            };
            let (a, b) = (team(&[1.0, 1.07]), team(&[0.96, 1.01]));
            for home in [None, Some(0), Some(1)] {
                let lead = system.lead(None, &a, &b, home);
                let wanted = system.expected_pair(&a, &b, home).get();
                assert!((logistic(lead.logit) - wanted).abs() < 1e-12, "{system:?} {lead:?} {wanted}");
                if !matches!(system, System::Glicko2(_) | System::WengLin(_)) {
                    let other = system.lead(None, &b, &a, home.map(|home| 1 - home));
                    assert_eq!((other.logit, other.variance), (-lead.logit, lead.variance), "{system:?}");
                }
            }
        }
    }

    #[test]
    fn only_a_system_with_deviations_has_a_variance() {
        let variance = |system: &System| {
            let new = system.initial();
            system.lead(None, &[new], &[new], None).variance
        };
        let [elo, glicko, kalman, ..] = systems();
        assert_eq!(variance(&elo), 0.0);
        let points = crate::GlickoSettings::POINTS;
        assert!((variance(&glicko) - 2.0 * (350.0 / points) * (350.0 / points)).abs() < 1e-12);
        assert!(variance(&kalman) > 0.5);
    }
}
