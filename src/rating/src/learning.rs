//! Systems that learn more from a match than its players' ratings.
use crate::{KalmanSettings, Learnt, Offset, Rating, Scratch, System, kalman};
use gsm_core::Probability;

/// 1 when the first of two sides is at home, -1 when the second is, else 0.
pub(crate) fn home_sign(home: Option<usize>) -> f64 {
    match home {
        Some(0) => 1.0,
        Some(1) => -1.0,
        _ => 0.0,
    }
}

impl System {
    /// [`System::expected_pair`] by what has been learnt from the matches so far; systems that learn nothing ignore
    /// it.
    #[must_use]
    pub fn expected_learnt(
        &self,
        learnt: &Learnt,
        a: &[Rating],
        b: &[Rating],
        home: Option<usize>,
    ) -> Probability {
        let Self::Kalman(settings) = self else { return self.expected_pair(a, b, home) };
        kalman::expected_pair(settings, learnt, a, b, home_sign(home))
    }

    /// What a system that learns knows before the first match, by its settings; none for the others.
    #[must_use]
    pub fn nothing_learnt(&self) -> Option<Learnt> {
        match self {
            Self::Kalman(settings) => Some(settings.known()),
            _ => None,
        }
    }

    /// Whether it learns from matches more than its players' ratings.
    #[must_use]
    pub const fn learns(&self) -> bool {
        matches!(self, Self::Kalman(_))
    }

    /// The same system, knowing this; one that learns nothing is as it was.
    #[must_use]
    pub fn with_learnt(&self, learnt: &Learnt) -> Self {
        match self {
            Self::Kalman(settings) => {
                Self::Kalman(KalmanSettings { learnt: Some(*learnt), ..settings.clone() })
            }
            other => other.clone(),
        }
    }

    /// Learns from the match that [`System::update_into`] has just rated with this `scratch`. Whether there was anything to
    /// learn: a match of which only one side was there teaches nothing.
    pub fn learn(&self, learnt: &mut Learnt, scratch: &Scratch) -> bool {
        let (Self::Kalman(settings), Some(lesson)) = (self, &scratch.lesson) else { return false };
        learnt.learn(settings, lesson);
        true
    }

    /// A newcomer's offset in any variant of a mode; none where the system knows no variants.
    #[must_use]
    pub fn initial_offset(&self) -> Option<Offset> {
        match self {
            Self::Kalman(settings) if settings.variant_deviation > 0.0 => Some(settings.offset()),
            _ => None,
        }
    }
}
