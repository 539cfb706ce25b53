use crate::field::Seen;
use crate::kalman::{Lesson, Opponent, Team};
use crate::{TrueSkillSettings, true_skill, weng_lin};

/// Memory that updates work in, kept by the caller so that a second match of the same size allocates nothing.
/// It carries nothing from one match to the next but what the last one teaches ([`crate::System::learn`]).
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The sides as the pairwise systems see them.
    pub(crate) seen: Vec<Seen>,
    /// The places, best first.
    pub(crate) places: Vec<u32>,
    /// A number a side.
    pub(crate) strengths: Vec<f64>,
    /// The sides as Weng-Lin sees them.
    pub(crate) teams: Vec<weng_lin::Team>,
    /// The sides as TrueSkill sees them, the chain of them, and its margin for draws.
    pub(crate) performances: Vec<true_skill::Team>,
    pub(crate) nodes: Vec<true_skill::Node>,
    margin: true_skill::Margin,
    /// The sides of the Kalman system, as they are and as their opponents see them.
    pub(crate) kalman: Vec<Team>,
    pub(crate) order: Vec<Opponent>,
    /// What the last match taught; none where nobody met anybody.
    pub(crate) lesson: Option<Lesson>,
}

impl Scratch {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The margin that follows from the settings.
    pub(crate) fn margin(&mut self, settings: &TrueSkillSettings) -> true_skill::Margin {
        self.margin.refresh(settings);
        self.margin
    }
}
